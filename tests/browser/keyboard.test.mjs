// Everything without a mouse.

import assert from "node:assert/strict";
import { idle, onPage, tiles } from "./harness.mjs";

const focused = (page) => page.evaluate(() => document.activeElement.dataset.index ?? document.activeElement.id);

onPage("search, move, open, step, close and search again by keys alone", async (page) => {
  await page.keyboard.press("Escape");
  await page.locator("body").press("/");
  assert.equal(await focused(page), "q");
  await page.keyboard.type("zoo");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=zoo/);
  await idle(page);
  await tiles(page).first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), "0");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "1");
  await page.keyboard.press("ArrowDown");
  assert.ok(Number(await focused(page)) > 1);
  await page.keyboard.press("ArrowUp");
  assert.ok(Number(await focused(page)) <= 2);
  await page.keyboard.press("End");
  const last = Number(await focused(page));
  assert.equal(last, (await page.evaluate(() => [...document.querySelectorAll("#grid .tile")].at(-1).ariaPosInSet)) - 1);
  await page.keyboard.press("Home");
  assert.equal(await focused(page), "0");
  await page.keyboard.press("Enter");
  await page.waitForURL(/view=/);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("#place").textContent.startsWith("2 "));
  await page.keyboard.press("i");
  await page.keyboard.press("Escape");
  await page.waitForURL((address) => !address.searchParams.has("view"));
  await page.waitForFunction(() => document.activeElement.dataset.index === "1");
  await page.keyboard.press("m");
  await page.waitForURL(/c=i%3A1%3A/);
});

onPage("after a search, arrows lead to its pictures", async (page) => {
  await page.locator("#q").pressSequentially("zoo");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=zoo/);
  await idle(page);
  await tiles(page).first().waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), "0");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "1");
});

onPage("help lists the keys and gives focus back", async (page) => {
  await idle(page);
  await page.keyboard.press("Escape");
  await page.locator("#settings").focus();
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  assert.ok((await page.locator("#keys kbd").count()) > 15);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#help").isVisible(), false);
  assert.equal(await focused(page), "settings");
});

onPage("sheets open, close and give focus back", async (page) => {
  const button = page.locator('button[aria-controls="sheet-camera"]');
  await button.focus();
  await page.keyboard.press("Enter");
  await page.locator("#sheet-camera .choice").first().waitFor();
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  await page.keyboard.press("Space");
  await page.waitForURL(/camera=/);
  await page.keyboard.press("Escape");
  assert.equal(await button.getAttribute("aria-expanded"), "false");
  assert.ok(await button.evaluate((button) => button === document.activeElement));
});

onPage("the way to the pictures is one key", async (page) => {
  await page.keyboard.press("Escape");
  await page.locator(".skip").focus();
  assert.ok((await page.locator(".skip").boundingBox()).y >= 0, "it shows itself");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "0");
});
