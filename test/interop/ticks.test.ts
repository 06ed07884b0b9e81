import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCronSpec } from "../../src/scheduler/cron-spec.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { randomFrom } from "./differential/plan.ts";
import { TICKED } from "./differential/ticked.ts";
import { Peer } from "./peer.ts";

/** When periodic tasks run: random specs, by the parser that asynq's scheduler uses and by ours. */

const SPECS = 2_000;
const TICKS = 6;
const ZONES = [
  "UTC",
  "Asia/Tokyo",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
];

const redis = await redisForFile();
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start(redis.url);
});
afterAll(() => peer.close());

const random = randomFrom(26);
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;

function field(least: number, most: number, names: readonly string[] = []): string {
  const value = () => least + below(most - least + 1);
  const range = () => {
    const [a, b] = [value(), value()].sort((x, y) => x - y);
    return `${a}-${b}`;
  };
  switch (below(8)) {
    case 0:
      return String(value());
    case 1:
      return range();
    case 2:
      return `${range()}/${1 + below(5)}`;
    case 3:
      return `*/${1 + below(most)}`;
    case 4:
      return `${value()},${value()}`;
    case 5:
      return names.length > 0 ? pick(names) : "?";
    default:
      return "*";
  }
}

function spec(): string {
  const word = pick(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"]);
  if (random() < 0.1) return word;
  if (random() < 0.15) return `@every ${pick(["90s", "1h30m", "7m", "24h", "1.5s", "100h"])}`;
  const zone = random() < 0.2 ? `${pick(["CRON_TZ", "TZ"])}=${pick(ZONES)} ` : "";
  const months = ["JAN", "feb", "Dec"];
  const days = ["MON", "sun", "Fri"];
  return `${zone}${field(0, 59)} ${field(0, 23)} ${field(1, 28)} ${field(1, 12, months)} ${field(0, 6, days)}`;
}

/** What clocks are ahead of UTC by, in minutes. */
function offset(zone: string, at: number): number {
  const text = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).format(at);
  const [, sign, hours = "0", minutes = "0"] = /GMT([+-])(\d+):(\d+)/.exec(text) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const DAY = 86_400_000;
const changesNear = (zone: string, at: number) => offset(zone, at - DAY) !== offset(zone, at + DAY);

describe("specs of periodic tasks", () => {
  it("run when Go's run, but for what is listed", async () => {
    const applied = new Set<string>();
    for (let n = 0; n < SPECS; n += 1) {
      const zone = pick(ZONES);
      const text = spec();
      const from = Date.UTC(2025, 0, 1) + below(3 * 365 * 86_400) * 1_000;
      const gos = (
        await peer.ask<string[]>("ticks", { spec: text, from: new Date(from).toISOString(), zone, n: TICKS })
      ).map((at) => Date.parse(at));
      const { schedule } = parseCronSpec(text, zone);
      const ours: number[] = [];
      while (ours.length < TICKS) ours.push(schedule.next(ours.at(-1) ?? from) ?? Number.NaN);
      if (ours.join() === gos.join()) continue;
      const own = /TZ=(\S+)/.exec(text)?.[1] ?? zone;
      const clocksChange = (at: number) => changesNear(own, at);
      const difference = TICKED.find(({ allow }) => allow({ spec: text, gos, ours, clocksChange }));
      if (difference === undefined)
        expect(ours, `${text} in ${zone} from ${new Date(from).toISOString()}`).toEqual(gos);
      else applied.add(difference.rule);
    }
    expect([...applied].sort()).toEqual(TICKED.map(({ rule }) => rule).sort());
    counted("operations", SPECS);
  });
});
