import { expect, it } from "vitest";
import { EngineUnavailableError } from "../../src/errors.ts";
import { EngineState } from "../../src/server/engine-state.ts";
import { ServerEvents } from "../../src/server/events.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { recordingLogger } from "./server-rig.ts";

function rig() {
  const { clock } = fakeRuntime();
  const logger = recordingLogger();
  const state = new EngineState(new ServerEvents(logger), logger, clock);
  const start = clock.now();
  /** Milliseconds from the start. */
  const calls: number[] = [];
  state.onReturn(() => calls.push(clock.now() - start));
  const outage = () => state.down(new EngineUnavailableError("down"));
  return { clock, state, calls, outage };
}

it("calls those who wait at once when an outage ends", () => {
  const { state, calls, outage } = rig();
  outage();
  state.up();
  state.up();
  expect(calls).toEqual([0]);
});

it("calls them late, and once, when outages end within a second of the last call", async () => {
  const { clock, state, calls, outage } = rig();
  for (let n = 0; n < 3; n += 1) {
    outage();
    state.up();
    await clock.advance(300);
  }
  await clock.advance(5_000);
  expect(calls).toEqual([0, 1_000]);
});

it("calls them once a second while the engine comes and goes all the time", async () => {
  const { clock, state, calls, outage } = rig();
  for (let n = 0; n < 10; n += 1) {
    outage();
    state.up();
    await clock.advance(300);
  }
  expect(calls).toEqual([0, 1_000, 2_000, 3_000]);
});

it("leaves the call to the end of the next outage where that has begun by then", async () => {
  const { clock, state, calls, outage } = rig();
  outage();
  state.up();
  await clock.advance(300);
  outage();
  state.up();
  await clock.advance(300);
  outage();
  await clock.advance(5_000);
  expect(calls).toEqual([0]);
  state.up();
  expect(calls).toEqual([0, 5_600]);
});
