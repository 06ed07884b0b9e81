import { createInterface } from "node:readline/promises";
import { Failure, Refusal } from "./ending.ts";
import type { Output } from "./output.ts";
import { safe } from "./safe-text.ts";

export interface Question {
  /** What is about to be done, as in `delete 1,200 archived tasks of queue "low"`. */
  readonly what: string;
  /** `--yes` was given. */
  readonly yes: boolean | undefined;
  /** To be typed in full, for what is worse than a slip of a finger. @defaultValue "y" will do */
  readonly word?: string;
}

/**
 * Asks a person before something that cannot be taken back.
 *
 * @throws {@link Refusal} nobody can be asked, and `--yes` was not given.
 * @throws {@link Failure} the answer is no.
 */
export async function confirm(out: Output, { what, yes, word }: Question): Promise<void> {
  if (yes) return;
  if (out.mode !== "text" || process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new Refusal(`would ${what}, and nobody can be asked; add --yes`);
  }
  const how = word === undefined ? "[y/N]" : `type ${JSON.stringify(safe(word))} to go on:`;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  lines.once("SIGINT", () => left.abort());
  lines.once("close", () => left.abort());
  try {
    const answer = await lines.question(`${safe(what)}? ${how} `, { signal: left.signal });
    const agreed = word === undefined ? /^y(es)?$/i.test(answer.trim()) : answer.trim() === safe(word);
    if (agreed) return;
  } catch (error) {
    if (!left.signal.aborted) throw error;
    process.stderr.write("\n");
  } finally {
    lines.close();
  }
  throw new Failure("nothing was done");
}
