import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CronSpecInvalidError } from "../../src/errors.ts";
import { parseCronSpec } from "../../src/scheduler/cron-spec.ts";
import { golden } from "../support/golden.ts";

interface GoldenSpec {
  readonly spec: string;
  readonly location: string;
  readonly from: string;
  /** What Go answers. */
  readonly next?: readonly string[];
  readonly error?: string;
  readonly panic?: string;
  readonly hangs?: boolean;
  /** What we answer, where our rules for clocks that are changed differ. */
  readonly titanqueue?: readonly string[];
}

const specs = golden<readonly GoldenSpec[]>("cron.json");
const isRefused = ({ error, panic }: GoldenSpec) => error !== undefined || panic !== undefined;
/** Go counts from its start, we from the epoch. */
const isEvery = ({ spec }: GoldenSpec) => spec.startsWith("@every ");

function instants(spec: string, zone: string, from: string, count: number): string[] {
  const { schedule } = parseCronSpec(spec, zone);
  const found: string[] = [];
  for (let at = Math.floor(Date.parse(from)); found.length < count; ) {
    const next = schedule.next(at);
    if (next === undefined) return [...found, "never"];
    expect(next).toBeGreaterThan(at);
    found.push(new Date(next).toISOString().replace(".000Z", "Z"));
    at = next;
  }
  return found;
}

describe("a spec", () => {
  const refused = specs.filter(isRefused);
  const every = specs.filter((row) => !isRefused(row) && isEvery(row));
  const timed = specs.filter((row) => !isRefused(row) && !isEvery(row));

  it.each(timed)("$spec in $location means what the vector says", (row) => {
    const wanted = row.titanqueue ?? row.next ?? [];
    const count = wanted.includes("never") ? 1 : wanted.length;
    expect(count).toBeGreaterThan(0);
    expect(instants(row.spec, row.location, row.from, count)).toEqual(wanted);
  });

  it.each(every)(
    "$spec has Go's interval, and counts it from the epoch",
    ({ spec, location, from, next = [] }) => {
      const ms = (texts: readonly string[]) => texts.map((text) => Date.parse(text));
      const [first = 0, second = 0] = ms(next);
      const interval = second - first;
      const ours = ms(instants(spec, location, from, 6));
      expect(ours.map((at) => at % interval)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(ours.slice(1).map((at, i) => at - (ours[i] ?? 0))).toEqual(Array(5).fill(interval));
      expect((ours[0] ?? 0) - Date.parse(from)).toBeLessThanOrEqual(interval);
    },
  );

  it.each(refused)("$spec is refused, as Go refuses it", ({ spec, location }) => {
    expect(() => parseCronSpec(spec, location)).toThrow(CronSpecInvalidError);
  });

  it.each([
    ["0 9 * * 7", 8, "the day of week goes from 0 to 6; got 7"],
    ["0 0 L * *", 4, "the day of month holds what is no number there; L and W are not supported"],
    ["0 0 1,2,x * *", 8, "no number"],
    ["1-2-3 * * * *", 0, "more than one hyphen"],
    ["5/0 * * * *", 2, "has a step of 0"],
    [", * * * *", 0, "the minute names nothing"],
    ["0 0 0 * * *", 10, "no field for seconds"],
    ["* * * *", 7, "has 4 fields instead of 5"],
    ["@dayly", 0, 'did you mean "@daily"?'],
    ["@every", 0, "write a length behind it"],
    ["@every 5", 7, "write it as in 30s"],
    ["TZ=Berlin 0 9 * * *", 3, 'there is no time zone "Berlin"'],
    ["TZ=+01:00 0 9 * * *", 3, 'there is no time zone "+01:00"'],
    ["TZ=Europe/Berlin", 16, "names a time zone, and no times"],
    ["CRON_TZ=Europe/Berlin   ", 24, "is empty"],
  ])("%s is refused at %i with a reason", (spec, position, reason) => {
    let error: unknown;
    try {
      parseCronSpec(spec);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "CRON_SPEC_INVALID", spec, position });
    expect(String(error)).toContain(reason);
  });

  it("of a megabyte is refused before it is read", () => {
    // Whoever read it would stumble at once.
    const spec = `x${"1,".repeat(500_000)}1 * * * *`;
    expect(() => parseCronSpec(spec)).toThrow("the limit is 1024");
  });

  it("that is no text is refused", () => {
    for (const spec of [undefined, null, 5, {}])
      expect(() => parseCronSpec(spec)).toThrow(CronSpecInvalidError);
  });

  it("is kept with its time zone, once", () => {
    expect(parseCronSpec("0 9 * * *").text).toBe("0 9 * * *");
    expect(parseCronSpec(" @daily ", "Asia/Tokyo").text).toBe("CRON_TZ=Asia/Tokyo @daily");
    expect(parseCronSpec("TZ=Asia/Tokyo 0 9 * * *", "Europe/Berlin").text).toBe("TZ=Asia/Tokyo 0 9 * * *");
    expect(parseCronSpec("@every 30s", "Europe/Berlin").text).toBe("@every 30s");
  });

  it("is understood or refused, whatever it is, and its instants go forward", () => {
    const fields = fc.array(
      fc.oneof(
        fc.constantFrom("*", "?", "*/7", "1-5", "0", "30", "MON", "jan", "2/3", "29", "31"),
        fc.string(),
      ),
      { minLength: 4, maxLength: 6 },
    );
    fc.assert(
      fc.property(
        fields,
        fc.constantFrom("", "TZ=America/St_Johns ", "CRON_TZ=Pacific/Apia "),
        (parts, zone) => {
          let schedule: ReturnType<typeof parseCronSpec>["schedule"];
          try {
            ({ schedule } = parseCronSpec(zone + parts.join(" ")));
          } catch (error) {
            expect(error).toBeInstanceOf(CronSpecInvalidError);
            return;
          }
          let at = Date.UTC(2006, 9, 28);
          for (let i = 0; i < 5; i += 1) {
            const next = schedule.next(at);
            if (next === undefined) return;
            expect(next).toBeGreaterThan(at);
            at = next;
          }
        },
      ),
    );
  });
});
