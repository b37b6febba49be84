// The page of tags: keywords with counts and covers, filtered, and as filters of the library.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { onPage, ready } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const TAGS = [["holiday", 31], ["Sea", 12], ["harbour", 9], ["seagull", 2]];
const names = (page) => page.locator(".tag .name").allTextContents();

async function tagged(page, tags = TAGS) {
  const asked = [];
  await page.route("**/api/v1/tags?**", (route) => {
    asked.push(new URL(route.request().url()).searchParams);
    return route.fulfill({ json: { tags: tags.map(([tag, images], id) => ({ tag, images, cover: id })), source: "keywords" } });
  });
  // Which images have a tag is the server's to know.
  await page.route(/api\/v1\/(timeline|search|facets)/, async (route) => {
    const body = route.request().postDataJSON();
    if (!body?.filter?.tags) return route.continue();
    asked.push(body.filter.tags);
    const { tags: _, ...filter } = body.filter;
    return route.continue({ postData: JSON.stringify({ ...body, filter }) });
  });
  return asked;
}

for (const [device, options] of [["laptop", {}], ["phone", phone]]) {
  onPage(`${device}: tags are listed, filtered, and opened`, { path: "about:blank", ...options }, async (page) => {
    const asked = await tagged(page);
    await page.goto("/");
    await ready(page);
    const press = (locator) => (options.hasTouch ? locator.tap() : locator.click());
    await press(page.locator('header a[data-page="tags"]'));
    await page.waitForURL(/page=tags/);
    await page.locator(".tag").nth(3).waitFor();
    assert.deepEqual(await names(page), TAGS.map(([tag]) => tag));
    assert.equal(await page.textContent("#count"), "Tags: 4");
    await page.locator(".tag img").first().evaluate((img) => img.complete || new Promise((done) => img.addEventListener("load", done)));
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    await page.getByLabel("Filter tags").fill("sea");
    assert.deepEqual(await names(page), ["Sea", "seagull"]);
    await page.getByLabel("Filter tags").fill("nothing like it");
    await page.locator(".tags h2", { hasText: "No tags match" }).waitFor();
    await page.getByLabel("Filter tags").fill("se");
    await page.locator(".tag").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((address) => address.searchParams.get("tag") === "Sea" && !address.searchParams.has("page"));
    await page.locator("#filters .pill.set", { hasText: "Sea" }).waitFor();
    assert.deepEqual(asked.at(-1), ["Sea"]);
    await page.goBack();
    await page.locator(".tag").nth(3).waitFor();
  });
}

onPage("filters count for tags, too", { path: "about:blank" }, async (page) => {
  const asked = await tagged(page);
  await page.goto("/?page=tags&after=2020-01-01&camera=X");
  await ready(page);
  await page.locator(".tag").first().waitFor();
  assert.equal(asked[0].get("after"), "2020-01-01");
  assert.equal(asked[0].get("camera"), "X");
});

onPage("a library without keywords says where they come from", { path: "about:blank" }, async (page) => {
  await tagged(page, []);
  await page.goto("/?page=tags");
  await page.locator(".tags h2", { hasText: "No tags yet" }).waitFor();
  await page.locator(".tags p", { hasText: "XMP" }).waitFor();
});

onPage("the library's own keywords are listed, as many as it has", { path: "/?page=tags" }, async (page) => {
  await page.waitForFunction(() => /^Tags: \d+$/.test(document.querySelector("#count").textContent));
  const known = await page.evaluate(() => fetch("/api/v1/tags").then((answer) => answer.json()));
  assert.equal(await page.locator(".tag").count(), known.tags.length);
  if (known.tags.length === 0) return page.locator(".tags h2", { hasText: "No tags yet" }).waitFor();
  await page.locator(".tag").first().click();
  await page.waitForURL(/tag=/);
  await page.waitForFunction((n) => document.querySelector("#count").textContent.startsWith(`${n} `), known.tags[0].images);
});
