/**
 * Finds a Redis for tests, and installs one if it may. In this order:
 *
 * 1. `TITANQUEUE_TEST_REDIS_URL`: used as it is, and never flushed. Suites that stop, freeze or flush their server need
 *    one of their own as well, and take it from 2; without it they fail and say so.
 * 2. `redis-server` or `valkey-server` on the PATH.
 * 3. Docker, if its daemon answers and the image is there within a minute.
 * 4. `apt-get install redis-server`, as root; not with `TITANQUEUE_TEST_NO_INSTALL=1`.
 */
import { installByApt, onPath, type Surroundings, succeeds, thisMachine } from "./install.ts";

/** How to start a redis-server of one's own. */
export type ServerProgram =
  | { readonly kind: "program"; readonly path: string }
  | { readonly kind: "image"; readonly image: string };

export interface FoundRedis {
  /** A server that somebody else runs and that holds data of others. */
  readonly url?: string;
  readonly server?: ServerProgram;
}

const IMAGE = "redis:7-alpine";
const DOCKER_DEADLINE = 60_000;

export async function findRedis(surroundings: Surroundings = thisMachine): Promise<FoundRedis> {
  const { env } = surroundings;
  const url = env["TITANQUEUE_TEST_REDIS_URL"] || undefined;
  const installed = installedServer(env);
  if (url !== undefined) return installed === undefined ? { url } : { url, server: installed };
  let server = installed ?? (await dockerImage(surroundings));
  if (server === undefined && (await installByApt("redis-server", surroundings)))
    server = installedServer(env);
  if (server === undefined) throw new NoRedisError();
  return { server };
}

class NoRedisError extends Error {
  override readonly name = "NoRedisError";

  constructor() {
    super(
      [
        "The tests need a Redis (6.2 or newer) and found none. Any one of these will do:",
        "  - install redis-server or valkey-server, so that it is on the PATH;",
        `  - start Docker, and \`docker pull ${IMAGE}\`;`,
        "  - run as root on Debian or Ubuntu, without TITANQUEUE_TEST_NO_INSTALL, to have it installed by apt-get;",
        "  - set TITANQUEUE_TEST_REDIS_URL: enough for the suites that can share a server, not for all.",
      ].join("\n"),
    );
  }
}

function installedServer(env: Surroundings["env"]): ServerProgram | undefined {
  const path = onPath("redis-server", env) ?? onPath("valkey-server", env);
  return path === undefined ? undefined : { kind: "program", path };
}

async function dockerImage(surroundings: Surroundings): Promise<ServerProgram | undefined> {
  const { env, say } = surroundings;
  if (onPath("docker", env) === undefined) return undefined;
  const deadline = performance.now() + DOCKER_DEADLINE;
  const docker = (...args: string[]) => succeeds("docker", args, env, deadline - performance.now());
  if (!(await docker("info"))) return undefined;
  if (!(await docker("image", "inspect", IMAGE))) {
    say(`No redis-server on the PATH: docker pull ${IMAGE}`);
    if (!(await docker("pull", IMAGE))) return undefined;
  }
  return { kind: "image", image: IMAGE };
}
