import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { useEngineAway, useLive } from "../live/live.ts";
import { call, setCsrf } from "./call.ts";
import { queryClient } from "./query-client.ts";
import type { Role, Session } from "./types.ts";

const SessionContext = createContext<Session | null>(null);

async function fetchSession(): Promise<Session> {
  const session = await call("GET /api/session");
  setCsrf(session.csrf);
  return session;
}

const SESSION = { queryKey: ["session"], queryFn: fetchSession, staleTime: 60_000 } as const;

/** Asks before anything is drawn. */
export function prefetchSession(): Promise<void> {
  return queryClient.prefetchQuery(SESSION);
}

export interface SessionProviderProps {
  readonly children: ReactNode;
  /** Shown while it is not known who is asking. */
  readonly waiting: (error: Error | null) => ReactNode;
}

export function SessionProvider({ children, waiting }: SessionProviderProps) {
  const { data, error } = useQuery({
    ...SESSION,
    refetchInterval: ({ state }) => (state.data === undefined ? 3_000 : false),
  });
  const brokenSince = useLive((state) => state.brokenSince);
  useEffect(() => {
    if (brokenSince === null) return;
    // It goes on: it may have broken off because the user may do something else now.
    return () => void queryClient.invalidateQueries({ queryKey: SESSION.queryKey });
  }, [brokenSince]);
  if (data === undefined) return waiting(error);
  return <SessionContext value={data}>{children}</SessionContext>;
}

/** Who is asking, and what the monitor lets them do. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSession belongs below SessionProvider");
  return session;
}

export interface May {
  /** It would be granted. */
  readonly allowed: boolean;
  /** Why not, for the hover of a disabled button; `null` where it is allowed. */
  readonly reason: string | null;
  /** Nobody can here, or never this user: then do not show it at all. */
  readonly hidden: boolean;
}

const RANK: Readonly<Record<Role, number>> = { view: 0, operate: 1, admin: 2 };

/** Whether this user may do what takes a role, now. */
export function useMay(role: Role): May {
  const { readOnly, role: own } = useSession();
  const away = useEngineAway();
  if (readOnly) return { allowed: false, hidden: true, reason: "This monitor is read-only." };
  if (RANK[own] < RANK[role]) return { allowed: false, hidden: true, reason: `This takes the role ${role}.` };
  if (away) return { allowed: false, hidden: false, reason: "The engine is away." };
  return { allowed: true, hidden: false, reason: null };
}
