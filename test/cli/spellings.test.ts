import { expect, it } from "vitest";
import { respelled } from "../../src/cli/spellings.ts";

it("takes asynq's spellings of options, and touches nothing else", () => {
  const words = [
    "task",
    "archive_all",
    "--type_name=a_b",
    "--process_in",
    "1h",
    "--retry",
    "3",
    "-q",
    "my_queue",
  ];
  expect(respelled([...words, "--payload", '{"a_b":1}', "--", "--not_one"])).toEqual([
    "task",
    "archive_all",
    "--type=a_b",
    "--process-in",
    "1h",
    "--max-retry",
    "3",
    "-q",
    "my_queue",
    "--payload",
    '{"a_b":1}',
    "--",
    "--not_one",
  ]);
});
