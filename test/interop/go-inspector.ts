import { afterAll } from "vitest";
import { counted } from "./counts.ts";
import { type AsynqVersion, Peer, PeerError } from "./peer.ts";

/** The inspectors that tools stand on: asynqmon, asynq's command, and the newest. */
export const INSPECTOR_VERSIONS = ["0.24.1", "0.25.0", "0.26.0"] as const;

/** Asynq's Inspector in one of its versions, which remembers what it was asked. */
export class GoInspector {
  readonly asked = new Set<string>();
  readonly #peer: Peer;

  private constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** For the calling test file. */
  static async forFile(version: AsynqVersion, url: string): Promise<GoInspector> {
    const peer = await Peer.start(url, version);
    afterAll(() => peer.close());
    return new GoInspector(peer);
  }

  get version(): AsynqVersion {
    return this.#peer.version;
  }

  /** See {@link Peer.inspect}. */
  async ask<R = unknown>(method: string, ...args: unknown[]): Promise<R> {
    const answer = await this.#peer.inspect<R>(method, ...args);
    this.asked.add(method);
    counted("tool-commands");
    return answer;
  }

  /** The names of all that it can be asked. */
  methods(): Promise<readonly string[]> {
    return this.#peer.inspectorMethods();
  }

  /** What asynq answers to a call that it refuses. */
  async refusal(method: string, ...args: unknown[]): Promise<PeerError> {
    try {
      await this.#peer.inspect(method, ...args);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      counted("tool-commands");
      return error;
    }
    throw new Error(`asynq ${this.version} did not refuse ${method}(${args.join(", ")})`);
  }
}
