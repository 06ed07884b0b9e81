/** One line of an exposition: a value, and of what. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/**
 * Reads Prometheus's text format 0.0.4 as strictly as it can be read: every sample belongs to a family that was described
 * just before it, nothing is there twice, a histogram adds up, and the text ends with a line feed.
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let help: { readonly name: string; readonly text: string } | undefined;
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", said = ""] = comment;
      if (NAME.exec(name)?.[0] !== name) throw new Error(`no name: ${line}`);
      if (kind === "HELP") {
        if (families.has(name)) throw new Error(`described twice: ${name}`);
        help = { name, text: said };
      } else {
        if (help?.name !== name) throw new Error(`TYPE without HELP: ${line}`);
        if (!["counter", "gauge", "histogram"].includes(said)) throw new Error(`no type: ${line}`);
        families.set(name, { type: said, help: help.text, samples: [] });
        current = name;
      }
      continue;
    }
    const family = families.get(current);
    const sample = parseSample(line);
    const ends = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (family === undefined || !ends.some((end) => sample.name === current + end)) {
      throw new Error(`a sample of no family: ${line}`);
    }
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) throw new Error(`told twice: ${line}`);
    seen.add(key);
    family.samples.push(sample);
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0] ?? "";
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const [whole, label, escaped] = LABEL.exec(rest) ?? [];
      if (
        whole === undefined ||
        label === undefined ||
        escaped === undefined ||
        Object.hasOwn(labels, label)
      ) {
        throw new Error(`labels cannot be read: ${line}`);
      }
      labels[label] = escaped.replaceAll(/\\([\\"n])/g, (_, c: string) => (c === "n" ? "\n" : c));
      rest = rest.slice(whole.length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else if (!rest.startsWith("}")) throw new Error(`labels cannot be read: ${line}`);
    }
    rest = rest.slice(1);
  }
  const value = rest.slice(1);
  if (name === "" || !rest.startsWith(" ") || !VALUE.test(value)) throw new Error(`no sample: ${line}`);
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [labels, group] of groups) {
    const buckets = group.filter((each) => each.name === `${name}_bucket`);
    const bounds = buckets.map((each) => Number((each.labels["le"] ?? "").replace("Inf", "Infinity")));
    const counts = buckets.map(({ value }) => value);
    const count = group.find((each) => each.name === `${name}_count`)?.value;
    const rises = (numbers: readonly number[]) =>
      numbers.every((each, at) => at === 0 || each >= (numbers[at - 1] ?? 0));
    const sum = group.some((each) => each.name === `${name}_sum`);
    if (!rises(bounds) || !rises(counts) || bounds.at(-1) !== Number.POSITIVE_INFINITY) {
      throw new Error(`buckets of ${name}${labels} do not rise to +Inf`);
    }
    if (counts.at(-1) !== count || !sum) throw new Error(`${name}${labels} does not add up`);
  }
}
