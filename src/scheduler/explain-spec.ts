import { InvalidOptionError } from "../errors.ts";
import { parseCronSpec } from "./cron-spec.ts";
import { specWords } from "./spec-words.ts";

/** What a scheduler takes a spec for. */
export interface ExplainedSpec {
  /** As entries hold it: with its time zone as `CRON_TZ=`, unless that is UTC. */
  readonly spec: string;
  /** `every hour`, `at 06:00 in Europe/Rome on weekdays`; `undefined`: it takes more than a few words. */
  readonly words: string | undefined;
  /** Of `@every`, in milliseconds. */
  readonly every: number | undefined;
  /**
   * The first times after an instant, at most 100; fewer or none where there are no more.
   *
   * @throws {@link InvalidOptionError} the instant is none, or the count is not from 1 to 100.
   */
  runs(after: Date, count: number): Date[];
}

const MOST_RUNS = 100;

/**
 * What a scheduler takes a spec for, as {@link Scheduler.register} has it: to be shown before it is used.
 *
 * @param options.timezone - of a spec that names none. Default `"UTC"`
 * @throws {@link CronSpecInvalidError} it cannot be understood; it says where, and what may have been meant.
 * @example explainSpec("0 6 * * *", { timezone: "Europe/Rome" }).words; // "at 06:00 in Europe/Rome"
 */
export function explainSpec(spec: string, options: { timezone?: string | undefined } = {}): ExplainedSpec {
  const { text, schedule, meaning } = parseCronSpec(spec, options.timezone);
  return {
    spec: text,
    words: specWords(meaning),
    every: "every" in meaning ? meaning.every : undefined,
    runs(after, count) {
      if (Number.isNaN(after.getTime())) throw new InvalidOptionError("after", "expected a valid date");
      if (!Number.isInteger(count) || count < 1 || count > MOST_RUNS) {
        throw new InvalidOptionError("count", `expected a whole number from 1 to ${MOST_RUNS}`);
      }
      const runs: Date[] = [];
      for (let at: number | undefined = after.getTime(); runs.length < count; ) {
        at = schedule.next(at);
        if (at === undefined) break;
        runs.push(new Date(at));
      }
      return runs;
    },
  };
}
