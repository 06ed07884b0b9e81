import { afterAll } from "vitest";
import { counted } from "./counts.ts";
import { OlderPeer, type OlderVersion } from "./older-peer.ts";
import { Peer, PeerError } from "./peer.ts";

export type InspectorVersion = OlderVersion | "0.26.0";

/** The inspectors that tools stand on: asynqmon, asynq's command, and the newest. */
export const INSPECTOR_VERSIONS = ["0.24.1", "0.25.0", "0.26.0"] as const;

/** Asynq's Inspector in one of its versions, which remembers what it was asked. */
export class GoInspector {
  readonly version: InspectorVersion;
  readonly asked = new Set<string>();
  readonly #peer: Peer | OlderPeer;

  private constructor(version: InspectorVersion, peer: Peer | OlderPeer) {
    this.version = version;
    this.#peer = peer;
  }

  /** For the calling test file. */
  static async forFile(version: InspectorVersion, url: string): Promise<GoInspector> {
    const peer = version === "0.26.0" ? await Peer.start(url) : new OlderPeer(version, url);
    afterAll(() => peer.close());
    return new GoInspector(version, peer);
  }

  /** See {@link Peer.inspect}. */
  async ask<R = unknown>(method: string, ...args: unknown[]): Promise<R> {
    const answer = await this.#peer.inspect<R>(method, ...args);
    this.asked.add(method);
    counted("commands");
    return answer;
  }

  /** The names of all that it can be asked; the peer of v0.26.0 does not tell. */
  async methods(): Promise<readonly string[] | undefined> {
    return this.#peer instanceof OlderPeer ? this.#peer.ask<string[]>("methods") : undefined;
  }

  /** What asynq answers to a call that it refuses. */
  async refusal(method: string, ...args: unknown[]): Promise<PeerError> {
    try {
      await this.#peer.inspect(method, ...args);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      counted("commands");
      return error;
    }
    throw new Error(`asynq ${this.version} did not refuse ${method}(${args.join(", ")})`);
  }
}
