import { isThenable } from "../runtime/thenable.ts";
import type { TaskInfo } from "../task-info.ts";
import type { SchedulerConfig, TickFacts } from "./scheduler-options.ts";

type HookConfig = Pick<SchedulerConfig, "preEnqueue" | "postEnqueue" | "onError" | "logger">;

/** Calls the user's hooks so that they cannot harm us: what they throw, or reject with later, is logged. */
export class Hooks {
  readonly #config: HookConfig;

  constructor(config: HookConfig) {
    this.#config = config;
  }

  preEnqueue(facts: TickFacts): void {
    this.#call("preEnqueue", () => this.#config.preEnqueue?.(facts));
  }

  postEnqueue(info: TaskInfo, facts: TickFacts): void {
    this.#call("postEnqueue", () => this.#config.postEnqueue?.(info, facts));
  }

  onError(error: Error, facts: TickFacts): void {
    this.#call("onError", () => this.#config.onError?.(error, facts));
  }

  #call(hook: string, call: () => unknown): void {
    const failed = (error: unknown) => this.#config.logger.error({ hook, error }, "a hook failed");
    try {
      const answer = call();
      if (isThenable(answer)) answer.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}
