import { age, clock } from "../format/times.ts";
import { live, useEngineAway, useLive, useNow } from "../live/live.ts";
import { Banner } from "./banner.tsx";
import { Button } from "./button.tsx";

/** The engine is away, or the monitor itself: since when, and when it is tried again. Otherwise nothing. */
export function EngineAwayBanner() {
  const engine = useLive(({ data }) => data?.engine ?? null);
  const brokenSince = useLive((state) => state.brokenSince);
  const nextTry = useLive((state) => state.nextTry);
  const offset = useLive((state) => state.offset);
  const status = useLive((state) => state.status);
  const now = useNow();
  const away = useEngineAway();
  if (status === "refused") {
    return <Banner tone="bad">You are no longer logged in. Load this page again.</Banner>;
  }
  if (!away) return null;
  if (brokenSince !== null) {
    const next = nextTry === null ? null : Math.max(0, nextTry - (now - offset));
    return (
      <Banner tone="bad" actions={<Button onClick={() => live.retryNow()}>Try now</Button>}>
        <strong>The monitor has not answered since {clock(brokenSince, true)}.</strong> What is shown is from
        then.{nextTryText(next)}
      </Banner>
    );
  }
  if (engine === null) return null;
  const next = engine.nextTry === null ? null : Math.max(0, engine.nextTry - now);
  return (
    <Banner tone="bad">
      <strong>
        The engine ({engine.kind}) has been away since {clock(engine.since, true)}.
      </strong>{" "}
      What is shown is from then; nothing can be changed.
      {nextTryText(next)}
      {engine.problem !== null && <div className="muted small mono">{engine.problem}</div>}
    </Banner>
  );
}

function nextTryText(ms: number | null): string {
  if (ms === null) return "";
  return ms < 500 ? " It is tried now." : ` Next try in ${age(ms)}.`;
}
