import { keepPreviousData, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { useRefresh } from "../live/live.ts";
import type { ApiError } from "./api-error.ts";
import { type Answer, type Asked, call } from "./call.ts";
import type { RouteName } from "./types.ts";

type GetRoute = Extract<RouteName, `GET ${string}`>;

export interface FollowOptions {
  /** Milliseconds between two looks, while live updates are on; left out: it is looked at once. */
  readonly every?: number;
  /** @defaultValue true */
  readonly enabled?: boolean;
  /** While the parameters change, what was there stays. @defaultValue true */
  readonly keep?: boolean;
}

/**
 * What a route answers, and goes on answering. Looks anew after `queryClient.invalidateQueries({ queryKey: [route] })`.
 *
 * @example const { data, error } = useApi("GET /api/failures", { query: { queue } }, { every: 5_000 });
 */
export function useApi<R extends GetRoute>(
  route: R,
  asked: Asked<R>,
  { every, enabled = true, keep = true }: FollowOptions = {},
): UseQueryResult<Answer<R>, ApiError> {
  const refresh = useRefresh(every ?? 0);
  const { signal: _, ...key } = asked;
  return useQuery<Answer<R>, ApiError, Answer<R>, readonly [R, unknown]>({
    queryKey: [route, key],
    queryFn: ({ signal }) => ask(route, { ...asked, signal }),
    enabled,
    refetchInterval: refresh === 0 ? false : refresh,
    ...(keep && { placeholderData: keepPreviousData }),
  });
}

/** What a query hands on is whole; the compiler cannot see through the parameter. */
function ask<R extends GetRoute>(route: R, asked: Asked<R>): Promise<Answer<R>> {
  return (call as (route: R, asked: Asked<R>) => Promise<Answer<R>>)(route, asked);
}
