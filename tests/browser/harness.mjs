// One browser for a file of tests; each test gets a fresh page, which must neither complain nor leave its origin.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";

export const url = process.env.GLIMPSE_URL;
export const pictures = process.env.GLIMPSE_PICTURES;
/// The folder of the server's trash.
export const trash = process.env.GLIMPSE_TRASH;

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
    // A service worker would stand between the page and what tests put in the server's place.
    const common = { viewport: { width: 1280, height: 800 }, locale: "en-GB", baseURL: url, serviceWorkers: "block" };
    const context = await browser.newContext({ ...common, ...rest });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints = [];
    const expected = ["Service Worker registration blocked by Playwright"];
    page.on("console", (message) => {
      const text = `${message.type()}: ${message.text()} ${message.location().url}`;
      if (["error", "warning"].includes(message.type()) && !expected.some((part) => text.includes(part))) complaints.push(text);
    });
    page.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
    page.on("request", (request) => {
      const left = !request.url().startsWith(rest.baseURL ?? url) && !/^(data|blob):/.test(request.url());
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

/// What the pictures of the bundled library really show: things by path, and their boxes in shares of the picture.
export async function truth() {
  const list = JSON.parse(await readFile(new URL("../../models/demo/library.json", import.meta.url), "utf8"));
  return new Map(list.filter(({ concepts }) => concepts).map((picture) => [picture.path, picture]));
}

/// The records of the pictures that are shown, the first ones first.
export async function shown(page, most = 5, { sure = false } = {}) {
  const links = (sure ? sureTiles(page) : tiles(page)).locator("a.shot");
  // The grid is drawn in steps, and is empty for a moment when its order changes.
  await links.first().waitFor({ state: "attached" });
  const hrefs = await links.evaluateAll((links) => links.map(({ href }) => href));
  const ids = hrefs.slice(0, most).map((href) => new URL(href).searchParams.get("view"));
  const answer = await page.evaluate((ids) => fetch(`/api/v1/images?ids=${ids}`).then((answer) => answer.json()), ids.join());
  // Another test may have added copies elsewhere.
  const own = ({ files }) => files.find((path) => path.startsWith(pictures)) ?? files[0];
  return answer.images.map((image) => ({ ...image, path: relative(pictures, own(image)) }));
}

/// The record of the picture at a path within the library.
export async function recordOf(page, path) {
  const { hits } = await page.evaluate(() => fetch("/api/v1/search", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"limit":5000}' }).then((answer) => answer.json()));
  for (let at = 0; at < hits.length; at += 200) {
    const ids = hits.slice(at, at + 200).map(({ id }) => id).join();
    const { images } = await page.evaluate((ids) => fetch(`/api/v1/images?ids=${ids}`).then((answer) => answer.json()), ids);
    const found = images.find(({ files }) => files.includes(join(pictures, path)));
    if (found) return found;
  }
  throw new Error(`the library has no ${path}`);
}

/// Lets the server say that it allows these things.
export async function allowing(page, allows) {
  await page.route("**/api/v1/health", async (route) => {
    // At its end, a test waits for no answer.
    const health = await route.fetch().then((answer) => answer.json()).catch(() => null);
    if (health) await route.fulfill({ json: { ...health, allows } }).catch(() => {});
  });
}

export const tiles = (page) => page.locator("#grid .tile");
/// Those that are strong or likely matches.
export const sureTiles = (page) => page.locator("#grid .part:not(.weak) .tile");
export const countLine = async (page) => (await page.textContent("#count")).trim();

/// The number at the start of "12 matches among 300 pictures".
export const count = async (page) => Number((await countLine(page)).replace(/,/g, "").split(" ")[0]);
