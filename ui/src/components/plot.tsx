import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shortCount } from "../format/numbers.ts";
import { clock, day } from "../format/times.ts";
import { useTheme } from "../frame/theme.ts";
import styles from "./chart.module.css";
import type { ChartProps } from "./chart.tsx";
import { classes } from "./classes.ts";

type PlotProps = ChartProps & { readonly height: number };

/** The part of a chart that is loaded when one is shown. */
export default function Plot(props: PlotProps) {
  const { label, at, lines, height, format = shortCount, range, sync, days = false, marks, onZoom } = props;
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
    lines.map(({ label: name, color, look }) => [name, color, look]),
    days,
    sync,
    theme,
  ]);
  const data = useMemo(
    () => [at.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])] as uPlot.AlignedData,
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
    const axis = { stroke: probe("--muted"), font: `11px ${getComputedStyle(document.body).fontFamily}` };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        padding: [8, lines.every(({ look }) => look === "bars") ? 28 : NAME_WIDTH, 0, 0],
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
          y: { range: (_, __, max) => [0, ceiling(max)] },
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
            incrs: isWhole ? WHOLE_STEPS : STEPS,
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
              points: { show: false },
              spanGaps: false,
              ...(look !== "line" && { fill: look === "bars" ? stroke : faded(stroke) }),
              ...(look === "bars" && bars !== undefined && { paths: bars }),
            };
          }),
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
            (chart) => drawMarks(chart, latest.current.marks ?? [], probe("--line-strong")),
            (chart) => isWhole || drawNames(chart),
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

  useEffect(() => plot.current?.setData(data), [data]);

  const place = under ?? at.length - 1;
  return (
    <figure className={styles["chart"]} aria-label={label}>
      <figcaption className={styles["legend"]}>
        {lines.map(({ label: name, color, look, values }) => {
          const value = values[place];
          return (
            <span key={name} className={styles["name"]}>
              <span
                className={classes(styles["swatch"], look === "bars" && styles["bar"])}
                style={{ background: `var(${color})` }}
              />
              {name} <b>{value === null || value === undefined ? "–" : format(value)}</b>
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

function widened(range: ChartProps["range"], min: number, max: number): [number, number] {
  if (range === undefined) return min === max ? [min - 60, max + 60] : [min, max];
  return [range[0] / 1_000, range[1] / 1_000];
}

/** A little air above; and never a scale so small that noise looks like a mountain. */
function ceiling(most: number | null): number {
  return most === null || most < 1 ? 1 : most * 1.1;
}

/** From one line of an axis to the next: whatever it is, its numbers are short. */
const STEPS = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((ten) => [
  ten,
  2 * ten,
  5 * ten,
]);
/** Of what is counted there are no halves. */
const WHOLE_STEPS = STEPS.filter((step) => step >= 1);

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

/** Names each line where it ends; those that end together, one below the other. */
function drawNames(chart: uPlot): void {
  const { ctx, bbox, data, series } = chart;
  const scale = devicePixelRatio;
  const names = series.slice(1).flatMap(({ label, stroke }, at) => {
    const values = [...(data[at + 1] ?? [])];
    const last = values.findLast((value) => value !== null && value !== undefined);
    if (last === undefined || last === null) return [];
    return [{ label: String(label), stroke, y: chart.valToPos(last, "y", true) }];
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
    ctx.fillText(label, bbox.left + bbox.width + 5 * scale, above);
  }
  ctx.restore();
}

function drawMarks(
  chart: uPlot,
  marks: readonly { readonly at: number; readonly label: string }[],
  color: string,
): void {
  const { ctx, bbox } = chart;
  ctx.save();
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
    ctx.fillText(label, x + 4 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
