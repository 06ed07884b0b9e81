import type { EngineState, Health, HealthFinding, QueueRow } from "./api.ts";
import type { OverdueEntry } from "./overdue.ts";
import type { Attempts } from "./queue-track.ts";

/** A queue falls behind when more has come in than gone out for so long, in milliseconds. */
const BEHIND = 120_000;
/** Failed attempts of the last minute: this part of all, and so many times the part of the hour before. */
const BURST_SHARE = 0.05;
const BURST_TIMES = 3;
/** Fewer attempts than this say nothing. */
const FEWEST = 20;
/** Findings in the sentence; the others are counted. */
const TOLD = 2;
/** Findings of one answer: every delta carries them. The sentence counts the others. */
const MOST_FINDINGS = 100;

export interface QueueFacts {
  readonly row: QueueRow;
  readonly behindSince: number | null;
  readonly lastMinute: Attempts;
  readonly hourBefore: Attempts;
}

export interface HealthFacts {
  readonly now: number;
  readonly engine: EngineState;
  /** Whether the engine has ever answered. */
  readonly seen: boolean;
  readonly queues: readonly QueueFacts[];
  /** Names of queues that the engine cannot read. */
  readonly unreadable: readonly string[];
  readonly slots: number | null;
  readonly slotsBusy: number | null;
  readonly servers: number | null;
  readonly overdue: readonly OverdueEntry[];
}

/** Whether all is well and, if not, what is wrong, the worst first. */
export function healthOf(facts: HealthFacts): Health {
  const { engine, seen, now } = facts;
  if (engine.status === "down") {
    const text = seen
      ? `The engine has been away for ${lengthText(now - engine.since)}.`
      : "The engine cannot be reached.";
    return {
      status: "bad",
      sentence: text,
      findings: [{ code: "engine-away", level: "bad", queue: null, entry: null, text }],
    };
  }
  if (!seen) return { status: "unknown", sentence: "Looking.", findings: [] };
  const findings = facts.queues.flatMap((queue) => findingsOf(queue, now));
  findings.push(...facts.unreadable.map(unreadableQueue));
  findings.push(...facts.overdue.map((entry) => missedTick(entry, now)));
  findings.sort((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
  if (findings.length === 0) return { status: "good", sentence: goodSentence(facts), findings };
  const status = findings.some(({ level }) => level === "bad") ? "bad" : "warning";
  const told = findings.slice(0, TOLD).map(({ text }) => text);
  const more = findings.length - told.length;
  return {
    status,
    sentence: [...told, ...(more > 0 ? [`And ${more} more.`] : [])].join(" "),
    findings: findings.slice(0, MOST_FINDINGS),
  };
}

const ORDER: readonly HealthFinding["code"][] = [
  "engine-away",
  "queue-unreadable",
  "no-server",
  "falling-behind",
  "error-burst",
  "paused-with-work",
  "missed-tick",
];

function findingsOf({ row, behindSince, lastMinute, hourBefore }: QueueFacts, now: number): HealthFinding[] {
  const { queue, paused, pending, servers } = row;
  const found: HealthFinding[] = [];
  const add = (code: HealthFinding["code"], level: HealthFinding["level"], text: string) =>
    found.push({ code, level, queue, entry: null, text });
  if (paused && pending > 0) {
    add("paused-with-work", "warning", `${queue} is paused, with ${countText(pending)} waiting.`);
  } else if (servers === 0 && pending > 0) {
    add("no-server", "bad", `No server serves ${queue}: ${countText(pending)} waiting.`);
  } else if (behindSince !== null && now - behindSince >= BEHIND) {
    const drains =
      typeof row.drainsIn === "number" ? `drains in ${lengthText(row.drainsIn)}` : "never drains";
    add("falling-behind", "bad", `${queue} is falling behind: ${countText(pending)} waiting, ${drains}.`);
  }
  const share = shareOf(lastMinute);
  const usual = shareOf(hourBefore.processed >= FEWEST ? hourBefore : restOfToday(row, lastMinute));
  if (lastMinute.processed >= FEWEST && share > BURST_SHARE && share > BURST_TIMES * usual) {
    add("error-burst", "bad", `${Math.round(share * 100)} % of the attempts in ${queue} fail.`);
  }
  return found;
}

/** Where nobody has watched for long, the day says what is usual. */
function restOfToday({ processedToday, failedToday }: QueueRow, { processed, failed }: Attempts): Attempts {
  return { processed: Math.max(0, processedToday - processed), failed: Math.max(0, failedToday - failed) };
}

function unreadableQueue(queue: string): HealthFinding {
  const text = `${queue} cannot be read: another program writes to its keys. titanqueue fsck names them.`;
  return { code: "queue-unreadable", level: "bad", queue, entry: null, text };
}

function missedTick({ info, dueAt }: OverdueEntry, now: number): HealthFinding {
  const { id, type, schedulers, queue = null } = info;
  const late = `${type} was due ${lengthText(now - dueAt)} ago, and was not enqueued`;
  const text = schedulers === 0 ? `${late}: no scheduler runs.` : `${late}.`;
  return { code: "missed-tick", level: "bad", queue, entry: id, text };
}

function shareOf({ processed, failed }: Attempts): number {
  return processed === 0 ? 0 : failed / processed;
}

function goodSentence({ queues, servers, slots, slotsBusy, now }: HealthFacts): string {
  if (queues.length === 0) return "Nothing was enqueued yet.";
  const facts = [plural(queues.length, "queue")];
  if (servers !== null) facts.push(plural(servers, "server"));
  if (slots !== null && slotsBusy !== null && slots > 0) facts.push(`${slotsBusy} of ${slots} slots busy`);
  const oldest = queues.flatMap(({ row }) => row.oldestAt ?? []);
  const age = oldest.length > 0 ? ` Oldest waiting: ${lengthText(now - Math.min(...oldest))}.` : "";
  return `All good. ${facts.join(", ")}.${age}`;
}

function countText(count: number): string {
  return plural(count, "task");
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** `4 m 12 s`. */
function lengthText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}
