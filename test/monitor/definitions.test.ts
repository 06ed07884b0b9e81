import { type } from "arktype";
import * as v from "valibot";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineTask, Inspector, memoryEngine } from "../../src/index.ts";
import type { DefinitionInfo } from "../../src/monitor/index.ts";
import { MonitorRig } from "./monitor-rig.ts";

const welcome = defineTask("email:welcome", {
  payload: z.object({ user: z.object({ id: z.number() }), at: z.coerce.date().optional() }),
  options: {
    queue: "mail",
    maxRetry: 3,
    timeout: "30s",
    unique: { for: "1h", key: ({ user }) => `u${user.id}` },
  },
});
const codec = defineTask("bytes", {
  codec: {
    encode: (text: string) => new TextEncoder().encode(text),
    decode: (bytes: Uint8Array) => {
      if (bytes[0] === 0) throw new Error("begins with 0");
      return new TextDecoder().decode(bytes);
    },
  },
});
const tasks = [
  welcome,
  codec,
  defineTask("ark", { payload: type({ n: "number" }) }),
  defineTask("val", { payload: v.object({ n: v.number() }) }),
  defineTask("bare"),
];

async function open() {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({ engine, tasks });
  const post = (kind: string, text: string, more = {}) =>
    rig.change("/api/tasks", { body: { type: "email:welcome", payload: { kind, text }, ...more } });
  return { rig, post, inspector: new Inspector(engine) };
}

it("gives the form what it needs of each definition", async () => {
  const { rig } = await open();
  const { definitions } = (await rig.send("/api/definitions")).json as { definitions: DefinitionInfo[] };
  expect(definitions.map(({ type: name, payload, queue }) => [name, payload, queue])).toEqual([
    ["email:welcome", "json", "mail"],
    ["bytes", "bytes", null],
    ["ark", "json", null],
    ["val", "json", null],
    ["bare", "none", null],
  ]);
  expect(definitions[0]?.options).toEqual({ queue: "mail", maxRetry: 3, timeout: "30s", unique: "1h" });
  expect(definitions[2]?.schema).toMatchObject({
    type: "object",
    properties: { n: { type: "number" } },
    required: ["n"],
  });
  // valibot has it in a package of its own, codecs have none, and zod has no word for a date.
  expect(definitions[3]?.schema).toBeNull();
  expect(definitions[1]?.schema).toBeNull();
});

it("holds payloads against the definition of their type, and says where they fail", async () => {
  const { rig, post, inspector } = await open();
  const wrong = await post("json", '{"user":{"id":"x"}}');
  expect([wrong.status, wrong.json.error]).toMatchObject([
    400,
    { code: "INVALID_PAYLOAD", where: "payload.user.id", issues: [{ path: "user.id" }] },
  ]);
  expect((await post("hex", "ff")).json.error.code).toBe("PAYLOAD_NOT_JSON");
  const right = await post("json", '{"user":{"id":7}}');
  expect([right.status, right.json]).toMatchObject([200, { queue: "mail", maxRetry: 3, timeout: 30_000 }]);
  const again = await post("json", '{"at":"2026-01-01","user":{"id":7}}');
  expect([again.status, again.json.error.code]).toEqual([409, "DUPLICATE_TASK"]);

  const bytes = await post("hex", "00", { type: "bytes" });
  expect(bytes.json.error).toMatchObject({ code: "INVALID_PAYLOAD", where: "payload" });
  expect((await post("text", "hello", { type: "bytes" })).json.payload.text).toBe("hello");
  expect((await post("json", "{}", { type: "bare" })).json.error).toMatchObject({ where: "payload" });
  expect((await post("none", "", { type: "bare" })).status).toBe(200);
  expect((await post("json", "[1]", { type: "unknown" })).status).toBe(200);

  const path = `/api/queues/mail/tasks/${right.json.id}/copy`;
  const copy = (text: string) => rig.change(path, { body: { payload: { kind: "json", text } } });
  expect((await copy("{}")).json.error.code).toBe("INVALID_PAYLOAD");
  expect((await copy('{"user":{"id":8}}')).status).toBe(200);
  const later = await post("json", '{"user":{"id":9}}', { options: { processIn: "1h", taskId: "later" } });
  expect(later.status).toBe(200);
  const rewrite = (text: string) =>
    rig.change("/api/queues/mail/tasks/later/payload", { body: { payload: { kind: "json", text } } });
  expect((await rewrite("{}")).json?.error.code).toBe("INVALID_PAYLOAD");
  expect((await rewrite('{"user":{"id":10}}')).status).toBe(204);
  const stored = await rig.change("/api/schedulers", {
    body: { spec: "@daily", type: "email:welcome", payload: { kind: "json", text: "{}" } },
  });
  expect(stored.json.error.code).toBe("INVALID_PAYLOAD");
  expect((await inspector.getQueueInfo("mail")).pending).toBe(2);
});

it("keeps a visitor out of the queue that a definition names", async () => {
  const engine = memoryEngine();
  const authorize = () => ({ user: "olaf", role: "operate" as const, queues: ["low"] });
  const rig = await MonitorRig.start({ engine, tasks, authorize });
  const body = { type: "email:welcome", payload: { kind: "json", text: '{"user":{"id":7}}' } };
  expect((await rig.change("/api/tasks", { body })).status).toBe(404);
  const elsewhere = await rig.change("/api/tasks", { body: { ...body, options: { queue: "low" } } });
  expect([elsewhere.status, elsewhere.json.queue]).toEqual([200, "low"]);
});
