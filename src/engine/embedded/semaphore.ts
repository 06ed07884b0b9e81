import type { Marks } from "./marks.ts";

const TOKENS = "semaphore";
/** Tokens looked at in one call, those first whose time ends first. */
const LAPSED_A_CALL = 100;

interface TokenRequest {
  readonly maxTokens: number;
  readonly expireAt: number;
  readonly now: number;
}

/** A semaphore: a mark for each token that is held, its value the end of it. */
export function acquireToken(
  marks: Marks,
  scope: string,
  taskId: string,
  { maxTokens, expireAt, now }: TokenRequest,
): boolean {
  for (const { id, value } of marks.list(TOKENS, scope, LAPSED_A_CALL)) {
    if (value < now) marks.delete(TOKENS, scope, id);
  }
  const held = marks.get(TOKENS, scope, taskId) !== undefined;
  if (!held && marks.count(TOKENS, scope) >= maxTokens) return false;
  marks.set(TOKENS, scope, taskId, expireAt);
  return true;
}

export function releaseToken(marks: Marks, scope: string, taskId: string): boolean {
  return marks.delete(TOKENS, scope, taskId);
}
