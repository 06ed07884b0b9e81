import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import { setImmediate, setTimeout } from "node:timers/promises";
import { leadingTexts, RespFramer } from "./resp-frames.ts";

/** Which requests a rule is about. Without a field, all of them. */
export interface RequestMatch {
  /** In any case: `"evalsha"`. */
  readonly command?: string;
  /** SHA-1 of a Lua script, sent by its SHA or by its text. */
  readonly script?: string;
  /** Only the n-th such request, counted from 1 over all connections. @defaultValue every one */
  readonly nth?: number;
}

/**
 * What happens to a request that matches.
 *
 * A connection never loses something from its middle: where a frame is dropped, everything behind it in that direction
 * is lost as well, as on a link that goes dead.
 */
export type Fault =
  | SlowingFault
  /** Redis never sees it, and the client waits. */
  | { readonly do: "drop-request" }
  /** Redis never sees it, and the connection ends. */
  | { readonly do: "drop-request-then-close" }
  /** Redis executes it, and the client waits. */
  | { readonly do: "drop-reply" }
  /** Redis executes it, and the connection ends without an answer. */
  | { readonly do: "drop-reply-then-close" }
  /** Redis never sees it, and the client's connection is reset. */
  | { readonly do: "rst" }
  /** Redis does not execute it, and the client gets these bytes: `"-OOM command not allowed\r\n"`. */
  | { readonly do: "replace-reply"; readonly reply: string };

/** Concerns the reply if it does not say. What is behind a frame that is held is held as well. */
export type SlowingFault = { readonly direction?: Direction } & (
  | { readonly do: "delay"; readonly ms: number }
  /** Arrives after the time it takes at this speed. */
  | { readonly do: "throttle"; readonly bytesPerSecond: number }
  /** Arrives in pieces of so many bytes. */
  | { readonly do: "chunk"; readonly bytes: number }
);

export type Direction = "request" | "reply";

/** A fault that waits for its request. A test asserts on `fired`: a fault that never happened proves nothing. */
export class Rule {
  readonly fault: Fault;
  /** How many requests it has met. */
  fired = 0;
  readonly #match: RequestMatch;
  #seen = 0;
  #announce: () => void = () => undefined;
  /** Resolves when it has met its first request. */
  readonly met: Promise<void> = new Promise((resolve) => {
    this.#announce = resolve;
  });

  constructor(match: RequestMatch, fault: Fault) {
    this.#match = match;
    this.fault = fault;
  }

  meets(request: Request): boolean {
    const { command, script, nth } = this.#match;
    if (command !== undefined && command.toLowerCase() !== request.command) return false;
    if (script !== undefined && script !== request.script) return false;
    this.#seen += 1;
    if (nth !== undefined && nth !== this.#seen) return false;
    this.fired += 1;
    this.#announce();
    return true;
  }
}

/** A TCP proxy before a Redis that understands its protocol, and harms what a test tells it to. */
export class RespProxy {
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #rules: Rule[] = [];
  #port = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free loopback port, for a Redis on another one. */
  static async start(targetPort: number): Promise<RespProxy> {
    const proxy = new RespProxy(targetPort);
    await proxy.up();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Adds a rule; of several that meet a request the first added decides. */
  rule(match: RequestMatch, fault: Fault): Rule {
    const rule = new Rule(match, fault);
    this.#rules.push(rule);
    return rule;
  }

  /** Takes rules back, or all of them. What a connection has lost stays lost. */
  heal(...rules: readonly Rule[]): void {
    this.#rules = rules.length === 0 ? [] : this.#rules.filter((rule) => !rules.includes(rule));
  }

  /** Resets every open connection; new ones are welcome. */
  cut(): void {
    for (const link of this.#links) link.reset();
  }

  /** Resets every connection and refuses new ones. */
  async down(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Listens again, on the same port. */
  async up(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.heal();
    await this.down();
  }

  #accept(client: Socket): void {
    const link = new Link(client, this.#targetPort, (request) =>
      this.#rules.find((rule) => rule.meets(request)),
    );
    this.#links.add(link);
    client.once("close", () => this.#links.delete(link));
  }
}

interface Request {
  /** In lower case. */
  readonly command: string;
  readonly script: string | undefined;
}

/** A request that waits for its reply, or for several of them. */
interface Pending {
  readonly fault: Fault | undefined;
  replies: number;
}

const PING = Buffer.from("*1\r\n$4\r\nPING\r\n");
const UNASKED = new Set(["message", "pmessage", "smessage", "invalidate"]);

/** One connection of a client and the one behind it. */
class Link {
  readonly #client: Socket;
  readonly #redis: Socket;
  readonly #faultFor: (request: Request) => Fault | undefined;
  readonly #pending: Pending[] = [];
  #subscribed = false;
  readonly #dead = { request: false, reply: false };

  constructor(client: Socket, targetPort: number, ruleFor: (request: Request) => Rule | undefined) {
    this.#client = client.setNoDelay(true);
    this.#faultFor = (request) => ruleFor(request)?.fault;
    this.#redis = new Socket().setNoDelay(true).connect(targetPort, "127.0.0.1");
    this.#read(this.#client, (frame) => this.#request(frame));
    this.#read(this.#redis, (frame) => this.#reply(frame));
    this.#client.once("close", () => this.#redis.destroy());
    this.#redis.once("close", () => this.#client.destroy());
  }

  reset(): void {
    this.#client.resetAndDestroy();
  }

  /** Handles frames one after the other: one that is held holds those behind it. */
  #read(from: Socket, handle: (frame: Buffer) => Promise<void>): void {
    const framer = new RespFramer();
    let last: Promise<void> = Promise.resolve();
    from.on("data", (chunk) => {
      for (const frame of framer.push(chunk)) last = last.then(() => handle(frame));
    });
    // The other side learns of it by "close".
    from.on("error", () => undefined);
  }

  async #request(frame: Buffer): Promise<void> {
    if (this.#dead.request) return;
    const texts = leadingTexts(frame, 2);
    const request = { command: (texts[0] ?? "").toLowerCase(), script: scriptOf(texts) };
    const fault = this.#faultFor(request);
    switch (fault?.do) {
      case "drop-request":
        this.#dead.request = true;
        return;
      case "drop-request-then-close":
        this.#client.destroy();
        return;
      case "rst":
        this.reset();
        return;
      default: {
        const subscribes = /^[ps]?(un)?subscribe$/.test(request.command);
        if (subscribes) this.#subscribed = true;
        this.#pending.push({ fault, replies: subscribes ? Math.max(1, argumentCount(frame)) : 1 });
        await pass(fault?.do === "replace-reply" ? PING : frame, this.#redis, fault, "request");
      }
    }
  }

  async #reply(frame: Buffer): Promise<void> {
    if (this.#dead.reply) return;
    const fault = this.#isUnasked(frame) ? undefined : this.#faultOfReply();
    switch (fault?.do) {
      case "drop-reply":
        this.#dead.reply = true;
        return;
      case "drop-reply-then-close":
        this.#client.destroy();
        return;
      default:
        await pass(
          fault?.do === "replace-reply" ? Buffer.from(fault.reply) : frame,
          this.#client,
          fault,
          "reply",
        );
    }
  }

  /** Replies come in the order of their requests. */
  #faultOfReply(): Fault | undefined {
    const [first] = this.#pending;
    if (first === undefined) return undefined;
    first.replies -= 1;
    if (first.replies === 0) this.#pending.shift();
    return first.fault;
  }

  #isUnasked(frame: Buffer): boolean {
    const type = String.fromCharCode(frame[0] as number);
    if (type !== ">" && !(type === "*" && this.#subscribed)) return false;
    return UNASKED.has(leadingTexts(frame, 1)[0] ?? "");
  }
}

function argumentCount(frame: Buffer): number {
  return Number.parseInt(frame.toString("latin1", 1, 12), 10) - 1;
}

function scriptOf([command, text]: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  if (/^evalsha(_ro)?$/i.test(command ?? "")) return text.toLowerCase();
  return /^eval(_ro)?$/i.test(command ?? "") ? createHash("sha1").update(text).digest("hex") : undefined;
}

/** Writes `frame`, in the manner of a fault that concerns this direction. */
async function pass(
  frame: Buffer,
  to: Socket,
  fault: Fault | undefined,
  direction: Direction,
): Promise<void> {
  if (!isSlowing(fault) || (fault.direction ?? "reply") !== direction) {
    write(frame, to);
    return;
  }
  if (fault.do === "chunk") {
    for (let start = 0; start < frame.length; start += fault.bytes) {
      write(frame.subarray(start, start + fault.bytes), to);
      await setImmediate();
    }
    return;
  }
  await setTimeout(fault.do === "delay" ? fault.ms : (frame.length / fault.bytesPerSecond) * 1000);
  write(frame, to);
}

function isSlowing(fault: Fault | undefined): fault is SlowingFault {
  return fault?.do === "delay" || fault?.do === "throttle" || fault?.do === "chunk";
}

function write(bytes: Buffer, to: Socket): void {
  if (!to.destroyed) to.write(bytes);
}
