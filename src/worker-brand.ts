/** Marks worker definitions, so that two copies of the package (the command's and the file's) know each other's. */
export const workerBrand: unique symbol = Symbol.for("titanqueue.worker") as never;

/** Whether `value` came from `defineWorker`, of whatever copy of the package. */
export function isWorker(value: unknown): boolean {
  return typeof value === "object" && value !== null && workerBrand in value;
}
