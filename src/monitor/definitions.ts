import type { AnyTaskDefinition } from "../define-task.ts";
import { PayloadNotJsonError, Task } from "../index.ts";
import type { DefinitionInfo, WrittenContent } from "./api.ts";
import { bytesOf } from "./content.ts";
import { enqueueOptions } from "./enqueue-options.ts";
import { badRequest } from "./http-error.ts";

/** The definitions that the monitor was given: what its form shows, and what payloads are held to. */
export class Definitions {
  readonly #byType: ReadonlyMap<string, AnyTaskDefinition>;
  readonly infos: readonly DefinitionInfo[];

  constructor(definitions: readonly AnyTaskDefinition[]) {
    this.#byType = new Map(definitions.map((definition) => [definition.type, definition]));
    this.infos = [...this.#byType.values()].map((definition) => ({
      type: definition.type,
      queue: definition.options.queue ?? null,
      payload: definition.payloadKind,
      schema: jsonSchemaOf(definition),
      options: enqueueOptions(definition.options),
    }));
  }

  /** Where a task goes whose options name no queue. */
  queueOf(type: string): string {
    return this.#byType.get(type)?.options.queue ?? "default";
  }

  /**
   * The task of a type, with the options of its definition where there is one.
   *
   * @throws {@link InvalidPayloadError} {@link PayloadNotJsonError} the server would not take the payload.
   * @throws {@link HttpError} 400: it is not what it says it is, or the type has none.
   */
  async task(type: string, written: WrittenContent): Promise<Task> {
    const bytes = bytesOf(written);
    const definition = this.#byType.get(type);
    if (definition === undefined) return new Task(type, bytes);
    const payload = await this.#check(definition, bytes);
    const build = definition as unknown as (input?: unknown) => Task;
    if (definition.payloadKind === "none") return build();
    return build(definition.payloadKind === "json" ? jsonOf(bytes, type) : payload);
  }

  /** Holds bytes against the definition of their type, if there is one. @throws as {@link Definitions.task} */
  async check(type: string, bytes: Uint8Array | undefined): Promise<void> {
    const definition = this.#byType.get(type);
    if (definition !== undefined) await this.#check(definition, bytes);
  }

  async #check(definition: AnyTaskDefinition, bytes: Uint8Array | undefined): Promise<unknown> {
    if (definition.payloadKind === "none" && bytes !== undefined) {
      throw badRequest("tasks of this type have none", "payload");
    }
    return definition.decode(bytes);
  }
}

/** As its author handed it in, before the schema has made anything of it. */
function jsonOf(bytes: Uint8Array | undefined, type: string): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new PayloadNotJsonError(type, { cause });
  }
}

/** By Standard Schema's extension for JSON Schema, as zod 4.2 and arktype 2.1.28 have it. */
function jsonSchemaOf({ payloadSchema }: AnyTaskDefinition): unknown {
  const standard = payloadSchema?.["~standard"] as
    | { readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown } }
    | undefined;
  try {
    return standard?.jsonSchema?.input?.({ target: "draft-2020-12" }) ?? null;
  } catch {
    // What libraries do where JSON Schema has no word for a part of theirs: payloads are held to it all the same.
    return null;
  }
}
