import { type Command, InvalidArgumentError, Option } from "commander";
import type { InvalidOptionError } from "titanqueue";
import { parseDuration } from "../../duration.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { Refusal } from "../ending.ts";
import { type Exit, operate } from "../operate.ts";
import type { Session } from "../session.ts";
import { live } from "../top/live.ts";
import { look, ratesOf, type Snapshot } from "../top/snapshot.ts";
import { serverJson } from "./fleet.ts";
import { jsonlOption } from "./shared.ts";

export function topCommand(program: Command, exit: Exit): void {
  program
    .command("top")
    .alias("dash")
    .description("watch queues, rates, latency, servers and workers live; ? lists the keys")
    .addOption(
      new Option("--refresh <length>", "how often to look, at least 250ms")
        .default(2_000, "2s")
        .argParser(readRefresh),
    )
    .addOption(jsonlOption())
    .addHelpText(
      "after",
      "\nWith --json one look is printed, with --jsonl one after the other; neither needs a terminal.",
    )
    .action(operate(exit, top));
}

interface TopOptions {
  readonly refresh: number;
}

async function top(session: Session, { refresh }: TopOptions): Promise<undefined> {
  const { inspector, out } = session;
  if (out.mode === "text") {
    if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
      throw new Refusal("top needs a terminal; --json prints one look, --jsonl one after the other");
    }
    await live(session, systemClock, refresh);
    return undefined;
  }
  for (let before: Snapshot | undefined; ; ) {
    const now = await look(inspector, () => systemClock.monotonic());
    out.facts(snapshotJson(now, before), []);
    if (out.mode === "json") return undefined;
    before = now;
    await sleep(systemClock, refresh);
  }
}

function snapshotJson(now: Snapshot, before: Snapshot | undefined): object {
  const queues = now.queues.map((queue) => {
    const { processed, failed } = ratesOf(queue, now, before);
    return { ...queue, processedPerSecond: processed ?? null, failedPerSecond: failed ?? null };
  });
  return { queues, servers: now.servers.map(serverJson) };
}

function readRefresh(text: string): number {
  try {
    const ms = parseDuration("refresh", text);
    if (ms >= 250) return ms;
  } catch (error) {
    throw new InvalidArgumentError((error as InvalidOptionError).message);
  }
  throw new InvalidArgumentError("Expected at least 250ms.");
}
