import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { ErrorFacts } from "../api/types.ts";
import { filterWords, joined, wordAt } from "../filter/filter-text.ts";
import { type KnownValues, suggestionsFor } from "../filter/suggestions.ts";
import { Button } from "./button.tsx";
import { classes } from "./classes.ts";
import styles from "./filter-box.module.css";
import { Key } from "./key.tsx";

export interface FilterBoxProps {
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
  readonly known: KnownValues;
  /** What the monitor says against the filter. */
  readonly error?: ErrorFacts | null;
}

/** The search of tasks: conditions as chips, the one that is being typed after them, and what it may become below. */
export function FilterBox({ filter, onFilter, known, error }: FilterBoxProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const words = useMemo(() => filterWords(filter), [filter]);
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  // Another filter came by the address: what was half typed belonged to the one before.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is another filter
  useEffect(() => setTyped(""), [filter]);
  const found = useMemo(() => suggestionsFor(typed.trimStart(), known), [typed, known]);
  const suggestions = isOpen ? found : [];
  const wrong = error?.position === undefined ? -1 : wordAt(words, error.position);

  const type = (text: string) => {
    setTyped(text);
    setOpen(true);
    setChosen(-1);
  };
  const take = (text: string) => {
    setOpen(false);
    setChosen(-1);
    const next = joined([...words, ...filterWords(text)]);
    setTyped("");
    if (next !== filter) onFilter(next);
  };
  const without = (at: number) => words.filter((_, each) => each !== at);
  const edit = (at: number) => {
    const word = words[at];
    if (word === undefined) return;
    onFilter(joined(without(at)));
    // After the effect that empties the input for another filter.
    setTimeout(() => type(word.text));
    input.current?.focus();
  };
  const choose = (at: number) => {
    const suggestion = found[at];
    if (suggestion === undefined) return;
    if (suggestion.isWhole) take(suggestion.text);
    else type(suggestion.text);
    input.current?.focus();
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        setOpen(true);
        const step = event.key === "ArrowDown" ? 1 : -1;
        setChosen(((chosen + 1 + step + found.length + 1) % (found.length + 1)) - 1);
        return;
      }
      case "Tab":
        if (!isOpen || found.length === 0 || event.shiftKey || typed === "") return;
        event.preventDefault();
        return choose(Math.max(0, chosen));
      case "Enter":
        event.preventDefault();
        if (isOpen && chosen >= 0) return choose(chosen);
        if (typed.trim() === "") input.current?.blur();
        return take(typed);
      case "Escape":
        if (isOpen && suggestions.length > 0) setOpen(false);
        else input.current?.blur();
        return;
      case "Backspace":
        if (typed !== "" || words.length === 0) return;
        event.preventDefault();
        return edit(words.length - 1);
      case " ":
        // A condition that is whole becomes a chip; one in open quotes goes on.
        if (/^-?[\w.-]+:(?:[^\s"]+|~?"(?:[^"\\]|\\.)*")$/.test(typed.trim())) {
          event.preventDefault();
          take(typed);
        }
    }
  };
  return (
    <div className={styles["place"]}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the ground of the input */}
      <div
        className={classes(styles["box"], error && styles["wrong"])}
        onClick={(event) => event.target === event.currentTarget && input.current?.focus()}
      >
        <Search size={14} aria-hidden />
        {words.map((word, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a filter may say the same twice
          <span key={at} className={classes(styles["chip"], at === wrong && styles["bad"])}>
            <button
              type="button"
              title="Edit this condition"
              className={styles["edit"]}
              onClick={() => edit(at)}
            >
              {word.negated && <span className={styles["not"]}>not </span>}
              {word.field !== null && <span className="muted">{word.field}:</span>}
              {word.contains && <span className="muted">~</span>}
              <span className="mono">{word.value}</span>
            </button>
            <button
              type="button"
              className={styles["remove"]}
              aria-label={`Remove ${word.text}`}
              onClick={() => onFilter(joined(without(at)))}
            >
              <X size={12} />
            </button>
          </span>
        ))}
        <input
          ref={input}
          type="text"
          data-search
          role="combobox"
          aria-label="Search tasks"
          aria-expanded={suggestions.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          aria-invalid={error ? true : undefined}
          aria-autocomplete="list"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          enterKeyHint="search"
          placeholder={
            words.length === 0 ? "type:email:*  state:retry  payload.user.id:42  error:~timeout" : ""
          }
          value={typed}
          onChange={(event) => type(event.target.value)}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={press}
        />
        {words.length > 0 ? (
          <Button
            look="quiet"
            icon={<X size={14} />}
            aria-label="Clear the search"
            title="Clear the search"
            className={styles["clear"]}
            onClick={() => {
              onFilter("");
              input.current?.focus();
            }}
          />
        ) : (
          <Key keys="/" quiet />
        )}
      </div>
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Suggestions"
        tabIndex={-1}
        className={styles["list"]}
        hidden={suggestions.length === 0}
      >
        {suggestions.map(({ text, hint }, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the keys
          <div
            key={text}
            id={`${id}-${at}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === chosen}
            className={classes(styles["option"], at === chosen && styles["chosen"])}
            // The input keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(at)}
          >
            <span className="mono ellipsis">{text}</span>
            <span className="muted small ellipsis">{hint}</span>
          </div>
        ))}
      </div>
      {error && <FilterError id={`${id}-error`} filter={filter} error={error} />}
    </div>
  );
}

function FilterError({
  id,
  filter,
  error,
}: {
  readonly id: string;
  readonly filter: string;
  readonly error: ErrorFacts;
}) {
  const { message, position, hint } = error;
  const words = filterWords(filter);
  const wrong = position === undefined ? undefined : words[wordAt(words, position)];
  return (
    <div id={id} role="alert" className={styles["error"]}>
      {position !== undefined && (
        <pre className={styles["where"]} aria-hidden="true">
          {filter.slice(Math.max(0, position - 60), position + 60)}
          {"\n"}
          {" ".repeat(Math.min(60, position))}↑
        </pre>
      )}
      <p>
        <span className="bad anywhere">
          {wrong === undefined ? message : `${wrong.text} cannot be understood.`}
        </span>{" "}
        {hint !== undefined && !message.includes(hint) && <span className="muted anywhere">{hint}</span>}
      </p>
    </div>
  );
}
