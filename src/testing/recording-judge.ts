import type { Settlement } from "../broker/broker.ts";
import { PayloadNotJsonError } from "../errors.ts";
import { decodePayload } from "../payload.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { DONE, type Failure, Judge, type Judgement } from "../server/verdict.ts";
import type { Ending } from "./performed.ts";

/** A server's judge that remembers what it decided. */
export class RecordingJudge extends Judge {
  readonly #endings = new WeakMap<TaskMessage, Ending>();
  /** Results that handlers wrote while they ran. */
  readonly #written = new WeakMap<TaskMessage, Uint8Array>();

  override success(message: TaskMessage, value: unknown): Settlement {
    // Judged as if it were kept, so that a result that cannot be stored is told of in every test.
    const kept = super.success({ ...message, retention: message.retention || 1 }, value);
    const bytes = (kept.kind === "complete" ? kept.result : undefined) ?? this.#written.get(message);
    this.#endings.set(message, { outcome: "success", result: readBack(bytes, message.type) });
    return message.retention ? kept : DONE;
  }

  override failure(failure: Failure): Judgement {
    const judgement = super.failure(failure);
    this.#endings.set(failure.message, { ...judgement.verdict, error: failure.error });
    return judgement;
  }

  wrote(message: TaskMessage, result: Uint8Array): void {
    this.#written.set(message, result);
  }

  /** What was decided about the attempt of this message. */
  endingOf(message: TaskMessage): Ending | undefined {
    return this.#endings.get(message);
  }
}

/** Results are JSON, unless the handler returned bytes of its own. */
function readBack(bytes: Uint8Array | undefined, type: string): unknown {
  try {
    return decodePayload(bytes, type);
  } catch (error) {
    if (error instanceof PayloadNotJsonError) return bytes;
    throw error;
  }
}
