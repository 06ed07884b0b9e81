import { useQuery } from "@tanstack/react-query";
import { isApiError } from "../api/api-error.ts";
import { call } from "../api/call.ts";
import { LOOK } from "../api/operation.ts";
import type { Operation } from "../api/types.ts";

/**
 * How an operation goes. Somebody waits for it: so it is asked for also while live updates are paused.
 *
 * @param begun - as the answer that began it had it
 */
export function useOperation(begun: Operation | null): Operation | null {
  const id = begun?.id ?? "";
  const { data, error } = useQuery({
    queryKey: ["GET /api/operations/{id}", { params: { id } }],
    queryFn: ({ signal }) => call("GET /api/operations/{id}", { params: { id }, signal }),
    enabled: begun !== null,
    ...(begun !== null && { initialData: begun }),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      isLost(state.error) ? false : state.data?.status === "running" ? LOOK : 2_000,
  });
  if (begun === null) return null;
  const known = data ?? begun;
  return isLost(error) && known.status === "running" ? lost(known) : known;
}

/** Operations are kept in memory: a monitor that was started anew knows nothing of those before. */
function isLost(error: unknown): boolean {
  return isApiError(error) && error.status === 404;
}

function lost(operation: Operation): Operation {
  const message = "The monitor was started anew and went no further";
  return { ...operation, status: "failed", error: { code: "NOT_FOUND", message } };
}
