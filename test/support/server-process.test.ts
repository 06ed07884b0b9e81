import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServerProcess } from "./server-process.ts";

/** Notes each call, and does with processes what Docker does with containers, as far as we use it. */
const FAKE_DOCKER = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
case "$1" in
  run)
    while [ "$1" != --name ]; do shift; done
    echo $$ > "$here/$2"
    echo "Ready to accept connections"
    exec sleep 1000 ;;
  kill) kill -s "\${3#SIG}" "$(cat "$here/$4")" ;;
esac`;

describe("a server in a container", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "tq-docker-"));
    writeFileSync(join(directory, "docker"), FAKE_DOCKER, { mode: 0o755 });
    vi.stubEnv("PATH", `${directory}${delimiter}${process.env["PATH"]}`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });

  it("gets its arguments and its signals by way of docker", async () => {
    const server = await ServerProcess.start(
      { kind: "image", image: "redis:x" },
      ["--port", "1234"],
      directory,
    );
    server.signal("SIGSTOP");
    server.signal("SIGCONT");
    await server.end("SIGTERM");
    expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");

    const [run, ...kills] = readFileSync(join(directory, "calls"), "utf8").trim().split("\n");
    expect(run).toMatch(/^run --rm --network host .* redis:x redis-server --port 1234$/);
    expect(kills.map((kill) => kill.split(" ")[2])).toEqual(["SIGSTOP", "SIGCONT", "SIGTERM"]);
  });
});
