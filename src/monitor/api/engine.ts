import type { Instant, Length } from "./words.ts";

export interface EngineState {
  /** `"redis"`, `"sqlite"`, `"memory"`. */
  kind: string;
  status: "up" | "down";
  /** Since when it is so. */
  since: Instant;
  /** How long the last look took; `null` while it is away. */
  roundTrip: Length | null;
  /** Why it is away. */
  problem: string | null;
  /** When it is tried again, while it is away. */
  nextTry: Instant | null;
}

export interface EngineReport {
  now: Instant;
  engine: EngineState;
  /** Facts that are on the list of what may be shown. */
  facts: Fact[];
  /** `null`: this engine has no doctor. */
  findings: Finding[] | null;
}

export interface Fact {
  name: string;
  value: string;
}

/** What the doctor found, with the remedy. */
export interface Finding {
  id: string;
  level: "ok" | "info" | "warning" | "problem";
  text: string;
  remedy: string | null;
}

export interface EngineRoutes {
  /** What the doctor says of the engine. */
  "GET /api/engine": { answer: EngineReport };
}
