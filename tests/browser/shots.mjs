// Takes the three pictures of the README anew: `npm run shots`, or with GLIMPSE_URL against a server that runs already.

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { browserPath, ready, url } from "./harness.mjs";

const docs = join(dirname(fileURLToPath(import.meta.url)), "../../docs");
/// Things that stand together in some pictures of the bundled library. The first that are found are shown.
const PAIRS = [["lion", "elephant"], ["giraffe", "lion"], ["bicycle", "camera"], ["monkey", "tiger"], ["guitar", "trumpet"]];
const SINGLES = ["bicycle", "guitar", "giraffe", "pizza", "penguin"];

async function found(sets) {
  for (const [least, set] of [4, 2].flatMap((least) => sets.map((set) => [least, set]))) {
    const answer = await fetch(`${url}/api/v1/find?q=${encodeURIComponent(set.map((thing) => `"${thing}"`).join(","))}`);
    if ((await answer.json()).accepted >= least) return set;
  }
  return sets[0];
}

const address = (things) => `/?find=1${things.map((thing) => `&c=t:1:${encodeURIComponent(thing)}`).join("")}`;

test("the pictures of the README", { timeout: 120_000 }, async () => {
  const single = await found(SINGLES.map((thing) => [thing]));
  const pair = await found([...PAIRS, single]);
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu"] });
  const take = async (name, options, path, act = async () => {}) => {
    const context = await browser.newContext({ locale: "en-GB", baseURL: url, ...options });
    const page = await context.newPage();
    await page.goto(path);
    await ready(page);
    await act(page);
    await page.waitForTimeout(2500); // pictures fade in, notes go away
    const session = await context.newCDPSession(page);
    const clip = { x: 0, y: 0, ...options.viewport, scale: options.deviceScaleFactor ?? 1 };
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82, clip });
    await writeFile(join(docs, `${name}.webp`), Buffer.from(data, "base64"));
    await context.close();
  };
  await take("page-light", { viewport: { width: 1280, height: 860 } }, address(single));
  await take("viewer-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }, address(pair), async (page) => {
    await page.locator("#grid a.shot").first().click();
    await page.keyboard.press("h");
    await page.locator("#stage .heat").waitFor();
  });
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true, colorScheme: "dark" };
  await take("phone-dark", phone, address(pair));
  await browser.close();
});
