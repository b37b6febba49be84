// What can be done with selected images beside what selection.test.mjs does: tags, hiding, ratings, boxes, others like them. What a
// server need not know yet is played.

import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { idle, onPage, ready, tiles } from "./harness.mjs";

/// An image that leads no stack: with one that does, those below it are selected, too.
const shot = (page, n) => page.locator("#grid .tile:not(:has([data-stack])) a.shot").nth(n);
const bar = (page) => page.locator("#selection");
const act = (page, name) => bar(page).getByRole("button", { name, exact: true });
const choice = (page, name) => bar(page).getByRole("menuitem", { name, exact: true });
const said = (page, text) => page.locator(".toast", { hasText: text }).last().waitFor();
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/// The page with a server that allows these things, and some images selected by keys.
async function selecting(page, allows, count = 2) {
  await page.route("**/api/v1/health", async (route) => {
    const health = await route.fetch().then((answer) => answer.json()).catch(() => null);
    if (health) await route.fulfill({ json: { ...health, allows: { ...health.allows, ...allows } } }).catch(() => {});
  });
  await page.reload();
  await ready(page);
  await shot(page, count).waitFor();
  const hrefs = await Promise.all(Array.from({ length: count }, (_, n) => shot(page, n).getAttribute("href")));
  for (const href of hrefs) {
    await page.locator(`#grid a.shot[href="${href}"]`).focus();
    await page.keyboard.press("x");
  }
  await page.waitForFunction((n) => document.querySelector("#selection .selected-count").textContent === `${n} selected`, count);
  return hrefs.map((href) => Number(new URLSearchParams(href.slice(1)).get("view")));
}

/// What the page sends to a place of the API, which answers.
async function answering(page, path, json) {
  const asked = [];
  await page.route(`**/api/v1/${path}`, (route) => (route.request().method() === "GET" ? route.fallback() : (asked.push(route.request().postDataJSON()), route.fulfill({ json }))));
  return asked;
}

onPage("verbs that the server does not allow are not offered", { path: "/?q=zoo" }, async (page) => {
  await selecting(page, { tag: false, hide: false, rate: false, sidecars: false });
  for (const name of ["Add or remove tags", "Hide from the library; no file is changed", "Rating: Rate in XMP sidecar files"]) assert.ok(await act(page, name).isHidden(), name);
  await act(page, "Export").click();
  assert.deepEqual(await bar(page).getByRole("menuitem").filter({ visible: true }).allTextContents(), ["Save list as CSV", "Save list as JSON"]);
});

onPage("images get tags by keys alone, several with commas, and lose them again", { path: "/?q=zoo" }, async (page) => {
  const ids = await selecting(page, { tag: true });
  const asked = await answering(page, "tags", { changed: 2 });
  let own = [];
  await page.route("**/api/v1/images?ids=*", async (route) => {
    const { images } = await route.fetch().then((answer) => answer.json());
    await route.fulfill({ json: { images: images.map((image) => ({ ...image, own_tags: own })) } });
  });
  await act(page, "Add or remove tags").focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Tags · 2 pictures" });
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "tag-names");
  assert.deepEqual(await findings(page), []);
  await page.keyboard.type("beach,  Ostsee 2023 , beach");
  await page.keyboard.press("Enter");
  await said(page, "beach, Ostsee 2023: added to 2");
  assert.deepEqual(asked, [{ images: ids, add: ["beach", "Ostsee 2023"] }]);
  own = ["beach"];
  await act(page, "Add or remove tags").click();
  await dialog.getByRole("button", { name: "Remove tag beach" }).waitFor();
  assert.deepEqual(await findings(page), []);
  own = [];
  await dialog.getByRole("button", { name: "Remove tag beach" }).click();
  await said(page, "beach: removed from 2");
  assert.deepEqual(asked[1], { images: ids, remove: ["beach"] });
  await dialog.locator(".own-tags li").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.locator("body > #toasts").count(), 1, "what is said later is seen, too");
  assert.ok(await bar(page).isVisible(), "Escape closed the dialog alone");
});

onPage("what the server says against a tag is said where it was typed", { ...phone, path: "/?q=zoo" }, async (page, { expect }) => {
  await selecting(page, { tag: true });
  expect("api/v1/tags");
  await page.route("**/api/v1/tags", (route) => (route.request().method() === "GET" ? route.fallback() : route.fulfill({ status: 400, json: { code: "bad_request", message: "this tag is too long" } })));
  await act(page, "Add or remove tags").tap();
  await page.fill("#tag-names", "x");
  await page.getByRole("button", { name: "Add", exact: true }).tap();
  await page.locator(".tag-images .problem", { hasText: "this tag is too long" }).waitFor();
  const { left, right } = await page.locator(".tag-images").evaluate((dialog) => dialog.getBoundingClientRect());
  assert.ok(left >= 0 && right <= 390);
});

onPage("images are hidden, listed by themselves, and shown again", { path: "/?q=zoo" }, async (page) => {
  const ids = await selecting(page, { hide: true });
  const asked = await answering(page, "hidden", { count: 2 });
  const filters = [];
  // The server of these tests knows nothing of hidden images.
  await page.route(/api\/v1\/(timeline|search|facets)/, (route) => {
    const body = route.request().postDataJSON();
    if (!body?.filter?.hidden) return route.fallback();
    const { hidden, ...filter } = body.filter;
    filters.push(hidden);
    return route.fallback({ postData: JSON.stringify({ ...body, filter }) });
  });
  await act(page, "Hide from the library; no file is changed").click();
  await said(page, "2 hidden. They are under “Library”, “Hidden pictures”.");
  assert.deepEqual(asked, [{ add: ids }]);
  assert.ok(await bar(page).isHidden());
  await page.click("#library");
  await page.getByRole("link", { name: "Hidden pictures" }).click();
  await page.waitForURL((address) => address.searchParams.get("hidden") === "1");
  await idle(page);
  assert.ok(filters.length > 0 && filters.every((hidden) => hidden === true));
  await page.locator(".filter", { hasText: "Hidden pictures" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  assert.ok(await act(page, "Hide from the library; no file is changed").isHidden());
  await act(page, "Show again").click();
  await said(page, "1 shown again");
  assert.equal(asked[1].remove.length, 1);
  await page.getByRole("button", { name: "Remove filter: Hidden pictures" }).click();
  await page.waitForURL((address) => !address.searchParams.has("hidden"));
});

onPage("a rating is chosen from a menu by keys, and goes into sidecar files", { path: "/?q=zoo" }, async (page) => {
  const ids = await selecting(page, { rate: true });
  const asked = await answering(page, "sidecars", { written: ["a.xmp", "b.xmp"], unchanged: 0, failed: [] });
  await act(page, "Rating: Rate in XMP sidecar files").focus();
  await page.keyboard.press("Enter");
  await choice(page, "5 of 5 stars").waitFor();
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "4 of 5 stars");
  await page.keyboard.press("Enter");
  await said(page, "Sidecar files written: 2");
  assert.deepEqual(asked, [{ images: ids, rating: 4 }]);
  await act(page, "Rating: Rate in XMP sidecar files").click();
  await choice(page, "No stars").click();
  await page.waitForFunction(() => document.querySelectorAll(".toast").length > 1);
  assert.deepEqual(asked[1], { images: ids, rating: 0 });
});

onPage("boxes of what was found are saved as COCO", { ...phone, path: "/?find=1&c=t:1:zebra&c=t:1:lion" }, async (page) => {
  const ids = await selecting(page, {}, 1);
  await act(page, "Export").tap();
  const menu = page.locator("#selection-table");
  await menu.waitFor();
  const [{ top, bottom, right }, edge] = await Promise.all([menu.evaluate((menu) => menu.getBoundingClientRect()), bar(page).evaluate((bar) => bar.getBoundingClientRect().top)]);
  assert.ok(top > 0 && bottom <= edge && right <= 390, `above the bar: ${top}, ${bottom}, ${edge}`);
  const [saved] = await Promise.all([page.waitForEvent("download"), choice(page, "Save boxes as COCO").tap()]);
  assert.equal(saved.suggestedFilename(), "glimpse.coco.json");
  const { images, annotations, categories } = JSON.parse(await readFile(await saved.path(), "utf8"));
  const [record] = await page.evaluate((ids) => fetch(`/api/v1/images?ids=${ids}`).then((answer) => answer.json()).then(({ images }) => images), ids.join());
  assert.deepEqual(images, [{ id: 1, file_name: record.path.split("/").at(-1), width: record.width, height: record.height }]);
  assert.deepEqual(categories.map(({ name }) => name).toSorted(), ["lion", "zebra"]);
  assert.ok(annotations.length >= 2);
  for (const { image_id, category_id, bbox: [x, y, width, height], area, score } of annotations) {
    assert.ok(image_id === 1 && [1, 2].includes(category_id) && score > 0 && score <= 1);
    assert.ok(x >= 0 && y >= 0 && x + width <= record.width + 1 && y + height <= record.height + 1 && Math.abs(area - width * height) < 1);
  }
  await said(page, `${annotations.length} boxes saved`);
});

onPage("boxes like a part of an image are called a match", { path: "about:blank" }, async (page) => {
  const ids = await page.goto("/?find=1&c=t:1:zebra").then(() => ready(page)).then(() => selecting(page, {}, 1));
  const [{ width, height }] = await page.evaluate((ids) => fetch(`/api/v1/images?ids=${ids}`).then((answer) => answer.json()).then(({ images }) => images), ids.join());
  await page.goto(`/?find=1&c=r:${ids[0]}:0,0,${width},${height}`);
  await ready(page);
  await selecting(page, {}, 1);
  await act(page, "Export").click();
  const [saved] = await Promise.all([page.waitForEvent("download"), choice(page, "Save boxes as COCO").click()]);
  const { annotations, categories } = JSON.parse(await readFile(await saved.path(), "utf8"));
  assert.deepEqual(categories, [{ id: 1, name: "match", supercategory: "" }]);
  assert.ok(annotations.length > 0 && annotations.every(({ category_id }) => category_id === 1));
});

onPage("many images are one part of a search: as many as one likes, of which some are asked with", { path: "/?q=zoo" }, async (page) => {
  const bodies = [];
  page.on("request", (request) => request.url().endsWith("/api/v1/search") && bodies.push(request.postDataJSON()));
  const ids = await selecting(page, {}, 3);
  await act(page, "Similar to these").click();
  const chip = page.locator("#chips .chip");
  await chip.locator(".label", { hasText: "Similar to 3 pictures" }).waitFor();
  await chip.locator("img").nth(2).waitFor();
  await idle(page);
  assert.equal(await chip.count(), 1);
  assert.deepEqual(bodies.at(-1).terms, ids.map((image) => ({ image, weight: 1 / 3 })));
  assert.ok((await tiles(page).count()) > 0);
  assert.doesNotMatch(await chip.locator(".main").getAttribute("title"), /spread/);
  assert.deepEqual(await findings(page), []);
  // The address says it all.
  await page.reload();
  await ready(page);
  await chip.locator(".label", { hasText: "Similar to 3 pictures" }).waitFor();
  // Its weight and sign are those of any part.
  await page.fill("#q", "lion");
  await idle(page);
  await chip.locator(".main").press("ArrowUp");
  await page.waitForURL((address) => address.searchParams.get("c")?.startsWith("s:1.5:3:"));
  // All of the library.
  await page.goto("/");
  await ready(page);
  await tiles(page).first().waitFor();
  await page.keyboard.press("Escape");
  await shot(page, 0).focus();
  await page.keyboard.press("Control+a");
  await page.waitForFunction(() => Number(document.querySelector("#selection .selected-count").textContent.split(" ")[0]) > 300);
  const count = parseInt(await page.textContent("#selection .selected-count"));
  await act(page, "Similar to these").click();
  await chip.locator(".label", { hasText: `Similar to ${count} pictures` }).waitFor();
  await idle(page);
  assert.match(await chip.locator(".main").getAttribute("title"), /taken from 32 of them, spread over all/);
  assert.equal(bodies.at(-1).terms.length, 32);
  assert.ok((await tiles(page).count()) > 0, "others are still found");
});

onPage("what is asked together with images that are gone is found by those that are left", { path: "/?c=s:1:40:1.2.999999" }, async (page) => {
  await tiles(page).first().waitFor();
  await page.locator("#note-text", { hasText: "1 picture to search with is not in the library any more" }).waitFor();
  assert.ok(new URL(page.url()).searchParams.get("c").includes("999999"), "a saved search stays as it was");
});

onPage("of images that are all gone nothing is found, and that is said", { path: "about:blank" }, async (page, { expect }) => {
  expect("api/v1/search");
  expect("api/v1/images/999999");
  for (const asked of ["s:1:2:999998.999999", "i:1:999999"]) {
    await page.goto(`/?c=${asked}`);
    await page.locator("#empty-title", { hasText: "No pictures match" }).waitFor();
    assert.match(await page.textContent("#empty-advice"), /in the library any more/);
    assert.equal(await tiles(page).count(), 0);
    assert.equal(await page.locator("#chips .chip.gone").count(), 1);
  }
});

onPage("things are found by one image, and that several do not count is said", { path: "/?c=s:1:2:1.2" }, async (page) => {
  await page.locator("#chips .label", { hasText: "Similar to 2 pictures" }).waitFor();
  await page.click("#mode");
  await page.locator("#empty-title", { hasText: "Several pictures together do not count here" }).waitFor();
  await page.fill("#q", "zebra");
  await page.press("#q", "Enter");
  await page.locator("#note-text", { hasText: "Several pictures together do not count here" }).waitFor();
  assert.ok((await tiles(page).count()) > 0);
});

onPage("with letters of 200 %, the bar and its menus fit a phone, and a tablet in Russian", { ...phone, path: "/?q=zoo" }, async (page) => {
  await selecting(page, { tag: true, hide: true, rate: true }, 1);
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  const within = (selector) => page.waitForFunction((selector) => {
    const boxes = [...document.querySelectorAll(selector)].map((part) => part.getBoundingClientRect()).filter(({ width }) => width > 0);
    return boxes.length > 0 && boxes.every(({ left, right, top, bottom }) => left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight);
  }, selector);
  await within("#selection .selected > *");
  await act(page, "Export").tap();
  await within("#selection-table, #selection-table button");
  await page.keyboard.press("Escape");
  await page.evaluate(() => (document.documentElement.style.fontSize = "", localStorage.setItem("glimpse.language", "ru")));
  await page.setViewportSize({ width: 768, height: 900 });
  await page.reload();
  await ready(page);
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  await within("#selection .act");
  assert.deepEqual(await bar(page).locator(".act").evaluateAll((acts) => acts.filter((act) => act.scrollWidth > act.clientWidth + 1).map(({ title }) => title)), []);
});

for (const width of [390, 768, 1280]) {
  onPage(`${width} pixels: what is said stands above the bar`, { viewport: { width, height: 844 }, permissions: ["clipboard-write"], path: "/?q=zoo" }, async (page) => {
    await selecting(page, { tag: true, hide: true, rate: true }, 1);
    await act(page, "Copy paths").click();
    await said(page, "1 path copied");
    // It comes to rest there once the bar is as high as its verbs make it.
    await page.waitForFunction(() => {
      const [said, bar] = [".toast", "#selection"].map((part) => [...document.querySelectorAll(part)].at(-1)?.getBoundingClientRect());
      return said && bar && said.bottom <= bar.top;
    });
  });
}

onPage("what is tagged, rated and hidden is so for the server, too, and can be taken back", { path: "/?q=zoo" }, async (page) => {
  const [id] = await selecting(page, {}, 1);
  const record = () => page.evaluate((id) => fetch(`/api/v1/images/${id}`).then((answer) => answer.json()), id);
  const ask = (path, body) => page.evaluate(([path, body]) => fetch(`/api/v1/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then(({ ok }) => ok), [path, body]);
  const { files, rating } = await record();
  assert.equal(rating, null);
  try {
    await act(page, "Add or remove tags").click();
    await page.fill("#tag-names", "Tante Rosa");
    await page.keyboard.press("Enter");
    await said(page, "Tante Rosa: added to 1");
    await act(page, "Rating: Rate in XMP sidecar files").click();
    await choice(page, "3 of 5 stars").click();
    await said(page, `Sidecar files written: ${files.length}`);
    assert.match(await readFile(`${files[0]}.xmp`, "utf8"), /xmp:Rating="3"/);
    await act(page, "Rating: Rate in XMP sidecar files").click();
    await choice(page, "3 of 5 stars").click();
    await said(page, "they have this rating");
    await page.keyboard.press("Escape");
    await page.locator(`#grid a.shot[href*="view=${id}"]`).click();
    await page.locator("#facts", { hasText: "★★★☆☆" }).waitFor({ state: "attached" });
    await page.locator("#facts .keyword", { hasText: "Tante Rosa" }).waitFor({ state: "attached" });
    await page.goto("/?tag=Tante+Rosa");
    await ready(page);
    assert.equal(await tiles(page).count(), 1);
    await page.locator("#grid a.shot").focus();
    await page.keyboard.press("x");
    await act(page, "Hide from the library; no file is changed").click();
    await page.locator("#grid .tile").waitFor({ state: "detached" });
    assert.equal((await record()).hidden, true);
    await page.click("#library");
    await page.getByRole("link", { name: "Hidden pictures" }).click();
    await page.locator(`#grid a.shot[href*="view=${id}"]`).focus();
    await page.keyboard.press("x");
    await act(page, "Show again").click();
    await page.locator("#empty-title", { hasText: "No pictures match these filters" }).waitFor();
    assert.equal((await record()).hidden, false);
    await page.goto("/?tag=Tante+Rosa");
    await ready(page);
    await page.locator("#grid a.shot").focus();
    await page.keyboard.press("x");
    await act(page, "Add or remove tags").click();
    await page.getByRole("button", { name: "Remove tag Tante Rosa" }).click();
    await said(page, "Tante Rosa: removed from 1");
    assert.deepEqual((await record()).own_tags, []);
  } finally {
    await ask("hidden", { remove: [id] });
    await ask("tags", { images: [id], remove: ["Tante Rosa"] });
    await ask("sidecars", { images: [id], rating: 0 });
    for (const file of files) await rm(`${file}.xmp`, { force: true });
  }
});
