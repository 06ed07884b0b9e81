import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type MouseEvent, memo, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useKeys } from "../keys/use-keys.ts";
import { hasModifier, Link, navigate } from "../routing/router.tsx";
import { classes } from "./classes.ts";
import { fittingColumns } from "./fitting-columns.ts";
import type { Selection } from "./selection.ts";
import { type Sort, stableOrder } from "./stable-order.ts";
import styles from "./table.module.css";
import { usePhone, useTouch } from "./use-media.ts";

export interface Column<T> {
  readonly id: string;
  readonly header: ReactNode;
  /** What it means, on hover. */
  readonly title?: string;
  /** A track of the grid: `80px`, `minmax(160px, 2fr)`. */
  readonly width: string;
  readonly cell: (row: T) => ReactNode;
  /** Numbers stand at the right. */
  readonly align?: "right";
  /** Makes it sortable. */
  readonly compare?: (a: T, b: T) => number;
  /** The first click brings the largest to the top. */
  readonly largestFirst?: boolean;
  /** Shown where the table is that wide, in pixels, and has room for it; those with the largest give way first. Left out: always. */
  readonly from?: number;
  /** It names the row, and is its link. */
  readonly main?: boolean;
}

export interface TableProps<T> {
  /** Of the table, for those who do not see it. */
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  /** Where a row leads; a row without is not opened. */
  readonly to?: (row: T) => string;
  /** The two lines of a row on a phone. */
  readonly phone?: (row: T) => ReactNode;
  readonly selection?: Selection;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
  /** Rows that are on their way out: shown, but pale. */
  readonly isFading?: (row: T) => boolean;
  /** `j k x enter` are of this table. @defaultValue true */
  readonly keyboard?: boolean;
  /** Shown instead of no rows. */
  readonly empty?: ReactNode;
  /** The row under the cursor of the keyboard, or `null`. */
  readonly onCursor?: (row: T | null) => void;
}

/** Milliseconds between two times that live data may change the order of rows. */
const REORDER = 3_000;
const PHONE_ROW = 60;

/** Rows in columns. Only those in sight are drawn, which no `<table>` could say; the page scrolls, not the table. */
export function Table<T>(props: TableProps<T>) {
  const { label, rows, columns, keyOf, to, phone, selection, sort, onSort, isFading, empty, onCursor } =
    props;
  const { keyboard = true } = props;
  const onPhone = usePhone() && phone !== undefined;
  const touch = useTouch();
  const rowHeight = onPhone ? PHONE_ROW : touch ? 44 : 32;

  const table = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const { width, top } = useMeasured(table, body);
  const selectable = selection !== undefined;
  const shown = useMemo(
    () => (width === 0 ? columns : fittingColumns(columns, width, selectable ? 40 : 0)),
    [columns, width, selectable],
  );
  const hovered = useRef(false);
  const ordered = useOrdered(rows, keyOf, columns, sort, hovered);
  const keys = useMemo(() => ordered.map(keyOf), [ordered, keyOf]);

  const virtualizer = useWindowVirtualizer({
    count: ordered.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (at) => keys[at] ?? at,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are measured anew
  useLayoutEffect(() => virtualizer.measure(), [rowHeight]);

  const [cursorKey, setCursorKey] = useState<string | null>(null);
  const cursor = cursorKey === null ? -1 : keys.indexOf(cursorKey);
  const moveTo = (at: number) => {
    const next = Math.max(0, Math.min(ordered.length - 1, at));
    const row = ordered[next];
    if (row === undefined) return;
    setCursorKey(keyOf(row));
    onCursor?.(row);
    virtualizer.scrollToIndex(next, { align: "auto" });
  };
  const current = cursor < 0 ? undefined : ordered[cursor];
  useKeys(
    keyboard && ordered.length > 0
      ? [
          { keys: "j", label: "Next row", group: "List", run: () => moveTo(cursor + 1) },
          { keys: "k", label: "Row before", group: "List", run: () => moveTo(cursor - 1) },
          ...(to === undefined
            ? []
            : [
                {
                  keys: "enter",
                  label: "Open the row",
                  group: "List" as const,
                  run: () => current !== undefined && navigate(to(current)),
                },
              ]),
          ...(selection === undefined
            ? []
            : [
                {
                  keys: "x",
                  label: "Select the row",
                  group: "List" as const,
                  run: () => current !== undefined && selection.toggle(keyOf(current)),
                },
                {
                  keys: "shift+x",
                  label: "Select all rows from the last one",
                  group: "List" as const,
                  run: () => current !== undefined && selection.toggle(keyOf(current), keys),
                },
              ]),
        ]
      : [],
  );

  const tracks = shown.map((column) => column.width);
  const template = onPhone
    ? `${selection === undefined ? "" : "36px "}minmax(0, 1fr)`
    : [...(selection === undefined ? [] : ["28px"]), ...tracks].join(" ");
  const chosen = selection === undefined ? 0 : keys.filter((key) => selection.keys.has(key)).length;
  const toggle = (key: string, range: boolean) => selection?.toggle(key, range ? keys : undefined);

  return (
    <div
      ref={table}
      role="table"
      aria-label={label}
      aria-rowcount={ordered.length + 1}
      className={styles["table"]}
      style={{ "--columns": template, "--row-height": `${rowHeight}px` } as React.CSSProperties}
      onPointerEnter={() => {
        hovered.current = true;
      }}
      onPointerLeave={() => {
        hovered.current = false;
      }}
    >
      {(!onPhone || selection !== undefined) && (
        <div role="rowgroup" className={styles["head"]}>
          <div role="row" className={styles["grid"]} aria-rowindex={1}>
            {selection !== undefined && (
              <div role="columnheader" className={styles["check"]}>
                <input
                  type="checkbox"
                  aria-label="Select all rows of this page"
                  checked={chosen > 0 && chosen === keys.length}
                  ref={(box) => {
                    if (box !== null) box.indeterminate = chosen > 0 && chosen < keys.length;
                  }}
                  onChange={() => (chosen === keys.length ? selection.clear() : selection.set(keys))}
                />
              </div>
            )}
            {onPhone ? (
              <div role="columnheader" className="muted small">
                {chosen > 0 ? `${chosen} selected` : "Select all"}
              </div>
            ) : (
              shown.map((column) => <Heading key={column.id} column={column} sort={sort} onSort={onSort} />)
            )}
          </div>
        </div>
      )}
      {ordered.length === 0 ? (
        empty
      ) : (
        <div
          ref={body}
          role="rowgroup"
          className={styles["body"]}
          style={{ height: virtualizer.getTotalSize() }}
        >
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const row = ordered[index];
            const key = keys[index];
            if (row === undefined || key === undefined) return null;
            return (
              <Row
                key={key}
                row={row}
                id={key}
                index={index}
                offset={start - top}
                columns={shown}
                to={to}
                phone={onPhone ? phone : undefined}
                selectable={selectable}
                selected={selection?.keys.has(key) ?? false}
                atCursor={index === cursor}
                fading={isFading?.(row) ?? false}
                onToggle={toggle}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}

interface HeadingProps<T> {
  readonly column: Column<T>;
  readonly sort: Sort | undefined;
  readonly onSort: ((sort: Sort) => void) | undefined;
}

function Heading<T>({ column, sort, onSort }: HeadingProps<T>) {
  const { id, header, title, align, compare, largestFirst = false } = column;
  const isSorted = sort?.column === id;
  const direction = isSorted ? (sort.descending ? "descending" : "ascending") : undefined;
  const className = classes(styles["heading"], align === "right" && "number");
  if (compare === undefined || onSort === undefined) {
    return (
      <div role="columnheader" className={className} title={title}>
        {header}
      </div>
    );
  }
  return (
    <div role="columnheader" className={className} aria-sort={direction}>
      <button
        type="button"
        title={title}
        className={classes(styles["sort"], isSorted && styles["sorted"])}
        onClick={() => onSort({ column: id, descending: isSorted ? !sort.descending : largestFirst })}
      >
        {header}
        {isSorted &&
          (sort.descending ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
      </button>
    </div>
  );
}

interface RowProps<T> {
  readonly row: T;
  readonly id: string;
  readonly index: number;
  readonly offset: number;
  readonly columns: readonly Column<T>[];
  readonly to: ((row: T) => string) | undefined;
  readonly phone: ((row: T) => ReactNode) | undefined;
  readonly selectable: boolean;
  readonly selected: boolean;
  readonly atCursor: boolean;
  readonly fading: boolean;
  readonly onToggle: (key: string, range: boolean) => void;
}

const INTERACTIVE = "a, button, input, label, select";

function RowView<T>(props: RowProps<T>) {
  const { row, id, index, offset, columns, to, phone, selectable, selected, atCursor, fading, onToggle } =
    props;
  const open = (event: MouseEvent) => {
    if (to === undefined || (event.target as Element).closest(INTERACTIVE) !== null) return;
    if (hasModifier(event) || window.getSelection()?.type === "Range") return;
    navigate(to(row));
  };
  const names = classes(
    styles["row"],
    styles["grid"],
    to !== undefined && styles["opens"],
    selected && styles["selected"],
    atCursor && styles["cursor"],
    fading && styles["fading"],
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: its link is what the keyboard opens
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selectable ? selected : undefined}
      className={names}
      style={{ transform: `translateY(${offset}px)` }}
      onClick={open}
    >
      {selectable && (
        <div role="cell" className={styles["check"]}>
          <input
            type="checkbox"
            aria-label={`Select ${id}`}
            checked={selected}
            onChange={(event) => onToggle(id, (event.nativeEvent as PointerEvent).shiftKey)}
          />
        </div>
      )}
      {phone !== undefined ? (
        <div role="cell" className={styles["phone"]}>
          {to === undefined ? (
            phone(row)
          ) : (
            <Link to={to(row)} className={classes("plain-link", styles["whole"])}>
              {phone(row)}
            </Link>
          )}
        </div>
      ) : (
        columns.map(({ id: columnId, cell, align, main }) => (
          <div
            key={columnId}
            role="cell"
            className={classes(styles["cell"], align === "right" && "number", main && "medium")}
          >
            {main && to !== undefined ? (
              <Link to={to(row)} className="plain-link">
                {cell(row)}
              </Link>
            ) : (
              cell(row)
            )}
          </div>
        ))
      )}
    </div>
  );
}

const Row = memo(RowView) as typeof RowView;

function useOrdered<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  columns: readonly Column<T>[],
  sort: Sort | undefined,
  hovered: { readonly current: boolean },
): readonly T[] {
  const before = useRef<{ keys: readonly string[]; sort: string; at: number } | undefined>(undefined);
  return useMemo(() => {
    const compare = columns.find(({ id }) => id === sort?.column)?.compare;
    const directed = compare && (sort?.descending ? (a: T, b: T) => compare(b, a) : compare);
    const name = `${sort?.column} ${sort?.descending}`;
    const now = performance.now();
    const same = before.current?.sort === name ? before.current : undefined;
    const hold = same !== undefined && (hovered.current || now - same.at < REORDER);
    const ordered = stableOrder(rows, keyOf, directed, same?.keys, hold);
    before.current = { keys: ordered.map(keyOf), sort: name, at: hold ? same.at : now };
    return ordered;
  }, [rows, keyOf, columns, sort?.column, sort?.descending, hovered]);
}

/** How wide the table is, and how far its first row lies below the top of the page. */
function useMeasured(
  table: { readonly current: HTMLElement | null },
  body: { readonly current: HTMLElement | null },
): { readonly width: number; readonly top: number } {
  const [measured, setMeasured] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const measure = () => {
      const width = table.current?.clientWidth ?? 0;
      const top = (body.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
      setMeasured((before) => (before.width === width && before.top === top ? before : { width, top }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    if (table.current !== null) observer.observe(table.current);
    return () => observer.disconnect();
  }, [table, body]);
  return measured;
}
