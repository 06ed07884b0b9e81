import type { FsckCall, FsckEnd, Repair } from "../../broker/repair.ts";
import { ALL_QUEUES, queueKeys } from "../../protocol/keys.ts";
import { dataNodes } from "./data-nodes.ts";
import { type FsckContext, type FsckRun, QueueCheck } from "./fsck-queue.ts";
import { isRefused } from "./permissions.ts";

/** Keys of the database that one SCAN passes: less than a millisecond of Redis's time. */
const KEYS_A_CALL = 1_000;

/** Goes through all queues, or those that are named, beside whoever works on them. */
export function redisFsck(context: FsckContext): Repair["fsck"] {
  return async (call) => {
    const fsck = new Fsck(context, call);
    return call.queues === undefined ? fsck.everything() : fsck.only(call.queues);
  };
}

class Fsck {
  readonly #context: FsckContext;
  readonly #run: FsckRun;
  readonly #call: FsckCall;
  readonly #checks = new Map<string, QueueCheck>();
  #done = 0;
  #total = 0;

  constructor(context: FsckContext, call: FsckCall) {
    this.#context = context;
    this.#call = call;
    this.#run = {
      repair: call.repair,
      isStopped: () => call.signal?.aborted === true,
      found: call.onFinding,
      step: (done) => {
        this.#done += done;
        call.onProgress(this.#done, Math.max(this.#done, this.#total));
      },
    };
  }

  async everything(): Promise<FsckEnd> {
    const { commands } = this.#context;
    const names = (await commands.command(ALL_QUEUES, "SMEMBERS", [ALL_QUEUES])) as Buffer[];
    const nodes = await dataNodes(this.#context);
    for (const node of nodes) await this.#expect(node);
    for (const name of names.map(String)) await this.#check(name);
    for (const node of nodes) await this.#scan(node, "*q:{*}:*");
    return this.#end();
  }

  async only(queues: readonly string[]): Promise<FsckEnd> {
    for (const queue of queues) {
      const { pending } = queueKeys(queue);
      await this.#expect(pending);
      await this.#check(queue);
      await this.#scan(pending, `*q:{${queue.replace(/[\\*?[\]]/g, "\\$&")}}:*`);
    }
    return this.#end();
  }

  /** About every task is met twice: in its list or set, and by its key. Where the user may not ask, nothing is known. */
  async #expect(node: string | undefined): Promise<void> {
    try {
      this.#total += 2 * Number(await this.#context.commands.command(node, "DBSIZE", []));
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }

  async #check(queue: string): Promise<QueueCheck> {
    let check = this.#checks.get(queue);
    if (check === undefined) {
      check = new QueueCheck(this.#context, this.#run, queue);
      this.#checks.set(queue, check);
      if (!this.#run.isStopped()) await check.containers();
    }
    return check;
  }

  async #scan(node: string | undefined, pattern: string): Promise<void> {
    let cursor = "0";
    while (!this.#run.isStopped()) {
      const args = [cursor, "MATCH", pattern, "COUNT", KEYS_A_CALL];
      const reply = await this.#context.commands.command(node, "SCAN", args);
      const [next, names] = reply as [Buffer, Buffer[]];
      for (const [queue, keys] of byQueue(names)) {
        if (this.#call.queues?.includes(queue) === false) continue;
        await (await this.#check(queue)).keys(keys);
      }
      this.#run.step(KEYS_A_CALL);
      cursor = String(next);
      if (cursor === "0") break;
    }
  }

  async #end(): Promise<FsckEnd> {
    const stopped = this.#run.isStopped();
    if (!stopped) {
      for (const check of this.#checks.values()) {
        await check.rest();
        await check.registration();
      }
      this.#call.onProgress(this.#done, this.#done);
    }
    const tasks = [...this.#checks.values()].reduce((sum, check) => sum + check.tasks, 0);
    return { queues: [...this.#checks.keys()].sort(), tasks, stopped };
  }
}

function byQueue(names: readonly Buffer[]): Map<string, Buffer[]> {
  const queues = new Map<string, Buffer[]>();
  for (const name of names) {
    const queue = /^(?:asynq|tq):\{(.*?)\}:/s.exec(String(name))?.[1];
    if (queue === undefined) continue;
    const keys = queues.get(queue);
    if (keys === undefined) queues.set(queue, [name]);
    else keys.push(name);
  }
  return queues;
}
