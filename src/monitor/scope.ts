import type { Role } from "./api.ts";

/** Whoever sent a request, as far as that matters. */
export interface Visitor {
  /** `null`: nobody was asked to log in. */
  readonly user: string | null;
  readonly role: Role;
  /** The queues that the visitor may know of, `*` standing for any characters; `null` = all. */
  readonly queues: readonly string[] | null;
}

const RANK: Readonly<Record<Role, number>> = { view: 0, operate: 1, admin: 2 };

export const ROLES = Object.keys(RANK) as readonly Role[];

export function mayAct(visitor: Visitor, role: Role): boolean {
  return RANK[visitor.role] >= RANK[role];
}

export function maySee({ queues }: Pick<Visitor, "queues">, queue: string): boolean {
  return queues === null || queues.some((pattern) => matchesGlob(pattern, queue));
}

/** `*` stands for any characters, none included. Takes time in proportion to the product of both lengths at most. */
function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (pattern[place] === "*") {
      star = place;
      place += 1;
      retry = at;
    } else if (pattern[place] === text[at]) {
      place += 1;
      at += 1;
    } else if (star !== -1) {
      place = star + 1;
      retry += 1;
      at = retry;
    } else return false;
  }
  while (pattern[place] === "*") place += 1;
  return place === pattern.length;
}
