/** asynq's names of options that are called otherwise here. */
const OPTIONS: Readonly<Record<string, string>> = {
  "--type-name": "--type",
  "--retry": "--max-retry",
};

/** The words of a command line as it is written here: `--process_in` is `--process-in`, `--type_name` is `--type`. */
export function respelled(words: readonly string[]): string[] {
  const end = words.indexOf("--");
  return words.map((word, at) => {
    if (!word.startsWith("--") || (end !== -1 && at >= end)) return word;
    const [, name = "", rest = ""] = /^([^=]*)(.*)$/s.exec(word) ?? [];
    const dashed = name.replaceAll("_", "-");
    return (Object.hasOwn(OPTIONS, dashed) ? OPTIONS[dashed] : dashed) + rest;
  });
}
