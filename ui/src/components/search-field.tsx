import { Search } from "lucide-react";
import styles from "./search-field.module.css";

export interface SearchFieldProps {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Takes the key `/` on this page. @defaultValue false */
  readonly main?: boolean;
}

/** Narrows what the page shows while one types. */
export function SearchField({ label, placeholder, value, onChange, main = false }: SearchFieldProps) {
  return (
    <label className={styles["field"]}>
      <Search size={14} aria-hidden />
      <span className="hidden">{label}</span>
      <input
        type="text"
        value={value}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        data-search={main || undefined}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (value === "") event.currentTarget.blur();
          else onChange("");
        }}
      />
    </label>
  );
}
