import { describe, expect, it } from "vitest";
import { RedisCommandError } from "../../src/errors.ts";
import type { Finished } from "../../src/server/outcome.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

describe("an outcome whose answer is lost", () => {
  it("is repaired within two seconds, without a second run, when the write had arrived", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let runs = 0;
    await rig.start(() => {
      runs += 1;
      return opened;
    });
    const id = await rig.enqueue({ retention: "1h" });
    rig.engine.fault = "mute";
    open();
    await settle();
    expect(rig.engine.failed).toContain("exchange");
    expect(rig.settled).toEqual([]);
    rig.engine.fault = "up";
    await rig.clock.advance(2_000);
    expect(rig.settled).toMatchObject([{ taskId: id, outcome: "completed" }]);
    expect(await rig.state(id)).toBe("completed");
    await rig.clock.advance(120_000);
    expect(runs).toBe(1);
    expect(rig.settled).toHaveLength(1);
  });

  it("is repaired within two seconds, without a second run, when it had not", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let runs = 0;
    await rig.start(() => {
      runs += 1;
      return opened;
    });
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await settle();
    rig.engine.fault = "up";
    await rig.clock.advance(2_000);
    expect(rig.settled).toMatchObject([{ taskId: id, outcome: "done" }]);
    await rig.clock.advance(120_000);
    expect(runs).toBe(1);
  });

  it("is sent less often the longer the store is away, and at once when it is back", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await rig.clock.advance(40_000);
    rig.engine.fault = "up";
    // The processor notices within a second, and wakes the syncer.
    await rig.clock.advance(1_100);
    expect(rig.settled).toMatchObject([{ outcome: "done" }]);
  });

  it("counts as recorded when the task is gone by then, since the two cannot be told apart", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await rig.clock.advance(61_000);
    for (const expired of await rig.elsewhere.listExpired("default", 1)) {
      const settlement = { kind: "archive", message: expired.message } as const;
      await rig.elsewhere.recover("default", [{ expired, settlement }]);
    }
    rig.engine.fault = "up";
    await rig.clock.advance(20_000);
    expect(await rig.state(id)).toBe("archived");
    expect(rig.lines.map(({ text }) => text)).toContain("outcome had been recorded already");
    expect(rig.settled).toMatchObject([{ outcome: "done" }]);
  });

  it("is told as lost when the task is another server's by then", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    const lost: unknown[] = [];
    rig.server.on("leaseLost", ({ taskId }) => lost.push(taskId));
    await rig.start(() => opened);
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await rig.clock.advance(61_000);
    const broker = rig.elsewhere;
    for (const expired of await broker.listExpired("default", 1)) {
      const { message } = expired;
      const settlement = { kind: "retry", message, retryAt: rig.clock.now(), isFailure: true } as const;
      await broker.recover("default", [{ expired, settlement }]);
    }
    await broker.forward("default", 1);
    const { leased } = await broker.exchange("default", [], 1);
    expect(leased.map(({ message }) => message.id)).toEqual([id]);
    rig.engine.fault = "up";
    await rig.clock.advance(2_000);
    expect(lost).toEqual([id]);
    expect(rig.settled).toEqual([]);
    expect(await rig.state(id)).toBe("active");
  });

  it("is given up after ten minutes", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    const taskId = await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await rig.clock.advance(620_000);
    expect(rig.lines).toContainEqual({
      level: "error",
      fields: { taskId, type: "t", queue: "default", attempt: 1 },
      text: "outcome given up: the store did not accept it",
    });
    rig.engine.fault = "up";
    await rig.clock.advance(1_100);
    expect(rig.settled.filter(({ outcome }) => outcome === "done")).toEqual([]);
  });
});

describe("an outcome that the store cannot take", () => {
  it("holds up no other outcome, and no other task", async () => {
    const rig = serverRig({ concurrency: 100 });
    const { opened, open } = gate();
    await rig.start((task) => opened.then(() => task.payload));
    const ids: string[] = [];
    for (let n = 0; n < 30; n++) {
      ids.push(await rig.enqueue({ retention: "1h" }, n === 11 ? "poison" : n));
    }
    rig.engine.refuse = (name, args) =>
      name === "exchange" && /poison/.test(JSON.stringify((args[1] as Finished[]).map(resultOf)))
        ? new RedisCommandError("invalid bulk length")
        : undefined;
    open();
    await settle();
    await settle();
    expect(rig.settled.map(({ taskId }) => taskId).sort()).toEqual(ids.filter((_, n) => n !== 11).sort());
    const later = await rig.enqueue({}, 1);
    await rig.clock.advance(100);
    expect(await rig.state(later)).toBe("gone");
  });
});

function resultOf({ settlement }: Finished): string {
  return settlement.kind === "complete" ? Buffer.from(settlement.result ?? []).toString() : "";
}
