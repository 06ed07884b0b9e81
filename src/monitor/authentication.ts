import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import type { Role } from "./api.ts";
import { HttpError } from "./http-error.ts";
import { LoginLimit } from "./login-limit.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import type { Visitor } from "./scope.ts";

/** Somebody who logs in with a name and a password (HTTP basic). */
export interface MonitorUser {
  readonly user: string;
  /** As `hashPassword` gives it. The password itself is never kept. */
  readonly hash: string;
  /** @defaultValue `"view"` */
  readonly role?: Role | undefined;
  /** Queues that the user may see; `*` stands for any characters. @defaultValue all */
  readonly queues?: readonly string[] | undefined;
}

/** A program that sends `Authorization: Bearer <token>`. */
export interface MonitorToken {
  readonly token: string;
  /** How the audit log calls whoever has it. @defaultValue `"token"` */
  readonly name?: string | undefined;
  /** @defaultValue `"view"` */
  readonly role?: Role | undefined;
  /** @defaultValue all */
  readonly queues?: readonly string[] | undefined;
}

export interface Credentials {
  readonly users?: readonly MonitorUser[] | undefined;
  readonly tokens?: readonly MonitorToken[] | undefined;
}

/** Verified passwords that are remembered, so that not every request takes the time of a hash. */
const REMEMBERED = 1_000;

/** Tells users and tokens apart from everybody else. */
export class Authentication {
  readonly #credentials: () => Credentials;
  readonly #limit: LoginLimit;
  readonly #secret = randomBytes(32);
  /** A digest of name and password to the hash that they were right for. */
  readonly #verified = new Map<string, string>();
  /** Logins that are being looked at, by a digest of client and login. */
  readonly #underWay = new Map<string, Promise<Visitor | undefined>>();
  /** Verified in place of a hash for names that nobody has: they take as long as others. */
  readonly #nobody = hashPassword(randomBytes(16).toString("hex"));

  /** @param credentials - asked at each request, so that they may change */
  constructor(credentials: () => Credentials, clock: Pick<Clock, "monotonic">) {
    this.#credentials = credentials;
    this.#limit = new LoginLimit(clock);
  }

  /**
   * @param client - whose wrong logins are counted together
   * @throws {@link HttpError} 401 nobody known, 429 too many wrong logins.
   */
  async visitorOf(authorization: string | null, client: string): Promise<Visitor> {
    const wait = this.#limit.wait(client);
    if (wait > 0) {
      throw new HttpError(429, "TOO_MANY_REQUESTS", "too many wrong logins; wait, and try again", {
        headers: { "retry-after": String(Math.ceil(wait / 1_000)) },
      });
    }
    if (authorization === null) throw this.#unauthenticated("log in to see this");
    const visitor = this.#byToken(authorization) ?? (await this.#byLogin(authorization, client));
    if (visitor !== undefined) return visitor;
    throw this.#unauthenticated("the credentials are not right");
  }

  async #byLogin(authorization: string, client: string): Promise<Visitor | undefined> {
    const login = loginOf(authorization);
    const remembered = login && this.#remembered(login);
    if (remembered !== undefined) return remembered;
    // A page loads with several requests at once: the same login of the same client counts once.
    const key = this.#digest(`${client}\n${authorization}`).toString("base64");
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    this.#limit.begin(client);
    const trial = this.#byPassword(login).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, trial);
    const found = await trial;
    if (found !== undefined) this.#limit.succeeded(client);
    return found;
  }

  #byToken(authorization: string): Visitor | undefined {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    const given = this.#digest(token);
    let found: Visitor | undefined;
    // All of them, whichever fits: how long it takes tells nothing.
    for (const each of this.#credentials().tokens ?? []) {
      if (!timingSafeEqual(this.#digest(each.token), given)) continue;
      found = visitor(each.name ?? "token", each);
    }
    return found;
  }

  /** Whoever logged in with the same before, as long as the hash is still the same. */
  #remembered({ name, whole }: Login): Visitor | undefined {
    const known = this.#known(name);
    const digest = this.#digest(whole).toString("base64");
    return known !== undefined && this.#verified.get(digest) === known.hash
      ? visitor(name, known)
      : undefined;
  }

  async #byPassword(login: Login | undefined): Promise<Visitor | undefined> {
    if (login === undefined) return undefined;
    const { name, password, whole } = login;
    const known = this.#known(name);
    const right = await verifyPassword(password, known?.hash ?? (await this.#nobody));
    if (!right || known === undefined) return undefined;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    this.#verified.set(this.#digest(whole).toString("base64"), known.hash);
    return visitor(name, known);
  }

  #known(name: string): MonitorUser | undefined {
    return (this.#credentials().users ?? []).find(({ user }) => user === name);
  }

  #digest(text: string): Buffer {
    return createHmac("sha256", this.#secret).update(text).digest();
  }

  #unauthenticated(message: string): HttpError {
    const { users = [] } = this.#credentials();
    const scheme = users.length > 0 ? 'Basic realm="TitanQueue", charset="UTF-8"' : "Bearer";
    return new HttpError(401, "UNAUTHENTICATED", message, { headers: { "www-authenticate": scheme } });
  }
}

interface Login {
  readonly name: string;
  readonly password: string;
  readonly whole: string;
}

function loginOf(authorization: string): Login | undefined {
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const whole = Buffer.from(encoded, "base64").toString("utf8");
  const colon = whole.indexOf(":");
  if (colon === -1) return undefined;
  return { name: whole.slice(0, colon), password: whole.slice(colon + 1), whole };
}

function visitor(user: string, { role = "view", queues }: Pick<MonitorUser, "role" | "queues">): Visitor {
  return { user, role, queues: queues ?? null };
}
