import { expect, it } from "vitest";
import { fleet } from "./fleet.ts";
import { script } from "./go-only.ts";
import { eventually } from "./news.ts";
import type { Side } from "./sides.ts";

/** What a task that one side enqueues and the other runs has to show wherever it is stored: on one Redis, on a Cluster. */
export function fleetScenarios(url: string, producing: "Go" | "Node"): void {
  it("fails, waits, and succeeds at its second attempt, headers and all", async () => {
    const { add, server, queue, reaches, began, looks } = await fleet(url, producing);
    await server.serve(queue);
    await add([{ error: "no luck" }, {}], { retention: "1h", maxRetry: 3 }, { tenant: "acme" });
    await reaches("completed");
    await began(2);
    expect(server.attempts.map(({ retried, headers }) => [retried, headers.tenant])).toEqual([
      [0, "acme"],
      [1, "acme"],
    ]);
    expect((await looks()).go).toMatchObject({ Retried: 1, LastErr: "no luck" });
  });

  it("is unique for both, until it has succeeded", async () => {
    const { add, producer, server, queue, reaches } = await fleet(url, producing);
    await add([{}], { unique: "1h" });
    const again = (side: Side, taskId: string) =>
      side.enqueue({ type: "t", payload: script({}), options: { queue, taskId, unique: "1h" } });
    for (const side of [producer, server]) {
      await expect(again(side, "two")).rejects.toMatchObject({ code: expect.stringMatching(/duplicate/i) });
    }
    await server.serve(queue);
    await reaches("gone");
    await again(server, "two");
    await eventually("the second runs", () => server.attempts.length === 2);
  });

  it("is aggregated with its group", async () => {
    const { producer, server, queue, node } = await fleet(url, producing);
    for (const [i, payload] of ["a", "b", "c"].entries()) {
      await producer.enqueue({ type: "t", payload, options: { queue, group: "g", taskId: `m-${i}` } });
    }
    await server.serve(queue, { groupGracePeriod: "1s" });
    await eventually("the aggregate runs", () => server.attempts.length === 1);
    const [{ type, payload } = { type: "", payload: "[]" }] = server.attempts;
    expect([type, JSON.parse(payload).sort()]).toEqual(["sum", ["a", "b", "c"]]);
    await eventually("nothing is left", async () => (await node.inspector.getQueueInfo(queue)).size === 0);
  });

  it(`is canceled by ${producing}`, async () => {
    const { add, producer, server, queue, reaches, looks } = await fleet(url, producing);
    await server.serve(queue, { retryDelay: 3_600_000 });
    await add([{ wait: true }]);
    await eventually("it runs", () => server.attempts.length === 1);
    await eventually("the server hears of it", async () => {
      await producer.cancel("one");
      return (await looks()).go.State === "retry";
    });
    await reaches("retry");
  });
}
