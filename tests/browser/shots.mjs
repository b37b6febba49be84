// Takes the pictures of the READMEs anew: `npm run shots`, or with GLIMPSE_URL against a server that runs already.

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";
import { ready, recordOf, url } from "./harness.mjs";

const docs = join(dirname(fileURLToPath(import.meta.url)), "../../docs");
/// Things of the bundled library, alone and together. Those that most pictures show are shown.
const SINGLES = ["palm tree", "zebra", "crescent moon", "tent", "sunflower", "castle", "guitar", "bicycle"];
const PAIRS = [["tent", "giraffe"], ["palm tree", "zebra"], ["lion", "elephant"], ["castle", "palm tree"], ["palm tree", "camel"], ["umbrella", "sunflower"], ["tent", "palm tree"]];

async function mostFound(sets) {
  const counts = [];
  for (const set of sets) {
    const answer = await fetch(`${url}/api/v1/find?q=${encodeURIComponent(set.map((thing) => `"${thing}"`).join(","))}`);
    counts.push((await answer.json()).accepted);
  }
  return sets[counts.indexOf(Math.max(...counts))];
}

const address = (things) => `/?find=1${things.map((thing) => `&c=t:1:${encodeURIComponent(thing)}`).join("")}`;

test("the pictures of the READMEs", { timeout: 120_000 }, async () => {
  const single = await mostFound(SINGLES.map((thing) => [thing]));
  const other = await mostFound(SINGLES.filter((thing) => thing !== single[0]).map((thing) => [thing]));
  const pair = await mostFound(PAIRS);
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu"] });
  const take = async (name, options, path, act = async () => {}) => {
    const context = await browser.newContext({ locale: "en-GB", baseURL: url, ...options });
    const page = await context.newPage();
    await page.goto(path);
    await ready(page);
    await act(page);
    await page.waitForTimeout(2500); // pictures fade in, notes go away
    const session = await context.newCDPSession(page);
    // A part of the page that is cut out is laid out anew, which moves what stays in place while one scrolls.
    const clip = { x: 0, y: 0, ...options.viewport, scale: options.deviceScaleFactor ?? 1 };
    const cut = (await page.evaluate(() => scrollY)) === 0 && { clip };
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82, ...cut });
    await writeFile(join(docs, `${name}.webp`), Buffer.from(data, "base64"));
    await context.close();
  };
  await take("page-light", { viewport: { width: 1280, height: 860 } }, address(single));
  await take("viewer-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }, address(pair), async (page) => {
    await page.locator("#grid a.shot").first().click();
    await page.keyboard.press("h");
    await page.locator("#stage .heat").waitFor();
  });
  await take("masks", { viewport: { width: 1000, height: 640 }, colorScheme: "dark" }, "/", async (page) => {
    const { id } = await recordOf(page, "Zoo/DSC04121.jpg");
    await page.goto(`/?view=${id}`);
    await page.locator("#facts dd").first().waitFor({ state: "attached" });
    await page.keyboard.press("k");
    await page.fill("#mask-words", "zebra, elephant, giraffe");
    await page.keyboard.press("Enter");
    await page.locator("#mask-labels button").nth(1).waitFor();
    await page.click("#info");
    await page.evaluate(() => document.activeElement.blur());
  });
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true, colorScheme: "dark" };
  await take("phone-dark", phone, address(other));
  await take("selection-light", { viewport: { width: 1280, height: 800 } }, "/", async (page) => {
    for (const index of [1, 3, 4, 7, 8]) {
      await page.locator(`#grid a.shot[data-index="${index}"]`).focus();
      await page.keyboard.press("x");
    }
    await page.evaluate(() => document.activeElement.blur());
  });
  await take("map-dark", { viewport: { width: 768, height: 900 }, colorScheme: "dark" }, "/?page=map", (page) => page.locator(".cluster").first().waitFor());
  await take("timeline-light", { ...phone, viewport: { width: 390, height: 844 }, colorScheme: "light" }, "/", (page) => page.evaluate(() => scrollBy(0, 700)));
  await take("wide-light", { viewport: { width: 2560, height: 1440 } }, "/");
  await browser.close();
});
