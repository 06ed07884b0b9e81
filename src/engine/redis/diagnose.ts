import type { Advice, Diagnosis, Repair } from "../../broker/repair.ts";
import { ALL_QUEUES, ALL_SERVERS, limitKeys } from "../../protocol/keys.ts";
import { isRefused, missingPermissions } from "./permissions.ts";
import type { RedisReply } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { type Persistence, persistenceOf } from "./server-check.ts";

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "cluster">;

/** Milliseconds of difference between clocks that an operator should know of, and that break promises beside Go. */
const CLOCK_NOTABLE = 5_000;
const CLOCK_BROKEN = 30_000;
/** Milliseconds for one answer. */
const SLOW = 20;
const PINGS = 5;
/** Part of `maxmemory`. */
const NEARLY_FULL = 0.9;

/** Asks Redis about itself. Whatever it does not tell is listed as unseen. */
export function redisDiagnose(context: Context): Repair["diagnose"] {
  return () => new Examination(context).run();
}

class Examination {
  readonly #context: Context;
  readonly #facts: Record<string, string | number | boolean> = {};
  readonly #advice: Advice[] = [];
  readonly #unseen: string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  async run(): Promise<Diagnosis> {
    const info = await this.#seen("INFO (version, memory, replicas)", () => this.#command("INFO", ["ALL"]));
    const field = fieldsOf(info);
    this.#facts["cluster"] = this.#context.cluster;
    if (info !== undefined) {
      this.#version(field);
      this.#eviction(field);
      this.#memory(field);
      await this.#replicas(field);
    }
    this.#persistence(await persistenceOf(this.#context.commands));
    await this.#clock();
    await this.#latency();
    await this.#permissions();
    await this.#staleServers();
    await this.#limits();
    if (this.#unseen.length > 0) {
      this.#advise({
        code: "UNSEEN",
        severity: "warning",
        finding: `the Redis user may not ask for: ${this.#unseen.join("; ")}`,
        meaning: "Nothing is known of these, and nothing is assumed to be good.",
        remedy: "ACL SETUSER <user> +info +config|get +acl|whoami +acl|dryrun +time",
      });
    }
    return { facts: this.#facts, advice: this.#advice };
  }

  #command(name: string, args: readonly (string | number)[]): Promise<RedisReply> {
    return this.#context.commands.command(undefined, name, args);
  }

  async #seen<T>(what: string, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!isRefused(error)) throw error;
      this.#unseen.push(what);
      return undefined;
    }
  }

  #advise(advice: Advice): void {
    this.#advice.push(advice);
  }

  #version(field: Fields): void {
    const product = field("valkey_version") === undefined ? "Redis" : "Valkey";
    const version = field("valkey_version") ?? field("redis_version") ?? "unknown";
    this.#facts["product"] = product;
    this.#facts["version"] = version;
    this.#advise({ code: "VERSION", severity: "ok", finding: `${product} ${version}` });
  }

  #eviction(field: Fields): void {
    const policy = field("maxmemory_policy");
    if (policy === undefined) {
      this.#unseen.push("the eviction policy");
      return;
    }
    this.#facts["evictionPolicy"] = policy;
    if (policy === "noeviction") {
      this.#advise({ code: "EVICTION", severity: "ok", finding: "Redis evicts nothing" });
      return;
    }
    this.#advise({
      code: "EVICTION",
      severity: "problem",
      finding: `maxmemory-policy is ${policy}`,
      meaning: "When memory runs short, Redis throws tasks and leases away without a word.",
      remedy: "CONFIG SET maxmemory-policy noeviction, and CONFIG REWRITE",
    });
  }

  #memory(field: Fields): void {
    const used = Number(field("used_memory"));
    const limit = Number(field("maxmemory"));
    this.#facts["usedMemory"] = used;
    this.#facts["maxMemory"] = limit;
    const finding =
      limit === 0
        ? `${mebibytes(used)} used, without a limit`
        : `${mebibytes(used)} of ${mebibytes(limit)} used`;
    if (limit === 0 || used < NEARLY_FULL * limit) {
      this.#advise({ code: "MEMORY", severity: "ok", finding });
      return;
    }
    this.#advise({
      code: "MEMORY",
      severity: used >= limit ? "problem" : "warning",
      finding,
      meaning: "At the limit, Redis refuses new tasks; those it has are still run.",
      remedy: `CONFIG SET maxmemory ${Math.ceil((2 * limit) / 2 ** 20)}mb, or delete archived and completed tasks`,
    });
  }

  async #replicas(field: Fields): Promise<void> {
    const replicas = Number(field("connected_slaves") ?? 0);
    this.#facts["role"] = field("role") ?? "unknown";
    this.#facts["replicas"] = replicas;
    const least = await this.#seen("CONFIG GET min-replicas-to-write", () =>
      this.#command("CONFIG", ["GET", "min-replicas-to-write"]),
    );
    const wanted = Array.isArray(least) && least.length === 2 ? Number(least[1]) : undefined;
    if (wanted !== undefined) this.#facts["minReplicasToWrite"] = wanted;
    if (replicas === 0 || wanted === undefined || wanted > 0) {
      this.#advise({ code: "REPLICAS", severity: "ok", finding: `${replicas} replicas are connected` });
      return;
    }
    this.#advise({
      code: "REPLICAS",
      severity: "warning",
      finding: `${replicas} replicas are connected, and min-replicas-to-write is 0`,
      meaning: "A primary that is cut off goes on taking tasks, which a failover then throws away.",
      remedy: "CONFIG SET min-replicas-to-write 1, CONFIG SET min-replicas-max-lag 10, and CONFIG REWRITE",
    });
  }

  #persistence(persistence: Persistence): void {
    this.#facts["persistence"] = persistence;
    if (persistence === "unknown") this.#unseen.push("CONFIG GET (what survives a crash)");
    else this.#advise({ code: "PERSISTENCE", ...PERSISTENCE[persistence] });
  }

  async #clock(): Promise<void> {
    const { clock } = this.#context.runtime;
    const sample = await this.#seen("TIME (its clock)", async () => {
      const asked = clock.now();
      const reply = (await this.#command("TIME", [])) as Buffer[];
      const [seconds, micros] = reply.map(Number);
      return Number(seconds) * 1_000 + Number(micros) / 1_000 - (asked + clock.now()) / 2;
    });
    if (sample === undefined) return;
    const offset = Math.round(sample);
    this.#facts["clockOffset"] = offset;
    const size = Math.abs(offset);
    const finding = `this machine's clock is ${size} ms ${offset < 0 ? "ahead of" : "behind"} that of Redis`;
    if (size < CLOCK_NOTABLE) {
      this.#advise({ code: "CLOCK", severity: "ok", finding });
      return;
    }
    this.#advise({
      code: "CLOCK",
      severity: size < CLOCK_BROKEN ? "warning" : "problem",
      finding,
      meaning: "TitanQueue corrects for it; Go servers do not, and may take tasks from live workers.",
      remedy: "chronyc makestep, or whatever keeps clocks in step here",
    });
  }

  async #latency(): Promise<void> {
    const { clock } = this.#context.runtime;
    const times: number[] = [];
    const done = await this.#seen("PING", async () => {
      for (let i = 0; i < PINGS; i += 1) {
        const asked = clock.monotonic();
        await this.#command("PING", []);
        times.push(clock.monotonic() - asked);
      }
      return true;
    });
    if (done === undefined) return;
    const median = times.sort((a, b) => a - b)[Math.floor(PINGS / 2)] ?? 0;
    this.#facts["latency"] = Math.round(median * 100) / 100;
    const finding = `Redis answers in ${median.toFixed(1)} ms`;
    if (median < SLOW) {
      this.#advise({ code: "LATENCY", severity: "ok", finding });
      return;
    }
    this.#advise({
      code: "LATENCY",
      severity: "warning",
      finding,
      meaning: "Every enqueue and every batch of a server waits as long.",
      remedy: "run servers near their Redis; redis-cli --latency, and SLOWLOG GET",
    });
  }

  async #permissions(): Promise<void> {
    const found = await missingPermissions(this.#context.commands);
    if (found === undefined) {
      this.#unseen.push("ACL DRYRUN (its own permissions)");
      return;
    }
    this.#facts["user"] = found.user;
    if (found.missing.length === 0) {
      this.#advise({
        code: "PERMISSIONS",
        severity: "ok",
        finding: `user ${found.user} may do all that is needed`,
      });
      return;
    }
    const names = [...new Set(found.missing.map((call) => call.split(" ")[0]?.toLowerCase()))];
    this.#advise({
      code: "PERMISSIONS",
      severity: "problem",
      finding: `user ${found.user} may not run: ${found.missing.join(", ")}`,
      meaning: "What needs these fails, or goes on with less.",
      remedy: `ACL SETUSER ${found.user} ~asynq:* ~tq:* &asynq:cancel &__redis__:invalidate ${names.map((name) => `+${name}`).join(" ")}`,
    });
  }

  async #limits(): Promise<void> {
    const { commands, clock } = this.#context;
    const names = await this.#seen("the list of queues", () =>
      commands.command(ALL_QUEUES, "SMEMBERS", [ALL_QUEUES]),
    );
    for (const queue of Array.isArray(names) ? names.map(String).sort() : []) {
      const { limits } = limitKeys(queue);
      const reply = await this.#seen(`limits of ${queue}`, () =>
        commands.command(limits, "HGETALL", [limits]),
      );
      if (!Array.isArray(reply)) continue;
      const told = liveLimits(reply, clock.now());
      if (new Set(told.values()).size < 2) continue;
      this.#advise({
        code: "LIMITS_DIFFER",
        severity: "warning",
        finding: `servers do not agree on the limits of queue ${queue}: ${[...told].map(([server, specs]) => `${server} ${specs}`).join("; ")}`,
        meaning: "Of each limit the strictest counts, for all of them.",
        remedy: "give all servers of the queue the same limits",
      });
    }
  }

  async #staleServers(): Promise<void> {
    const now = Math.floor(this.#context.clock.now() / 1_000);
    const reply = await this.#seen("the list of servers", () =>
      this.#context.commands.command(ALL_SERVERS, "ZRANGEBYSCORE", [ALL_SERVERS, "-inf", `(${now}`]),
    );
    if (!Array.isArray(reply) || reply.length === 0) return;
    const names = reply.map((name) => String(name).slice(ALL_SERVERS.length + 1));
    this.#advise({
      code: "SERVERS_STALE",
      severity: "warning",
      finding: `${names.length} servers went away without a word: ${names.slice(0, 5).join(", ")}`,
      meaning:
        "They were killed, or lost their Redis. Their tasks are recovered within 75 s by another server.",
      remedy: "look at their logs; titanqueue server ls shows who is left",
    });
  }
}

const PERSISTENCE: Readonly<Record<Exclude<Persistence, "unknown">, Omit<Advice, "code">>> = {
  none: {
    severity: "problem",
    finding: "Redis keeps nothing on disk",
    meaning: "A restart of Redis loses all tasks.",
    remedy: "CONFIG SET appendonly yes, CONFIG SET appendfsync everysec, and CONFIG REWRITE",
  },
  rdb: {
    severity: "warning",
    finding: "Redis keeps snapshots only",
    meaning: "A crash of Redis loses all tasks since the last snapshot: minutes.",
    remedy: "CONFIG SET appendonly yes, and CONFIG REWRITE",
  },
  "aof-no": {
    severity: "warning",
    finding: "Redis logs every write, and leaves it to the system when it reaches the disk",
    meaning: "A crash of the machine loses about half a minute.",
    remedy: "CONFIG SET appendfsync everysec, and CONFIG REWRITE",
  },
  "aof-everysec": {
    severity: "ok",
    finding: "Redis logs every write, and flushes the log every second",
    meaning: "A crash of Redis loses nothing, one of the machine about a second.",
  },
  "aof-always": {
    severity: "ok",
    finding: "Redis flushes every write to disk before it answers",
    meaning: "A crash loses nothing, if the disk is honest.",
  },
};

/** By server, what it says of its limits: the millisecond until which it counts, a space, and JSON. */
function liveLimits(fields: readonly RedisReply[], now: number): Map<string, string> {
  const told = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, until, specs = ""] = /^(\d+) (.*)$/s.exec(String(fields[i + 1])) ?? [];
    if (Number(until) > now) told.set(String(fields[i]), specs);
  }
  return told;
}

type Fields = (name: string) => string | undefined;

function fieldsOf(info: RedisReply | undefined): Fields {
  const text = Buffer.isBuffer(info) ? info.toString() : "";
  return (name) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1];
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
