import { describe, expect, it } from "vitest";
import { fixedServerClock, serverClock } from "../../../src/engine/redis/server-clock.ts";
import { FakeClock } from "../../support/fake-runtime.ts";
import { HeardLog } from "./connecting.ts";

const START = Date.UTC(2024, 0, 1);

/** A Redis whose clock is `ahead` of ours, and which is reached after the trips listed, there and back. */
function server(clock: FakeClock, ahead: number, trips: [there: number, back: number][]) {
  return {
    command: async () => {
      const [there, back] = trips.shift() ?? [0, 0];
      await clock.advance(there);
      const micros = (clock.now() + ahead) * 1_000;
      await clock.advance(back);
      return [Buffer.from(String(Math.floor(micros / 1e6))), Buffer.from(String(micros % 1e6))];
    },
  };
}

describe("the server's clock", () => {
  it("runs as the wall clock until it is measured", () => {
    const clock = new FakeClock(START);
    const time = serverClock({ commands: server(clock, 400, []), clock, logger: new HeardLog() });
    expect([time.offset, time.now()]).toEqual([0, START]);
  });

  it("takes the sample with the smallest round trip, and its middle", async () => {
    const clock = new FakeClock(START);
    const commands = server(clock, 400, [
      [50, 0],
      [2, 2],
      [0, 30],
    ]);
    const time = serverClock({ commands, clock, logger: new HeardLog() });
    await time.measure();
    expect(time.offset).toBe(400);
    expect(time.now()).toBe(clock.now() + 400);
  });

  it("does not move for what may be an error of measurement, and follows a real change", async () => {
    const clock = new FakeClock(START);
    const trips: [number, number][] = [];
    let ahead = 400;
    const commands = { command: () => server(clock, ahead, trips).command() };
    const time = serverClock({ commands, clock, logger: new HeardLog() });
    await time.measure();
    trips.push([40, 0], [40, 0], [40, 0]);
    await time.measure();
    expect(time.offset).toBe(400);
    ahead = 900;
    await time.measure();
    expect(time.offset).toBe(900);
  });

  it("warns once of a difference over 5 s", async () => {
    const clock = new FakeClock(START);
    const logger = new HeardLog();
    const time = serverClock({ commands: server(clock, -3_600_000, []), clock, logger });
    await time.measure();
    await time.measure();
    expect(logger.lines).toEqual([expect.stringMatching(/^warn .*5 s.* offsetMs=-3600000$/)]);
    expect(time.now()).toBe(clock.now() - 3_600_000);
  });

  it("can be fixed", async () => {
    const clock = new FakeClock(START);
    const time = fixedServerClock(clock, 7);
    await time.measure();
    expect([time.offset, time.now()]).toEqual([7, START + 7]);
  });
});
