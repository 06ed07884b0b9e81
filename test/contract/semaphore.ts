import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";

export function semaphoreContract(open: OpenEngine): void {
  it("gives as many tokens as there are, to whichever process asks, and one back for each release", async () => {
    const harness = await open();
    const [here, there] = [harness.engine.limits, (await harness.another()).limits];
    const until = harness.clock.now() + 60_000;
    expect(await here.acquireToken("api", "a", 2, until)).toBe(true);
    expect(await there.acquireToken("api", "b", 2, until)).toBe(true);
    expect(await here.acquireToken("api", "c", 2, until)).toBe(false);
    expect(await there.acquireToken("other", "c", 2, until)).toBe(true);

    expect(await here.releaseToken("api", "b")).toBe(true);
    expect(await here.releaseToken("api", "b")).toBe(false);
    expect(await here.acquireToken("api", "c", 2, until)).toBe(true);
    expect(await here.acquireToken("api", "b", 2, until)).toBe(false);
  });

  it("lets a holder keep its token when it asks again, also when all are taken", async () => {
    const { engine, clock } = await open();
    const { limits } = engine;
    const start = clock.now();
    expect(await limits.acquireToken("api", "a", 1, start + 5_000)).toBe(true);
    expect(await limits.acquireToken("api", "a", 1, start + 60_000)).toBe(true);
    await clock.advance(10_000);
    expect(await limits.acquireToken("api", "b", 1, start + 60_000)).toBe(false);
  });

  it("takes a token back when the deadline of its holder has passed, and not before", async () => {
    const { engine, clock } = await open();
    const { limits } = engine;
    const until = clock.now() + 5_000;
    await limits.acquireToken("api", "a", 1, until);
    await clock.advance(4_000);
    expect(await limits.acquireToken("api", "b", 1, until + 60_000)).toBe(false);
    await clock.advance(2_500);
    expect(await limits.acquireToken("api", "b", 1, until + 60_000)).toBe(true);
    expect(await limits.releaseToken("api", "a")).toBe(false);
  });
}
