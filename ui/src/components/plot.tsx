import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shortCount } from "../format/numbers.ts";
import { clock, day } from "../format/times.ts";
import { useTheme } from "../frame/theme.ts";
import styles from "./chart.module.css";
import { type ChartProps, hasTallLegend } from "./chart.tsx";
import { endOf, highestOf } from "./chart-lines.ts";
import { classes } from "./classes.ts";

type PlotProps = ChartProps & { readonly height: number };

/** The part of a chart that is loaded when one is shown. */
export default function Plot(props: PlotProps) {
  const { label, at, lines, height, format = shortCount, range, sync, days = false, marks, onZoom } = props;
  const { unit = "number" } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ format, marks, onZoom, range });
  useEffect(() => {
    latest.current = { format, marks, onZoom, range };
  });
  const [under, setUnder] = useState<number | null>(null);
  const theme = useTheme();
  // Another set of lines is another chart; other values are not.
  const shape = JSON.stringify([
    lines.map(({ label: name, color, look, before }) => [name, color, look, before !== undefined]),
    days,
    sync,
    unit,
    theme,
  ]);
  const data = useMemo(
    () =>
      [
        at.map((ms) => ms / 1_000),
        ...lines.map(({ values }) => [...values]),
        ...lines.flatMap(({ before }) => (before === undefined ? [] : [[...before]])),
      ] as uPlot.AlignedData,
    [at, lines],
  );
  const latestData = useRef(data);
  useEffect(() => {
    latestData.current = data;
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for what it is made of
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const probe = resolver(element);
    const isWhole = lines.every(({ look }) => look === "bars");
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: probe("--muted"), font };
    const names = lines.map(({ label: name }) => name);
    const nameWidth = widest(names, font, Math.max(NAME_WIDTH, element.clientWidth / 4));
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        padding: [8, isWhole ? 28 : nameWidth, 0, 0],
        legend: { show: false },
        ...(days && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC") }),
        cursor: {
          y: false,
          points: { size: 6 },
          drag: { x: true, y: false, setScale: false },
          ...(sync !== undefined && { sync: { key: sync } }),
        },
        scales: {
          x: { time: true, range: (_, min, max) => widened(latest.current.range, min, max) },
          // What is shown of the time is not known to the chart yet where this is asked.
          y: {
            range: ({ data: [places, ...values] }) => {
              const [from, to] = widened(latest.current.range, places[0] ?? 0, places.at(-1) ?? 0);
              return [0, ceiling(highestOf(places, values, from, to))];
            },
          },
        },
        axes: [
          {
            ...axis,
            size: 24,
            space: 72,
            grid: { show: false },
            ticks: { show: false },
            values: (_, splits, __, ___, step) =>
              splits.map((second) => (days ? shortDay(second * 1_000) : clock(second * 1_000, step < 60))),
          },
          {
            ...axis,
            size: 44,
            space: 32,
            gap: 4,
            ticks: { show: false },
            grid: { stroke: probe("--line"), width: 1 },
            incrs: unit === "time" ? TIME_STEPS : isWhole ? WHOLE_STEPS : STEPS,
            values: (_, splits) => splits.map((value) => shorter(latest.current.format(value))),
          },
        ],
        series: [
          {},
          ...lines.map(({ label: name, color, look = "line" }): uPlot.Series => {
            const stroke = probe(color);
            const bars = uPlot.paths.bars?.({ size: [0.7, 24], gap: 1, radius: 0.1 });
            return {
              label: name,
              stroke,
              width: look === "bars" ? 0 : 1.5,
              points:
                look === "bars"
                  ? { show: false }
                  : {
                      show: true,
                      size: 4,
                      fill: stroke,
                      filter: (chart, series) => lonely(chart.data[series]),
                    },
              spanGaps: false,
              ...(look !== "line" && { fill: look === "bars" ? stroke : faded(stroke) }),
              ...(look === "bars" && bars !== undefined && { paths: bars }),
            };
          }),
          // Last, so that names and values are of the lines before them.
          ...lines
            .filter(({ before }) => before !== undefined)
            .map(
              ({ label: name, color }): uPlot.Series => ({
                label: name,
                stroke: probe(color),
                width: 1,
                alpha: 0.6,
                dash: [3, 3],
                points: { show: false },
                spanGaps: false,
              }),
            ),
        ],
        hooks: {
          setCursor: [({ cursor }) => setUnder(cursor.idx ?? null)],
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              const from = chart.posToVal(left, "x") * 1_000;
              latest.current.onZoom?.(from, chart.posToVal(left + width, "x") * 1_000);
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
          draw: [
            (chart) => drawMarks(chart, latest.current.marks ?? [], probe("--faint"), font),
            (chart) => isWhole || drawNames(chart, names.length, nameWidth),
          ],
        },
      },
      latestData.current,
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another range shows another part of the same
  useEffect(() => plot.current?.setData(data), [data, range?.[0], range?.[1]]);

  // Without a crosshair: the last that is shown of which anything is known.
  const end = range?.[1] ?? Number.POSITIVE_INFINITY;
  const place =
    under ?? at.findLastIndex((ms, step) => ms <= end && lines.some(({ values }) => values[step] != null));
  return (
    <figure className={styles["chart"]} aria-label={label}>
      <figcaption className={classes(styles["legend"], hasTallLegend(lines) && styles["tall"])}>
        {lines.map(({ label: name, color, look, values, before }) => {
          const value = values[place];
          const earlier = before?.[place];
          return (
            <span key={name} className={styles["name"]}>
              <span
                className={classes(styles["swatch"], look === "bars" && styles["bar"])}
                style={{ background: `var(${color})` }}
              />
              <span className={styles["word"]} title={name}>
                {name}
              </span>{" "}
              <b>{value === null || value === undefined ? "–" : format(value)}</b>
              {earlier !== null && earlier !== undefined && (
                <span className={styles["earlier"]}>{format(earlier)}</span>
              )}
            </span>
          );
        })}
        {under !== null && at[under] !== undefined && (
          <span>{days ? day(new Date(at[under]).toISOString().slice(0, 10)) : clock(at[under], true)}</span>
        )}
      </figcaption>
      <div ref={host} className={styles["plot"]} />
    </figure>
  );
}

/** What is shown of the time, in seconds. */
function xOf({ scales }: uPlot): [from: number, to: number] {
  return [scales["x"]?.min ?? 0, scales["x"]?.max ?? 0];
}

function widened(range: ChartProps["range"], min: number, max: number): [number, number] {
  if (range === undefined) return min === max ? [min - 60, max + 60] : [min, max];
  return [range[0] / 1_000, range[1] / 1_000];
}

/** A little air above; and never a scale so small that noise looks like a mountain. */
function ceiling(most: number): number {
  return most < 1 ? 1 : most * 1.1;
}

/** From one line of an axis to the next: whatever it is, its numbers are short. */
const STEPS = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((ten) => [
  ten,
  2 * ten,
  5 * ten,
]);
/** Of what is counted there are no halves. */
const WHOLE_STEPS = STEPS.filter((step) => step >= 1);
/** Milliseconds as a clock divides them: from a minute on, tens would be odd. */
const TIME_STEPS = [
  ...STEPS.filter((step) => step <= 20_000),
  ...[0.5, 1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 4, 6, 12, 24, 48, 120, 240, 480].map((hours) => hours * 3_600_000),
];

/** Values with nothing before and after them: no line goes there, so they are dots. */
function lonely(values: uPlot.AlignedData[number] | undefined): number[] {
  const isGap = (at: number) => values?.[at] === null || values?.[at] === undefined;
  return [...(values ?? []).keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
}

/** At an axis, `20` rather than `20.0`. */
function shorter(text: string): string {
  return text.replace(/\.0+(?!\d)/, "");
}

function shortDay(ms: number): string {
  return day(new Date(ms).toISOString().slice(0, 10)).split(" ").slice(1).join(" ");
}

/** A canvas knows no variables: what they come to is asked of an element. */
function resolver(element: HTMLElement): (token: string) => string {
  return (token) => {
    element.style.color = `var(${token})`;
    const { color } = getComputedStyle(element);
    element.style.color = "";
    return color;
  };
}

function faded(color: string): string {
  return color.endsWith(")") && color.startsWith("oklch") ? color.replace(/\)$/, " / 0.12)") : color;
}

const NAME_WIDTH = 40;
const NAME_HEIGHT = 12;
/** Between a line's end and its name. */
const NAME_GAP = 5;

/** Room for the longest of the names, in pixels; at most so much. */
function widest(names: readonly string[], font: string, most: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return NAME_WIDTH;
  context.font = font;
  const longest = Math.max(0, ...names.map((name) => context.measureText(name).width));
  return Math.max(NAME_WIDTH, Math.min(most, Math.ceil(longest) + NAME_GAP + 3));
}

/** As much of a text as there is room for. */
function shortened(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 0 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return `${text.slice(0, end)}…`;
}

/** Names each of the first lines where it leaves the chart; those that do so together, one below the other. */
function drawNames(chart: uPlot, count: number, width: number): void {
  const { ctx, bbox, data, series } = chart;
  const scale = devicePixelRatio;
  const [min, max] = xOf(chart);
  const names = series.slice(1, 1 + count).flatMap(({ label, stroke }, at) => {
    const end = endOf(data[0], data[at + 1] ?? [], min, max);
    if (end === undefined) return [];
    const y = chart.valToPos(end, "y", true);
    return [{ label: String(label), stroke, y: Math.max(bbox.top, Math.min(bbox.top + bbox.height, y)) }];
  });
  names.sort((a, b) => a.y - b.y);
  ctx.save();
  ctx.font = `${11 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const height = NAME_HEIGHT * scale;
  const lowest = bbox.top + bbox.height - height * (names.length - 1);
  let above = Number.NEGATIVE_INFINITY;
  for (const [at, { label, stroke, y }] of names.entries()) {
    above = Math.max(Math.min(y, lowest + at * height), above + height);
    const color = typeof stroke === "function" ? stroke(chart, 1) : stroke;
    if (typeof color === "string") ctx.fillStyle = color;
    const room = (width - NAME_GAP) * scale;
    ctx.fillText(shortened(ctx, label, room), bbox.left + bbox.width + NAME_GAP * scale, above);
  }
  ctx.restore();
}

function drawMarks(
  chart: uPlot,
  marks: readonly { readonly at: number; readonly label: string }[],
  color: string,
  font: string,
): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.font = font.replace("11px", `${11 * devicePixelRatio}px`);
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at, label } of marks) {
    const x = chart.valToPos(at / 1_000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const gap = 4 * devicePixelRatio;
    const fits = x + gap + ctx.measureText(label).width < bbox.left + bbox.width;
    ctx.textAlign = fits ? "left" : "right";
    ctx.fillText(label, fits ? x + gap : x - gap, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
