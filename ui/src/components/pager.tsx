import { ChevronLeft, ChevronRight } from "lucide-react";
import { exactCount } from "../format/numbers.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Button } from "./button.tsx";
import styles from "./pager.module.css";

export interface PagerProps {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
  /** On this page. */
  readonly count: number;
  /** `null`: not known. */
  readonly total: number | null;
  readonly onPage: (page: number) => void;
}

/** Which part of a list is seen, and the way to the others. Not there where one page is all. */
export function Pager({ page, pageSize, count, total, onPage }: PagerProps) {
  const first = (page - 1) * pageSize + 1;
  const hasNext = total === null ? count === pageSize : first + count - 1 < total && count > 0;
  const isNeeded = page > 1 || hasNext;
  useKeys(
    isNeeded
      ? [
          { keys: "]", label: "Next page", group: "List", run: () => hasNext && onPage(page + 1) },
          { keys: "[", label: "Page before", group: "List", run: () => page > 1 && onPage(page - 1) },
        ]
      : [],
  );
  if (!isNeeded) return null;
  return (
    <nav className={styles["pager"]} aria-label="Pages of the list">
      <span className="muted">
        {count === 0 ? "Nothing" : `${exactCount(first)} to ${exactCount(first + count - 1)}`}
        {total !== null && ` of ${exactCount(total)}`}
      </span>
      <Button
        icon={<ChevronLeft size={16} />}
        aria-label="Page before"
        title="Page before ([)"
        disabled={page <= 1}
        onClick={() => onPage(page - 1)}
      />
      <Button
        icon={<ChevronRight size={16} />}
        aria-label="Next page"
        title="Next page (])"
        disabled={!hasNext}
        onClick={() => onPage(page + 1)}
      />
    </nav>
  );
}

/** The page in an address: a whole number from 1. */
export function readPage(text: string | null): number {
  const page = Number(text ?? "1");
  return Number.isSafeInteger(page) && page >= 1 ? page : 1;
}
