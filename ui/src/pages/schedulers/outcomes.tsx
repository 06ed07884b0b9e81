import type { SchedulerEvent } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Strip } from "../../components/sparkline.tsx";
import { DASH, plural } from "../../format/numbers.ts";
import { absolute } from "../../format/times.ts";
import { OUTCOME_TONES, OUTCOME_WORDS } from "./outcome-words.ts";

const SHOWN = 20;

/** What became of an entry's last tasks: one square each. */
export function Outcomes({ id }: { readonly id: string }) {
  const { data } = useApi(
    "GET /api/schedulers/{id}/events",
    { params: { id }, query: { page_size: SHOWN } },
    { every: 30_000 },
  );
  if (data === undefined) return null;
  if (data.events.length === 0) return <span className="faint">{DASH}</span>;
  const squares = [...data.events].reverse().map(({ outcome, enqueuedAt }) => ({
    tone: OUTCOME_TONES[outcome],
    label: `${OUTCOME_WORDS[outcome]}, ${absolute(enqueuedAt)}`,
  }));
  return <Strip squares={squares} label={inWords(data.events)} />;
}

function inWords(events: readonly SchedulerEvent[]): string {
  const bad = events.filter(({ outcome }) => OUTCOME_TONES[outcome] === "bad").length;
  return `The last ${plural(events.length, "task")}: ${bad === 0 ? "none has failed" : `${bad} failed`}`;
}
