import type { Command, Option } from "commander";

/** What comes after these words, for a shell to choose from; `queues` asks for the names of queues. */
export interface Candidates {
  readonly words: readonly string[];
  readonly queues: boolean;
}

const QUEUES: Candidates = { words: [], queues: true };

/** What may stand in place of the last of `words`, which may be begun or empty. */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const begun = words.at(-1) ?? "";
  let command = program;
  let waiting: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (waiting !== undefined) {
      waiting = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => long === word || short === word);
      waiting = option?.required || option?.variadic ? option : undefined;
    } else command = subcommand(command, word) ?? command;
  }
  if (waiting !== undefined) {
    if (waiting.long === "--queue") return QUEUES;
    return starting(waiting.argChoices ?? [], begun);
  }
  if (begun.startsWith("-"))
    return starting(
      optionsOf(command).flatMap(({ long }) => long ?? []),
      begun,
    );
  if (command.commands.length > 0)
    return starting(
      command.commands.filter(shown).map((each) => each.name()),
      begun,
    );
  const [argument] = command.registeredArguments;
  const name = argument?.name();
  if (name === "queues" || name === "queue") return QUEUES;
  return starting(argument?.argChoices ?? [], begun);
}

/** Options of the command and of those above it. */
function optionsOf(command: Command): readonly Option[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)];
}

function subcommand(command: Command, word: string): Command | undefined {
  return command.commands.find((each) => each.name() === word || each.aliases().includes(word));
}

function shown(command: Command): boolean {
  return !command.name().startsWith("_");
}

function starting(words: readonly string[], begun: string): Candidates {
  return { words: words.filter((word) => word.startsWith(begun)), queues: false };
}

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell runs at its start. Each asks the command itself, one candidate a line, so that it is never out of date. */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# titanqueue completion for bash: source <(titanqueue completion bash)
_titanqueue() {
  local IFS=$'\\n'
  COMPREPLY=($(titanqueue __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _titanqueue titanqueue
`,
  zsh: `#compdef titanqueue
# titanqueue completion for zsh: source <(titanqueue completion zsh)
_titanqueue() {
  local -a found
  found=("\${(@f)$(titanqueue __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _titanqueue titanqueue
`,
  fish: `# titanqueue completion for fish: titanqueue completion fish | source
function __titanqueue_complete
  set -l words (commandline -opc) (commandline -ct)
  titanqueue __complete -- $words[2..-1] 2>/dev/null
end
complete -c titanqueue -f -a '(__titanqueue_complete)'
`,
};
