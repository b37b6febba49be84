// What is not there: a server, a picture, a library.

import assert from "node:assert/strict";
import { count, countLine, idle, onPage, ready, search, tiles } from "./harness.mjs";

onPage("a server that is away is waited for, and nothing is wiped", async (page, { expect }) => {
  await search(page, "zoo");
  const before = await countLine(page);
  expect("api/v1"); // the browser itself notes what could not be loaded
  await page.route("**/api/v1/**", (route) => route.abort());
  await page.fill("#q", "butterfly");
  await page.press("#q", "Enter");
  await page.locator("#away", { hasText: "does not answer" }).waitFor();
  assert.equal(await countLine(page), before);
  assert.ok((await tiles(page).count()) > 0, "the pictures stay");
  assert.equal(await page.locator("#empty").isVisible(), false);
  await page.unroute("**/api/v1/**");
  await page.locator("#away").waitFor({ state: "hidden" }); // by itself
  await page.waitForFunction((before) => document.querySelector("#count").textContent !== before, before);
  assert.match(await countLine(page), /match/);
});

for (const width of [390, 1280]) {
  onPage(`${width} pixels: the banner of a server that is away covers neither the selection bar nor a message`, { viewport: { width, height: 800 }, path: "/?q=zoo" }, async (page, { expect }) => {
    await tiles(page).first().waitFor();
    await tiles(page).first().locator("a.shot").focus();
    await page.keyboard.press("x");
    await page.locator("#selection").waitFor();
    expect("api/v1");
    await page.route("**/api/v1/**", (route) => route.abort());
    await page.locator("#selection .act").first().click();
    await page.locator("#away").waitFor();
    const toast = page.locator(".toast").first();
    await toast.waitFor();
    await page.waitForFunction(() => !document.getAnimations().some((motion) => motion.effect.target.matches(".toast, #selection")));
    const { y: banner } = await page.locator("#away").boundingBox();
    const bar = await page.locator("#selection").boundingBox();
    assert.ok(bar.y + bar.height <= banner + 1, `${bar.y + bar.height}, ${banner}`);
    const message = await toast.boundingBox();
    assert.ok(message.y + message.height <= bar.y + 1, `${message.y + message.height}, ${bar.y}`);
    await page.unroute("**/api/v1/**");
    await page.locator("#away").waitFor({ state: "hidden" });
    await page.waitForFunction((y) => document.querySelector("#selection").getBoundingClientRect().bottom > y, banner);
  });
}

onPage("behind a proxy, too, a server that is away is told as such, and can be tried again", async (page, { expect }) => {
  expect("api/v1");
  await page.route("**/api/v1/**", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }));
  await page.fill("#q", "zoo");
  await page.press("#q", "Enter");
  await page.locator("#away").waitFor();
  await page.unroute("**/api/v1/**");
  await page.click("#away-retry");
  await page.locator("#away").waitFor({ state: "hidden", timeout: 2000 });
  await idle(page);
  assert.ok((await count(page)) > 0);
});

for (const width of [390, 1280]) {
  onPage(`${width} pixels: a picture that is gone says so, with a way back`, { viewport: { width, height: 844 }, path: "about:blank" }, async (page, { expect }) => {
    expect("images/99999");
    await page.goto("/?view=99999");
    await ready(page);
    const lost = page.locator("#stage .lost");
    await lost.waitFor();
    assert.match(await lost.textContent(), /not in the library any more/);
    assert.equal(await page.locator("#like").isVisible(), false, "nothing can be done with it");
    await page.keyboard.press("m");
    await lost.locator("button", { hasText: "Back to all pictures" }).click();
    await page.waitForURL((address) => !address.search);
    assert.equal(await page.locator("#viewer").isVisible(), false);
    assert.ok((await count(page)) > 0);
  });
}

onPage("an empty library shows a way to fill it, and nothing that has nothing to show", { path: "about:blank" }, async (page, { expect }) => {
  const nothing = { status: 503, json: { code: "not_ready", message: "nothing was indexed yet" } };
  expect("api/v1");
  await page.route("**/api/v1/health", async (route) => {
    const health = await (await route.fetch()).json();
    await route.fulfill({ json: { ...health, library: "empty", images: 0 } });
  });
  for (const place of ["search", "timeline", "albums", "stats", "folders", "facets"]) await page.route(`**/api/v1/${place}`, (route) => route.fulfill(nothing));
  await page.goto("/");
  await ready(page);
  assert.equal(await page.textContent("#empty-title"), "No pictures yet");
  assert.equal(await page.locator("#filters").isVisible(), false);
  assert.equal(await page.locator("#sort").isVisible(), false);
  await page.click("#empty-add");
  await page.locator("#folder-path").waitFor();
  assert.equal(await page.locator("#about-library").isVisible(), false);
  assert.equal(await page.locator("#about-model").isVisible(), false);
});
