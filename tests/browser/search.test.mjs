// Finding: words in several scripts, chips, pictures, filters, the weak tail, paging, and going back.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { count, countLine, idle, onPage, pictures, ready, search, shown, tiles, truth, sureTiles } from "./harness.mjs";

const things = await truth();
const queries = JSON.parse(await readFile(new URL("../../models/demo/queries.json", import.meta.url), "utf8"));

/// Texts of the queries below that had matches at or above the cut.
const sure = [];

for (const { lang, text, concept } of queries) {
  onPage(`a search in ${new Intl.DisplayNames("en", { type: "language" }).of(lang)} finds what it names`, async (page) => {
    await search(page, text);
    assert.match(await countLine(page), /^\d+ match(es)? among \d+ pictures$/);
    const matches = await count(page);
    if (matches > 0) sure.push(text);
    const found = await shown(page, 3, { sure: matches > 0 });
    const right = found.filter(({ path }) => things.get(path)?.concepts.includes(concept));
    assert.ok(things.get(found[0].path)?.concepts.includes(concept), `${text}: ${found[0].path}`);
    if (matches > 0) assert.ok(right.length > found.length / 2, `${text}: ${right.length} of ${found.length}`);
    assert.equal(new URL(page.url()).searchParams.get("q"), text);
  });
}

test("most of these searches are sure of something", () => {
  assert.ok(3 * sure.length >= 2 * queries.length, `${sure.length} of ${queries.length}: ${sure.join(", ")}`);
});

onPage("the library is listed by month, newest first", async (page) => {
  assert.match(await countLine(page), /^\d+ pictures$/);
  const months = await page.locator("#grid h2").allTextContents();
  assert.ok(months.length > 0 && months[0].match(/\b(20\d\d)\b|Without a date/), months.join());
});

onPage("results come while one types, and the address follows", async (page) => {
  await page.locator("#q").pressSequentially("zoo", { delay: 20 });
  await page.waitForURL(/q=zoo/);
  await idle(page);
  assert.match(await countLine(page), /^[1-9]\d* match/, "pictures in the folder Zoo are found by its name");
  await tiles(page).first().waitFor();
});

onPage("few matches are followed by the closest others at once", async (page) => {
  await search(page, "quantum physics lecture");
  const heading = page.locator("#grid h2").first();
  assert.match(await heading.textContent(), (await count(page)) === 0 ? /^Nothing sure\. Closest:/ : /^(Strong|Likely) matches/);
  assert.ok((await tiles(page).count()) > 5, "never an empty screen");
  assert.equal(await page.locator("#empty").isVisible(), false);
  assert.match(await page.locator("#announcer").textContent(), /match/);
  await page.locator("#weaker", { hasText: "Show more" }).click();
  await page.waitForURL(/weak=1/);
  await idle(page);
  assert.equal(await page.locator("#weaker").isVisible(), false, "all are there");
});

onPage("a question about things is one click away from its answer", { path: "/?q=two+or+more+butterfly" }, async (page) => {
  await page.locator("#note", { hasText: "This asks about objects" }).waitFor();
  await page.click("#note-more");
  await page.waitForURL((address) => address.searchParams.get("find") === "1" && address.searchParams.get("c") === "n:2-:butterfly");
});

onPage("a pasted question is cut at all its signs", async (page) => {
  await page.fill("#q", "sunflower + crescent moon - bee");
  await page.waitForURL((address) => address.searchParams.getAll("c").join() === "t:1:sunflower,t:1:crescent moon");
  assert.equal(await page.inputValue("#q"), "bee");
  assert.ok(await page.locator("#sign").isVisible(), "the last part is not wanted");
});

onPage("more like this keeps the example where words are beside it", { path: "/?q=sunflower" }, async (page) => {
  const first = (await shown(page, 1))[0].path;
  await tiles(page).first().locator("a.shot").click();
  await page.waitForURL(/view=/);
  await page.click("#like");
  await page.waitForURL(/c=i%3A1%3A/);
  await idle(page);
  assert.ok((await shown(page, 12)).some(({ path }) => path === first), "the picture itself is still found");
});

onPage("more like this adds to what words find", { path: "/?q=butterfly" }, async (page) => {
  const before = await count(page);
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("m");
  await page.waitForURL(/c=i/);
  await idle(page);
  assert.ok((await count(page)) >= before, "nothing that was found is lost");
});

onPage("weaker matches are folded behind many sure ones, and unfold", async (page) => {
  await search(page, "zoo");
  const found = await count(page);
  const fold = page.locator("#weaker", { hasText: "Show the closest anyway" });
  const weaker = 392 - found;
  await fold.click();
  await page.waitForURL(/weak=1/);
  await page.locator("#grid h2", { hasText: "Weaker matches" }).waitFor({ state: "attached" });
  assert.equal(await count(page), found, "weaker matches are not counted as matches");
  await page.evaluate(() => scrollTo(0, 0));
  const headings = page.locator("#grid h2");
  const sections = new Map();
  // The figure of a heading grows with the pages of the answer that have come.
  for (let y = 0; y < 60_000 && sections.get("Weaker matches") !== weaker; y += 600) {
    await page.evaluate((y) => scrollTo(0, y), y);
    for (const text of await headings.allTextContents()) sections.set(text.replace(/ \d+$/, ""), Number(/\d+$/.exec(text)[0]));
  }
  assert.equal(sections.get("Weaker matches"), weaker, "pictures, those in stacks among them");
  assert.equal((sections.get("Strong matches") ?? 0) + (sections.get("Likely matches") ?? 0), found);
});

onPage("nothing found is said", async (page) => {
  await page.click('button[aria-controls="sheet-format"]');
  await page.locator("#sheet-format label", { hasText: "WEBP" }).click();
  await page.keyboard.press("Escape");
  await page.goto("/?q=zoo&after=1901-01-01&before=1902-01-01");
  await ready(page);
  assert.equal(await page.textContent("#empty-title"), "No pictures match");
  await page.click("#empty-clear");
  await idle(page);
  assert.ok((await count(page)) > 0);
});

const order = (page) => new URL(page.url()).searchParams.getAll("c").map((chip) => chip.split(":").pop()).join();

for (const find of ["", "find=1&"]) {
  onPage(`${find ? "objects" : "parts"} are put into another order by mouse and keys`, { path: `/?${find}c=t:1:zoo&c=t:1:garden&c=t:1:sun` }, async (page) => {
    const main = (n) => page.locator("#chips .chip .main").nth(n);
    const [from, to] = [await main(0).boundingBox(), await main(2).boundingBox()];
    await page.mouse.move(from.x + 12, from.y + 12);
    await page.mouse.down();
    await page.mouse.move(from.x + 40, from.y + 14);
    await page.locator(".chip.dragged").waitFor();
    await page.mouse.move(to.x + 12, to.y + 12, { steps: 4 });
    await page.locator(".chip.aimed", { hasText: "sun" }).waitFor();
    await page.mouse.up();
    await page.waitForURL((address) => address.search.endsWith("zoo"));
    assert.equal(order(page), "garden,sun,zoo");
    assert.ok(await main(2).evaluate((chip) => chip === document.activeElement));
    await page.keyboard.press("Shift+ArrowLeft");
    await page.waitForURL((address) => address.search.endsWith("sun"));
    assert.equal(order(page), "garden,zoo,sun");
    assert.ok(await main(1).evaluate((chip) => chip === document.activeElement));
    // A press that moves nowhere is still a click, which leaves out what was wanted.
    await main(1).click();
    await page.locator("#chips .chip.without", { hasText: "zoo" }).waitFor();
  });
}

onPage("a finger puts parts into another order", { path: "/?c=t:1:zoo&c=t:1:sun", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, { context }) => {
  const main = (n) => page.locator("#chips .chip .main").nth(n);
  const [from, to] = [await main(0).boundingBox(), await main(1).boundingBox()];
  const session = await context.newCDPSession(page);
  const touch = (type, x, y) => session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
  await touch("touchStart", from.x + 10, from.y + 10);
  await touch("touchMove", from.x + 30, from.y + 10);
  await touch("touchMove", to.x + 10, to.y + 10);
  await page.locator(".chip.aimed").waitFor();
  await touch("touchEnd");
  await page.waitForURL((address) => address.search.endsWith("zoo"));
  assert.equal(order(page), "sun,zoo");
});

onPage("parts of a question become chips with sign and weight", async (page) => {
  await page.locator("#q").pressSequentially("zoo - garden + animal", { delay: 10 });
  await page.waitForURL(/q=animal/);
  const chips = page.locator(".chip");
  assert.equal(await chips.count(), 2);
  assert.deepEqual(new URL(page.url()).searchParams.getAll("c"), ["t:1:zoo", "t:-1:garden"]);
  await chips.nth(0).locator(".weight").click();
  await page.waitForURL((address) => address.searchParams.getAll("c")[0] === "t:1.5:zoo");
  await chips.nth(1).locator(".main").click();
  await page.waitForURL((address) => address.searchParams.getAll("c")[1] === "t:1:garden");
  await chips.nth(0).locator(".main").focus();
  await page.keyboard.press("ArrowUp");
  await page.waitForURL((address) => address.searchParams.getAll("c")[0] === "t:2:zoo");
  await chips.nth(0).locator(".remove").click();
  assert.equal(await chips.count(), 1);
  await page.reload();
  await ready(page);
  assert.equal(await chips.count(), 1, "the address is the whole state");
  assert.equal(await page.inputValue("#q"), "animal");
  await page.click("#clear");
  assert.equal(await chips.count(), 0);
});

/// The first hit is the picture that was sent: both are named by the hash of their bytes.
async function findsItself(page) {
  const key = new URL(page.url()).searchParams.getAll("c").find((chip) => chip.startsWith("p:")).split(":").pop();
  await page.locator(`#grid .tile:first-child img[src*="${key}"]`).first().waitFor({ state: "attached" });
}

/// A picture of the library, and its bytes.
async function somePicture() {
  const folder = join(pictures, "Zoo");
  const name = (await readdir(folder)).find((name) => name.endsWith(".jpg"));
  return { name, buffer: await readFile(join(folder, name)) };
}

onPage("a picked picture finds itself", async (page) => {
  const { name, buffer } = await somePicture();
  await page.setInputFiles("#file", { name, mimeType: "image/jpeg", buffer });
  await page.waitForURL(/c=p%3A1%3A/);
  await idle(page);
  assert.equal(await page.locator(".chip.upload img").count(), 1);
  await findsItself(page);
});

onPage("a pasted picture finds itself, with words beside it", async (page) => {
  const { name, buffer } = await somePicture();
  await page.evaluate(({ name, bytes }) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: "image/jpeg" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, { name, bytes: buffer.toString("base64") });
  await page.waitForURL(/c=p%3A1%3A/);
  await idle(page);
  await findsItself(page);
  await search(page, "zoo");
  assert.equal(await page.locator(".chip").count(), 1);
});

onPage("a dropped picture finds itself, and what is no picture is refused in words", async (page, { expect }) => {
  const { name, buffer } = await somePicture();
  const drop = (name, type, bytes) => page.evaluate(({ name, type, bytes }) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
    for (const kind of ["dragenter", "drop"]) document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, { name, type, bytes: bytes.toString("base64") });
  await drop("a.txt", "text/plain", Buffer.from("text"));
  await page.locator(".toast", { hasText: "not a picture" }).waitFor();
  expect("api/v1/uploads"); // the browser itself notes the answer 400
  await drop("broken.jpg", "image/jpeg", buffer.subarray(0, 300));
  await page.locator(".toast").nth(1).waitFor();
  assert.equal(await page.locator(".chip").count(), 0);
  await drop(name, "image/jpeg", buffer);
  await page.locator(".chip.upload").waitFor();
  assert.equal(await page.locator("#drop").isVisible(), false);
});

onPage("filters narrow, show themselves, and go", async (page) => {
  const all = await count(page);
  await page.click('button[aria-controls="sheet-folder"]');
  await page.locator("#sheet-folder .choice", { hasText: "Zoo" }).click();
  await page.waitForURL(/folder=/);
  await idle(page);
  const zoo = await count(page);
  assert.ok(zoo > 0 && zoo < all);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator('button[aria-controls="sheet-folder"]').textContent(), "Zoo");
  await page.click('button[aria-controls="sheet-format"]');
  await page.locator("#sheet-format .choice").last().click();
  await page.waitForURL(/format=/);
  await idle(page);
  assert.ok((await count(page)) < zoo);
  await page.locator(".unset:visible").first().click();
  await page.locator(".unset:visible").first().click();
  await idle(page);
  assert.equal(await count(page), all);
});

onPage("the sheet of dates shows what was chosen", async (page) => {
  const open = page.locator('button[aria-controls="sheet-date"]');
  await open.click();
  const year = page.locator("#sheet-date .year").first();
  const chosen = await year.getAttribute("data-year");
  await year.click();
  await page.waitForURL(new RegExp(`after=${chosen}-01-01`));
  assert.equal(await page.locator("#sheet-date").isVisible(), false, "it does not hide the result");
  assert.equal(await open.textContent(), chosen);
  await open.click();
  await page.locator("#sheet-date .year").first().waitFor();
  const fields = await page.locator("#sheet-date input").evaluateAll((inputs) => inputs.map(({ value }) => value));
  assert.deepEqual(fields, [`${chosen}-01-01`, `${chosen}-12-31`]);
  assert.equal(await page.getAttribute(`#sheet-date .year[data-year="${chosen}"]`, "aria-pressed"), "true");
  await page.locator('#sheet-date input[name="before"]').fill(`${chosen}-06-30`);
  await page.waitForURL(new RegExp(`before=${chosen}-06-30`));
  assert.equal(await page.getAttribute(`#sheet-date .year[data-year="${chosen}"]`, "aria-pressed"), "false");
});

onPage("the order changes without a new question", async (page) => {
  await search(page, "zoo");
  await page.selectOption("#sort", "oldest");
  await page.waitForURL(/sort=oldest/);
  await idle(page);
  const years = (await page.locator("#grid h2").allTextContents()).map((text) => Number(/\b(?:19|20)\d\d\b/.exec(text)?.[0] ?? 9999));
  assert.deepEqual(years, [...years].sort((a, b) => a - b));
});

onPage("in an order by date, tiles say how good a match they are", async (page) => {
  await page.goto("/?q=butterfly&sort=newest");
  await ready(page);
  await tiles(page).first().waitFor();
  const words = await page.locator("#grid .tile .word").allTextContents();
  assert.equal(words.length, await sureTiles(page).count());
  assert.ok(words.length && words.every((word) => ["strong match", "likely match"].includes(word)), words.join());
  await page.selectOption("#sort", "relevance");
  await page.waitForURL(/sort=relevance/);
  await idle(page);
  assert.equal(await page.locator("#grid .tile .word").count(), 0, "headings say it");
});

onPage("pictures to search with wait for the model, and are searched as soon as it is there", { path: "about:blank" }, async (page, { expect }) => {
  let loading = true;
  await page.route("**/api/v1/health", async (route) => {
    const health = await (await route.fetch()).json();
    await route.fulfill({ json: loading ? { ...health, model: { ...health.model, state: "loading" } } : health });
  });
  await page.route("**/api/v1/search", (route) =>
    loading ? route.fulfill({ status: 503, headers: { "Retry-After": "1" }, json: { code: "not_ready", message: "the model is still being loaded" } }) : route.continue());
  expect("api/v1/search");
  await page.goto("/?c=i:1:3&q=tree");
  await page.locator("#empty-advice", { hasText: "still loading" }).waitFor();
  loading = false;
  await page.locator("#empty-advice", { hasText: "still loading" }).waitFor({ state: "hidden" });
  assert.match(await countLine(page), /^\d+ match/);
});

onPage("what the server says is said in the language of the page", { locale: "de" }, async (page, { expect }) => {
  await page.click("#library");
  expect("api/v1/jobs");
  const folder = join(pictures, "no such folder");
  await page.fill("#folder-path", folder);
  await page.click("#add-folder button.strong");
  await page.locator("#folder-problem", { hasText: /^Diesen Ordner gibt es nicht$/ }).waitFor();
});

onPage("every picture of the library comes into view on the way down, and few are in the document", async (page) => {
  const all = await count(page);
  /// Images of each tile, by its index: a stack has several.
  const seen = new Map();
  let most = 0;
  for (let y = 0; ; y += 500) {
    await page.evaluate((y) => scrollTo(0, y), y);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.waitForFunction(() => !document.querySelector("#grid .part.waiting, #grid .tile:not(:has(.pick))"));
    const found = await tiles(page).evaluateAll((tiles) => tiles.map((tile) => [Number(tile.querySelector("a.shot").dataset.index), Number(tile.querySelector(".stack")?.textContent ?? 1)]));
    found.forEach(([index, images]) => seen.set(index, images));
    most = Math.max(most, found.length);
    if (await page.evaluate(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1)) break;
  }
  assert.equal([...seen.values()].reduce((sum, images) => sum + images, 0), all);
  assert.equal(Math.max(...seen.keys()), seen.size - 1, "no gap");
  assert.ok(most < 150, `${most} tiles at once`);
});

onPage("near-duplicates are stacked, and spread out", { path: "/?q=animal" }, async (page) => {
  const stack = page.locator(".stack").first();
  for (let y = 0; y < 20_000 && (await page.locator(".stack").count()) === 0; y += 700) {
    await page.evaluate((y) => scrollTo(0, y), y);
    await page.waitForTimeout(60);
  }
  const under = Number(await stack.textContent()) - 1;
  assert.ok(under > 0);
  await stack.click();
  await page.locator(".tile.spread").first().waitFor();
  assert.equal(await page.locator(".tile.spread").count(), under);
  const stacked = () => page.textContent("#stacked").then((text) => Number(/\d+/.exec(text)?.[0] ?? 0));
  const before = await stacked();
  await stack.click();
  await page.waitForFunction(() => !document.querySelector(".tile.spread"));
  assert.equal(await stacked(), before + under, "the line of counts says how many are not seen");
});

onPage("back and forward restore question and scroll", async (page) => {
  await page.evaluate(() => scrollTo(0, 1500));
  await page.waitForTimeout(400); // the place is remembered after a moment
  await search(page, "zoo");
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.goBack();
  await idle(page);
  assert.equal(await page.inputValue("#q"), "");
  await page.waitForFunction(() => Math.abs(scrollY - 1500) < 5);
  await page.goForward();
  await idle(page);
  assert.equal(await page.inputValue("#q"), "zoo");
});
