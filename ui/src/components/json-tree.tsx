import { useState } from "react";
import { plural } from "../format/numbers.ts";
import { classes } from "./classes.ts";
import styles from "./json-tree.module.css";
import { LongNumber } from "./payload-text.ts";

/** Below this depth things are folded at first. */
const OPEN_TO = 3;
/** Of a list, so many are shown at a time. */
const PART = 100;

/** A JSON value, to be folded and unfolded. */
export function JsonTree({ value }: { readonly value: unknown }) {
  return (
    <div className={classes(styles["tree"], "mono")}>
      <Node value={value} depth={0} />
    </div>
  );
}

function Node({
  name,
  value,
  depth,
}: {
  readonly name?: string;
  readonly value: unknown;
  readonly depth: number;
}) {
  const isBranch = typeof value === "object" && value !== null && !(value instanceof LongNumber);
  if (!isBranch) {
    return (
      <div className={styles["line"]}>
        <Name name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch {...(name !== undefined && { name })} value={value} depth={depth} />;
}

function Branch({
  name,
  value,
  depth,
}: {
  readonly name?: string;
  readonly value: object;
  readonly depth: number;
}) {
  const entries = Object.entries(value);
  const [isOpen, setOpen] = useState(depth < OPEN_TO && entries.length <= PART);
  const [shown, setShown] = useState(PART);
  const isList = Array.isArray(value);
  const [left, right] = isList ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    return (
      <div className={styles["line"]}>
        <Name name={name} />
        {left}
        {right}
      </div>
    );
  }
  return (
    <div>
      <button
        type="button"
        className={styles["fold"]}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className={styles["mark"]} aria-hidden="true">
          {isOpen ? "▾" : "▸"}
        </span>
        <Name name={name} />
        {left}
        {!isOpen && <span className="faint"> {plural(entries.length, isList ? "item" : "key")} </span>}
        {!isOpen && right}
      </button>
      {isOpen && (
        <div className={styles["inside"]}>
          {entries.slice(0, shown).map(([key, each]) => (
            <Node key={key} {...(!isList && { name: key })} value={each} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className={styles["more"]} onClick={() => setShown(shown + PART * 10)}>
              {plural(entries.length - shown, "more", "more")}
            </button>
          )}
        </div>
      )}
      {isOpen && <div className={styles["line"]}>{right}</div>}
    </div>
  );
}

function Name({ name }: { readonly name: string | undefined }) {
  return name === undefined ? null : <span className={styles["name"]}>{name}: </span>;
}

function Leaf({ value }: { readonly value: unknown }) {
  if (typeof value === "string") {
    if (value === "[redacted]") return <span className="faint">[redacted]</span>;
    return <span className={styles["text"]}>{JSON.stringify(value)}</span>;
  }
  if (value instanceof LongNumber) return <span className={styles["number"]}>{value.digits}</span>;
  if (typeof value === "number") return <span className={styles["number"]}>{String(value)}</span>;
  return <span className={styles["word"]}>{String(value)}</span>;
}
