import type { Task } from "../task.ts";
import type { Handler, Middleware } from "./handler.ts";
import type { TaskContext } from "./task-context.ts";

/** `handler` with `middleware` around it, the first one outermost. */
export function around(middleware: readonly Middleware[], handler: Handler): Handler {
  return middleware.reduceRight<Handler>(wrapped, handler);
}

function wrapped(inner: Handler, middleware: Middleware): Handler {
  return async (task, ctx) => {
    let inside: Inside | undefined;
    const next = () => {
      inside = new Inside(call(inner, task, ctx));
      return inside;
    };
    let answer: unknown;
    try {
      answer = await middleware(task, ctx, next);
    } finally {
      if (inside?.unattended) await inside;
    }
    // What came from inside, or nothing if that failed and the middleware chose to live with it.
    return answer === undefined ? inside?.then(undefined, () => undefined) : answer;
  };
}

/** Makes a promise of whatever `handler` does. */
async function call(handler: Handler, task: Task, ctx: TaskContext): Promise<unknown> {
  return handler(task, ctx);
}

/**
 * What `next()` answers. It knows whether the middleware waits for it: one that calls `next()` and forgets about it
 * must neither make the task look finished while its handler runs, nor hide that the handler failed.
 *
 * Around a promise, not a subclass of it: one is made for every task and middleware, and subclasses are slow.
 */
class Inside implements Promise<unknown> {
  readonly #running: Promise<unknown>;
  #attended = false;
  #settled = false;

  constructor(running: Promise<unknown>) {
    this.#running = running;
    const settled = () => {
      this.#settled = true;
    };
    // A failure that nobody attends to yet is not a crash: it is looked at when the middleware has ended.
    running.then(settled, settled);
  }

  get unattended(): boolean {
    return !this.#attended || !this.#settled;
  }

  get [Symbol.toStringTag](): string {
    return "Promise";
  }

  then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#attended = true;
    return this.#running.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<unknown> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    this.#attended = true;
    return this.#running.finally(onFinally);
  }
}
