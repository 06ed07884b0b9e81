import { useQuery } from "@tanstack/react-query";
import { call } from "../api/call.ts";
import type { Operation } from "../api/types.ts";

/** Milliseconds between two looks at one that runs, or is being undone. */
const LOOK = 400;

/**
 * How an operation goes. Somebody waits for it: so it is asked for also while live updates are paused.
 *
 * @param begun - as the answer that began it had it
 */
export function useOperation(begun: Operation | null): Operation | null {
  const id = begun?.id ?? "";
  const { data } = useQuery({
    queryKey: ["GET /api/operations/{id}", { params: { id } }],
    queryFn: ({ signal }) => call("GET /api/operations/{id}", { params: { id }, signal }),
    enabled: begun !== null,
    ...(begun !== null && { initialData: begun }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.status === "running" ? LOOK : 2_000),
  });
  return begun === null ? null : (data ?? begun);
}
