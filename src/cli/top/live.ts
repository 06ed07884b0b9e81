import type { Clock } from "titanqueue";
import { sleep } from "../../runtime/clock.ts";
import { safe } from "../safe-text.ts";
import type { Session } from "../session.ts";
import { type Key, keysOf } from "./keys.ts";
import { draw, type Page, rowsOf, VIEWS } from "./page.ts";
import { Screen } from "./screen.ts";
import { look } from "./snapshot.ts";

/** Shows the store until a key, or a signal, ends it. */
export async function live({ inspector, out, place }: Session, clock: Clock, every: number): Promise<void> {
  const screen = new Screen();
  let page: Page = {
    place: place.shown,
    view: "queues",
    selected: 0,
    help: false,
    message: "",
    now: undefined,
    before: undefined,
  };
  let wake = new AbortController();
  const ended = new AbortController();
  const show = (change: Partial<Page> = {}): void => {
    page = { ...page, ...change };
    const selected = Math.max(0, Math.min(page.selected, rowsOf(page) - 1));
    page = { ...page, selected };
    screen.draw(draw(page, screen.size, out.stdout.colors));
  };
  const lookSoon = (): void => wake.abort();
  const end = (): void => {
    ended.abort();
    wake.abort();
  };

  const hold = async (): Promise<void> => {
    const info = page.view === "queues" ? page.now?.queues[page.selected] : undefined;
    if (info === undefined) return show({ message: "choose a queue" });
    await (info.paused ? inspector.unpauseQueue(info.queue) : inspector.pauseQueue(info.queue));
    show({ message: `${safe(info.queue)} ${info.paused ? "runs again" : "is paused"}` });
    lookSoon();
  };
  const acts: Readonly<Record<Key, () => void>> = {
    up: () => show({ selected: page.selected - 1 }),
    down: () => show({ selected: page.selected + 1 }),
    first: () => show({ selected: 0 }),
    last: () => show({ selected: rowsOf(page) - 1 }),
    view: () => show({ view: VIEWS[(VIEWS.indexOf(page.view) + 1) % VIEWS.length] ?? "queues", selected: 0 }),
    help: () => show({ help: !page.help }),
    refresh: lookSoon,
    pause: () => void hold().catch((error: Error) => show({ message: safe(error.message) })),
    quit: end,
    // As a shell's Ctrl+Z, which raw mode keeps from happening by itself.
    stop: () => {
      screen.leave();
      process.kill(process.pid, "SIGSTOP");
    },
  };
  process.on("SIGCONT", () => {
    screen.resume();
    show();
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, end);

  screen.enter(
    (text) => {
      for (const key of keysOf(text)) acts[key]();
    },
    () => show(),
  );
  try {
    show();
    while (!ended.signal.aborted) {
      wake = new AbortController();
      try {
        const now = await look(inspector, () => clock.monotonic());
        show({ now, before: page.now ?? undefined });
      } catch (error) {
        // An engine that is away may come back; what was seen last stays on the screen.
        show({ message: safe((error as Error).message) });
      }
      if (!ended.signal.aborted) await sleep(clock, every, wake.signal);
    }
  } finally {
    screen.leave();
  }
}
