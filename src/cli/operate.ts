import type { Command } from "commander";
import { keepAlive } from "../runtime/keep-alive.ts";
import { findPlace } from "./engine-url.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Output, type OutputOptions } from "./output.ts";
import { Session } from "./session.ts";
import { told } from "./told-error.ts";

/** Options of every operator's command. */
export interface GlobalOptions extends OutputOptions {
  readonly url?: string;
}

/** Does one command's work. Resolves with its exit code; nothing means 0. */
export type Operation<O, W extends readonly unknown[]> = (
  session: Session,
  options: O & GlobalOptions,
  ...words: W
) => Promise<ExitCode | undefined>;

/** Where commands leave the exit code. */
export interface Exit {
  code: ExitCode;
}

type Action = (...given: unknown[]) => Promise<void>;

/** Makes an operation the action of a command: finds the engine, tells what goes wrong, and closes. */
export function operate<O, W extends readonly unknown[] = []>(exit: Exit, run: Operation<O, W>): Action {
  return acting<O, W>(exit, async (out, options, ...words) => {
    const place = findPlace(options.url);
    for (const { code, message } of place.warnings) out.warn(code, message);
    const session = new Session(place, out);
    // A pause between two steps, and a connection without a question, would let the process end.
    const settled = keepAlive();
    try {
      return await run(session, options, ...words);
    } catch (error) {
      const problem = told(error, place);
      out.error(problem);
      return problem.exit;
    } finally {
      await session.close();
      settled();
    }
  });
}

/** The same for a command that needs no engine. */
export function acting<O, W extends readonly unknown[] = []>(
  exit: Exit,
  run: (
    out: Output,
    options: O & GlobalOptions,
    ...words: W
  ) => ExitCode | undefined | Promise<ExitCode | undefined>,
): Action {
  return async (...given) => {
    // Commander hands over the words, the options and the command.
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    const words = given.slice(0, -2) as unknown as W;
    const out = new Output(options);
    try {
      exit.code = (await run(out, options, ...words)) ?? EXIT.ok;
    } catch (error) {
      const problem = told(error);
      out.error(problem);
      exit.code = problem.exit;
    }
    await out.flushed();
  };
}
