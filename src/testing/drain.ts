import type { MemoryStore } from "../engine/memory/store.ts";
import { InvalidOptionError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";
import type { Attempts } from "./attempts.ts";
import { endless, MOST_ATTEMPTS } from "./endless.ts";
import type { Passage } from "./passage.ts";
import { type DrainReport, drainReport, type Performed } from "./performed.ts";
import { nextDue, queuesIn, readyQueue } from "./store-view.ts";

export interface DrainOptions {
  /** Only tasks of this queue. @defaultValue every queue */
  queue?: string | undefined;
  /** Turn the clock to scheduled tasks, too. @defaultValue false */
  scheduled?: boolean | undefined;
  /** Turn the clock to failed tasks that are to be tried again, too. @defaultValue false */
  retries?: boolean | undefined;
  /** Attempts after which it is given up. @defaultValue 10,000 */
  limit?: number | undefined;
}

export interface DrainTools {
  readonly store: MemoryStore;
  readonly attempts: Attempts;
  readonly passage: Passage;
  readonly onPerformed: (performed: Performed) => void;
}

/** Runs one task after the other until none of those that are meant is left. */
export async function drain(options: DrainOptions, tools: DrainTools): Promise<DrainReport> {
  const { queue, states, limit } = checkDrainOptions(options);
  const { store, attempts, passage, onPerformed } = tools;
  const ran: Performed[] = [];

  async function runPending(): Promise<void> {
    for (let name = ready(); name !== undefined; name = ready()) {
      if (ran.length >= limit) throw endless(ran.length);
      for (const leased of await attempts.lease(name, 1)) {
        const performed = await attempts.run(leased, name);
        ran.push(performed);
        onPerformed(performed);
      }
    }
  }
  const ready = () => readyQueue(queuesIn(store, queue));

  await passage.now();
  await runPending();
  for (let due = nextDue(queuesIn(store, queue), states); due !== undefined; ) {
    await passage.to(due, runPending);
    due = nextDue(queuesIn(store, queue), states);
  }
  return drainReport(ran);
}

function checkDrainOptions(options: DrainOptions) {
  requireKnownNames("drain", options, ["queue", "scheduled", "retries", "limit"]);
  const { queue, scheduled = false, retries = false, limit = MOST_ATTEMPTS } = options;
  for (const [name, flag] of Object.entries({ scheduled, retries })) {
    if (typeof flag !== "boolean")
      throw new InvalidOptionError(name, `expected true or false; got ${String(flag)}`);
  }
  if (!Number.isInteger(limit) || limit < 1) {
    throw new InvalidOptionError("limit", `expected a whole number from 1; got ${String(limit)}`);
  }
  return {
    queue: queue === undefined ? undefined : requireNonBlank("queue", queue),
    states: [...(scheduled ? (["scheduled"] as const) : []), ...(retries ? (["retry"] as const) : [])],
    limit,
  };
}
