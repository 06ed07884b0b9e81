import { resolve } from "node:path";
import type { Engine, EngineOptions } from "../../broker/engine.ts";
import { InvalidOptionError } from "../../errors.ts";
import { embeddedBroker } from "../embedded/embedded-broker.ts";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { embeddedInspection } from "../embedded/embedded-inspection.ts";
import { embeddedLimits } from "../embedded/embedded-limits.ts";
import { EngineDoor } from "../embedded/engine-door.ts";
import { embeddedRollups } from "../embedded/rollups.ts";
import { embeddedSchedules } from "../embedded/schedules.ts";
import { checkEngineOptions } from "../engine-options.ts";
import { LEASE_TIMINGS, type LeaseTimings } from "../timings.ts";
import type { Synchronous } from "./connection.ts";
import { loadDriver, type SqliteDriver } from "./driver.ts";
import { enqueueApart } from "./enqueue-apart.ts";
import { SqliteNews } from "./news.ts";
import { sqliteRepair } from "./sqlite-repair.ts";
import { parseSqliteUrl } from "./sqlite-url.ts";
import { Turns } from "./turns.ts";

export interface SqliteEngineOptions extends EngineOptions {
  /**
   * What a power cut may cost. `"normal"`: the last moments before it, never the file. `"full"`: nothing that was
   * acknowledged, at the price of one disk flush for each turn. A process that is killed loses nothing either way.
   * @defaultValue `"normal"`
   */
  readonly synchronous?: Synchronous | undefined;
}

/** For tests. */
export interface SqliteEngineInternals {
  /** @defaultValue {@link LEASE_TIMINGS} */
  readonly timings?: LeaseTimings;
  /** @defaultValue Node's own SQLite, else the package's */
  readonly loadDriver?: () => Promise<SqliteDriver>;
}

/**
 * Keeps tasks in a SQLite file, which any number of processes of one machine may share. Needs Node 22.13, or the package
 * `@photostructure/sqlite`. The file is made when it is missing, its directory is not.
 *
 * @param file - its path; two more files lie beside it while it is used
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 */
export function sqliteEngine(file: string, options: SqliteEngineOptions = {}): Engine {
  return createSqliteEngine(file, options);
}

/** @throws EngineUrlInvalidError the URL cannot be understood. */
export function sqliteEngineOf(url: string, options: EngineOptions = {}): Engine {
  const { file, synchronous } = parseSqliteUrl(url);
  return createSqliteEngine(file, { ...options, synchronous });
}

export function createSqliteEngine(
  file: string,
  options: SqliteEngineOptions,
  internals: SqliteEngineInternals = {},
): Engine {
  const { runtime, logger, commandTimeout } = checkEngineOptions(options, ["synchronous"]);
  const { timings = LEASE_TIMINGS } = internals;
  const { clock } = runtime;
  const door = new EngineDoor();
  const path = requireFile(file);
  const turns = new Turns({
    file: path,
    synchronous: requireSynchronous(options.synchronous ?? "normal"),
    loadDriver: internals.loadDriver ?? (() => loadDriver()),
    door,
    runtime,
    commandTimeout,
    onNews: () => news.look(),
  });
  const news: SqliteNews = new SqliteNews({ turns, door, clock, logger });
  const broker = embeddedBroker(turns, news, clock, timings);
  return new EmbeddedEngine({
    kind: "sqlite",
    schedules: embeddedSchedules(turns, clock),
    broker: {
      ...broker,
      enqueue: enqueueApart(broker.enqueue),
      // The janitor of each server asks for it every few seconds.
      deleteExpired: async (queue, limit) => {
        const [deleted] = await Promise.all([
          broker.deleteExpired(queue, limit),
          turns.write((store) => store.giveBack()),
        ]);
        return deleted;
      },
    },
    inspection: embeddedInspection(turns, clock),
    repair: sqliteRepair(turns, clock, { ...timings, file: path }),
    limits: embeddedLimits(turns, clock),
    rollups: embeddedRollups(turns, clock),
    door,
    ready: () => turns.read(() => undefined),
  });
}

function requireFile(file: unknown): string {
  if (typeof file !== "string" || file === "") {
    throw new InvalidOptionError("file", "expected the path of a file");
  }
  if (/^(sqlite|file):/i.test(file)) {
    throw new InvalidOptionError("file", "expected a path, not a URL; createEngine takes sqlite: URLs");
  }
  if (file === ":memory:") {
    throw new InvalidOptionError(
      "file",
      "the engine is for files; memoryEngine() keeps tasks in the process",
    );
  }
  return resolve(file);
}

function requireSynchronous(synchronous: unknown): Synchronous {
  if (synchronous === "normal" || synchronous === "full") return synchronous;
  throw new InvalidOptionError("synchronous", `expected "normal" or "full"; got ${String(synchronous)}`);
}
