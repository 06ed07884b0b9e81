import { ClosedError } from "../../errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { replyError } from "./redis-errors.ts";
import { type LinkOptions, StandingLink } from "./standing-link.ts";

/**
 * Calls `onMessage` for each message to `channel`, on a connection of its own; resolves once listening. Whenever the
 * connection breaks it listens again; what was published meanwhile is lost.
 *
 * @returns ends the subscription
 * @throws EngineUnavailableError the first attempt failed; other errors say why
 */
export async function subscribe(
  endpoint: () => Endpoint,
  channel: string,
  onMessage: (message: string) => void,
  options: LinkOptions,
): Promise<() => Promise<void>> {
  const what = `the subscription to ${channel}`;
  const closed = new ClosedError(what);
  const standing = new StandingLink(
    {
      endpoint,
      what,
      prepare: async (link) => {
        link.onMessage((_channel, message) => onMessage(String(message)));
        const reply = await link.subscribe(channel, options.timeout);
        if (reply instanceof Error) throw replyError(reply);
      },
    },
    options,
  );
  const error = await standing.attempt();
  if (error !== undefined) {
    standing.close(closed);
    throw error;
  }
  return async () => standing.close(closed);
}
