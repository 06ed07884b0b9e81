/** A Redis for development, in the foreground, until Ctrl-C: `make run-redis`. Its data stays in `.cache/redis`. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findRedis } from "./find-redis.ts";

const { server } = await findRedis();
if (server?.kind !== "program")
  throw new Error("no redis-server on the PATH; `docker compose up` starts one as well");
const directory = fileURLToPath(new URL("../.cache/redis", import.meta.url));
mkdirSync(directory, { recursive: true });
const settings = ["--bind", "127.0.0.1", "--port", "6379", "--appendonly", "yes", "--dir", directory];
const redis = spawn(server.path, settings, { stdio: "inherit" });
// Ctrl-C reaches the server by itself; a second one would make it leave without saving.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => redis.kill("SIGTERM"));
redis.on("exit", (code) => process.exit(code ?? 0));
