// The filter by folders: a tree, a level at a time, whose parents stand for all below them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { count, idle, onPage } from "./harness.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const numberOf = async (locator) => Number((await locator.textContent()).replace(/\D/g, ""));

for (const options of [{}, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" }]) {
  onPage(`${options.viewport ? "phone" : "laptop"}: a parent folder is chosen with all below it, and one goes down and up`, options, async (page) => {
    await page.click('button[aria-controls="sheet-folder"]');
    const sheet = page.locator("#sheet-folder");
    const parent = sheet.locator(".folder", { has: page.locator(".into") }).first();
    await parent.waitFor();
    assert.equal(await sheet.locator(".crumbs button").count(), 1);
    const images = await numberOf(parent.locator(".count"));
    const name = await parent.locator(".name").textContent();
    await parent.locator("input").check();
    await page.waitForURL(/folder=/);
    await idle(page);
    assert.equal(await count(page), images, "as many pictures as were told");
    await parent.locator(".into").click();
    assert.deepEqual(await sheet.locator(".crumbs button").allTextContents().then((all) => all.slice(1)), [name]);
    const children = sheet.locator(".folder");
    assert.ok(await children.first().locator("input").isDisabled(), "it is chosen with its parent");
    assert.ok(await children.first().locator("input").isChecked());
    const below = await Promise.all((await children.all()).map((child) => numberOf(child.locator(".count"))));
    assert.ok(below.reduce((sum, n) => sum + n, 0) <= images);
    await sheet.locator(".crumbs button").first().click();
    await parent.locator("input").uncheck();
    await parent.locator(".into").click();
    await children.first().locator("input").check();
    await page.waitForURL(/folder=/);
    await sheet.locator(".crumbs button").first().click();
    assert.ok(await parent.locator("input").evaluate((box) => box.indeterminate), "some of it is chosen");
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run("#sheet-folder"));
    assert.deepEqual(violations.map(({ id }) => id), []);
  });
}

onPage("folders are found by a part of their path, by keys alone", async (page) => {
  await page.locator('button[aria-controls="sheet-folder"]').focus();
  await page.keyboard.press("Enter");
  await page.locator("#sheet-folder .narrow").waitFor();
  await page.waitForFunction(() => document.activeElement.matches("#sheet-folder .narrow"));
  await page.keyboard.type("nairobi");
  const names = await page.locator("#sheet-folder .name").allTextContents();
  assert.ok(names.length >= 1 && names.every((name) => /nairobi/i.test(name)), names.join());
  const cut = await page.locator("#sheet-folder .folder :is(.name, .path)").evaluateAll((parts) => parts.filter((part) => part.scrollWidth > part.clientWidth + 1).length);
  assert.equal(cut, 0, "the name is seen as a whole, and so is the way to it");
  assert.match(await page.locator("#sheet-folder .folder .path").first().textContent(), /^[^/]/);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.waitForURL(/folder=.*Nairobi/);
});
