/** Counts what may run at once, and how often, for all processes on the store. Instants are milliseconds. */
export interface LimitStore {
  /**
   * Takes one of the `maxTokens` tokens of `scope` for the task, until `expireAt`; a token that it holds already is kept,
   * and lasts as long. False: all are taken.
   */
  acquireToken(scope: string, taskId: string, maxTokens: number, expireAt: number): Promise<boolean>;

  /** False: the task holds no token; perhaps its time was over and another took it. */
  releaseToken(scope: string, taskId: string): Promise<boolean>;
}
