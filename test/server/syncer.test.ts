import { describe, expect, it } from "vitest";
import { EngineUnavailableError, RedisCommandError, RedisReadOnlyError } from "../../src/errors.ts";
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
    const sentAt: number[] = [];
    rig.engine.refuse = (name, args) => {
      if (name === "exchange" && !isQuestion(name, args)) sentAt.push(rig.clock.now());
      return new EngineUnavailableError("Redis is away");
    };
    open();
    await rig.clock.advance(40_000);
    // At once, by the processor; then after 1, 2, 4 and 8 s, and every 15 s.
    const waits = sentAt.slice(1).map((at, i) => at - (sentAt[i] as number));
    expect(waits.length).toBeGreaterThan(3);
    expect(waits.length).toBeLessThan(8);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(5_000);
    rig.engine.refuse = () => undefined;
    // The processor notices within a second, and wakes the syncer.
    await rig.clock.advance(1_100);
    expect(rig.settled).toMatchObject([{ outcome: "done" }]);
  });

  it("counts as recorded when the task is gone by then, since the two cannot be told apart", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    const id = await rig.enqueue();
    rig.engine.fault = "frozen";
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

  it("is told as lost when the task is gone by then and the outcome surely never arrived", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    const lost: unknown[] = [];
    rig.server.on("leaseLost", ({ taskId }) => lost.push(taskId));
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
    expect(lost).toEqual([id]);
    expect(rig.settled).toEqual([]);
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

  it("counts as recorded when it arrived only when it was sent again", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await settle();
    rig.engine.fault = "mute";
    await rig.clock.advance(2_000);
    expect(rig.settled).toEqual([]);
    rig.engine.fault = "up";
    await rig.clock.advance(20_000);
    expect(rig.lines.map(({ text }) => text)).toContain("outcome had been recorded already");
    expect(rig.settled).toMatchObject([{ outcome: "done" }]);
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
  it.each([
    ["refuses", new RedisCommandError("invalid bulk length")],
    ["breaks the connection", new EngineUnavailableError("Redis did not answer", undefined, true)],
  ])("holds up no other outcome, and no other task, where the store %s", async (_, error) => {
    const rig = serverRig({ concurrency: 100 });
    const { opened, open } = gate();
    await rig.start((task) => opened.then(() => task.payload));
    const ids: string[] = [];
    for (let n = 0; n < 30; n++) {
      ids.push(await rig.enqueue({ retention: "1h" }, n === 11 ? "poison" : n));
    }
    rig.engine.refuse = (name, args) => (sentPoison(name, args) ? error : undefined);
    open();
    await rig.clock.advance(1_000);
    await settle();
    expect(rig.settled.map(({ taskId }) => taskId).sort()).toEqual(ids.filter((_, n) => n !== 11).sort());
    const later = await rig.enqueue({}, 1);
    await rig.clock.advance(100);
    expect(await rig.state(later)).toBe("gone");
  });

  it("holds up no other outcome where it is only too slow, so that the store seems to be away", async () => {
    const rig = serverRig({ concurrency: 100 });
    const { opened, open } = gate();
    await rig.start((task) => opened.then(() => task.payload));
    const ids: string[] = [];
    for (let n = 0; n < 30; n++) {
      ids.push(await rig.enqueue({ retention: "1h" }, n === 0 ? "poison" : n));
    }
    let choked = false;
    rig.engine.refuse = (name, args) => {
      const poison = sentPoison(name, args);
      const refused = poison || (choked && isQuestion(name, args));
      choked = poison;
      return refused ? new EngineUnavailableError("Redis did not answer") : undefined;
    };
    open();
    await rig.clock.advance(50_000);
    expect(rig.settled.map(({ taskId }) => taskId).sort()).toEqual(ids.slice(1).sort());
  });

  it("is sent alone and rarely, and at last when the server leaves", async () => {
    const rig = serverRig({ concurrency: 100 });
    const { opened, open } = gate();
    await rig.start((task) => opened.then(() => task.payload));
    for (let n = 0; n < 30; n++) await rig.enqueue({ retention: "1h" }, n === 11 ? "poison" : n);
    const sent: number[] = [];
    let broken = false;
    rig.engine.refuse = (name, args) => {
      const poison = sentPoison(name, args);
      if (poison) sent.push((args[1] as Finished[]).length);
      // What others had under way on that connection breaks as well, so that an outage begins and ends each time.
      const refused = poison || (broken && name !== "exchange");
      broken = poison || (broken && name === "exchange");
      return refused ? new EngineUnavailableError("Redis did not answer") : undefined;
    };
    open();
    await rig.clock.advance(1_000);
    await settle();
    expect(sent.at(-1)).toBe(1);
    sent.length = 0;
    await rig.clock.advance(45_000);
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.length).toBeLessThan(9);
    expect(new Set(sent)).toEqual(new Set([1]));

    sent.length = 0;
    const [left] = await Promise.all([rig.server.shutdown(), rig.clock.advance(1_000)]);
    expect(sent).toEqual([1]);
    expect(left).toMatchObject({ left: 1, exitCode: 3 });
  });
});

describe("a store that answers and refuses every outcome", () => {
  it("is asked a few times in a round, not once for each outcome, and gets all of them when it relents", async () => {
    const rig = serverRig({ concurrency: 300 });
    const { opened, open } = gate();
    await rig.start(() => opened);
    for (let n = 0; n < 300; n++) await rig.enqueue();
    let refused = 0;
    rig.engine.refuse = (name, args) => {
      if (name !== "exchange" || isQuestion(name, args)) return undefined;
      refused += 1;
      return new RedisReadOnlyError("READONLY");
    };
    open();
    for (let turn = 0; turn < 10; turn++) await settle();
    expect(refused).toBeGreaterThan(10);
    expect(refused).toBeLessThan(40);
    await rig.clock.advance(20_000);
    expect(rig.settled).toEqual([]);
    rig.engine.refuse = () => undefined;
    await rig.clock.advance(16_000);
    expect(rig.settled).toHaveLength(300);
  });
});

function sentPoison(name: string, args: unknown[]): boolean {
  return name === "exchange" && /poison/.test(JSON.stringify((args[1] as Finished[]).map(resultOf)));
}

/** Brings no outcomes, so it only shows whether the store answers. */
function isQuestion(name: string, args: unknown[]): boolean {
  return name === "exchange" && (args[1] as Finished[]).length === 0;
}

function resultOf({ settlement }: Finished): string {
  return settlement.kind === "complete" ? Buffer.from(settlement.result ?? []).toString() : "";
}
