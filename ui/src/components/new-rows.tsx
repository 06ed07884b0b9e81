import { RefreshCw } from "lucide-react";
import { exactCount } from "../format/numbers.ts";
import { useKeys } from "../keys/use-keys.ts";
import type { CalmRows } from "./calm-rows.ts";
import { Key } from "./key.tsx";
import styles from "./new-rows.module.css";

/** A pill that says how many rows came and went since the list was drawn, and draws it anew. Nothing where none did. */
export function NewRows({ calm }: { readonly calm: CalmRows<unknown> & { readonly refresh: () => void } }) {
  const { waiting, gone, refresh } = calm;
  const isChanged = waiting > 0 || gone.size > 0;
  useKeys(isChanged ? [{ keys: "u", label: "Show what is new", group: "List", run: refresh }] : []);
  return (
    <div className={styles["place"]} aria-live="off">
      {isChanged && (
        <button type="button" className={styles["pill"]} onClick={refresh}>
          <RefreshCw size={12} aria-hidden />
          {[
            ...(waiting > 0 ? [`${exactCount(waiting)} new`] : []),
            ...(gone.size > 0 ? [`${exactCount(gone.size)} gone`] : []),
          ].join(", ")}
          <Key keys="u" quiet />
        </button>
      )}
    </div>
  );
}
