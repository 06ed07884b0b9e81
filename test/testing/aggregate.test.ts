import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import { aggregate } from "../../src/server/aggregate.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { testQueue } from "../../src/testing/index.ts";

const note = defineTask("note", { payload: z.object({ text: z.string() }) });
const digest = defineTask("digest", { payload: z.object({ to: z.string(), lines: z.array(z.string()) }) });
const aggregators = [
  aggregate(note, (to, tasks) => digest({ to, lines: tasks.map((task) => task.payload.text) }), {
    maxSize: 2,
  }),
];

describe("aggregate", () => {
  it("puts aggregates in the place of tasks, whatever the clock says", async () => {
    const q = testQueue({ server: { aggregators }, seed: 1 });
    for (const text of ["a", "b", "c"]) {
      await q.client.enqueue(note({ text }), { group: "ada", queue: "mail" });
      await q.advance("1s");
    }
    await q.client.enqueue(note({ text: "x" }), { group: "bob" });

    expect(await q.aggregate({ group: "ada" })).toMatchObject([
      { queue: "mail", group: "ada", size: 2, archived: [] },
      { queue: "mail", group: "ada", size: 1, archived: [] },
    ]);
    q.expectEnqueued(digest, { to: "ada", lines: ["a", "b"] }, { queue: "mail" });
    q.expectEnqueued(digest, { to: "ada", lines: ["c"] }, { queue: "mail" });
    q.expectEnqueued(note, { text: "x" }, { count: 1 });
    expect(await q.aggregate({ queue: "mail" })).toEqual([]);
    expect(await q.aggregate()).toMatchObject([{ group: "bob", size: 1 }]);
  });

  it("does nothing by itself, and runs the aggregates with inline", async () => {
    const ran: string[][] = [];
    const mux = new ServeMux().handle(digest, (task) => void ran.push(task.payload.lines));
    const q = testQueue({ mux, inline: true, server: { aggregators } });
    await q.client.enqueue(note({ text: "a" }), { group: "ada" });
    await q.advance("1h");
    expect(ran).toEqual([]);
    await q.aggregate();
    expect(ran).toEqual([["a"]]);
  });

  it("rejects with what the aggregator throws", async () => {
    const failing = aggregate(note, () => Promise.reject(new Error("no digest today")));
    const q = testQueue({ server: { aggregators: [failing] } });
    await q.client.enqueue(note({ text: "a" }), { group: "ada" });
    await expect(q.aggregate()).rejects.toThrow("no digest today");
  });

  it("wants an aggregator, and knows its options", async () => {
    await expect(testQueue().aggregate()).rejects.toThrow(/^server: nothing can be aggregated/);
    const q = testQueue({ server: { aggregators } });
    await expect(q.aggregate({ groups: "ada" } as never)).rejects.toBeInstanceOf(InvalidOptionError);
  });
});
