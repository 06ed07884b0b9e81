import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openStream, visit } from "../monitor/visit.ts";
import { browserForFile } from "./browser-rig.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples/mounting/next");
const project = join(root, ".cache/mounting-next");
const next = join(project, "node_modules/next/dist/bin/next");
const env = {
  ...process.env,
  NODE_ENV: "production",
  NEXT_TELEMETRY_DISABLED: "1",
  TITANQUEUE_URL: "memory:",
  MONITOR_PASSWORD: "secret",
} as const;

/** `examples/mounting/next` as it stands, with what its lock file says, and the built package. */
function installProject(): void {
  const lock = readFileSync(join(example, "package-lock.json"), "utf8");
  const stamp = join(project, "node_modules/.installed");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    rmSync(project, { recursive: true, force: true });
    mkdirSync(project, { recursive: true });
    for (const name of ["package.json", "package-lock.json"])
      cpSync(join(example, name), join(project, name));
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: project, stdio: "pipe" });
    symlinkSync(root, join(project, "node_modules/titanqueue"), "dir");
    writeFileSync(stamp, lock);
  }
  rmSync(join(project, "app"), { recursive: true, force: true });
  cpSync(example, project, {
    recursive: true,
    filter: (path) => !path.startsWith(join(example, "node_modules")),
  });
}

let program: ChildProcess;
let url: string;

beforeAll(async () => {
  installProject();
  execFileSync(process.execPath, [next, "build"], {
    cwd: project,
    env,
    stdio: "pipe",
  });
  program = spawn(process.execPath, [next, "start", "--hostname", "127.0.0.1", "--port", "0"], {
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const piece of program.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(piece);
    const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    if (origin !== undefined && said.includes("Ready")) {
      url = `${origin}/admin/queues`;
      break;
    }
  }
  expect(url, said).toBeDefined();
  program.stdout!.resume();
}, 300_000);

afterAll(() => {
  program?.kill("SIGKILL");
});

const authorization = `Basic ${Buffer.from("admin:secret").toString("base64")}`;
const open = browserForFile();

it("serves the page and the API in Next, takes changes, and streams", async () => {
  await visit(url, { authorization });
});

it("lets nobody in without the password", async () => {
  for (const path of ["", "/api/queues", "/api/live?topics=overview"]) {
    expect((await fetch(url + path)).status, path).toBe(401);
  }
});

it("shows its pages below Next's path, which has no slash at its end", async () => {
  const page = await open(`${url}/`, { httpCredentials: { username: "admin", password: "secret" } });
  expect(page.url()).toBe(url);
  await page.locator("main h1").waitFor();
  await page.goto(`${url}/servers`);
  await page.locator("main h1").waitFor();
  await page.reload();
  await page.locator("main h1").waitFor();
});

it("lets Next end while somebody watches", async () => {
  const stream = await openStream(url, { authorization });
  const closed = once(program, "close");
  program.kill("SIGTERM");
  expect(await text(stream)).toContain("event: snapshot");
  const [code, signal] = await closed;
  expect(signal === "SIGTERM" || code === 0 || code === 143, `${code} ${signal}`).toBe(true);
});
