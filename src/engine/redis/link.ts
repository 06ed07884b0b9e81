import type { Clock } from "../../runtime/clock.ts";
import type { DriverClient, DriverCommand, DriverStream } from "./driver.ts";
import { encodeCommand } from "./encode-command.ts";
import type { RedisArg, RedisReply } from "./redis-commands.ts";
import { UnansweredError } from "./redis-commands.ts";

/** Who asked for something on a link. */
export interface Receiver {
  /** All replies are here, error replies as Errors in their places. */
  answered(replies: RedisReply[]): void;
  /** The link broke after the request was written. */
  lost(): void;
}

/** Milliseconds between looks at a link that is silent. */
const PULSE = 10_000;

/**
 * One connection for as long as its socket lives. Requests that travel in one turn of the event loop leave in one
 * write; when the socket closes, all that were written and not answered are told so.
 */
export class Link {
  readonly #client: DriverClient;
  readonly #stream: DriverStream;
  readonly #clock: Clock;
  readonly #inFlight = new Set<Exchange>();
  readonly #onClose: (() => void)[] = [];
  #closed = false;
  #retired = false;
  #corked = false;
  #replies = 0;
  #cancelPulse: () => void = () => undefined;

  /** `client` is connected. */
  constructor(client: DriverClient, stream: DriverStream, clock: Clock) {
    this.#client = client;
    this.#stream = stream;
    this.#clock = clock;
    stream.unref();
    stream.once("close", () => this.#end());
    this.#pulse();
  }

  get usable(): boolean {
    return !this.#closed && !this.#retired;
  }

  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  onMessage(listener: (channel: string, message: RedisReply) => void): void {
    this.#client.on("messageBuffer", (channel, message) => listener(channel.toString(), message));
  }

  /** Writes encoded commands; `false`: nothing was written, and `receiver` will hear nothing. */
  send(commands: readonly Buffer[], receiver: Receiver): boolean {
    return (
      this.usable &&
      this.#write(
        commands.map((bytes) => new Frame("EVALSHA", [], bytes)),
        receiver,
      )
    );
  }

  /** One command and its reply, an Error reply too. For what is said before anything else on a link. */
  ask(name: string, args: readonly RedisArg[], timeout: number): Promise<RedisReply> {
    return this.#request(new Frame(name, [], encodeCommand(name, args)), timeout);
  }

  subscribe(channel: string, timeout: number): Promise<RedisReply> {
    return this.#request(new Frame("subscribe", [channel], encodeCommand("SUBSCRIBE", [channel])), timeout);
  }

  /** A request's time was up. A link that stays silent for `patience` more is dead, whatever its socket says. */
  suspect(patience: number): void {
    const heard = this.#replies;
    this.#clock.setTimer(patience, () => {
      if (heard === this.#replies) this.destroy();
    });
  }

  /** Takes nothing new; closes when all is answered, or after `patience`. */
  retire(patience: number): void {
    this.#retired = true;
    if (this.#inFlight.size === 0) this.destroy();
    else this.#clock.setTimer(patience, () => this.destroy());
  }

  destroy(): void {
    destroy(this.#client);
    this.#end();
  }

  #request(frame: Frame, timeout: number): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(new UnansweredError("the connection closed, or did not answer in time"));
      const cancel = this.#clock.setTimer(timeout, lost);
      const receiver: Receiver = {
        answered: ([reply = null]) => {
          cancel();
          resolve(reply);
        },
        lost: () => {
          cancel();
          lost();
        },
      };
      if (!this.#write([frame], receiver)) receiver.lost();
    });
  }

  #write(frames: readonly Frame[], receiver: Receiver): boolean {
    this.#cork();
    const exchange = new Exchange(frames.length, receiver, this.#settle);
    for (const frame of frames) {
      frame.exchange = exchange;
      this.#client.sendCommand(frame);
    }
    const sent = frames[0]?.written === true;
    if (sent) this.#inFlight.add(exchange);
    // The driver noticed first that the socket is gone; a request half written breaks with the link.
    if (!frames.every((frame) => frame.written)) this.destroy();
    return sent;
  }

  readonly #settle = (exchange: Exchange): void => {
    this.#replies += 1;
    this.#inFlight.delete(exchange);
    if (this.#retired && this.#inFlight.size === 0) this.destroy();
  };

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#stream.uncork();
    });
  }

  /** A silent link is asked for a sign of life; one that gives none until the next look is dead. */
  #pulse(): void {
    const heard = this.#replies;
    this.#cancelPulse = this.#clock.setTimer(PULSE, () => {
      if (heard !== this.#replies) return this.#pulse();
      const stop = () => this.destroy();
      void this.ask("PING", [], PULSE).then(() => this.#pulse(), stop);
    });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelPulse();
    const lost = [...this.#inFlight];
    this.#inFlight.clear();
    for (const exchange of lost) exchange.lost();
    for (const listener of this.#onClose) listener();
  }
}

/** Ends a driver's client at once; by itself it would wait two seconds for the other side. */
export function destroy(client: DriverClient): void {
  client.disconnect();
  client.stream?.destroy();
}

/** The replies to one request, as they come in. */
class Exchange {
  readonly #receiver: Receiver;
  readonly #onDone: (exchange: Exchange) => void;
  readonly #replies: RedisReply[] = [];
  #left: number;
  #over = false;

  constructor(count: number, receiver: Receiver, onDone: (exchange: Exchange) => void) {
    this.#left = count;
    this.#receiver = receiver;
    this.#onDone = onDone;
  }

  add(reply: RedisReply): void {
    if (this.#over) return;
    this.#replies.push(reply);
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#over = true;
    this.#onDone(this);
    this.#receiver.answered(this.#replies);
  }

  lost(): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver.lost();
  }
}

/**
 * One encoded command in the driver's hands. Its name counts only where the driver treats a command specially:
 * SUBSCRIBE, and PING, which it lets pass on a connection that has subscribed.
 */
class Frame implements DriverCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly isTraced = true;
  readonly promise = undefined;
  readonly #bytes: Buffer;
  exchange: Exchange | undefined;
  written = false;

  constructor(name: string, args: readonly string[], bytes: Buffer) {
    this.name = name;
    this.args = args;
    this.#bytes = bytes;
  }

  setReplyContext(): void {
    // Replies are taken as they come.
  }

  toWritable(): Buffer {
    this.written = true;
    return this.#bytes;
  }

  resolve(reply: RedisReply): void {
    this.exchange?.add(reply);
  }

  /** An error reply is a reply. All else is the driver's news that the socket closed, which the link hears itself. */
  reject(error: Error): void {
    if (error.name === "ReplyError") this.exchange?.add(error);
  }
}
