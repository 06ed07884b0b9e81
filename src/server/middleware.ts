import type { Handler, Middleware } from "./handler.ts";

/** `handler` with `middleware` around it, the first one outermost. */
export function around(middleware: readonly Middleware[], handler: Handler): Handler {
  return (task, ctx) => {
    async function step(i: number): Promise<unknown> {
      const each = middleware[i];
      if (each === undefined) return handler(task, ctx);
      let inside: Inside | undefined;
      const next = () => {
        inside = new Inside(step(i + 1));
        return inside;
      };
      let answer: unknown;
      try {
        answer = await each(task, ctx, next);
      } finally {
        if (inside?.unattended) await inside;
      }
      return answer === undefined ? await answerOf(inside) : answer;
    }
    return step(0);
  };
}

/** What came from inside, or nothing if that failed and the middleware chose to live with it. */
function answerOf(inside: Inside | undefined): unknown {
  return inside?.then(undefined, () => undefined);
}

/**
 * What `next()` answers. It knows whether the middleware waits for it: one that calls `next()` and forgets about it
 * must neither make the task look finished while its handler runs, nor hide that the handler failed.
 */
class Inside extends Promise<unknown> {
  #attended = false;
  #settled = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(running: Promise<unknown>) {
    super((resolve, reject) => {
      running.then(resolve, reject).finally(() => {
        this.#settled = true;
      });
    });
    // A failure that nobody attends to yet is not a crash: `around` looks at it when the middleware has ended.
    super.then(undefined, () => undefined);
  }

  get unattended(): boolean {
    return !this.#attended || !this.#settled;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#attended = true;
    return super.then(onFulfilled, onRejected);
  }
}
