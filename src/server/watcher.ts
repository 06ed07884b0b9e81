import type { Broker, QueueWatch, Wake, WatchKind } from "../broker/broker.ts";
import type { Component } from "../runtime/component.ts";

/** How much rarer a queue is polled while news of it come at once: then polling is only the safety net. */
const SAFETY_FACTOR = 10;

/** The server's one watch over its queues: the parts ask it for news, and the news go to `wake`. */
export class Watcher implements Component {
  readonly name = "watcher";
  readonly #broker: Pick<Broker, "watch">;
  readonly #wake: Wake;
  #watch: QueueWatch | undefined;

  constructor(broker: Pick<Broker, "watch">, wake: Wake) {
    this.#broker = broker;
    this.#wake = wake;
  }

  async start(): Promise<void> {
    this.#watch ??= this.#broker.watch(this.#wake);
  }

  async stop(): Promise<void> {
    await this.#watch?.close();
  }

  /** Asks for one piece of news. */
  arm(queue: string, kind: WatchKind): void {
    this.#watch?.arm(queue, kind);
  }

  /** News come at once. */
  get live(): boolean {
    return this.#watch?.live ?? false;
  }

  /** Milliseconds between polls, where `interval` is right for a store that tells no news. */
  pollInterval(interval: number): number {
    return this.live ? interval * SAFETY_FACTOR : interval;
  }
}
