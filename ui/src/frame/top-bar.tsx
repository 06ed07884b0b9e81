import { CircleHelp, Monitor, Moon, Search, Sun } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { useSession } from "../api/session.tsx";
import { Button } from "../components/button.tsx";
import { classes } from "../components/classes.ts";
import { Key } from "../components/key.tsx";
import { Menu } from "../components/menu.tsx";
import { usePhone } from "../components/use-media.ts";
import { age, duration } from "../format/times.ts";
import { live, useLive, useNow } from "../live/live.ts";
import { withSearch } from "../routing/location.ts";
import { navigate, usePlace } from "../routing/router.tsx";
import { chooseTheme, type ThemeChoice, useThemeChoice } from "./theme.ts";
import styles from "./top-bar.module.css";

const SEARCH_ID = "search";

/** Puts the cursor into the box on top: or into that of the page, which has one of its own. */
export function focusSearch(): void {
  const box = document.querySelector<HTMLInputElement>("[data-search]") ?? document.getElementById(SEARCH_ID);
  if (box instanceof HTMLInputElement) {
    box.focus();
    box.select();
  }
}

export function TopBar({ onHelp }: { readonly onHelp: () => void }) {
  const phone = usePhone();
  const { path } = usePlace();
  return (
    <header className={styles["bar"]}>
      {path !== "/tasks" && <SearchBox />}
      <div className={styles["state"]}>
        <ReadOnlyMark />
        <LiveDot />
        {!phone && <EngineMark />}
        <ThemeMenu />
        {!phone && (
          <Button
            look="quiet"
            icon={<CircleHelp size={16} />}
            aria-label="Keys (?)"
            title="Keys (?)"
            onClick={onHelp}
          />
        )}
      </div>
    </header>
  );
}

/** Goes to the page of tasks with what was typed. That page has a box of its own, which suggests, and not this one. */
function SearchBox() {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    input.current?.blur();
    navigate(withSearch("/tasks", { filter: text.trim() }));
  };
  return (
    <search className={styles["search"]}>
      <form onSubmit={submit}>
        <Search size={14} aria-hidden />
        <input
          ref={input}
          id={SEARCH_ID}
          type="text"
          enterKeyHint="search"
          autoComplete="off"
          spellCheck={false}
          placeholder="Search tasks: id: type: state: payload.x: error:"
          aria-label="Search tasks"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") input.current?.blur();
          }}
        />
        <Key keys="/" quiet />
      </form>
    </search>
  );
}

function ReadOnlyMark() {
  const { readOnly, role, user } = useSession();
  const text = readOnly ? "read-only" : role === "view" ? "view only" : null;
  if (text === null) return null;
  const why = readOnly
    ? "Nothing can be changed through this monitor."
    : `${user ?? "You"} may look, and change nothing.`;
  return (
    <span className={styles["mark"]} title={why}>
      {text}
    </span>
  );
}

/** Whether what is seen is live; a click pauses, or goes on. */
function LiveDot() {
  const status = useLive((state) => state.status);
  const nextTry = useLive((state) => state.nextTry);
  const offset = useLive((state) => state.offset);
  const now = useNow();
  const left = nextTry === null ? 0 : Math.max(0, nextTry - (now - offset));
  const words = {
    connecting: "connecting",
    live: "live",
    polling: "live, by polling",
    paused: "paused",
    hidden: "paused",
    reconnecting: left < 500 ? "connecting" : `reconnecting ${age(left)}`,
    refused: "not logged in",
  }[status];
  const paused = status === "paused";
  return (
    <button
      type="button"
      className={classes(styles["feed"], styles[status])}
      aria-pressed={paused}
      title={paused ? "Go on with live updates (.)" : "Pause live updates (.)"}
      onClick={() => (status === "reconnecting" ? live.retryNow() : live.pause(!live.paused))}
    >
      <span className={styles["dot"]} aria-hidden="true" />
      {words}
    </button>
  );
}

function EngineMark() {
  const kind = useLive(({ data }) => data?.engine.kind ?? null);
  const isUp = useLive(({ data }) => data?.engine.status === "up");
  const roundTrip = useLive(({ data }) => data?.engine.roundTrip ?? null);
  if (kind === null) return null;
  return (
    <span
      className={classes(styles["engine"], !isUp && "bad")}
      title="The engine, and how long it takes to look at it"
    >
      {kind} {isUp ? roundTrip !== null && <>· {duration(roundTrip)}</> : "away"}
    </span>
  );
}

const THEMES: readonly (readonly [ThemeChoice, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function ThemeMenu() {
  const choice = useThemeChoice();
  const Icon = { system: Monitor, light: Sun, dark: Moon }[choice];
  return (
    <Menu
      look="quiet"
      icon={<Icon size={16} />}
      label="Theme"
      title="Theme"
      items={THEMES.map(([value, label]) => ({
        label,
        checked: value === choice,
        run: () => chooseTheme(value),
      }))}
    />
  );
}
