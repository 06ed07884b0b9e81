#!/usr/bin/env node
import { endWith } from "./ending.ts";
import { runCommand } from "./program.ts";

try {
  process.exit(await runCommand(process.argv.slice(2)));
} catch (error) {
  endWith(error);
}
