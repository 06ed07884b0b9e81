import type { Difference } from "../../engine/redis/golden-allowances.ts";

/** A difference in when a periodic task runs. */
export interface Ticked extends Difference {
  readonly allow: (given: {
    readonly spec: string;
    readonly gos: readonly number[];
    readonly ours: readonly number[];
    /** Whether clocks are changed within a day of that instant. */
    readonly clocksChange: (at: number) => boolean;
  }) => boolean;
}

export const TICKED: readonly Ticked[] = [
  {
    rule: "18.5: `@every` counts from the epoch",
    asynq: "counts from when the scheduler was started",
    why: "replicas agree on the instants, and a restart does not move them",
    ops: ["ticks"],
    allow: ({ spec, gos, ours }) => {
      const interval = gos[1]! - gos[0]!;
      return (
        spec.startsWith("@every ") &&
        ours.every((at, i) => at % interval === 0 && (i === 0 || at - ours[i - 1]! === interval)) &&
        Math.abs(ours[0]! - gos[0]!) <= interval
      );
    },
  },
  {
    rule: "12: a day on which clocks change has every tick once",
    asynq: "leaves out what falls into the gap, and runs what falls into the overlap twice",
    why: "a daily task runs daily",
    ops: ["ticks"],
    allow: ({ spec, gos, ours, clocksChange }) => {
      const end = Math.min(gos.at(-1)!, ours.at(-1)!);
      const others = [
        ...gos.filter((at) => at <= end && !ours.includes(at)),
        ...ours.filter((at) => at <= end && !gos.includes(at)),
      ];
      return !spec.startsWith("@every ") && others.length > 0 && others.every(clocksChange);
    },
  },
];
