import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../src/errors.ts";
import { requireKnownNames, suggestion } from "../src/suggestion.ts";

const known = ["timeout", "maxRetry", "queue", "taskId"];

describe("suggestion", () => {
  it.each([
    ["timout", "timeout"],
    ["TIMEOUT", "timeout"],
    ["maxRetries", "maxRetry"],
    ["taskID", "taskId"],
    ["ueue", "queue"],
    ["tsakId", "taskId"],
  ])("takes %s for a slip of %s", (word, meant) => {
    expect(suggestion(word, known)).toBe(` (did you mean "${meant}"?)`);
  });

  it.each(["x", "", "priority", "t".repeat(1_000)])("has none for %s", (word) => {
    expect(suggestion(word, known)).toBe("");
  });
});

describe("requireKnownNames", () => {
  it("names the owner, the slip and what was meant", () => {
    expect(() => requireKnownNames("a task", { queue: 1, timout: 1 }, known)).toThrow(InvalidOptionError);
    expect(() => requireKnownNames("a task", { queue: 1, timout: 1 }, known)).toThrow(
      'timout: a task has no such option (did you mean "timeout"?)',
    );
    requireKnownNames("a task", { queue: 1 }, known);
  });
});
