import type { EnqueueOptions } from "./enqueue.ts";

/** A definition that the monitor was given, for the form that enqueues. */
export interface DefinitionInfo {
  type: string;
  queue: string | null;
  /** `json`: by a schema. `bytes`: by a codec, so that only `hex` and `text` fit. `none`: it has none. */
  payload: "json" | "bytes" | "none";
  /** JSON Schema (draft 2020-12) of what `enqueue` takes; `null`: its library gives none. Payloads are checked all the same. */
  schema: unknown;
  /** What the definition sets, where the form says nothing. */
  options: EnqueueOptions;
}

export interface DefinitionList {
  definitions: DefinitionInfo[];
}

export interface DefinitionRoutes {
  /** Definitions for the form that enqueues. */
  "GET /api/definitions": { answer: DefinitionList };
}
