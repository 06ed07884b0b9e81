import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect } from "vitest";

const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Builds the monitor's pages where nobody has. */
export async function requirePages(): Promise<void> {
  if (existsSync(inProject("dist/ui/index.html"))) return;
  await build({ root: inProject("ui"), configFile: inProject("ui/vite.config.ts"), logLevel: "error" });
}

/**
 * Does with a mounted monitor what its pages do in a browser: loads the page and what it is made of, from wherever the
 * page was found; reads; changes; and follows a live stream.
 *
 * @param url - where it is mounted, with or without a slash at the end
 */
export async function visit(url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const base = new URL(`${url.replace(/\/$/, "")}/`);
  const at = (path: string) => new URL(path, base);
  const read = (where: string | URL) => fetch(where, { headers });

  for (const page of [url, String(base), at("queues/default"), at("queues/default/tasks/a%2Fb")]) {
    const answer = await read(page);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const text = await answer.text();
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
    expect(links.length).toBeGreaterThan(1);
    for (const link of links) {
      const file = new URL(link, answer.url);
      expect(file.href).toBe(at(file.pathname.slice(base.pathname.length)).href);
      const loaded = await read(file);
      expect(loaded.status, `${file.href}, of ${String(page)}`).toBe(200);
      expect(loaded.headers.get("content-type")).toMatch(/^(?:text\/(?:javascript|css)|image\/svg)/);
      const built = readFileSync(inProject(`dist/ui/${file.pathname.slice(base.pathname.length)}`));
      expect(built.equals(Buffer.from(await loaded.arrayBuffer())), `${file.href} is as it was built`).toBe(
        true,
      );
    }
  }

  const session = (await (await read(at("api/session"))).json()) as { csrf: string };
  const change = (path: string, body: object, csrf = session.csrf) =>
    fetch(at(path), {
      method: "POST",
      body: JSON.stringify(body),
      headers: { ...headers, "content-type": "application/json", "x-tq-csrf": csrf, origin: base.origin },
    });
  const task = {
    type: "email:welcome",
    payload: { kind: "json", text: '{"user":"Zoë"}' },
    options: { taskId: "a/b" },
  };
  expect((await change("api/tasks", task, "guessed")).status).toBe(403);
  const added = await change("api/tasks", task);
  expect([added.status, await added.json()]).toMatchObject([200, { id: "a/b", state: "pending" }]);
  const payload = await read(at("api/queues/default/tasks/a%2Fb/payload"));
  expect([payload.status, await payload.text()]).toEqual([200, '{"user":"Zoë"}']);
  const canceled = await change("api/queues/default/tasks/a%2Fb/cancel", { then: "delete" });
  expect([canceled.status, await canceled.json()]).toEqual([200, { outcome: "canceled" }]);

  const stream = await openStream(url, headers);
  expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  await textWith(stream, "event: snapshot");
  // A delta comes when a look finds something else: the stream goes on, and holds nothing back.
  await change("api/queues/default/pause", {});
  await textWith(stream, "event: delta");
  await change("api/queues/default/unpause", {});
  stream.destroy();
}

/** A live stream on a connection of its own, which a server that closes need not wait for once the stream has ended. */
export async function openStream(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const request = get(`${url.replace(/\/$/, "")}/api/live?topics=overview`, { agent: false, headers });
  const [stream] = (await once(request, "response")) as [IncomingMessage];
  return stream;
}

async function textWith(stream: IncomingMessage, wanted: string): Promise<void> {
  let text = "";
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    text += String(piece);
    if (text.includes(wanted)) return;
  }
  throw new Error(`the stream ended before "${wanted}"`);
}
