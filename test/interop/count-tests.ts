import { afterEach } from "vitest";
import { type Counted, counted } from "./counts.ts";

/** Counts each test of this file that passes. */
export function countTests(what: Counted): void {
  afterEach(({ task }) => {
    if (task.result?.state === "pass") counted(what);
  });
}
