import { inspect } from "node:util";
import { EngineUrlInvalidError, EngineUrlMissingError, TitanQueueError } from "titanqueue";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** The command line asks for what cannot be. The message names the remedy. */
export class Refusal extends Error {}

/** What was asked for failed, and the message says all there is to say. */
export class Failure extends Error {}

/** The user's file failed while it was loaded; `cause` is what it failed with. */
export class LoadFailure extends Error {
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`cannot load ${file}`, { cause });
    this.file = file;
  }
}

/** Ends the process: with a line where the line says all, else with the place in somebody's code. */
export function endWith(error: unknown): void {
  if (error instanceof LoadFailure) {
    tell(`${error.message}:`);
    endWithCause(error.cause);
  } else if (isRefusal(error)) sayAndExit(error.message, EXIT.refused);
  else if (error instanceof Failure) sayAndExit(error.message, EXIT.failed);
  else showAndExit(error);
}

function endWithCause(cause: unknown): void {
  if (!(cause instanceof Error)) showAndExit(cause);
  // A compiler's message holds the place, and its stack is the compiler's.
  else if (cause.name === "TransformError") {
    process.stderr.write(`${cause.message}\n`);
    process.exit(EXIT.failed);
  } else if (cause instanceof SyntaxError && cause.stack?.startsWith(cause.name)) crash(cause);
  else {
    if ((cause as NodeJS.ErrnoException).code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") tell(MORE_THAN_TYPES);
    showAndExit(cause);
  }
}

const MORE_THAN_TYPES =
  'Node.js runs TypeScript by leaving its types out, and this is more: npm install tsx, and set NODE_OPTIONS="--import tsx"';

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Refusal ||
    error instanceof EngineUrlMissingError ||
    error instanceof EngineUrlInvalidError
  );
}

function sayAndExit(text: string, code: ExitCode): void {
  tell(text);
  process.exit(code);
}

function showAndExit(error: unknown): void {
  process.stderr.write(`${error instanceof TitanQueueError ? error.stack : inspect(error)}\n`);
  process.exit(EXIT.failed);
}

function tell(text: string): void {
  process.stderr.write(`titanqueue: ${text}\n`);
}

/**
 * Throws where nobody catches: Node.js ends with code 1, and prints what it alone knows, the place of a syntax error that
 * does not tell.
 */
function crash(error: SyntaxError): void {
  process.removeAllListeners("uncaughtException");
  setImmediate(() => {
    throw error;
  });
}
