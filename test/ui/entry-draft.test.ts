import { expect, it } from "vitest";
import { definitionOf, draftOf } from "../../ui/src/pages/schedulers/entry-draft.ts";

const stored = {
  spec: "0 9 * * *",
  timezone: "Europe/Rome",
  type: "report:daily",
  payload: { kind: "json", text: '{"a":1}' },
  options: { queue: "low", maxRetry: 3, timeout: "5m", headers: [{ name: "x", value: "y" }] },
  missed: { backfill: 4 },
} as const;

it("writes back what it was given, with what the form has no field for", () => {
  const definition = { ...stored, options: { ...stored.options, headers: [...stored.options.headers] } };
  expect(definitionOf(draftOf(definition), definition)).toEqual({ definition });
});

it("leaves out what is left empty", () => {
  const draft = { ...draftOf(null), spec: " @daily ", type: "a" };
  expect(definitionOf(draft, null)).toEqual({
    definition: {
      spec: "@daily",
      type: "a",
      payload: { kind: "none", text: "" },
      options: {},
      missed: "skip",
    },
  });
});

it.each([
  ["spec", { spec: " " }],
  ["type", { type: "" }],
  ["payload", { payload: "{" }],
  ["maxRetry", { maxRetry: "-1" }],
  ["backfill", { missed: "backfill", backfill: "0" }],
  ["backfill", { missed: "backfill", backfill: "many" }],
] as const)("says what is wrong with %s", (field, change) => {
  const draft = { ...draftOf(null), spec: "@daily", type: "a", ...change };
  expect(definitionOf(draft, null)).toMatchObject({ problem: { field } });
});
