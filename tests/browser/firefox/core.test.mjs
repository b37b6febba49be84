// What everybody does with the page, in a stock Firefox: `npm run firefox`.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Firefox } from "./firefox.mjs";

const url = process.env.GLIMPSE_URL;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

let firefox;
before(async () => {
  assert.ok(url, "start these tests with `npm run firefox`");
  firefox = await Firefox.start();
});
after(() => firefox?.stop());

function onPage(name, viewport, path, act) {
  test(name, { timeout: 90_000 }, async () => {
    const page = await firefox.newPage(viewport);
    await page.goto(`${url}${path}`);
    await page.until(() => document.documentElement.dataset.ready);
    await idle(page);
    await act(page);
    assert.deepEqual(page.complaints, []);
    await page.close();
  });
}

const idle = (page) => page.until(() => document.querySelector("#main")?.getAttribute("aria-busy") === "false");
const count = (page) => page.evaluate(() => Number.parseInt(document.querySelector("#count").textContent.replaceAll(",", ""), 10));
const parameter = (page, name) => page.evaluate((name) => new URLSearchParams(location.search).get(name), name);
for (const viewport of [DESKTOP, PHONE]) {
  onPage(`${viewport.width} pixels: the page opens, searches, and goes back`, viewport, "/", async (page) => {
    const all = await count(page);
    await page.until(() => document.querySelector("#grid .shot.ready img")?.naturalWidth > 0);
    await page.press("#q");
    await page.type("zoo");
    await page.keys("Enter");
    await page.until(() => new URLSearchParams(location.search).get("q") === "zoo");
    await idle(page);
    const found = await count(page);
    assert.ok(found > 0 && found < all, `${found} of ${all}`);
    await page.evaluate(() => history.back());
    await page.until((all) => document.querySelector("#count").textContent.replaceAll(",", "").startsWith(all), String(all));
  });
}

onPage("objects are found, and boxes say where", DESKTOP, "/", async (page) => {
  await page.press("#mode");
  await page.type("palm tree");
  await page.keys("Enter");
  await page.until(() => new URLSearchParams(location.search).get("find") === "1");
  await page.until(() => document.querySelector("#grid .spot"));
  await page.until(() => document.querySelector("#chips .chip .label")?.textContent === "palm tree");
});

onPage("three images are selected and downloaded", DESKTOP, "/?q=zoo", async (page) => {
  // A stack would be selected as a whole.
  const single = await page.evaluate(() => [...document.querySelectorAll("#grid .tile:not(:has(.stack)) .pick")].slice(0, 3).map(({ dataset }) => dataset.index));
  for (const index of single) await page.press(`#grid .pick[data-index="${index}"]`);
  await page.until(() => document.querySelector(".selected-count").textContent === "3 selected");
  await page.press('#selection .act[title*="zip"]');
  const zip = await downloaded();
  assert.equal(zip.toString("latin1", 0, 2), "PK");
  assert.equal(zip.readUInt16LE(zip.length - 12), 3, "files in its directory");
});

/// The archive, once the browser has saved it.
async function downloaded() {
  for (let tries = 0; tries < 400; tries++) {
    const names = await readdir(firefox.downloads);
    const name = names.find((name) => name.endsWith(".zip"));
    const bytes = name && !names.some((name) => name.endsWith(".part")) && (await readFile(join(firefox.downloads, name)));
    if (bytes?.length) return bytes;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("nothing was downloaded");
}

onPage("an image opens large, the next one follows, and it closes where it was", DESKTOP, "/?q=zoo", async (page) => {
  await page.press("#grid a.shot");
  await page.see("#stage img");
  const first = await parameter(page, "view");
  await page.until(() => document.querySelectorAll("#facts dd").length > 0);
  await page.press("#next");
  await page.until((first) => new URLSearchParams(location.search).get("view") !== first, first);
  await page.keys("Escape");
  await page.until(() => !document.querySelector("#viewer").open && !location.search.includes("view"));
});

onPage("a finger opens an image, and a swipe is not needed to close it", PHONE, "/?q=zoo", async (page) => {
  await page.press("#grid a.shot", { pointerType: "touch" });
  await page.see("#stage img");
  await page.press("#close", { pointerType: "touch" });
  await page.until(() => !document.querySelector("#viewer").open);
});

onPage("keys alone search, move, open and close", DESKTOP, "/", async (page) => {
  await page.type("zoo");
  await page.keys("Enter");
  await page.until(() => new URLSearchParams(location.search).get("q") === "zoo");
  await idle(page);
  await page.keys("ArrowDown");
  await page.until(() => document.activeElement.matches("a.shot"));
  await page.keys("ArrowRight");
  await page.until(() => document.activeElement.dataset.index === "1");
  await page.keys("Enter");
  await page.see("#viewer");
  await page.keys("Escape");
  await page.until(() => document.activeElement.dataset.index === "1");
  await page.keys("/");
  await page.until(() => document.activeElement.id === "q");
});
