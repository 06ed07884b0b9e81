import { Argument, type Command } from "commander";
import { candidates, SCRIPTS, SHELLS, type Shell } from "../completion.ts";
import { findPlace } from "../engine-url.ts";
import { acting, type Exit } from "../operate.ts";
import type { Output } from "../output.ts";
import { Session } from "../session.ts";

export function completionCommands(program: Command, exit: Exit): void {
  program
    .command("completion")
    .description("print what lets a shell complete this command, the names of queues included")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .addHelpText(
      "after",
      "\nbash: source <(titanqueue completion bash)\nzsh:  source <(titanqueue completion zsh)\nfish: titanqueue completion fish | source",
    )
    .action(
      acting<object, [Shell]>(exit, (out, _, shell) => {
        const script = SCRIPTS[shell];
        if (out.mode === "text") out.raw(Buffer.from(script));
        else out.say({ shell, script }, "");
        return undefined;
      }),
    );

  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(acting<object, [string[]]>(exit, (out, _, words) => complete(program, out, words)));
}

/** Names that a shell can take as they are; others would need its quotes. */
const PLAIN = /^[\w.:/@-]+$/;

async function complete(program: Command, out: Output, words: readonly string[]): Promise<undefined> {
  const found = candidates(program, words);
  const begun = words.at(-1) ?? "";
  const names = found.queues ? await queues(out) : found.words;
  for (const name of names) if (name.startsWith(begun) && PLAIN.test(name)) out.painted(name);
  return undefined;
}

async function queues(out: Output): Promise<readonly string[]> {
  const session = new Session(findPlace(undefined), out);
  try {
    return await session.inspector.queues();
  } finally {
    await session.close();
  }
}
