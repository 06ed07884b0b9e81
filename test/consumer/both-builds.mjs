/** Loads the ESM and the CommonJS build into one process: two copies of everything, which must know each other's. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Registry } from "prom-client";
import * as esm from "titanqueue";
import * as esmMetrics from "titanqueue/metrics";
import * as esmTesting from "titanqueue/testing";

const require = createRequire(import.meta.url);
const cjs = require("titanqueue");
const cjsMetrics = require("titanqueue/metrics");
const cjsTesting = require("titanqueue/testing");
assert.notEqual(esm.Client, cjs.Client, "the two builds are the same module: nothing is tested");
assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort());
assert.deepEqual(Object.keys(esmMetrics).sort(), Object.keys(cjsMetrics).sort());
assert.deepEqual(Object.keys(esmTesting).sort(), Object.keys(cjsTesting).sort());

const builds = [
  [esm, cjs],
  [cjs, esm],
];
for (const [mine, other] of builds) {
  const error = new mine.InvalidOptionError("queue", "is blank");
  assert(error instanceof other.InvalidOptionError);
  assert(error instanceof other.TitanQueueError);
  assert(error instanceof Error);
  assert(!(error instanceof other.DuplicateTaskError));
  assert(!(new Error("x") instanceof other.TitanQueueError));

  const task = new mine.Task("email:send", { to: "you" });
  assert(task instanceof other.Task);
  assert(!({} instanceof other.Task));

  // An engine and a task of one build in the other's hands.
  const engine = mine.memoryEngine();
  const client = new other.Client(engine);
  const { id, queue } = await client.enqueue(task);
  const inspector = new mine.Inspector(engine);
  assert.equal((await inspector.getTaskInfo({ queue, id })).type, "email:send");
  await Promise.all([client.close(), inspector.close()]);
}

// memory:name is one store in the process, whichever build opens it.
const client = new esm.Client("memory:shared");
const inspector = new cjs.Inspector("memory:shared");
await client.enqueue(new esm.Task("email:send"), { queue: "mail" });
assert.deepEqual(await inspector.queues(), ["mail"]);
await Promise.all([client.close(), inspector.close()]);

// A test in one build of code in the other.
for (const [{ testQueue }, code] of [
  [esmTesting, cjs],
  [cjsTesting, esm],
]) {
  const tick = code.defineTask("tick");
  const mux = new code.ServeMux().handle(tick, () => {
    throw new code.SkipRetry();
  });
  const q = testQueue({ mux, server: { logLevel: "silent" } });
  const client = new code.Client(q.engine, { runtime: q.runtime });
  await client.enqueue(tick(), { processIn: "1m" });
  q.expectEnqueued(tick, undefined, { at: "1m" });
  await q.advance("1m");
  assert.equal((await q.drain()).archive, 1);
  await client.close();
}

// Metrics of one build, of an engine of the other.
for (const [{ registerEngineMetrics }, { Client, Inspector, memoryEngine, Task }] of [
  [esmMetrics, cjs],
  [cjsMetrics, esm],
]) {
  const engine = memoryEngine();
  const client = new Client(engine);
  await client.enqueue(new Task("email:send"), { queue: "mail" });
  const registry = new Registry();
  const inspector = new Inspector(engine);
  registerEngineMetrics(registry, inspector);
  assert.match(await registry.metrics(), /^titanqueue_queue_tasks{queue="mail",state="pending"} 1$/m);
  await Promise.all([client.close(), inspector.close()]);
}

console.log("consumer: ESM and CommonJS know each other's errors, tasks and engines");
