
/** Marks tasks, so that two copies of the package know each other's. */
export const taskBrand: unique symbol = Symbol.for("titanqueue.task") as never;

export type Headers = Readonly<Record<string, string>>;
