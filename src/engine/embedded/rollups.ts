import type { RollupStore } from "../../broker/rollups.ts";
import {
  decodeMeasured,
  encodeMeasured,
  type Measured,
  MOST_TYPES,
  NOTHING_MEASURED,
  OTHER_TYPES,
  ROLLUP_TTL,
  sumOf,
} from "../../protocol/rollup.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Transactions } from "./embedded-store.ts";
import type { RollupTable } from "./rollup-table.ts";

export function embeddedRollups(transactions: Transactions, clock: Clock): RollupStore {
  return {
    add: (queue, at, measured) =>
      transactions.write(({ rollups }) => {
        rollups.prune(clock.now() - ROLLUP_TTL);
        for (const [type, each] of measured) add(rollups, queue, at, type, each);
      }),
    read: (queue, from, to) =>
      transactions.read(({ rollups }) =>
        rollups
          .list(queue, from, to)
          .map(({ at, type, text }) => ({ at, type, measured: decodeMeasured(text) })),
      ),
  };
}

function add(rollups: RollupTable, queue: string, at: number, type: string, measured: Measured): void {
  const isNew = type !== OTHER_TYPES && rollups.get(queue, at, type) === undefined;
  const name = isNew && rollups.types(queue, at) >= MOST_TYPES ? OTHER_TYPES : type;
  const known = rollups.get(queue, at, name);
  const before = known === undefined ? NOTHING_MEASURED : decodeMeasured(known);
  rollups.set(queue, at, name, encodeMeasured(sumOf(before, measured)));
}
