// One browser for a file of tests; each test gets a fresh page, which must neither complain nor leave its origin.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

export const url = process.env.GLIMPSE_URL;
export const pictures = process.env.GLIMPSE_PICTURES;

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Where the browser is.
export function browserPath() {
  const path = PLACES.find((place) => place && existsSync(place));
  assert.ok(path, "no Chromium found; name it in CHROMIUM");
  return path;
}

let browser;
before(async () => {
  assert.ok(url, "start these tests with `npm test`");
  browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
});
after(() => browser?.close());

/// A test with a page of its own. `options` are those of a browser context, and `path`, where the page starts.
export function onPage(name, options, act) {
  if (!act) [options, act] = [{}, options];
  test(name, { timeout: 90_000 }, async () => {
    const { path = "/", ...rest } = options;
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", baseURL: url, ...rest });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints = [];
    const expected = [];
    page.on("console", (message) => {
      const text = `${message.type()}: ${message.text()} ${message.location().url}`;
      if (["error", "warning"].includes(message.type()) && !expected.some((part) => text.includes(part))) complaints.push(text);
    });
    page.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
    page.on("request", (request) => {
      const left = !request.url().startsWith(url) && !/^(data|blob):/.test(request.url());
      if (left) complaints.push(`left its origin: ${request.url()}`);
    });
    await page.goto(path);
    if (path.startsWith("/")) await ready(page);
    await act(page, { expect: (part) => expected.push(part), context });
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

/// Waits until the page has started, and shows what it was asked for.
export async function ready(page) {
  await page.waitForSelector("html[data-ready]");
  await idle(page);
}

export const idle = (page) => page.waitForSelector('#main[aria-busy="false"]', { state: "attached" });

/// Types a search and waits for its results.
export async function search(page, text) {
  await page.fill("#q", text);
  await page.press("#q", "Enter");
  await page.waitForURL((address) => address.searchParams.get("q") === text || !text);
  await idle(page);
}

export const tiles = (page) => page.locator("#grid .tile");
export const countLine = async (page) => (await page.textContent("#count")).trim();

/// The number at the start of "12 matches among 300 pictures".
export const count = async (page) => Number((await countLine(page)).replace(/,/g, "").split(" ")[0]);
