import { Dialog } from "../components/dialog.tsx";
import { Key } from "../components/key.tsx";
import { listed } from "../keys/key-map.ts";
import { useBoundKeys } from "../keys/use-keys.ts";
import styles from "./key-help.module.css";

/** All keys that do something here, as they are now. */
export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  const sections = listed(useBoundKeys());
  return (
    <Dialog title="Keys" size="large" onClose={onClose}>
      <div className={styles["sections"]}>
        {sections.map(({ heading, bindings }) => (
          <section key={heading}>
            <h3>{heading}</h3>
            <ul>
              {bindings.map(({ keys, label }) => (
                <li key={keys}>
                  <span>{label}</span>
                  <Key keys={keys} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
