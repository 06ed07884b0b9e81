import { createHash } from "node:crypto";
import { type Engine, type EngineOptions, engineBrand } from "../../broker/engine.ts";
import type { Inspection } from "../../broker/inspection.ts";
import type { LimitStore } from "../../broker/limits.ts";
import type { Repair } from "../../broker/repair.ts";
import type { RollupStore } from "../../broker/rollups.ts";
import type { ScheduleStore } from "../../broker/schedule-store.ts";
import { ClosedError, TitanQueueError } from "../../errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { checkEngineOptions } from "../engine-options.ts";
import { LEASE_TIMINGS, type LeaseTimings } from "../timings.ts";
import { type Prepare, type RedisConnections, redisConnections } from "./connect-redis.ts";
import type { RedisConnection } from "./connection.ts";
import { Cutoff } from "./cutoff.ts";
import { redisDiagnose } from "./diagnose.ts";
import { doorCommands } from "./door-commands.ts";
import { redisFsck } from "./fsck.ts";
import { RedisBroker } from "./redis-broker.ts";
import type { RedisCommands, RedisReply, ScriptSource } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { redisInspection } from "./redis-inspection.ts";
import { redisLimits } from "./redis-limits.ts";
import { redisRollups } from "./redis-rollups.ts";
import type { RedisSource } from "./redis-source.ts";
import { redisSchedules } from "./schedules.ts";
import { adviseOnServer, type ServerFacts } from "./server-check.ts";
import { fixedServerClock, type ServerClock, serverClock } from "./server-clock.ts";

/** For tests. */
export interface RedisEngineInternals {
  /** @defaultValue {@link LEASE_TIMINGS} */
  readonly timings?: LeaseTimings;
  /** Milliseconds from the runtime's clock to the store's. @defaultValue measured */
  readonly clockOffset?: number;
  /** Changes the text of every script. */
  readonly scriptSource?: (source: string, name: string) => string;
}

/**
 * Keeps tasks in Redis 6.2 or newer, or Valkey, as asynq does: Go programs may share them.
 *
 * @param source - a URL, a URL with what is better kept out of it, or a client of ioredis 5 or 6, which is copied and
 * never used or closed itself
 * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
 * @throws {@link UnsupportedClientError} it is neither.
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 */
export function redisEngine(source: RedisSource, options: EngineOptions = {}): Engine {
  return createRedisEngine(source, options);
}

export function createRedisEngine(
  source: RedisSource,
  options: EngineOptions,
  internals: RedisEngineInternals = {},
): Engine {
  return new RedisEngine(source, options, internals);
}

/** For a call whose failure is heard of by whoever needs what it does. */
const ignore = (): void => undefined;

class RedisEngine implements Engine {
  readonly [engineBrand] = true;
  readonly kind = "redis";
  readonly broker: RedisBroker;
  readonly inspection: Inspection;
  readonly repair: Repair;
  readonly schedules: ScheduleStore;
  readonly limits: LimitStore;
  readonly rollups: RollupStore;
  readonly #commands: Line;
  readonly #heartbeat: Line;
  readonly #clock: ServerClock;
  readonly #logger: Logger;
  #users = 0;
  #closed = false;
  /** How many closings are under way: each still needs the connections. */
  #endings = 0;
  #closing: Promise<void> = Promise.resolve();
  #preparing: Promise<void> | undefined;
  #advised = false;

  constructor(source: RedisSource, options: EngineOptions, internals: RedisEngineInternals) {
    const { runtime, logger, commandTimeout } = checkEngineOptions(options);
    const connections = redisConnections(source, { logger, commandTimeout, random: runtime.random });
    const { scriptSource } = internals;
    this.#logger = logger;
    const isClosed = () => this.#closed && this.#endings === 0;
    this.#commands = new Line(connections, {
      isClosed,
      onUse: () => queueMicrotask(() => void this.#prepare().catch(ignore)),
      prepare: (link) => this.#measureClock(link),
      scriptSource,
    });
    // Heartbeats go on a connection of their own: they must not wait behind a long answer.
    this.#heartbeat = new Line(connections, { isClosed, onUse: ignore, prepare: undefined, scriptSource });
    const commands = doorCommands(this.#commands);
    this.#clock =
      internals.clockOffset === undefined
        ? serverClock({ commands, clock: runtime.clock, logger })
        : fixedServerClock(runtime.clock, internals.clockOffset);
    const context: RedisContext = {
      commands: this.#commands,
      clock: this.#clock,
      runtime,
      logger,
      timings: internals.timings ?? LEASE_TIMINGS,
      commandTimeout,
      cluster: connections.cluster,
    };
    const cutoff = new Cutoff(context);
    this.broker = new RedisBroker(context, {
      heartbeat: this.#heartbeat,
      connections,
      isClosed: () => this.#closed,
      cutoff,
    });
    this.schedules = redisSchedules({ ...context, commands }, cutoff);
    this.inspection = redisInspection({ ...context, commands });
    const door = { ...context, commands };
    this.repair = { fsck: redisFsck(door), diagnose: redisDiagnose(door) };
    this.limits = redisLimits({ ...context, commands });
    this.rollups = redisRollups({ commands });
  }

  use(): () => Promise<void> {
    this.#users += 1;
    this.#closed = false;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      this.#users -= 1;
      if (this.#users === 0) await this.close();
    };
  }

  open(): Promise<void> {
    this.#closed = false;
    return this.#prepare();
  }

  #prepare(): Promise<void> {
    this.#preparing ??= this.#connect().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  async #connect(): Promise<void> {
    const facts = await this.#commands.open();
    if (facts === undefined || this.#advised) return;
    this.#advised = true;
    await adviseOnServer(facts, doorCommands(this.#commands), this.#logger);
  }

  /**
   * The server behind a new connection may be another one than before, with another clock. Only a link that breaks
   * fails it: where TIME is not allowed, the scripts say so by themselves.
   */
  async #measureClock(link: Parameters<Prepare>[0]): Promise<void> {
    try {
      await this.#clock.measure(link);
    } catch (error) {
      if (!(error instanceof TitanQueueError)) throw error;
      this.#logger.debug({ error }, "the clock of Redis cannot be read");
    }
  }

  async ping(): Promise<void> {
    await doorCommands(this.#commands).command(undefined, "PING", []);
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#closing = this.#end(this.#closing);
    }
    return this.#closing;
  }

  /**
   * What stands by itself ends before the connections, which it may need to hand tasks back. Whoever uses the engine
   * meanwhile goes on with them: they are left to the closing after that.
   */
  async #end(before: Promise<void>): Promise<void> {
    this.#endings += 1;
    try {
      await Promise.all([before.catch(ignore), this.broker.end()]);
    } finally {
      this.#endings -= 1;
      if (this.#closed && this.#endings === 0) {
        this.#commands.close();
        this.#heartbeat.close();
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface LineOptions {
  readonly isClosed: () => boolean;
  /** Called with the first command of each connection. */
  readonly onUse: () => void;
  readonly prepare: Prepare | undefined;
  readonly scriptSource: RedisEngineInternals["scriptSource"] | undefined;
}

/** One connection at a time: it ends with the engine, and a new one is made when the engine is used again. */
class Line implements RedisCommands {
  readonly #connections: RedisConnections;
  readonly #options: LineOptions;
  readonly #changed = new Map<ScriptSource, ScriptSource>();
  #connection: RedisConnection | undefined;

  constructor(connections: RedisConnections, options: LineOptions) {
    this.#connections = connections;
    this.#options = options;
  }

  /** Resolves when connected, with what the server says of itself. */
  open(): Promise<ServerFacts | undefined> {
    return this.#on(async (connection) => {
      await connection.open();
      return connection.facts;
    });
  }

  run(...[script, ...call]: Parameters<RedisCommands["run"]>): Promise<RedisReply> {
    return this.#on((connection) => connection.run(this.#script(script), ...call));
  }

  command(...call: Parameters<RedisCommands["command"]>): Promise<RedisReply> {
    return this.#on((connection) => connection.command(...call));
  }

  pipeline(...call: Parameters<RedisCommands["pipeline"]>): Promise<RedisReply[]> {
    return this.#on((connection) => connection.pipeline(...call));
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Not an async function: every call passes here, and each of those costs turns of the loop. */
  #on<T>(call: (connection: RedisConnection) => Promise<T>): Promise<T> {
    if (this.#connection !== undefined) return call(this.#connection);
    if (this.#options.isClosed()) return Promise.reject(new ClosedError("the engine"));
    this.#connection = this.#connections.connect(this.#options.prepare);
    this.#options.onUse();
    return call(this.#connection);
  }

  #script(script: ScriptSource): ScriptSource {
    const { scriptSource } = this.#options;
    if (scriptSource === undefined) return script;
    let changed = this.#changed.get(script);
    if (changed === undefined) {
      const source = scriptSource(script.source, script.name);
      changed = { name: script.name, source, sha1: createHash("sha1").update(source).digest("hex") };
      this.#changed.set(script, changed);
    }
    return changed;
  }
}
