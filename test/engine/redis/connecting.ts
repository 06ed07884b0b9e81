import { createHash } from "node:crypto";
import { afterEach } from "vitest";
import { type ConnectRedisOptions, connectRedis } from "../../../src/engine/redis/connect-redis.ts";
import type { RedisConnection } from "../../../src/engine/redis/connection.ts";
import type { ScriptSource } from "../../../src/engine/redis/redis-commands.ts";
import type { RedisSource } from "../../../src/engine/redis/redis-source.ts";
import type { Logger } from "../../../src/runtime/logger.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";

export type Connect = (source: RedisSource, options?: Partial<ConnectRedisOptions>) => RedisConnection;

/** Makes connections that are closed after each test of the calling file. */
export function connectForFile(): Connect {
  const open: RedisConnection[] = [];
  afterEach(() => {
    for (const connection of open.splice(0)) connection.close();
  });
  return (source, options = {}) => {
    const connection = connectRedis(source, {
      logger: silentLogger,
      commandTimeout: 5_000,
      random: Math.random,
      ...options,
    });
    open.push(connection);
    return connection;
  };
}

export function script(source: string): ScriptSource {
  return { name: "test", source, sha1: createHash("sha1").update(source).digest("hex") };
}

/** A logger that remembers its lines and can be waited for. */
export class HeardLog implements Logger {
  readonly lines: string[] = [];
  #waiting: { readonly word: string; readonly resolve: (line: string) => void }[] = [];

  readonly debug = this.#hear("debug");
  readonly info = this.#hear("info");
  readonly warn = this.#hear("warn");
  readonly error = this.#hear("error");

  /** Resolves with the next line that holds `word`. */
  next(word: string): Promise<string> {
    return new Promise((resolve) => this.#waiting.push({ word, resolve }));
  }

  #hear(level: string) {
    return (fields: object, text: string) => {
      const shown = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      const line = [level, text, ...shown].join(" ");
      this.lines.push(line);
      const heard = this.#waiting.filter(({ word }) => line.includes(word));
      this.#waiting = this.#waiting.filter((waiter) => !heard.includes(waiter));
      for (const { resolve } of heard) resolve(line);
    };
  }
}
