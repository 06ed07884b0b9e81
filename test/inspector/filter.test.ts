import { describe, expect, it } from "vitest";
import type { TaskRecord, TaskState } from "../../src/broker/inspection.ts";
import { FilterInvalidError } from "../../src/errors.ts";
import { checkedFilter, parseFilter } from "../../src/inspector/filter.ts";
import { matcher } from "../../src/inspector/matcher.ts";
import { message } from "../contract/tasks.ts";

const NOW = Date.UTC(2030, 0, 31, 12);

function task(
  fields: Parameters<typeof message>[1] & { payload?: Buffer } = {},
  state: TaskState = "pending",
): TaskRecord {
  const made = message("default", { id: "task-1", ...fields });
  return { queue: "default", id: made.id, state, message: made };
}

function matches(filter: string, record: TaskRecord): boolean {
  return matcher(parseFilter(filter), NOW).matches(record);
}

function problem(filter: string): FilterInvalidError {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof FilterInvalidError) return error;
    throw error;
  }
  throw new Error(`${filter} was understood`);
}

describe("a filter", () => {
  it.each([
    ["id:task-1", true],
    ["id:task", false],
    ["id:task-*", true],
    ["id:*-1", true],
    ["id:t*k*1", true],
    ["id:t*1*1", false],
    ["id:~SK-", true],
    ["type:email:*", true],
    ["type:email:welcome", true],
    ["type:*", true],
    ["type:sms:*", false],
    ["-type:sms:*", true],
    ["type:email:* -id:task-1", false],
    ["type:email:* id:task-1 state:pending queue:default", true],
    ["state:retry", false],
    ["queue:def*", true],
    ["queue:low", false],
    ["error:~TIMEOUT", true],
    ["error:~refused", false],
    ['error:"smtp: timeout"', true],
    ['error:~"p: t"', true],
    ["payload.user.id:42", true],
    ["payload.user.id:4*", true],
    ["payload.user.id:43", false],
    ['payload.user.name:"Ann \\"A\\" Lee"', true],
    ["payload.user.name:~ann", true],
    ["payload.user.admin:true", true],
    ["payload.user.none:null", true],
    ["payload.user.missing:null", false],
    ["payload.tags:b", true],
    ["payload.tags.1:b", true],
    ["payload.tags.0:b", false],
    ["payload.items.sku:7", true],
    ["payload.toString:x", false],
    ["payload:~ann", true],
    ["payload:~nobody", false],
    ["group:g", true],
    ["group:h", false],
    ["", true],
    ["  ", true],
  ])("%s", (filter, wanted) => {
    const user = { id: 42, name: 'Ann "A" Lee', admin: true, none: null };
    const payload = Buffer.from(JSON.stringify({ user, tags: ["a", "b"], items: [{ sku: 6 }, { sku: 7 }] }));
    expect(matches(filter, task({ payload, errorMsg: "smtp: timeout", groupKey: "g" }))).toBe(wanted);
  });

  it.each([
    ["since:1h", true],
    ["since:10m", false],
    ["before:10m", true],
    ["before:1h", false],
    ["since:2030-01-31", true],
    ["since:2030-02-01", false],
    ["before:2030-01-31T11:45:00Z", true],
    ["before:2030-01-31T12:00:00+01:00", false],
  ])("goes by the instant of the last failure: %s", (filter, wanted) => {
    const failed = NOW / 1_000 - 30 * 60;
    expect(matches(filter, task({ lastFailedAt: failed }, "archived"))).toBe(wanted);
  });

  it("goes by the end of a task first, and by when it is due last", () => {
    const failed = NOW / 1_000 - 86_400;
    expect(matches("since:1h", task({ lastFailedAt: failed, completedAt: NOW / 1_000 }, "completed"))).toBe(
      true,
    );
    const due = { ...task({}, "scheduled"), nextProcessAt: NOW + 1 };
    expect(matches("since:1h", due)).toBe(true);
    expect(matches("since:1h", task({}, "archived"))).toBe(false);
    expect(matches("before:1h", task({}, "archived"))).toBe(false);
  });

  it("knows a task that cannot be read by what is known of it", () => {
    const damaged: TaskRecord = { queue: "default", id: "x", state: "archived", message: undefined };
    expect(matches("id:x state:archived", damaged)).toBe(true);
    expect(matches("type:*", damaged)).toBe(false);
    expect(matches("payload:~a", damaged)).toBe(false);
    expect(matches("payload.a:1", task({ payload: Buffer.from("not JSON") }))).toBe(false);
  });

  it("looks only where tasks can match", () => {
    const of = (filter: string) => matcher(parseFilter(filter), NOW);
    expect(of("state:retry type:a").states).toEqual(["retry"]);
    expect(of("-state:retry").states).not.toContain("retry");
    expect(of("state:retry state:pending").states).toEqual([]);
    expect(of("id:a").id).toBe("a");
    for (const filter of ["id:a*", "-id:a", "id:~a"]) expect(of(filter).id).toBeUndefined();
    expect(of("queue:low-*").servesQueue("low-1")).toBe(true);
    expect(of("-queue:low").servesQueue("low")).toBe(false);
  });

  it("takes no time over a pattern made to take it", () => {
    const begun = performance.now();
    expect(
      matches(`payload:~x -payload:${"*a".repeat(1_000)}b`, task({ payload: Buffer.alloc(100_000, "a") })),
    ).toBe(false);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe("a filter that cannot be understood", () => {
  it.each([
    ["timeout", 0, "no condition"],
    ["type:a timeout", 7, "no condition"],
    ["tpe:a", 0, 'did you mean "type"?'],
    ["id:1 tpe:a", 5, 'no field "tpe"'],
    [":a", 0, "a field is missing"],
    ["-", 0, "no condition"],
    ["type:", 5, "has no value"],
    ["type: a", 5, "has no value"],
    ['error:"smtp', 6, "does not end"],
    ['"smtp"', 0, "no condition"],
    ["state:retrying", 6, 'cannot be "retrying"'],
    ["state:~ret", 7, "holds no text"],
    ["since:yesterday", 6, 'cannot be "yesterday"'],
    ["before:2030-02-30", 7, "cannot be"],
    ["type.a:b", 0, "has no parts"],
    ["payload..a:b", 0, "a step of the path is empty"],
    ["a".repeat(5_000), 4_096, "5000 characters long"],
  ])("%s", (filter, position, text) => {
    const error = problem(filter);
    expect(error.position).toBe(position);
    expect(error.message).toContain(text);
    expect(error.message).toContain(`at character ${position + 1}`);
    expect(error.hint).not.toBe("");
  });

  it("is one that was put together wrongly, too", () => {
    const wrong = [
      7,
      null,
      {},
      { terms: [{ field: "tpe", value: "a" }] },
      { terms: [{ field: "type", value: 7 }] },
    ];
    for (const filter of wrong) expect(() => checkedFilter(filter as never)).toThrow(FilterInvalidError);
    const right = { terms: [{ field: "type", value: "a", negated: true } as const] };
    expect(checkedFilter(right)).toBe(right);
  });
});
