/** What a key, or two in a row, does on a page. */
export interface KeyBinding {
  /** As it is written: `/`, `?`, `.`, `x`, `shift+x`, `enter`, `escape`, `g o` for two in a row. */
  readonly keys: string;
  /** For the list of keys: `Pause the queue`. */
  readonly label: string;
  readonly run: () => void;
  /** Under which heading it is listed; left out: of the page. */
  readonly group?: "Go to" | "Everywhere" | "List";
  /** Also while somebody writes. */
  readonly inFields?: boolean;
}

export interface PressedKey {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly metaKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
}

/** The name of a key that was pressed, as bindings write it; `undefined`: it is the browser's. */
export function keyName({ key, shiftKey, metaKey, ctrlKey, altKey }: PressedKey): string | undefined {
  if (metaKey || ctrlKey || altKey) return undefined;
  const name = NAMES[key] ?? key.toLowerCase();
  // Signs such as `?` need shift on some keyboards and not on others: what is typed counts.
  const hasCase = name.length > 1 || /^[a-z]$/.test(name);
  return shiftKey && hasCase ? `shift+${name}` : name;
}

const NAMES: Readonly<Record<string, string>> = {
  " ": "space",
  Esc: "escape",
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

/** Milliseconds within which the second of two keys has to follow. */
const PATIENCE = 1_200;

/** Finds what was meant by keys, one after the other. */
export class KeyMatcher {
  #first: { readonly name: string; readonly at: number } | undefined;

  /** `pending`: the first of two keys; whoever waits for the second should have it. */
  press(name: string, at: number, bindings: readonly KeyBinding[]): KeyBinding | "pending" | undefined {
    const first = this.#first;
    this.#first = undefined;
    // What was bound last is what is in front.
    const last = bindings.toReversed();
    if (first !== undefined && at - first.at <= PATIENCE) {
      const both = last.find(({ keys }) => keys === `${first.name} ${name}`);
      if (both !== undefined) return both;
    }
    const one = last.find(({ keys }) => keys === name);
    if (one !== undefined) return one;
    if (!last.some(({ keys }) => keys.startsWith(`${name} `))) return undefined;
    this.#first = { name, at };
    return "pending";
  }
}

const HEADINGS = ["This page", "List", "Go to", "Everywhere"] as const;

/** For the list of keys: by heading, each key once, as it is meant now. */
export function listed(
  bindings: readonly KeyBinding[],
): readonly { readonly heading: string; readonly bindings: readonly KeyBinding[] }[] {
  const byKeys = new Map(bindings.map((binding) => [binding.keys, binding]));
  return HEADINGS.map((heading) => ({
    heading,
    bindings: [...byKeys.values()].filter(({ group = "This page" }) => group === heading),
  })).filter((section) => section.bindings.length > 0);
}
