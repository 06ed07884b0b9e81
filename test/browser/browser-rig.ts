import axe from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { findChromium } from "../../scripts/find-chromium.ts";

/** Opens a page in a window of its own. */
export type OpenPage = (url: string | URL, options?: BrowserContextOptions) => Promise<Page>;

/**
 * A browser for the calling test file. After each test its windows are closed, and what must never happen in any of them
 * fails the test: an error on the page or in its console, a dialog of the browser, something that the content security
 * policy had to stop.
 */
export function browserForFile(): OpenPage {
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  const troubles: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
  }, 300_000);
  afterAll(() => browser.close());
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    const found = troubles.splice(0);
    expect(found, "what pages complained about").toEqual([]);
  });

  return async (url, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    contexts.push(context);
    await context.exposeFunction("reportViolation", (text: string) => troubles.push(`policy: ${text}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        (window as unknown as { reportViolation(text: string): void }).reportViolation(
          `${violatedDirective} ${blockedURI}`,
        );
      });
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => troubles.push(`error: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      // What the server refuses, the browser says too: the page shows it, and tests look there.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        troubles.push(`console: ${message.text()}`);
      }
    });
    page.on("dialog", (dialog) => {
      troubles.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(String(url));
    return page;
  };
}

/** What keeps somebody from using the page, as axe sees it: its serious and critical findings. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    interface Finding {
      id: string;
      impact: string | null;
      nodes: { html: string; failureSummary?: string }[];
    }
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary ?? ""}`),
      );
  });
}
