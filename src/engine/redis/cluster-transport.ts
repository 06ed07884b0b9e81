import { ClosedError, EngineUnavailableError, EngineUrlInvalidError } from "../../errors.ts";
import { sleep } from "../../runtime/clock.ts";
import { encodeCommand } from "./encode-command.ts";
import type { Endpoint } from "./endpoint.ts";
import { keySlot } from "./key-slot.ts";
import type { RedisReply } from "./redis-commands.ts";
import { replyCode } from "./redis-errors.ts";
import { type NodeOptions, RedisNode, type RequestOptions } from "./redis-node.ts";
import { text } from "./redis-source.ts";
import type { Address } from "./redis-url.ts";
import type { ServerFacts } from "./server-check.ts";
import type { Transport } from "./transport.ts";

/** Milliseconds a request waits for one node's connection before the way is asked for anew. */
const NODE_PATIENCE = 500;
/** Milliseconds between attempts while the Cluster moves slots or elects a primary. */
const PAUSE = 50;
/** After so many redirections in a row something is wrong with the map; go slower. */
const HASTY_REDIRECTIONS = 3;

const ASKING = encodeCommand("ASKING");
const CLUSTER_SLOTS = encodeCommand("CLUSTER", ["SLOTS"]);

/**
 * A Redis Cluster: knows which node serves a slot, and follows where it is sent. Only what a node refused is sent
 * again, and a node that refuses has not executed, so nothing is executed twice.
 */
export class ClusterTransport implements Transport {
  readonly cluster = true;
  readonly #seeds: readonly Address[];
  readonly #endpoint: (node: Address) => Endpoint;
  readonly #options: NodeOptions;
  readonly #nodes = new Map<string, RedisNode>();
  readonly #closing = new AbortController();
  #slots: (Address | undefined)[] = [];
  #refreshing: Promise<void> | undefined;

  constructor(seeds: readonly Address[], endpoint: (node: Address) => Endpoint, options: NodeOptions) {
    this.#seeds = seeds;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get facts(): ServerFacts | undefined {
    for (const node of this.#nodes.values()) if (node.facts !== undefined) return node.facts;
    return undefined;
  }

  open(): Promise<void> {
    return this.#held(() => this.#refresh());
  }

  request(
    key: string | undefined,
    commands: readonly Buffer[],
    options: RequestOptions,
  ): Promise<RedisReply[]> {
    return this.#held(() => this.#request(key === undefined ? undefined : keySlot(key), commands, options));
  }

  close(): void {
    this.#closing.abort();
    for (const node of this.#nodes.values()) node.close();
  }

  async #request(
    slot: number | undefined,
    commands: readonly Buffer[],
    options: RequestOptions,
  ): Promise<RedisReply[]> {
    const { clock } = this.#options;
    const replies: RedisReply[] = [];
    let left = commands.map((_, index) => index);
    let asked: Address | undefined;
    for (let redirections = 0; ; ) {
      const merge = (answers: RedisReply[]) => {
        for (const [i, index] of left.entries()) replies[index] = answers[asked ? 2 * i + 1 : i] ?? null;
        return replies;
      };
      let where = "";
      const isOver = () => options.signal?.aborted === true || clock.monotonic() + PAUSE >= options.deadline;
      try {
        const node = asked ? this.#node(asked) : await this.#nodeOf(slot);
        where = node.where;
        const batch = left.flatMap((index) => {
          const command = commands[index] as Buffer;
          return asked ? [ASKING, command] : [command];
        });
        const sendBy = Math.min(options.deadline, clock.monotonic() + NODE_PATIENCE);
        const { onLateReply } = options;
        merge(
          await node.request(batch, {
            ...options,
            sendBy,
            onLateReply: onLateReply && ((late) => onLateReply(merge(late))),
          }),
        );
      } catch (error) {
        const dropped = error instanceof ClosedError && !this.#closing.signal.aborted;
        if (!(error instanceof EngineUnavailableError || dropped) || isOver()) throw error;
        asked = undefined;
        await this.#tryRefresh();
        await sleep(clock, PAUSE, this.#closing.signal);
        continue;
      }

      const refused = left.filter((index) => isRefusal(replies[index]));
      const [first] = refused;
      if (first === undefined || isOver()) return replies;
      left = refused;
      const refusal = replies[first] as Error;
      const redirection = redirectionOf(refusal, where);
      asked = redirection?.kind === "ASK" ? redirection.to : undefined;
      if (redirection?.kind === "MOVED") this.#slots[redirection.slot] = redirection.to;
      if (replyCode(refusal) === "MOVED") void this.#tryRefresh();
      redirections += 1;
      if (redirection === undefined || redirections > HASTY_REDIRECTIONS) {
        await sleep(clock, PAUSE, this.#closing.signal);
      }
    }
  }

  /** The process stays alive also while a request is between two nodes. */
  async #held<T>(work: () => Promise<T>): Promise<T> {
    this.#options.underWay.begin();
    try {
      return await work();
    } finally {
      this.#options.underWay.end();
    }
  }

  #node(address: Address): RedisNode {
    const name = text(address);
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = new RedisNode(this.#endpoint(address), this.#options);
      this.#nodes.set(name, node);
      if (this.#closing.signal.aborted) node.close();
    }
    return node;
  }

  async #nodeOf(slot: number | undefined): Promise<RedisNode> {
    if (this.#slots.length === 0) await this.#refresh();
    const address = slot === undefined ? this.#anyMaster() : this.#slots[slot];
    // A slot that nobody serves: any node says so in Redis's words.
    return this.#node(address ?? this.#anyMaster() ?? (this.#seeds[0] as Address));
  }

  /** One that is connected, rather than one that may be gone. */
  #anyMaster(): Address | undefined {
    const masters = this.#slots.filter((address) => address !== undefined);
    return masters.find((address) => this.#nodes.get(text(address))?.connected) ?? masters[0];
  }

  async #tryRefresh(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      this.#options.logger.debug({ error }, "no node of the Redis Cluster says who serves what");
    }
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#learnSlots().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Asks those that are connected first; rejects with what the last one said when none answers. */
  async #learnSlots(): Promise<void> {
    const { clock, timeout } = this.#options;
    const known = [...this.#nodes.values()].sort((a, b) => Number(b.connected) - Number(a.connected));
    const candidates = new Set([...known, ...this.#seeds.map((seed) => this.#node(seed))]);
    let failure: unknown;
    for (const node of candidates) {
      try {
        const now = clock.monotonic();
        if (!node.connected) await node.open();
        const options = { deadline: now + timeout, sendBy: now + NODE_PATIENCE };
        const [reply] = await node.request([CLUSTER_SLOTS], options);
        if (reply instanceof Error) {
          if (!/cluster support disabled/.test(reply.message)) throw reply;
          throw new EngineUrlInvalidError(`Redis at ${node.where} is not a Cluster; use redis://`);
        }
        this.#slots = slotsOf(reply as RedisReply[], node.where);
        this.#dropStrangers();
        return;
      } catch (error) {
        failure = error;
        if (error instanceof EngineUrlInvalidError) break;
      }
    }
    throw failure;
  }

  /** Nodes that left, or that serve nothing and do not answer. */
  #dropStrangers(): void {
    const masters = new Set(this.#slots.map((address) => (address ? text(address) : "")));
    for (const [name, node] of this.#nodes) {
      if (masters.has(name) || node.connected) continue;
      this.#nodes.delete(name);
      node.close();
    }
  }
}

interface Redirection {
  readonly kind: "MOVED" | "ASK";
  readonly slot: number;
  readonly to: Address;
}

const REFUSALS: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING"]);

function isRefusal(reply: RedisReply | undefined): boolean {
  return reply instanceof Error && REFUSALS.has(replyCode(reply));
}

function redirectionOf(reply: Error, asked: string): Redirection | undefined {
  const [, kind, slot, host, port] = /^(MOVED|ASK) (\d{1,5}) (\S*):(\d+)$/.exec(reply.message) ?? [];
  if ((kind !== "MOVED" && kind !== "ASK") || host === undefined) return undefined;
  return { kind, slot: Number(slot), to: { host: hostOf(host, asked), port: Number(port) } };
}

/** Where nodes do not know their names, they stand where the one that was asked stands. */
function hostOf(name: string, asked: string): string {
  return name === "" || name === "?" ? asked.replace(/:\d+$/, "") : name;
}

/** A reply to CLUSTER SLOTS, as the primary of each slot. */
function slotsOf(ranges: RedisReply[], asked: string): (Address | undefined)[] {
  const slots: (Address | undefined)[] = new Array(16_384).fill(undefined);
  for (const range of ranges) {
    const [from, to, primary] = range as [number, number, RedisReply[]];
    const [host, port] = primary as [Buffer | null, number];
    const address = { host: hostOf(host?.toString() ?? "", asked), port };
    slots.fill(address, from, to + 1);
  }
  return slots;
}
