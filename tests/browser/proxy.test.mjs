// Behind a reverse proxy, at the root of its address and below a path.

import assert from "node:assert/strict";
import { count, idle, onPage, ready, tiles, url } from "./harness.mjs";

const addresses = { "at its root": process.env.GLIMPSE_PROXY, "below a path": process.env.GLIMPSE_PROXY_BELOW };

for (const [where, baseURL] of Object.entries(addresses)) {
  onPage(`behind a proxy, ${where}: search, pictures, links and going back`, { baseURL, path: "?q=zoo" }, async (page) => {
    await ready(page);
    const found = await count(page);
    assert.ok(found > 0);
    await page.waitForFunction(() => document.querySelector("#grid .shot.ready img")?.naturalWidth > 0);
    await tiles(page).first().locator("a.shot").click();
    await page.waitForURL((address) => address.href.startsWith(`${baseURL}?q=zoo&view=`));
    await page.locator("#facts dd").first().waitFor({ state: "attached" });
    const link = page.url();
    const download = await page.getAttribute("#download", "href");
    assert.ok(download.startsWith(`${baseURL}api/v1/images/`), download);
    await page.keyboard.press("Escape");
    await page.waitForURL(`${baseURL}?q=zoo`);
    await page.click("#clear");
    await page.waitForURL(baseURL);
    await page.goto(link);
    await ready(page);
    await page.locator("#viewer").waitFor(); // the address is the whole state here too
    await page.goto(`${baseURL}api/docs`);
    await page.locator("#operations section").first().waitFor();
    await page.click('main a[href="../"]');
    await page.waitForURL(baseURL);
    await ready(page);
  });

  onPage(`behind a proxy, ${where}: uploads and jobs`, { baseURL, path: "./" }, async (page) => {
    await ready(page);
    const buffer = Buffer.from(await page.evaluate(() => fetch(document.querySelector("#grid .shot.ready img")?.src ?? "api/v1/images/1/original").then((answer) => answer.arrayBuffer()).then((bytes) => [...new Uint8Array(bytes)])));
    await page.setInputFiles("#file", { name: "a.jpg", mimeType: "image/jpeg", buffer });
    await page.waitForURL(/c=p%3A1%3A/);
    await idle(page);
    await page.click("#library");
    await page.click("#update");
    await page.locator("#job-state", { hasText: "Up to date" }).waitFor({ timeout: 30_000 });
  });
}

onPage("a page whose scripts do not load says so", { path: "about:blank", javaScriptEnabled: false }, async (page) => {
  await page.goto(url);
  await page.locator("#unstarted", { hasText: "--public-url" }).waitFor({ state: "visible" });
  assert.equal(await page.locator("#page").isVisible(), false);
});

onPage("a page that starts says nothing of it", async (page) => {
  assert.equal(await page.locator("#unstarted").count(), 0);
});
