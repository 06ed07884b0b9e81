import { RedisWrongTypeError, type TitanQueueError } from "../../errors.ts";
import { ALL_QUEUES } from "../../protocol/keys.ts";
import type { Clock } from "../../runtime/clock.ts";
import { encodeCommand } from "./encode-command.ts";
import type {
  RedisArg,
  RedisCallOptions,
  RedisCommands,
  RedisKey,
  RedisReply,
  ScriptSource,
} from "./redis-commands.ts";
import { replyCode, replyError } from "./redis-errors.ts";
import type { RequestOptions } from "./redis-node.ts";
import type { ServerFacts } from "./server-check.ts";
import type { Transport } from "./transport.ts";
import { wrongTypeError } from "./wrong-type.ts";

export interface ConnectionOptions {
  /** The clock of the sockets: real time. */
  readonly clock: Clock;
  /** Milliseconds a call may take. */
  readonly commandTimeout: number;
}

/**
 * Commands and scripts on one Redis, or one Cluster.
 *
 * It connects with the first call, or with `open()`, which also says what is wrong. From then on it reconnects by
 * itself; calls that come meanwhile wait for the connection within their own time.
 */
export class RedisConnection implements RedisCommands {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timeout: number;

  constructor(transport: Transport, options: ConnectionOptions) {
    this.#transport = transport;
    this.#clock = options.clock;
    this.#timeout = options.commandTimeout;
  }

  /** Keys of different hash tags may live on different servers. */
  get cluster(): boolean {
    return this.#transport.cluster;
  }

  /** What the server (of a Cluster, one of them) said of itself when the connection was made last. */
  get facts(): ServerFacts | undefined {
    return this.#transport.facts;
  }

  /** Resolves when connected to a server that we can use; rejects when the first attempt fails. */
  open(): Promise<void> {
    return this.#transport.open();
  }

  close(): void {
    this.#transport.close();
  }

  async run(
    script: ScriptSource,
    keys: readonly RedisKey[],
    args: readonly RedisArg[],
    options: RedisCallOptions = {},
  ): Promise<RedisReply> {
    const request = this.#request(options, first);
    const key = keys[0]?.toString();
    const call = (name: string, body: string) =>
      this.#transport.request(key, [encodeCommand(name, [body, keys.length], keys, args)], request);
    const [reply = null] = await call("EVALSHA", script.sha1);
    if (!(reply instanceof Error)) return reply;
    // A server forgets scripts when it restarts, fails over, or is told to.
    if (replyCode(reply) !== "NOSCRIPT") throw await this.#scriptError(script, keys, reply, request);
    const [again = null] = await call("EVAL", script.source);
    if (again instanceof Error) throw await this.#scriptError(script, keys, again, request);
    return again;
  }

  async command(
    key: string | undefined,
    name: string,
    args: readonly RedisArg[],
    options: RedisCallOptions = {},
  ): Promise<RedisReply> {
    const request = this.#request(options, first);
    const [reply = null] = await this.#transport.request(key, [encodeCommand(name, args)], request);
    if (reply instanceof Error) throw replyError(reply, key);
    return reply;
  }

  async pipeline(
    key: string | undefined,
    commands: readonly (readonly [name: string, ...args: RedisArg[]])[],
    options: RedisCallOptions = {},
  ): Promise<RedisReply[]> {
    if (commands.length === 0) return [];
    const encoded = commands.map(([name, ...args]) => encodeCommand(name, args));
    const replies = await this.#transport.request(key, encoded, this.#request(options, all));
    return replies.map((reply, i) => {
      return reply instanceof Error ? replyError(reply, commands[i]?.[1]?.toString()) : reply;
    });
  }

  async #scriptError(
    { name }: ScriptSource,
    keys: readonly RedisKey[],
    reply: Error,
    { deadline, signal }: RequestOptions,
  ): Promise<TitanQueueError> {
    const error = replyError(reply);
    if (!(error instanceof RedisWrongTypeError)) return error;
    const timeout = Math.max(1, deadline - this.#clock.monotonic());
    const options = signal === undefined ? { timeout } : { timeout, signal };
    // Scripts know the registry of queues by an argument, where it lies on the same server.
    const looked = this.cluster ? keys : [...keys, ALL_QUEUES];
    return wrongTypeError(this, { what: name, keys: looked, text: reply.message }, options);
  }

  #request(options: RedisCallOptions, late: (replies: RedisReply[]) => RedisReply): RequestOptions {
    const { onLateReply, signal } = options;
    return {
      deadline: this.#clock.monotonic() + (options.timeout ?? this.#timeout),
      signal,
      onLateReply: onLateReply && ((replies) => onLateReply(late(replies))),
    };
  }
}

const typed = (reply: RedisReply): RedisReply => (reply instanceof Error ? replyError(reply) : reply);
const first = ([reply = null]: RedisReply[]): RedisReply => typed(reply);
const all = (replies: RedisReply[]): RedisReply => replies.map(typed);
