import type { FindingCode } from "../../broker/repair.ts";

/** What is wrong with one task, in words; `where` is what the script says of where it lies. */
export function problemOf(code: FindingCode, where: string): string {
  switch (code) {
    case "GHOST":
      return `is in ${where}, and there is no such task`;
    case "STUB":
      return "has no message, and is in no list or set";
    case "ORPHAN":
      return "is stored, and is in no list or set: nothing would ever run or delete it";
    case "DOUBLE":
      return `is in more than one place: ${where}`;
    case "WRONG_STATE":
      return `is in ${where}, and says that it is in another state`;
    case "WRONG_GROUP":
      return `is in ${where}, and names another group`;
    case "ACTIVE_WITHOUT_LEASE":
      return "is active, and no lease says until when";
    case "LEASE_WITHOUT_ACTIVE":
      return `has a lease, and is not among the active tasks but in ${where}`;
    case "LEASE_TOO_LONG":
      return "has a lease that ends later than any server could have set it";
    case "STALE_TIME":
      return "kept an exact instant, and does not wait for it";
    default:
      return "is damaged";
  }
}

/** Why the task that holds a lock does not count. */
export function lockProblemOf(holder: string, why: string): string {
  if (why === "gone") return `is held by task ${holder}, which is gone`;
  if (why === "completed") return `is held by task ${holder}, which has completed`;
  return `is held by task ${holder}, which does not know of it`;
}
