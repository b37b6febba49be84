// The page as a program of its own: it opens without its server, and other programs hand images to it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { count, onPage, ready, tiles, url } from "./harness.mjs";

const addresses = { "at its root": `${url}/`, "below a path": process.env.GLIMPSE_PROXY_BELOW };
const icon = await readFile(new URL("../../web/static/icons/192.png", import.meta.url));

/// Waits until the worker answers for the page.
const kept = (page) => page.waitForFunction(async () => {
  const registration = await navigator.serviceWorker.ready;
  return registration.active?.state === "activated" && navigator.serviceWorker.controller;
});

for (const [where, baseURL] of Object.entries(addresses)) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    onPage(`${where}, ${viewport.width} pixels: without its server the page opens, says so, and comes back`, { baseURL, viewport, path: "./", serviceWorkers: "allow" }, async (page, { expect, context }) => {
      await ready(page);
      await kept(page);
      assert.equal(await page.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => scope)), baseURL);
      expect("api/v1"); // the browser itself notes what could not be loaded
      expect("static/");
      await context.setOffline(true);
      await page.goto("./?q=zoo");
      await ready(page);
      await page.locator("#away", { hasText: "does not answer" }).waitFor();
      assert.equal(await page.inputValue("#q"), "zoo");
      assert.deepEqual(await findings(page), []);
      await context.setOffline(false);
      await page.locator("#away").waitFor({ state: "hidden" }); // by itself
      await tiles(page).first().waitFor();
      assert.ok((await count(page)) > 0);
    });
  }

  onPage(`${where}: what other programs share is searched with`, { baseURL, path: "./", serviceWorkers: "allow" }, async (page) => {
    await ready(page);
    await kept(page);
    await share(page, { image: [...icon] });
    await page.waitForURL(/c=p%3A1%3A/);
    await page.locator("#chips .chip.upload img").waitFor();
    await share(page, { text: "red car" });
    await page.waitForURL((address) => address.searchParams.get("q") === "red car");
    await ready(page);
    assert.equal(await page.inputValue("#q"), "red car");
  });

  onPage(`${where}: nothing of the library is kept, and it can be installed`, { baseURL, path: "./", serviceWorkers: "allow" }, async (page, { context }) => {
    await ready(page);
    await kept(page);
    const names = await page.evaluate(async () => {
      const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      return all.flat().map((request) => request.url);
    });
    assert.ok(names.includes(baseURL) && names.includes(`${baseURL}static/words/en.json`));
    assert.deepEqual(names.filter((name) => !name.startsWith(`${baseURL}static/`) && name !== baseURL), []);
    const session = await context.newCDPSession(page);
    const { errors, data } = await session.send("Page.getAppManifest");
    assert.deepEqual(errors, []);
    for (const { src, sizes } of JSON.parse(data).icons) {
      const size = await page.evaluate((address) => new Promise((done, failed) => {
        const image = Object.assign(new Image(), { src: address, onload: () => done(`${image.naturalWidth}x${image.naturalHeight}`), onerror: failed });
      }), `${baseURL}static/${src}`);
      if (sizes !== "any") assert.equal(size, sizes);
    }
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"), []);
  });
}

/// Hands something over, as the system's share sheet does: it sends a form.
async function share(page, given) {
  await page.evaluate(({ image, text }) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", enctype: "multipart/form-data", action: "share" });
    const field = Object.assign(document.createElement("input"), image ? { type: "file", name: "image" } : { name: "text", value: text });
    if (image) {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(image)], "shared.png", { type: "image/png" }));
      field.files = data.files;
    }
    form.append(field);
    document.body.append(form);
    form.submit();
  }, given);
}
