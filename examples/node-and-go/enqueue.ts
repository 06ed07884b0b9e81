import { Client, DuplicateTaskError } from "titanqueue";
import { monthReport, welcome } from "./tasks.ts";

await using client = new Client();
try {
  await client.enqueue(welcome({ userId: 42, name: "Ada" }));
  console.log("node: a welcome is waiting");
} catch (error) {
  if (!(error instanceof DuplicateTaskError)) throw error;
  console.log("node: the welcome is waiting already");
}
await client.enqueue(monthReport(new Date("2030-01-01")));
