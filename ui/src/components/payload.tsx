import { Download } from "lucide-react";
import { useMemo, useState } from "react";
import type { Content } from "../api/types.ts";
import { bytes } from "../format/numbers.ts";
import { base } from "../routing/base.ts";
import { Button } from "./button.tsx";
import { classes } from "./classes.ts";
import { CopyButton } from "./copy-button.tsx";
import { JsonTree } from "./json-tree.tsx";
import styles from "./payload.module.css";
import { hexLines, prettyJson, utf8Hex } from "./payload-text.ts";

type Look = "tree" | "raw" | "hex";

export interface PayloadProps {
  readonly content: Content;
  /** `Payload`, `Result`. */
  readonly title: string;
  /** Where the whole of it is: a path of the API, `api/queues/low/tasks/1/payload`. */
  readonly wholeAt?: string;
}

/** Bytes of a user: a tree, as they are, or as hex. Never anything but text. */
export function Payload({ content, title, wholeAt }: PayloadProps) {
  const pretty = useMemo(
    () => (content.kind === "json" && !content.truncated ? prettyJson(content.text) : undefined),
    [content],
  );
  const looks: readonly Look[] =
    content.kind === "hex" ? ["hex"] : pretty !== undefined ? ["tree", "raw", "hex"] : ["raw", "hex"];
  const [chosen, setLook] = useState<Look>(looks[0] ?? "raw");
  const look = looks.includes(chosen) ? chosen : (looks[0] ?? "raw");
  const isAllHidden = content.redacted && content.text === "" && content.bytes > 0;
  return (
    <section className={styles["payload"]} aria-label={title}>
      <header className={styles["head"]}>
        <h2>{title}</h2>
        <span className="muted small">
          {content.kind === "none" ? "empty" : `${content.kind}, ${bytes(content.bytes)}`}
          {content.redacted && ", parts hidden"}
        </span>
        <span className="spacer" />
        {content.kind !== "none" && looks.length > 1 && (
          <fieldset className={styles["looks"]} aria-label="Shown as">
            {looks.map((each) => (
              <button
                key={each}
                type="button"
                className={classes(styles["look"], each === look && styles["chosen"])}
                aria-pressed={each === look}
                onClick={() => setLook(each)}
              >
                {each}
              </button>
            ))}
          </fieldset>
        )}
        {content.kind !== "none" && !isAllHidden && (
          <CopyButton text={content.text} label={`Copy the ${title.toLowerCase()}`} />
        )}
        {wholeAt !== undefined && content.kind !== "none" && !content.redacted && (
          <a
            href={new URL(wholeAt, base).href}
            download
            className={styles["download"]}
            title="Download all of it"
          >
            <Download size={14} aria-label="Download all of it" />
          </a>
        )}
      </header>
      {isAllHidden ? (
        <p className="muted">Hidden from your role.</p>
      ) : content.kind === "none" ? null : (
        <div className={styles["body"]}>
          {look === "tree" && pretty !== undefined ? (
            <JsonTree value={pretty.value} />
          ) : (
            <pre className={styles["text"]}>{textOf(content, look, pretty?.text)}</pre>
          )}
        </div>
      )}
      {content.truncated && (
        <p className="muted small">
          Only the first {bytes(shownBytes(content))} of {bytes(content.bytes)} are shown.{" "}
          {wholeAt !== undefined && !content.redacted && (
            <Button look="quiet" onClick={() => window.open(new URL(wholeAt, base), "_self")}>
              Download all of it
            </Button>
          )}
        </p>
      )}
    </section>
  );
}

function textOf(content: Content, look: Look, pretty: string | undefined): string {
  if (look !== "hex") return pretty ?? content.text;
  return hexLines(content.kind === "hex" ? content.text : utf8Hex(content.text));
}

function shownBytes({ kind, text }: Content): number {
  return kind === "hex" ? text.length / 2 : new TextEncoder().encode(text).length;
}
