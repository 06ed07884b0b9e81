import { useMemo } from "react";
import { TextField } from "../components/field.tsx";
import { useLive } from "../live/live.ts";
import type { FieldValues } from "./option-fields.tsx";

/** More are too many to choose from. */
const MOST_SUGGESTED = 200;

export interface QueueFieldProps extends FieldValues {
  /** Where a task goes when nothing is said. */
  readonly otherwise?: string | undefined;
}

/** A queue: one of those that are there, or a new one. */
export function QueueField({ otherwise = "default", ...field }: QueueFieldProps) {
  const queues = useLive(({ data }) => data?.overview?.queues ?? null);
  const names = useMemo(() => [...(queues?.keys() ?? [])].slice(0, MOST_SUGGESTED), [queues]);
  const name = field.value.trim();
  return (
    <TextField
      label="Queue"
      placeholder={otherwise}
      suggestions={names}
      hint={
        queues !== null && name !== "" && !queues.has(name)
          ? "There is no such queue yet: a task begins it."
          : undefined
      }
      {...field}
    />
  );
}
