import { expect, it } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import type { OpenEngine } from "./harness.ts";

export function cancelationContract(open: OpenEngine): void {
  it("tells every listener of every engine on the store", async () => {
    const engine = await open();
    const other = await engine.another();
    const listeners = [
      await listening(engine.broker),
      await listening(engine.broker),
      await listening(other.broker),
    ];

    await engine.broker.publishCancelation("one");
    await other.broker.publishCancelation("zwei ✂");
    for (const listener of listeners) {
      await listener.heard("zwei ✂");
      expect(listener.all).toEqual(["one", "zwei ✂"]);
    }
  });

  it("tells a listener nothing more once it has ended", async () => {
    const engine = await open();
    const [gone, stays] = [await listening(engine.broker), await listening(engine.broker)];
    const published = engine.broker.publishCancelation("late");
    await gone.end();
    await gone.end();
    await published;
    await stays.heard("late");
    expect(gone.all).toEqual([]);
  });

  it("publishes also where nobody listens", async () => {
    const { broker } = await open();
    await expect(broker.publishCancelation("anything")).resolves.toBeUndefined();
  });
}

async function listening(broker: Broker) {
  const all: string[] = [];
  let changed: () => void = () => undefined;
  const end = await broker.subscribeCancelations((taskId) => {
    all.push(taskId);
    changed();
  });
  return {
    all,
    end,
    async heard(taskId: string): Promise<void> {
      while (!all.includes(taskId)) {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
  };
}
