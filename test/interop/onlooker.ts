import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bareEnvironment, Operator } from "../cli/operator.ts";
import { counted } from "./counts.ts";

/** The command, and our inspector, where none of our servers has ever run. */
export class Onlooker extends Operator {
  override async json(...words: string[]): Promise<unknown> {
    counted("tool-commands");
    return super.json(...words);
  }

  /** What a command prints that goes on until nobody reads it any more. */
  async *lines(...words: string[]): AsyncGenerator<unknown, void> {
    counted("tool-commands");
    const child = spawn(process.execPath, [this.bin, ...words, "--jsonl"], {
      env: { ...bareEnvironment(), TITANQUEUE_URL: this.url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
    } finally {
      if (child.kill()) await once(child, "close");
    }
  }
}
