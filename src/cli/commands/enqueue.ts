import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Task, type TaskOptions } from "titanqueue";
import { Refusal } from "../ending.ts";
import { type Exit, operate } from "../operate.ts";
import type { Session } from "../session.ts";
import { shownInstant } from "../shown-time.ts";
import { taskJson } from "../task-json.ts";
import { queueOption, wholeNumber } from "./shared.ts";

export function enqueueCommand(task: Command, exit: Exit): void {
  task
    .command("enqueue")
    .description("enqueue one task")
    .addOption(new Option("-t, --type <type>", "its type").makeOptionMandatory())
    .option("-l, --payload <json>", "its payload, as JSON; `-` reads it from standard input")
    .addOption(queueOption().default("default"))
    .addOption(
      new Option("--max-retry <number>", "how often a failed task is tried again").argParser(wholeNumber(0)),
    )
    .option("--id <id>", "its id, unique in the queue")
    .option("--timeout <length>", 'the longest run of one attempt, as in 30s; "none": no limit')
    .option("--deadline <instant>", "it must have ended by then, as in 2030-01-31T09:00:00Z")
    .option("--process-in <length>", "not before this time has passed, as in 1h30m")
    .option("--process-at <instant>", "not before this instant")
    .option("--unique <length>", "refuse an equal task for this long")
    .option("--retention <length>", "keep it and its result for this long after success")
    .option("--group <group>", "collect it in this group")
    .addOption(new Option("--header <name=value>", "a header; may be repeated").argParser(readHeader))
    .action(operate(exit, enqueue));
}

interface EnqueueOptions {
  readonly type: string;
  readonly payload?: string;
  readonly queue: string;
  readonly maxRetry?: number;
  readonly id?: string;
  readonly timeout?: string;
  readonly deadline?: string;
  readonly processIn?: string;
  readonly processAt?: string;
  readonly unique?: string;
  readonly retention?: string;
  readonly group?: string;
  readonly header?: Readonly<Record<string, string>>;
}

async function enqueue({ client, out }: Session, given: EnqueueOptions): Promise<undefined> {
  const { type, payload: text, id, header, ...rest } = given;
  const payload = text === undefined ? undefined : jsonBytes(text === "-" ? readFileSync(0, "utf8") : text);
  const options: TaskOptions = {
    queue: rest.queue,
    maxRetry: rest.maxRetry,
    taskId: id,
    timeout: rest.timeout,
    deadline: rest.deadline,
    processIn: rest.processIn,
    processAt: rest.processAt,
    unique: rest.unique,
    retention: rest.retention,
    group: rest.group,
    headers: header,
  };
  const info = await client.enqueue(new Task(type, payload), options);
  const when = shownInstant(info.nextProcessAt);
  out.say(
    { task: taskJson(info) },
    `${info.id} is ${info.state} in ${info.queue}${info.state === "scheduled" ? ` until ${when}` : ""}`,
  );
  return undefined;
}

/** The text's own bytes: reading and writing it anew would round large numbers. */
function jsonBytes(text: string): Uint8Array {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Refusal(
      `--payload: expected JSON (text has quotes of its own: '"text"'): ${(error as Error).message}`,
    );
  }
  return Buffer.from(text);
}

function readHeader(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Expected name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
