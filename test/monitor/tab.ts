import { expect } from "vitest";
import type { Delta, EngineState, Snapshot } from "../../src/monitor/api.ts";

export interface Event {
  readonly name: string;
  readonly id: string;
  readonly data: Snapshot & Delta;
}

/** One tab that listens. */
export class Tab {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";
  comments = 0;

  constructor(response: Response) {
    expect(response.status).toBe(200);
    this.#reader = response.body!.getReader();
  }

  static async open(url: URL, topics = "overview", headers: Record<string, string> = {}): Promise<Tab> {
    return new Tab(await fetch(new URL(`/api/live?topics=${topics}`, url), { headers }));
  }

  async next(): Promise<Event> {
    for (;;) {
      const block = await this.#block();
      if (block.startsWith(":")) {
        this.comments += 1;
        continue;
      }
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
      return { name: field("event"), id: field("id"), data: JSON.parse(field("data")) };
    }
  }

  /** Reads until the engine is said to be so. */
  async until(status: EngineState["status"]): Promise<Event> {
    for (;;) {
      const event = await this.next();
      if (event.data.engine?.status === status) return event;
    }
  }

  /** Reads until a comment has come. */
  async comment(): Promise<string> {
    for (;;) {
      const block = await this.#block();
      if (block.startsWith(": still here")) return block;
    }
  }

  async #block(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end !== -1) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the stream has ended");
      this.#text += Buffer.from(value).toString();
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}
