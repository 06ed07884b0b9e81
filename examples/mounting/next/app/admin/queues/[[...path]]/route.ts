import { createMonitor, hashPassword, type Monitor } from "titanqueue/monitor";

let monitor: Promise<Monitor> | undefined; // opened by the first request: a build has no engine

async function openMonitor(): Promise<Monitor> {
  const password = process.env.MONITOR_PASSWORD;
  if (!password) throw new Error("MONITOR_PASSWORD is not set");
  const opened = createMonitor({
    basePath: "/admin/queues", // where this file lies
    auth: { users: [{ user: "admin", hash: await hashPassword(password), role: "admin" }] },
  }); // of the engine in TITANQUEUE_URL
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => opened.close()); // ends live streams, for which Next would wait
  }
  return opened;
}

async function handle(request: Request): Promise<Response> {
  monitor ??= openMonitor();
  return (await monitor).fetch(request);
}

export { handle as DELETE, handle as GET, handle as POST };
