import { Client, createEngine, type Engine, Inspector } from "titanqueue";
import { silentLogger } from "../runtime/logger.ts";
import type { Place } from "./engine-url.ts";
import type { Output } from "./output.ts";

/** What one command works with: the engine, and where its answer goes. */
export class Session {
  readonly out: Output;
  readonly place: Place;
  readonly #engine: Engine;
  #inspector: Inspector | undefined;
  #client: Client | undefined;

  constructor(place: Place, out: Output) {
    this.place = place;
    this.out = out;
    // What goes wrong is told once, by the command.
    this.#engine = createEngine(place.url, { logger: silentLogger });
  }

  get inspector(): Inspector {
    this.#inspector ??= new Inspector(this.#engine);
    return this.#inspector;
  }

  get client(): Client {
    this.#client ??= new Client(this.#engine);
    return this.#client;
  }

  async close(): Promise<void> {
    await Promise.all([this.#inspector?.close(), this.#client?.close()]);
  }
}
