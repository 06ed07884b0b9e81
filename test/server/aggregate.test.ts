import { describe, expect, it } from "vitest";
import { defineTask } from "../../src/define-task.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import { aggregate } from "../../src/server/aggregate.ts";
import { checkServerOptions } from "../../src/server/server-options.ts";
import { Task } from "../../src/task.ts";

const note = defineTask("note");
const mail = defineTask("mail");
const combine = () => new Task("digest");

describe("aggregate", () => {
  it.each<[unknown[], RegExp]>([
    [["note", combine], /^aggregate: expected a task definition; got "note"/],
    [[note, "combine"], /^aggregate: expected a function/],
    [[note, combine, { maxsize: 5 }], /^maxsize: .*did you mean "maxSize"/],
    [[note, combine, { groups: 5 }], /^groups: expected the beginning of names; got 5/],
    [[note, combine, { gracePeriod: "100ms" }], /^gracePeriod: must be at least a second/],
    [[note, combine, { maxDelay: "soon" }], /^maxDelay/],
    [[note, combine, { maxSize: 0 }], /^maxSize: expected a whole number from 1 to 1000; got 0/],
  ])("refuses %j", (call, message) => {
    const made = () => aggregate(...(call as Parameters<typeof aggregate>));
    expect(made).toThrow(InvalidOptionError);
    expect(made).toThrow(message);
  });
});

describe("a server's aggregators", () => {
  it("must agree on when the groups that they share are aggregated", () => {
    const shared = [aggregate(note, combine, { maxSize: 5 }), aggregate(mail, combine)];
    expect(() => checkServerOptions({ aggregators: shared })).toThrow(/"…" must agree on gracePeriod/);
    const apart = [aggregate(note, combine, { maxSize: 5, groups: "a" }), aggregate(mail, combine)];
    const { aggregation } = checkServerOptions({ aggregators: apart, groupMaxDelay: "1h" });
    expect(aggregation?.rulesFor("abc")).toEqual({ gracePeriod: 60_000, maxDelay: 3_600_000, maxSize: 5 });
    expect(aggregation?.rulesFor("bcd")).toEqual({
      gracePeriod: 60_000,
      maxDelay: 3_600_000,
      maxSize: undefined,
    });
    expect(aggregation?.aggregatorFor("bcd", "note")).toBeUndefined();
  });

  it("are refused where the second would never be asked", () => {
    const twice = [aggregate(note, combine), aggregate(note, combine)];
    expect(() => checkServerOptions({ aggregators: twice })).toThrow(/two take "note"/);
  });
});
