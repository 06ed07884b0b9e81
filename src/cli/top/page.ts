import stringWidth from "string-width";
import { SERVERS, WORKERS, workersOf } from "../commands/fleet.ts";
import { count } from "../progress.ts";
import { safe } from "../safe-text.ts";
import { shownLength } from "../shown-time.ts";
import { type Column, table } from "../table.ts";
import type { Colors } from "../terminal.ts";
import { KEY_HELP } from "./keys.ts";
import { type Rates, ratesOf, type Snapshot } from "./snapshot.ts";

export const VIEWS = ["queues", "servers", "workers"] as const;
export type View = (typeof VIEWS)[number];

/** All that the live screen shows. */
export interface Page {
  readonly place: string;
  readonly view: View;
  readonly selected: number;
  readonly help: boolean;
  /** What was done last, or what is wrong; already made harmless. */
  readonly message: string;
  readonly now: Snapshot | undefined;
  readonly before: Snapshot | undefined;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface QueueRow extends Rates {
  readonly info: Snapshot["queues"][number];
}

const rate = (value: number | undefined) => (value === undefined ? undefined : value.toFixed(1));

const QUEUES: readonly Column<QueueRow>[] = [
  { title: "QUEUE", value: ({ info }) => info.queue },
  ...(["pending", "active", "scheduled", "retry", "archived"] as const).map(
    (name): Column<QueueRow> => ({
      title: name.toUpperCase(),
      value: ({ info }) => count(info[name]),
      align: "right",
    }),
  ),
  { title: "DONE/S", value: ({ processed }) => rate(processed), align: "right" },
  { title: "FAIL/S", value: ({ failed }) => rate(failed), align: "right" },
  { title: "LATENCY", value: ({ info }) => shownLength(info.latency), align: "right" },
  { title: "STATE", value: ({ info }) => (info.paused ? "paused" : "runs") },
];

/** How many lines there are to move among. */
export function rowsOf({ now, view }: Page): number {
  if (now === undefined) return 0;
  if (view === "queues") return now.queues.length;
  return view === "servers" ? now.servers.length : workersOf(now.servers).length;
}

/** The lines of the screen, exactly as many and as wide as it has room for. */
export function draw(page: Page, { width, height }: Size, colors: Colors): string[] {
  const body = page.help ? helpLines() : listLines(page, width, colors);
  const head = headLines(page);
  const room = Math.max(0, height - head.length - 1);
  const [titles = "", ...rows] = body;
  const first = page.help ? 0 : Math.max(0, page.selected - (room - 2));
  const shown = rows
    .slice(first, first + Math.max(0, room - 1))
    .map((row, at) => (!page.help && first + at === page.selected ? colors.inverse(row.padEnd(width)) : row));
  const lines = [...head, colors.bold(titles), ...shown];
  while (lines.length < height - 1) lines.push("");
  const foot = page.message || "q quit  ? help  tab view  p pause/resume  r refresh";
  return [...lines.slice(0, height - 1), colors.dim(cut(foot, width))].map((line, at) =>
    at < head.length ? cut(line, width) : line,
  );
}

function headLines({ place, view, now }: Page): string[] {
  if (now === undefined) return [`titanqueue top  ${safe(place)}`, "looking", ""];
  const sum = (name: "pending" | "active") => now.queues.reduce((all, queue) => all + queue[name], 0);
  const latency = Math.max(0, ...now.queues.map((queue) => queue.latency));
  return [
    `titanqueue top  ${VIEWS.map((each) => (each === view ? `[${each}]` : each)).join(" ")}  ${safe(place)}`,
    `${now.queues.length} queues  ${now.servers.length} servers  ${workersOf(now.servers).length} workers  ` +
      `${count(sum("pending"))} pending  ${count(sum("active"))} active  latency ${shownLength(latency)}`,
    "",
  ];
}

function listLines(page: Page, width: number, colors: Colors): string[] {
  const { now, before, view } = page;
  if (now === undefined) return [""];
  // Colours of cells would end the selected line's own.
  const plain: Colors = { ...colors, red: String, green: String, yellow: String, bold: String };
  const look = { colors: plain, width: Math.max(width, NARROWEST) };
  const lines = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => cut(line, width));
  if (view === "servers") return lines(table(SERVERS, now.servers, look));
  if (view === "workers") return lines(table(WORKERS, workersOf(now.servers), look));
  return lines(
    table(
      QUEUES,
      now.queues.map((info) => ({ info, ...ratesOf(info, now, before) })),
      look,
    ),
  );
}

/** Narrower, a table would no longer be one line a row; it is cut instead. */
const NARROWEST = 100;

function helpLines(): string[] {
  return ["Keys", ...KEY_HELP.map(([keys, what]) => `  ${keys.padEnd(16)}${what}`)];
}

/** As much of a line as there is room for. Its text holds no escapes. */
function cut(line: string, width: number): string {
  if (stringWidth(line) <= width) return line;
  const letters = [...line];
  let kept = "";
  for (const letter of letters) {
    if (stringWidth(kept + letter) > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}
