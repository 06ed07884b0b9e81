/** What stands for itself: it is compared as a whole. */
type Whole = string | number | bigint | boolean | symbol | null | undefined | Date | Uint8Array;

/** Some of `T`: objects may leave out members, at any depth. Lists have all their items, of which each may be partial. */
export type DeepPartial<T> = T extends Whole
  ? T
  : T extends readonly unknown[]
    ? { [K in keyof T]: DeepPartial<T[K]> }
    : T extends object
      ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
      : T;
