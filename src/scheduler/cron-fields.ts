import { CronSpecInvalidError } from "../errors.ts";

/** One of the five fields: what it may hold. */
interface FieldRules {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
  /** What somebody may have meant who wrote something else. */
  readonly hint?: string;
}

/** A field after its check. */
export interface CronField {
  /** In ascending order, without repetition. */
  readonly values: readonly number[];
  /**
   * As robfig/cron has it: the field holds `*` or `?` without a step. Days of the month and of the week must both fit
   * where one of them is that, and one of them suffices where both are restricted.
   */
  readonly isStar: boolean;
  /** Begins with `*` or `?`: it means "so often", not "at that time". */
  readonly isWild: boolean;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

export const FIELDS: readonly FieldRules[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31, hint: "L and W are not supported" },
  { name: "month", least: 1, most: 12, names: MONTHS, hint: "months are 1 to 12, or JAN to DEC" },
  {
    name: "day of week",
    least: 0,
    most: 6,
    names: DAYS,
    hint: "days are 0 (Sunday) to 6, or SUN to SAT; # and L are not supported",
  },
];

/** A text within the spec, and where it begins there. */
interface Piece {
  readonly text: string;
  readonly at: number;
}

/**
 * Reads one field as robfig/cron's standard parser does: lists, ranges, steps, names, `*` and `?`.
 *
 * @param spec - the whole spec, for the error
 * @throws {@link CronSpecInvalidError} with the place of what cannot be understood.
 */
export function parseCronField(spec: string, field: Piece, rules: FieldRules): CronField {
  const values = new Set<number>();
  let isStar = false;
  const items = piecesOf(field, ",").filter(({ text }) => text !== "");
  if (items.length === 0) throw refusal(spec, field, rules, "names nothing");
  for (const item of items) {
    const { first, last, step, star } = parseItem(spec, item, rules);
    isStar ||= star;
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return {
    values: [...values].sort((a, b) => a - b),
    isStar,
    isWild: /^[*?]/.test(field.text),
  };
}

interface Item {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly star: boolean;
}

function parseItem(spec: string, item: Piece, rules: FieldRules): Item {
  const [range = item, stepText, ...more] = piecesOf(item, "/");
  if (more.length > 0) throw refusal(spec, item, rules, "has more than one slash");
  const step = stepText === undefined ? 1 : parseStep(spec, stepText, rules);
  if (range.text === "*" || range.text === "?") {
    return { first: rules.least, last: rules.most, step, star: step === 1 };
  }
  const [low = range, high, ...rest] = piecesOf(range, "-");
  if (rest.length > 0) throw refusal(spec, range, rules, "has more than one hyphen");
  const first = parseValue(spec, low, rules);
  const last = high === undefined ? first : parseValue(spec, high, rules);
  if (last < first) throw refusal(spec, range, rules, `ends (${last}) before it begins (${first})`);
  // A single value with a step goes on to the end of the field.
  return { first, last: high === undefined && stepText !== undefined ? rules.most : last, step, star: false };
}

function parseStep(spec: string, step: Piece, rules: FieldRules): number {
  if (!/^\d{1,9}$/.test(step.text)) throw refusal(spec, step, rules, "has a step that is no number");
  if (Number(step.text) === 0) throw refusal(spec, step, rules, "has a step of 0");
  return Number(step.text);
}

function parseValue(spec: string, value: Piece, rules: FieldRules): number {
  const named = rules.names?.indexOf(value.text.toLowerCase()) ?? -1;
  if (named !== -1) return named + rules.least;
  if (!/^\d{1,9}$/.test(value.text)) {
    throw refusal(spec, value, rules, "holds what is no number there", rules.hint);
  }
  const number = Number(value.text);
  if (number < rules.least || number > rules.most) {
    throw refusal(spec, value, rules, `goes from ${rules.least} to ${rules.most}; got ${number}`, rules.hint);
  }
  return number;
}

function piecesOf({ text, at }: Piece, separator: string): Piece[] {
  const pieces: Piece[] = [];
  let from = at;
  for (const part of text.split(separator)) {
    pieces.push({ text: part, at: from });
    from += part.length + 1;
  }
  return pieces;
}

function refusal(
  spec: string,
  at: Piece,
  rules: FieldRules,
  problem: string,
  hint?: string,
): CronSpecInvalidError {
  return new CronSpecInvalidError(spec, at.at, `the ${rules.name} ${problem}`, hint);
}
