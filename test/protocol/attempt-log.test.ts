import { expect, it } from "vitest";
import { decodeAttempts, encodeAttempt, withAttempt } from "../../src/protocol/attempt-log.ts";

const ATTEMPT = {
  at: 1_700_000_000_123,
  outcome: "retry",
  cause: "timeout",
  duration: 1_500,
  server: "host:1",
  error: "no route",
} as const;

it("writes an array, whole milliseconds, and null for what is not known", () => {
  expect(encodeAttempt({ ...ATTEMPT, duration: 1_499.6 })).toBe(
    '[1700000000123,"retry","timeout",1500,"host:1","no route"]',
  );
  expect(encodeAttempt({ ...ATTEMPT, duration: undefined, server: undefined })).toBe(
    '[1700000000123,"retry","timeout",null,null,"no route"]',
  );
});

it("keeps the last ten", () => {
  let log: string | undefined;
  for (let at = 1; at <= 12; at += 1) log = withAttempt(log, encodeAttempt({ ...ATTEMPT, at, error: "\n," }));
  expect(JSON.parse(log ?? "")).toHaveLength(10);
  expect(decodeAttempts(log ?? "").map(({ at }) => at)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

it("leaves out what is no attempt", () => {
  expect(decodeAttempts("nonsense")).toEqual([]);
  expect(decodeAttempts('{"at":1}')).toEqual([]);
  const good = encodeAttempt(ATTEMPT);
  const bad = [
    "1",
    "null",
    '["x","retry","e",1,"s","e"]',
    '[1,"drop","e",1,"s","e"]',
    '[1,"retry",2,1,"s","e"]',
  ];
  expect(decodeAttempts(`[${[...bad, good].join()}]`)).toEqual([ATTEMPT]);
  expect(decodeAttempts('[[1,"retry","e","long",7,"e"]]')).toEqual([
    { at: 1, outcome: "retry", cause: "e", duration: undefined, server: undefined, error: "e" },
  ]);
});
