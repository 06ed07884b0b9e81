import { expect, it } from "vitest";
import { TICK_HEADER, tickOf } from "../src/tick-header.ts";

const of = (text?: string) => tickOf({ headers: new Map(text === undefined ? [] : [[TICK_HEADER, text]]) });

it("is read where a task has one, and nothing else is taken for one", () => {
  expect(of("2026-01-15T12:11:00.000Z")).toEqual(new Date(Date.UTC(2026, 0, 15, 12, 11)));
  expect(of()).toBeUndefined();
  expect(of("noon")).toBeUndefined();
});
