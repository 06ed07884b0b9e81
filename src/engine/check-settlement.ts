import type { Settlement } from "../broker/broker.ts";
import { InvalidOptionError } from "../errors.ts";

/**
 * Refuses a settlement whose instant is none. NaN or infinity, once stored, would be a time that never comes, and that
 * Go's tools cannot read, neighbours included. Called before anything is written.
 *
 * @throws InvalidOptionError names the instant
 */
export function checkSettlement(settlement: Settlement): void {
  if (settlement.kind === "retry") check("retryAt", settlement.retryAt);
  else if (settlement.kind === "complete") check("expireAt", settlement.expireAt);
}

function check(name: string, ms: number): void {
  if (!Number.isFinite(ms)) throw new InvalidOptionError(name, `${ms} is no instant, in milliseconds`);
}
