import type { MatchingResult } from "titanqueue";
import { tellStopped, type Watch, watched } from "../bulk.ts";
import { confirm } from "../confirm.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { count, tasks } from "../progress.ts";
import type { Session } from "../session.ts";
import { taskJson } from "../task-json.ts";
import { FOUND } from "./search.ts";

/** A change of all tasks that meet a filter, as a command puts it. */
export interface Matching {
  /** As in `delete`. */
  readonly change: string;
  readonly doing: string;
  readonly done: string;
  readonly dryRun: boolean | undefined;
  readonly yes: boolean | undefined;
  readonly work: (options: Watch & { readonly dryRun: boolean }) => Promise<MatchingResult>;
}

/** Looks first where a person is to be asked, so that they know how many tasks they speak of. */
export async function changeMatching({ out, place }: Session, matching: Matching): Promise<ExitCode> {
  const { change, doing, done, dryRun = false, yes, work } = matching;
  const run = async (what: string, dry: boolean) => {
    const { result } = await watched(out, what, (watch) => work({ ...watch, dryRun: dry }));
    if (result === undefined) throw new Error("a bulk operation answers when it is stopped");
    return result;
  };
  if (!dryRun && !yes) {
    const seen = await run("looked at", true);
    if (seen.stopped) return tellStopped(out, { done: 0, total: seen.total });
    await confirm(out, { what: `${change} ${tasks(seen.matched)} at ${place.shown}`, yes });
  }
  const result = await run(dryRun ? "looked at" : doing, dryRun);
  const { changed, matched, sample, total, stopped } = result;
  if (out.mode !== "text") {
    out.say({ change, dryRun, matched, changed, total, stopped, sample: sample.map(taskJson) }, "");
  } else if (dryRun) {
    out.list({ name: "sample", items: sample, look: { columns: FOUND } });
    out.note(`${count(matched)} of ${count(total)} tasks match; nothing was changed`);
  } else
    out.say(
      {},
      `${count(changed)} of ${count(matched)} matching tasks ${changed === 1 ? "is" : "are"} ${done}`,
    );
  return stopped ? tellStopped(out, { done: dryRun ? matched : changed, total }) : EXIT.ok;
}
