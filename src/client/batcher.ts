import type { Broker } from "../broker/broker.ts";
import type { EnqueueAnswer, EnqueueEntry } from "../broker/enqueue-entry.ts";
import type { Clock } from "../runtime/clock.ts";

/** Bounds of one batch, `docs/protocol.md` 18.8. One entry always fits. */
const MAX_ENTRIES = 200;
const MAX_BYTES = 256 * 1_024;
/** What an entry takes beside its payload, about. */
const ENTRY_BYTES = 256;
/** Enough to keep the engine busy while we compose; more would only make batches smaller. */
const MAX_IN_FLIGHT = 4;
/** An engine that answers nothing for so long gets all that waits, so that every call meets its own time limit. */
const STALL = 100;

type Settle = (answer: EnqueueAnswer) => void;

class Batch {
  readonly entries: EnqueueEntry[] = [];
  readonly settles: Settle[] = [];
  bytes = 0;
}

/**
 * Lets the enqueues of one turn of the event loop travel together.
 *
 * Nothing waits for company: an entry that finds the engine idle leaves as soon as the calls around it have run.
 * While batches are under way, entries gather until the turn ends; while four are under way, until one of them is
 * answered. So batches grow with the load, and by themselves.
 */
export class Batcher {
  readonly #broker: Pick<Broker, "enqueue">;
  readonly #clock: Pick<Clock, "setTimer">;
  /** Full batches that wait for one in flight to end. */
  readonly #full: Batch[] = [];
  #filling = new Batch();
  #inFlight = 0;
  #flushDue = false;
  #settledBatches = 0;
  #stallWatched = false;

  constructor(broker: Pick<Broker, "enqueue">, clock: Pick<Clock, "setTimer">) {
    this.#broker = broker;
    this.#clock = clock;
  }

  /** Resolves with the engine's answer; a call that failed as a whole is an answer too. */
  add(entry: EnqueueEntry): Promise<EnqueueAnswer> {
    return new Promise((settle) => {
      const bytes = ENTRY_BYTES + (entry.message.payload?.length ?? 0);
      if (this.#filling.bytes + bytes > MAX_BYTES) this.#closeBatch();
      this.#filling.entries.push(entry);
      this.#filling.settles.push(settle);
      this.#filling.bytes += bytes;
      if (this.#filling.entries.length === MAX_ENTRIES) this.#closeBatch();
      this.#scheduleFlush();
    });
  }

  #someWait(): boolean {
    return this.#full.length > 0 || this.#filling.entries.length > 0;
  }

  #closeBatch(): void {
    if (this.#filling.entries.length === 0) return;
    this.#full.push(this.#filling);
    this.#filling = new Batch();
    this.#pump();
  }

  #scheduleFlush(): void {
    if (this.#flushDue || this.#filling.entries.length === 0) return;
    this.#flushDue = true;
    if (this.#inFlight === 0) process.nextTick(this.#flush);
    else setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushDue = false;
    if (this.#inFlight < MAX_IN_FLIGHT) this.#closeBatch();
    else this.#watchForStall();
  };

  #pump(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#full.length > 0) this.#send(this.#full.shift() as Batch);
    if (this.#full.length > 0) this.#watchForStall();
  }

  #send({ entries, settles }: Batch): void {
    this.#inFlight += 1;
    this.#broker.enqueue(entries).then(
      (answers) => {
        this.#settled();
        for (let i = 0; i < settles.length; i++) (settles[i] as Settle)(answers[i] as EnqueueAnswer);
      },
      (error: Error) => {
        this.#settled();
        for (const settle of settles) settle({ status: "failed", error });
      },
    );
  }

  #settled(): void {
    this.#inFlight -= 1;
    this.#settledBatches += 1;
    this.#pump();
    this.#scheduleFlush();
  }

  #watchForStall(): void {
    if (this.#stallWatched) return;
    this.#stallWatched = true;
    const settledBefore = this.#settledBatches;
    this.#clock.setTimer(STALL, () => {
      this.#stallWatched = false;
      if (!this.#someWait()) return;
      if (this.#settledBatches === settledBefore) this.#sendAll();
      else this.#watchForStall();
    });
  }

  #sendAll(): void {
    this.#closeBatch();
    for (const batch of this.#full.splice(0)) this.#send(batch);
  }
}
