import type { Client, Engine, Inspector, Scheduler } from "../../index.ts";
import type { Role, RouteName, Routes } from "../api.ts";
import type { Audit } from "../audit.ts";
import type { Collector } from "../collector.ts";
import type { Csrf } from "../csrf.ts";
import type { Definitions } from "../definitions.ts";
import type { Deletions } from "../deletions.ts";
import type { Live } from "../live.ts";
import type { MonitorConfig } from "../monitor-options.ts";
import type { Operations } from "../operations.ts";
import type { Redaction } from "../redaction.ts";
import type { Visitor } from "../scope.ts";

/** All that routes work with. */
export interface House {
  readonly config: MonitorConfig;
  readonly engine: Engine;
  readonly inspector: Inspector;
  readonly client: Client;
  readonly scheduler: Scheduler;
  readonly collector: Collector;
  readonly live: Live;
  readonly operations: Operations;
  readonly deletions: Deletions;
  readonly definitions: Definitions;
  readonly audit: Audit;
  readonly csrf: Csrf;
  readonly redaction: Redaction;
}

/** One request, after it was checked. */
export interface Call<N extends RouteName> {
  readonly visitor: Visitor;
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Routes[N] extends { query: infer Q } ? Q : Record<never, never>;
  readonly body: Routes[N] extends { body: infer B } ? B : undefined;
  readonly request: Request;
  /** Whoever is asking, looked up anew. */
  readonly recheck: () => Promise<Visitor>;
  /** For the audit log: how many tasks were changed. */
  readonly counted: (count: number) => void;
  /** For the audit log: what was changed, where the path does not say. */
  readonly named: (what: string) => void;
}

export interface Rule<N extends RouteName> {
  /** What it takes. `null`: anybody may, without logging in. */
  readonly role: Role | null;
  /** Not for visitors who may see some queues only. */
  readonly wide?: true;
  /** Answers `Response` only where it is no JSON. */
  handle(call: Call<N>): Promise<Routes[N]["answer"] | Response>;
}

/** The rules of some routes: of one room, or of all. */
export type Rules<R = Routes> = { readonly [N in keyof R & RouteName]: Rule<N> };
