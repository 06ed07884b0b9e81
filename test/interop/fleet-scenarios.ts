import { expect, it } from "vitest";
import { fleet } from "./fleet.ts";
import { script } from "./go-only.ts";
import { goTask } from "./go-shape.ts";
import { eventually } from "./news.ts";
import { goSide, type Side } from "./sides.ts";

const hex = (text: string) => Buffer.from(text).toString("hex");

/** From the second that has begun. */
export const secondsFromNow = (n: number) =>
  new Date((Math.floor(Date.now() / 1_000) + n) * 1_000).toISOString();

/** What a task that one side enqueues and the other runs has to show wherever it is stored: on one Redis, on a Cluster. */
export function fleetScenarios(url: string, producing: "Go" | "Node"): void {
  const serving = producing === "Go" ? "Node" : "Go";

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

  it("is tried again, and not counted as failed, where the error is no failure", async () => {
    const { add, server, queue, reaches, began, node } = await fleet(url, producing);
    await server.serve(queue, { notFailure: "busy" });
    await add([{ wait: true }], { retention: "1h", maxRetry: 1 });
    await began(1);
    await server.finish("one", { error: "busy" });
    await began(2);
    await server.finish("one");
    await reaches("completed");
    expect(server.attempts.map(({ retried }) => retried)).toEqual([0, 0]);
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ failed: 0 });
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

  it("is aggregated with its group, whoever put the others there", async () => {
    const { producer, server, queue, node } = await fleet(url, producing);
    for (const [side, payload] of [
      [producer, "a"],
      [server, "b"],
      [producer, "c"],
    ] as const)
      await side.enqueue({ type: "t", payload, options: { queue, group: "g", taskId: payload } });
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

  it("succeeds, and is gone", async () => {
    const { add, server, queue, reaches, began, node } = await fleet(url, producing);
    await server.serve(queue);
    await add([{}], {}, { tenant: "acme", trace: "a=b" });
    await reaches("gone");
    await began(1);
    expect(server.attempts).toEqual([
      { task: "one", type: "t", retried: 0, headers: { tenant: "acme", trace: "a=b" }, payload: script({}) },
    ]);
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ size: 0, processed: 1, failed: 0 });
  });

  it("succeeds, and is kept with its result", async () => {
    const { add, server, queue, reaches, looks, node } = await fleet(url, producing);
    await server.serve(queue);
    await add([{ result: '{"sum":3}' }], { retention: "1h" });
    await reaches("completed");
    const { go } = await looks();
    expect(go).toMatchObject({ State: "completed", Result: hex('{"sum":3}'), Retention: "1h0m0s" });
    const ours = await node.inspector.getTaskInfo({ queue, id: "one" });
    expect(ours.result).toEqual({ sum: 3 });
    expect(go).toEqual(goTask(ours, "0.26.0"));
  });

  it.each([
    ["has used up its retries", [{ error: "no luck" }], { maxRetry: 1 }, "no luck", 2],
    ["is not to be retried", [{ error: "never", skip: true }], {}, "never", 1],
    ["crashes its handler", [{ panic: "ouch" }], { maxRetry: 0 }, "ouch", 1],
  ] as const)("is archived when it %s", async (_, steps, options, text, attempts) => {
    const { add, server, queue, reaches, began, looks } = await fleet(url, producing);
    await server.serve(queue);
    await add(steps, options);
    await reaches("archived");
    await began(attempts);
    expect((await looks()).go).toMatchObject({ State: "archived", LastErr: expect.stringContaining(text) });
  });

  it("is archived, and run again by the other's inspector", async () => {
    const { add, server, queue, reaches, began, looks, node } = await fleet(url, producing);
    await server.serve(queue);
    await add([{ error: "never", skip: true }], { retention: "1h" });
    await reaches("archived");
    expect((await looks()).go).toEqual(
      goTask(await node.inspector.getTaskInfo({ queue, id: "one" }), "0.26.0"),
    );
    if (serving === "Go") await node.inspector.runTask({ queue, id: "one" });
    else await (await goSide(url)).peer.inspect("RunTask", queue, "one");
    await began(2);
    await reaches("archived");
  });

  it("is revoked", async () => {
    const { add, server, queue, reaches, node } = await fleet(url, producing);
    await server.serve(queue);
    await add([{ revoke: true }], { retention: "1h" });
    await reaches("gone");
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ processed: 1, failed: 0 });
  });

  it("runs out of time", async () => {
    const { add, server, queue, reaches, looks } = await fleet(url, producing);
    await server.serve(queue, { retryDelay: 3_600_000 });
    await add([{ wait: true }], { timeout: "1s" });
    await reaches("retry");
    expect((await looks()).go).toMatchObject({
      State: "retry",
      Retried: 1,
      LastErr: expect.stringMatching(/deadline|time/),
    });
  });

  it("keeps its id to itself", async () => {
    const { add, server, queue } = await fleet(url, producing);
    await add([{}]);
    await expect(server.enqueue({ type: "t", options: { queue, taskId: "one" } })).rejects.toMatchObject({
      code: expect.stringMatching(/conflict/i),
    });
    await server.serve(queue);
    await eventually("it runs", () => server.attempts.length === 1);
  });

  it(`is held back by a pause of ${producing}'s`, async () => {
    const { add, producer, server, queue, reaches, node } = await fleet(url, producing);
    await producer.enqueue({ type: "t", payload: script({}), options: { queue, taskId: "first" } });
    await server.serve(queue);
    await eventually("the server works", () => server.attempts.length === 1);
    await producer.pause(queue);
    await add([{}], { retention: "1h" });
    // The server has looked at the queue since: it moves what is due, pause or not.
    await producer.enqueue({ type: "t", options: { queue, taskId: "due", processAt: secondsFromNow(1) } });
    await eventually(
      "what is due is pending",
      async () => (await node.inspector.getQueueInfo(queue)).pending === 2,
    );
    expect(server.attempts).toHaveLength(1);
    await producer.unpause(queue);
    await reaches("completed");
  });

  it(`goes back to its queue when ${serving} leaves, and the other one runs it`, async () => {
    const { add, producer, server, queue, reaches } = await fleet(url, producing);
    await server.serve(queue);
    await add([{ wait: true }], { retention: "1h" });
    await eventually("it runs", () => server.attempts.length === 1);
    await server.shutdown();
    await producer.serve(queue);
    await eventually("the other runs it", () => producer.attempts.length === 1);
    expect(producer.attempts[0]).toMatchObject({ task: "one", retried: 0 });
    await producer.finish("one");
    await reaches("completed");
  });
}
