import { live } from "../live/live.ts";
import type { Operation } from "./types.ts";

/** Resolves once an operation has ended, as far as the live stream tells. */
export function ended(operation: Operation): Promise<Operation> {
  const latest = () => live.state.data?.operations.find(({ id }) => id === operation.id) ?? operation;
  return new Promise((resolve) => {
    const look = () => {
      const now = latest();
      if (now.status === "running") return;
      leave();
      resolve(now);
    };
    const leave = live.subscribe(look);
    look();
  });
}
