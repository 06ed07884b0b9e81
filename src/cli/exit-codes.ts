/** What the command's exit code says. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** A wrong command line, or something that was refused before anything was done. */
  refused: 2,
  /** Something is left for other servers to recover, as `Server.run()` says. */
  left: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
