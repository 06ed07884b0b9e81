import { describe, expect, it } from "vitest";
import { formatGoDuration, goOptionText, parseGoDuration, quoteGo } from "../../src/protocol/go-text.ts";
import { golden } from "../support/golden.ts";

type GoValue = number | { hex: string } | { ns: string } | { unix: string; zone: string };

const go = golden<{
  optionTexts: { option: string; text: string; value: GoValue }[];
  parseDuration: { text: string; ns?: string; error?: boolean }[];
}>("options.json");

const argument = (text: string) => text.slice(text.indexOf("(") + 1, -1);

describe("option texts", () => {
  const counts = go.optionTexts.filter((row) => typeof row.value === "number");
  const texts = go.optionTexts.filter((row) => typeof row.value === "object" && "hex" in row.value);
  const lengths = go.optionTexts.filter((row) => typeof row.value === "object" && "ns" in row.value);
  const instants = go.optionTexts.filter((row) => typeof row.value === "object" && "unix" in row.value);

  it("are all looked at", () => {
    expect(counts.length + texts.length + lengths.length + instants.length).toBe(go.optionTexts.length);
  });

  it.each(counts)("$text", ({ text, value }) => {
    expect(goOptionText(["MaxRetry", value as number])).toBe(text);
  });

  it.each(texts)("$text", ({ option, text, value }) => {
    const bytes = Buffer.from((value as { hex: string }).hex, "hex");
    const string = bytes.toString("utf8");
    // Bytes that are not UTF-8 have no text here: what Go escapes reads U+FFFD.
    const expected = Buffer.from(string).equals(bytes) ? text : `${option}("\ufffd")`;
    expect(goOptionText([option as "Queue", string])).toBe(expected);
  });

  it.each(lengths)("$text", ({ option, text, value }) => {
    const ns = BigInt((value as { ns: string }).ns);
    expect(formatGoDuration(ns)).toBe(argument(text));
    expect(parseGoDuration(argument(text))).toBe(ns);
    const ms = Number(ns) / 1_000_000;
    if (Number.isSafeInteger(ms)) expect(goOptionText([option as "Timeout", ms])).toBe(text);
  });

  it.each(instants.filter(({ value }) => (value as { zone: string }).zone === "UTC"))("$text", (row) => {
    const ms = Number((row.value as { unix: string }).unix) * 1_000;
    expect(goOptionText([row.option as "Deadline", ms])).toBe(row.text);
  });

  it("writes a header as Go's JSON", () => {
    expect(goOptionText(["Header", "k", 'a"<b>&\u2028'])).toBe(
      'Header(["k","a\\"\\u003cb\\u003e\\u0026\\u2028"])',
    );
  });

  it("escapes what does not print beyond the basic plane, and mends lone surrogates", () => {
    expect(quoteGo("\u{e0001}\ud800")).toBe('"\\U000e0001\ufffd"');
  });
});

describe("Go durations", () => {
  it.each(go.parseDuration)("parses $text as Go does", ({ text, ns }) => {
    expect(parseGoDuration(text)).toBe(ns === undefined ? undefined : BigInt(ns));
  });

  it.each(["-", ".", ".s", "1.2.3s", "s", "1", "-+1s", "1s1", " 1s"])("refuses %j", (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });

  it("takes the least and refuses the next", () => {
    expect(parseGoDuration("-9223372036854775808ns")).toBe(-(2n ** 63n));
    expect(parseGoDuration("-9223372036854775809ns")).toBeUndefined();
  });
});
