import type { Broker } from "../../broker/broker.ts";
import type { EnqueueAnswer, EnqueueEntry } from "../../broker/enqueue-entry.ts";
import { AmbiguousEnqueueError, SqliteError, TitanQueueError } from "../../errors.ts";

/**
 * Keeps entries of one call from failing for each other's sake: where one of them cannot be stored, each is tried by
 * itself. A file that cannot be used is no entry's fault, so nothing is tried again.
 */
export function enqueueApart(enqueue: Broker["enqueue"]): Broker["enqueue"] {
  return async (entries, options) => {
    let answers = await enqueue(entries, options);
    const [first] = answers;
    if (entries.length > 1 && first?.status === "failed" && mayBeAnEntrys(first.error)) {
      answers = (await Promise.all(entries.map((entry) => enqueue([entry], options)))).flat();
    }
    return answers.map((answer, i) => withDoubt(answer, entries[i] as EnqueueEntry));
  };
}

function mayBeAnEntrys(error: Error): boolean {
  return error instanceof SqliteError ? !error.inDoubt : !(error instanceof TitanQueueError);
}

function withDoubt(answer: EnqueueAnswer, { message }: EnqueueEntry): EnqueueAnswer {
  if (answer.status !== "failed") return answer;
  const { error } = answer;
  if (!(error instanceof SqliteError && error.inDoubt)) return answer;
  return { status: "failed", error: new AmbiguousEnqueueError(message.queue, message.id, { cause: error }) };
}
