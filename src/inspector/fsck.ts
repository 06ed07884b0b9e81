import type { Finding, FindingCode, Repair } from "../broker/repair.ts";
import { InvalidOptionError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";

export interface FsckOptions {
  /** Looks at these queues only. @defaultValue all, those that are not registered included */
  queues?: readonly string[] | undefined;
  /** Mends what can be mended. @defaultValue false */
  repair?: boolean | undefined;
  /** Ends the search early; the report tells of what was found until then. */
  signal?: AbortSignal | undefined;
  /** Called every few hundred tasks. `total` is an estimate. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
}

/** What a search for damage has found. */
export interface FsckReport {
  /** Whether it was to mend what it found. */
  readonly repair: boolean;
  readonly queues: readonly string[];
  /** How many tasks were looked at. */
  readonly tasks: number;
  readonly found: number;
  readonly repaired: number;
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>;
  /** The first 10,000 findings. */
  readonly findings: readonly Finding[];
  /** The signal ended it before everything was looked at. */
  readonly stopped: boolean;
}

/** A store that is damaged everywhere must not fill this process. */
const MOST_FINDINGS = 10_000;

/** Looks for damage, and counts what it finds. */
export async function fsck(door: Repair, options: FsckOptions = {}): Promise<FsckReport> {
  requireKnownNames("fsck", options, ["queues", "repair", "signal", "onProgress"]);
  const { queues, repair = false, signal, onProgress } = options;
  if (typeof repair !== "boolean") throw new InvalidOptionError("repair", "expected true or false");
  if (queues !== undefined && !Array.isArray(queues)) {
    throw new InvalidOptionError("queues", "expected a list of names");
  }
  const findings: Finding[] = [];
  const counts: Partial<Record<FindingCode, number>> = {};
  let [found, repaired] = [0, 0];
  const end = await door.fsck({
    queues: queues?.map((queue) => requireNonBlank("queues", queue)),
    repair,
    signal,
    onFinding: (finding) => {
      found += 1;
      if (finding.repaired !== undefined) repaired += 1;
      counts[finding.code] = (counts[finding.code] ?? 0) + 1;
      if (findings.length < MOST_FINDINGS) findings.push(finding);
    },
    onProgress: (done, total) => onProgress?.({ done, total }),
  });
  return { repair, ...end, found, repaired, counts, findings };
}
