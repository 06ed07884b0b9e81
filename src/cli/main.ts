#!/usr/bin/env node
import { endWith } from "./ending.ts";
import { runCommand } from "./program.ts";
import { keepSqliteQuiet } from "./quiet-sqlite.ts";

keepSqliteQuiet();

try {
  process.exit(await runCommand(process.argv.slice(2)));
} catch (error) {
  endWith(error);
}
