/** The shop's customers: they come in waves, look at pages, and some of them buy. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "titanqueue";
import { charge, invoice, receipt, reminder, ship, thumbnail, view } from "./tasks.ts";

const PAGES = ["/", "/shoes", "/hats", "/sale"];
const NAMES = ["ada", "bob", "cleo", "dora", "emil"];
const LANGUAGES = ["en", "de", "fr"] as const;
/** A wave from one crest to the next, in milliseconds. */
const WAVE = 90_000;

const one = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;

/** Until `signal`. */
export async function letThemCome(client: Client, signal: AbortSignal): Promise<void> {
  const begun = Date.now();
  for (let order = 1; !signal.aborted; order += 1) {
    const crowd = 1 + Math.sin(((Date.now() - begun) / WAVE) * 2 * Math.PI) * 0.8;
    await sleep(200 / crowd, undefined, { signal }).catch(() => undefined);
    const page = one(PAGES);
    await client.enqueue(view({ page }), { group: `page:${page}` });
    if (Math.random() < 0.5) await buy(client, order);
    if (Math.random() < 0.15) {
      await client.enqueue(thumbnail({ image: `upload-${order}.jpg`, sizes: [64, 256, 1024] }));
    }
  }
}

async function buy(client: Client, order: number): Promise<void> {
  const to = `${one(NAMES)}@example.com`;
  const cents = Math.round(500 + Math.random() * 20_000);
  await client.enqueue(charge({ order, cents, card: "**** 4242" }), { taskId: `charge-${order}` });
  await client.enqueue(receipt({ order, to, language: one(LANGUAGES) }), { headers: { shop: "demo" } });
  await client.enqueue(ship({ order }), { processIn: "3s" });
  if (order % 8 === 0) await client.enqueue(invoice({ order, template: order % 40 === 0 ? "v2" : "v1" }));
  await client.enqueue(reminder({ order, to }), { processIn: one(["2m", "1h", "7d"]) });
}
