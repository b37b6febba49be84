// The start: first images come before most of the page's modules, and nothing is asked twice.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { onPage, ready, tiles } from "./harness.mjs";
import { library, showLibrary } from "./timeline.mjs";

const LANGUAGES = (await readdir(new URL("../../web/static/words", import.meta.url))).map((name) => name.split(".")[0]);
/// What is asked of the server before there are modules.
const ASKED = [/\/static\/words\/\w+\.json /, /\/api\/v1\/health /, /\/api\/v1\/timeline /, /\/api\/v1\/timeline\/tiles /];

/// Requests of a visit that `act` makes, as path and body.
async function requestsOf(page, act) {
  const made = [];
  const note = (request) => made.push(`${new URL(request.url()).pathname} ${request.postData() ?? ""}`);
  page.on("request", note);
  await act();
  page.off("request", note);
  return made;
}

for (const [name, options] of [["laptop", {}], ["phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }]]) {
  onPage(`${name}: the first images are there, in words, while most modules are still to come, and stay where they are`, { path: "about:blank", ...options }, async (page) => {
    let release;
    const held = new Promise((done) => (release = done));
    await page.route("**/static/app.js", async (route) => (await held, route.continue()));
    await page.addInitScript(() => {
      window.shifts = [];
      const note = (list) => list.getEntries().forEach(({ value, hadRecentInput }) => hadRecentInput || window.shifts.push(value));
      new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto("/", { waitUntil: "commit" });
    await page.locator("#grid a.ready img").first().waitFor();
    assert.equal(await page.locator("html[data-ready]").count(), 0, "the page waits for its modules");
    assert.match(await page.locator("#grid h2").first().innerText(), /\w+ \d{4}/);
    assert.equal(await page.locator("#library").getAttribute("aria-label"), "Library");
    const places = () => tiles(page).evaluateAll((tiles) => tiles.slice(0, 6).map((tile) => Object.values(tile.getBoundingClientRect().toJSON()).map(Math.round)));
    const before = await places();
    assert.equal(before.length, 6);
    release();
    await ready(page);
    assert.deepEqual(await places(), before);
    const moved = (await page.evaluate(() => window.shifts)).reduce((sum, value) => sum + value, 0);
    assert.ok(moved < 0.01, `the page moves as it comes: ${moved}`);
  });
}

for (const language of LANGUAGES) {
  onPage(`${language}: what the page needs first is asked for once`, { path: "about:blank", locale: language }, async (page) => {
    const made = await requestsOf(page, async () => (await page.goto("/"), await ready(page)));
    for (const asked of ASKED) {
      const same = made.filter((request) => asked.test(request));
      assert.ok(same.length > 0 && same.length === new Set(same).size, `${asked}: ${made.join("\n")}`); // other months have other bodies
    }
    assert.ok(made.includes(`/static/words/${language}.json `), made.join("\n"));
  });
}

onPage("a link to a search asks nothing of the timeline", { path: "about:blank" }, async (page) => {
  const made = await requestsOf(page, async () => (await page.goto("/?q=zoo"), await ready(page)));
  assert.deepEqual(made.filter((request) => request.includes("api/v1/timeline")), []);
  assert.ok(made.some((request) => request.startsWith("/api/v1/search ")));
});

onPage("what fails at first is asked for again", { path: "about:blank" }, async (page, { expect }) => {
  for (const part of ["words/en.json", "api/v1/health", "api/v1/timeline", "503"]) expect(part);
  let failures = 0;
  for (const path of ["**/static/words/en.json", "**/api/v1/health", "**/api/v1/timeline"]) {
    await page.route(path, (route) => (failures++, route.fulfill({ status: 503, json: { code: "busy", message: "later" } })), { times: 1 });
  }
  await page.goto("/");
  await ready(page);
  await tiles(page).first().waitFor();
  assert.equal(failures, 3);
});

onPage("a slow library does not hold up the page", { path: "about:blank" }, async (page) => {
  await page.route("**/api/v1/timeline", async (route) => (await new Promise((done) => setTimeout(done, 1500)), route.continue()));
  await page.goto("/");
  await page.locator("#filters .pill:visible").first().waitFor();
  assert.equal(await tiles(page).count(), 0);
  await tiles(page).first().waitFor();
});

onPage("a visit that begins further down begins there", { path: "about:blank" }, async (page) => {
  await showLibrary(page, library());
  await page.evaluate(() => scrollTo(0, 60_000));
  await page.waitForFunction(() => history.state?.place && document.querySelectorAll("#grid .tile").length > 3);
  const { place } = await page.evaluate(() => history.state);
  await page.reload();
  await ready(page);
  assert.equal((await page.evaluate(() => history.state)).place.key, place.key);
  assert.ok((await page.evaluate(() => scrollY)) > 1000);
});
