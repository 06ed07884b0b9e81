import type { Engine } from "../broker/engine.ts";
import { Client } from "../client/client.ts";
import type { BatchItems, BatchResults, EnqueueCallOptions } from "../client/enqueuer.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import type { TaskOptions } from "../task-options.ts";

/** The real client. It also counts its calls under way, and lets somebody know what was enqueued before it answers. */
export class TestClient extends Client {
  readonly #onEnqueued: (infos: readonly TaskInfo[]) => Promise<void>;
  #calls = 0;

  constructor(engine: Engine, runtime: Runtime, onEnqueued: (infos: readonly TaskInfo[]) => Promise<void>) {
    super(engine, { runtime });
    this.#onEnqueued = onEnqueued;
  }

  /** Calls to enqueue that have not settled. */
  get calls(): number {
    return this.#calls;
  }

  override async enqueue<R>(
    task: Task<unknown, R>,
    options?: TaskOptions,
    call?: EnqueueCallOptions,
  ): Promise<TaskInfo<R>> {
    this.#calls += 1;
    try {
      const info = await super.enqueue(task, options, call);
      await this.#onEnqueued([info]);
      return info;
    } finally {
      this.#calls -= 1;
    }
  }

  override async enqueueBatch<Rs extends unknown[]>(
    items: BatchItems<Rs>,
    call?: EnqueueCallOptions,
  ): Promise<BatchResults<Rs>> {
    this.#calls += 1;
    try {
      const results = await super.enqueueBatch(items, call);
      await this.#onEnqueued(results.flatMap((result) => (result.ok ? [result.info] : [])));
      return results;
    } finally {
      this.#calls -= 1;
    }
  }
}
