import type { Broker, Leased, Outcome, OutcomeAnswer } from "../../src/broker/broker.ts";
import type { Engine } from "../../src/broker/engine.ts";

/**
 * Moments in the life of an attempt at which a process can be held, and then stopped or killed there and nowhere else.
 *
 * - `afterDequeue`: tasks are leased, and no handler was called
 * - `beforeAck`: the end of an attempt is decided, and was not sent
 * - `afterAck`: it was recorded, and nobody was told
 * - `beforeRequeue`: a task that goes back to its queue was not sent
 */
export type GateName = "afterDequeue" | "beforeAck" | "afterAck" | "beforeRequeue";

/** Holds whoever comes to one of the closed gates, until it is opened. */
export class Gates {
  readonly #closed: Map<GateName, { readonly opened: Promise<void>; readonly open: () => void }>;
  readonly #onHeld: (gate: GateName) => void;

  constructor(closed: readonly GateName[], onHeld: (gate: GateName) => void) {
    this.#onHeld = onHeld;
    this.#closed = new Map(
      closed.map((name) => {
        let open = (): void => undefined;
        const opened = new Promise<void>((resolve) => {
          open = resolve;
        });
        return [name, { opened, open }];
      }),
    );
  }

  async pass(name: GateName): Promise<void> {
    const gate = this.#closed.get(name);
    if (gate === undefined) return;
    this.#onHeld(name);
    await gate.opened;
  }

  open(name: GateName): void {
    this.#closed.get(name)?.open();
    this.#closed.delete(name);
  }
}

export interface GatedEngineOptions {
  readonly gates: Gates;
  /** Hears every answer of the store to the end of an attempt, and to a result. */
  readonly onAnswer: (id: string, answer: OutcomeAnswer) => void;
}

/** `engine` with gates before and after its exchanges. */
export function gatedEngine(engine: Engine, options: GatedEngineOptions): Engine {
  const { gates, onAnswer } = options;
  const { broker } = engine;
  const exchange: Broker["exchange"] = async (queue, outcomes, limit) => {
    if (outcomes.some(isRequeue)) await gates.pass("beforeRequeue");
    if (!outcomes.every(isRequeue)) await gates.pass("beforeAck");
    const result = await broker.exchange(queue, outcomes, limit);
    for (const [i, { leased }] of outcomes.entries()) {
      onAnswer(leased.message.id, result.answers[i] as OutcomeAnswer);
    }
    if (outcomes.length > 0) await gates.pass("afterAck");
    if (result.leased.length > 0) await gates.pass("afterDequeue");
    return result;
  };
  const writeResult: Broker["writeResult"] = async (leased: Leased, result) => {
    const answer = await broker.writeResult(leased, result);
    onAnswer(leased.message.id, answer);
    return answer;
  };
  return overriding(engine, { broker: overriding(broker, { exchange, writeResult }) });
}

function isRequeue({ settlement }: Outcome): boolean {
  return settlement.kind === "requeue";
}

export function overriding<T extends object>(target: T, overrides: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(overrides, name)) return overrides[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
