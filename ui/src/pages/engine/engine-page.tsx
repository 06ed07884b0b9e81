import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { EngineReport, Finding } from "../../api/types.ts";
import { useApi } from "../../api/use-api.ts";
import { Button } from "../../components/button.tsx";
import { classes } from "../../components/classes.ts";
import { ErrorState, Skeleton } from "../../components/empty-state.tsx";
import { Facts, Page, Section } from "../../components/page.tsx";
import { RelativeTime } from "../../components/values.tsx";
import { bytes, plural } from "../../format/numbers.ts";
import styles from "./engine-page.module.css";

/** What the doctor says of the engine, worst first, and what is known of it. */
export default function EnginePage() {
  const { data, error, isFetching, refetch } = useApi("GET /api/engine", {}, { every: 60_000 });
  return (
    <Page
      title="Engine"
      facts={
        data !== undefined && (
          <>
            <span>{data.engine.kind}</span>
            <span>
              looked at <RelativeTime at={data.now} />
            </span>
          </>
        )
      }
      actions={
        <Button busy={isFetching} onClick={() => void refetch()}>
          Look again
        </Button>
      }
    >
      {data !== undefined ? (
        <Report report={data} />
      ) : error !== null ? (
        <ErrorState what="the engine" error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton rows={10} />
      )}
    </Page>
  );
}

function Report({ report: { findings, facts } }: { readonly report: EngineReport }) {
  return (
    <>
      <Section title="What the doctor says" aside={findings !== null && summary(findings)}>
        {findings === null ? (
          <p className="muted">This engine has no doctor.</p>
        ) : (
          <ul className={styles["findings"]}>
            {[...findings]
              .sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
              .map((finding) => (
                <FindingLine key={finding.id} finding={finding} />
              ))}
          </ul>
        )}
      </Section>
      {facts.length > 0 && (
        <Section title="Facts">
          <Facts facts={facts.map(({ name, value }) => [inWords(name), valueInWords(name, value)])} />
        </Section>
      )}
    </>
  );
}

const LEVELS: readonly Finding["level"][] = ["problem", "warning", "info", "ok"];
const ICONS = { problem: CircleAlert, warning: TriangleAlert, info: Info, ok: CircleCheck } as const;
const TONES = { problem: "bad", warning: "warning", info: "muted", ok: "good" } as const;
const WORDS = { problem: "Problem", warning: "Warning", info: "For your information", ok: "Well" } as const;

function FindingLine({ finding: { level, text, remedy } }: { readonly finding: Finding }) {
  const Icon = ICONS[level];
  return (
    <li className={styles["finding"]}>
      <span className={classes(styles["icon"], TONES[level])} title={WORDS[level]}>
        <Icon size={16} aria-label={WORDS[level]} />
      </span>
      <div className="anywhere">
        <p>{text.charAt(0).toUpperCase() + text.slice(1)}</p>
        {remedy !== null && <p className="muted">{remedy}</p>}
      </div>
    </li>
  );
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding["level"]) => findings.filter((each) => each.level === level).length;
  const parts = [
    count("problem") > 0 && plural(count("problem"), "problem"),
    count("warning") > 0 && plural(count("warning"), "warning"),
  ].filter(Boolean);
  return parts.length === 0 ? "all well" : parts.join(", ");
}

/** As it is read, where it is a number of bytes or of milliseconds, or a yes or no. */
function valueInWords(name: string, value: string): string {
  if (value === "true" || value === "false") return value === "true" ? "yes" : "no";
  const number = Number(value);
  if (!Number.isFinite(number) || value === "") return value;
  if (name === "maxMemory" && number === 0) return "no limit";
  if (name.endsWith("Memory") || name.endsWith("Disk")) return bytes(number);
  if (name === "latency" || name === "clockOffset") return `${number} ms`;
  return value;
}

/** `freeDisk`: free disk. */
function inWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
