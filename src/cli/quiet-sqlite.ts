/**
 * Keeps Node.js 22 from calling its own SQLite experimental on standard error, where operators and programs look for
 * errors. All other warnings stay.
 */
export function keepSqliteQuiet(): void {
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite")) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
}
