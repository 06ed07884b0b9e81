/** How programs are called that Node.js runs, with the help of tsx at most. */
export const EXTENSIONS = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"];
