import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Inspector, memoryEngine, Task } from "../../../src/index.ts";
import { hashPassword, type MonitorOptions } from "../../../src/monitor/index.ts";
import { ROUTE_SCHEMAS } from "../../../src/monitor/openapi.gen.ts";
import { basic, MonitorRig } from "../monitor-rig.ts";

/** What is required, by name; and the checks of it, each with a title. */
export type Requirements = Readonly<Record<string, Readonly<Record<string, () => Promise<void>>>>>;

export const HASH = await hashPassword("right");
export const users = [
  { user: "ada", hash: HASH, role: "admin" as const },
  { user: "olaf", hash: HASH, role: "operate" as const },
  { user: "vera", hash: HASH, role: "view" as const },
  { user: "mia", hash: HASH, role: "admin" as const, queues: ["mail-*"] },
];
export const tokens = [{ token: "a-token-of-a-program", role: "operate" as const, name: "deploy" }];
export const auth: MonitorOptions["auth"] = { users, tokens };
export const ADA = basic("ada", "right");
export const VERA = basic("vera", "right");

export const ROUTES = Object.keys(ROUTE_SCHEMAS).map((route) => {
  const [method = "", path = ""] = route.split(" ");
  return { route, method, path: path.replace("{queue}", "low").replace("{id}", "one") };
});
export const CHANGES = ROUTES.filter(({ method }) => method !== "GET");

/** A body that each changing route would take. */
export function bodyFor(route: string): unknown {
  const payload = { kind: "json", text: "{}" };
  if (route === "POST /api/tasks") return { type: "a", payload };
  if (route === "POST /api/changes") return { action: "delete", tasks: [{ queue: "low", id: "one" }] };
  if (route === "POST /api/operations") return { action: "delete", filter: "" };
  if (route === "DELETE /api/queues/{queue}") return { confirm: "low", force: true };
  return route.endsWith("/payload") ? { payload } : {};
}

export async function withTask(options: MonitorOptions = {}): Promise<MonitorRig> {
  const rig = await MonitorRig.start({ ...options, engine: memoryEngine() });
  const task = new Task(
    "email:welcome",
    { to: "x", password: "canary-secret" },
    { headers: { cookie: "c-secret" } },
  );
  await rig.client.enqueue(task, { queue: "low", taskId: "one", processIn: "1h" });
  return rig;
}

/** What the engine holds, as far as anybody could have changed it. */
export async function dump(rig: MonitorRig): Promise<string> {
  await using inspector = new Inspector(rig.engine);
  const queues = await inspector.queues();
  const infos = await Promise.all(queues.map((queue) => inspector.getQueueInfo(queue)));
  const tasks = await Promise.all(queues.map((queue) => inspector.listTasks(queue, "scheduled")));
  return JSON.stringify([infos.map(({ timestamp: _, latency: __, ...info }) => info), tasks]);
}

export const status = async (answer: Promise<{ status: number }>) => (await answer).status;

export function source(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../src/monitor/${file}`, import.meta.url)), "utf8");
}

export function sources(): string[] {
  const directory = fileURLToPath(new URL("../../../src/monitor", import.meta.url));
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts")).map(source);
}

/** Sends bytes as they stand. */
export async function raw(rig: MonitorRig, text: string): Promise<string> {
  const socket = connect(Number(rig.url.port), rig.url.hostname);
  await once(socket, "connect");
  socket.end(text);
  let answer = "";
  for await (const piece of socket) answer += String(piece);
  return answer;
}
