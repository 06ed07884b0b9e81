/** When a periodic task is due. Instants are milliseconds since the epoch. */
export interface Schedule {
  /** The first instant after `after`, never `after` itself; `undefined`: there is none. */
  next(after: number): number | undefined;
}
