// The form that asks for the token of a server: looks, words, and what a right one leads to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";
import { browserPath } from "./browser.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const program = process.env.GLIMPSE_BIN ?? fileURLToPath(new URL("../../target/release/glimpse", import.meta.url));
let [browser, server, home, address] = [];

before(async () => {
  home = await mkdtemp(join(tmpdir(), "glimpse-token-"));
  server = spawn(program, ["serve", "--no-open", "--port", "0"], { env: { ...process.env, GLIMPSE_HOME: home, GLIMPSE_TOKEN: TOKEN }, stdio: ["ignore", "ignore", "pipe"] });
  address = await new Promise((found, failed) => {
    let text = "";
    server.stderr.on("data", (data) => {
      text += data;
      const [address] = /http:\/\/[^\s/]+/.exec(text) ?? [];
      if (address) found(address);
    });
    server.on("exit", () => failed(new Error(text)));
  });
  browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser?.close();
  const ended = once(server, "exit");
  server.kill("SIGINT");
  await ended;
  await rm(home, { recursive: true, force: true });
});

/// A test with the form, as a browser opens it.
function onForm(name, options, act) {
  test(name, { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 700 }, baseURL: address, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto("/?q=dog");
    await act(page);
    await context.close();
  });
}

const colourOf = (page, selector, property) => page.locator(selector).evaluate((element, property) => getComputedStyle(element)[property], property);

for (const [colorScheme, paper, accent] of [["light", "rgb(253, 253, 252)", "rgb(58, 79, 216)"], ["dark", "rgb(16, 17, 20)", "rgb(163, 177, 255)"]]) {
  onForm(`${colorScheme}: it has the colours of the page, and is usable by all`, { colorScheme, locale: "en-GB" }, async (page) => {
    assert.deepEqual([await colourOf(page, "body", "backgroundColor"), await colourOf(page, "button", "backgroundColor")], [paper, accent]);
    const height = await page.locator("button").evaluate((button) => button.offsetHeight);
    assert.ok(height >= 44, `${height}`);
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  });
}

for (const locale of ["ar", "de", "es", "fr", "he", "it", "ja", "ko", "pt", "ru", "tr", "zh"]) {
  onForm(`${locale}: it has the words of the language, also at 200 %`, { locale }, async (page) => {
    assert.equal(await page.evaluate(() => document.documentElement.lang.split("-")[0]), locale);
    assert.doesNotMatch(await page.textContent("form"), /This server|\{\w+\}/);
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth)), 0);
  });
}

onForm("the right one opens the page that was asked for, and leaves the address", {}, async (page) => {
  await page.fill("#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("html[data-ready]");
  assert.equal(await page.inputValue("#q"), "dog");
  assert.equal(new URL(page.url()).search, "?q=dog");
});

onForm("a wrong one is said plainly, leaves the address, and what was asked for stays", { locale: "en-GB" }, async (page) => {
  await page.fill("#token", "wrong-but-secret-elsewhere");
  await page.keyboard.press("Enter");
  await page.locator("#problem.wrong", { hasText: "That is not the right token" }).waitFor();
  assert.equal(new URL(page.url()).search, "?q=dog&token=");
  assert.deepEqual(await findings(page), []);
  await page.goBack();
  assert.doesNotMatch(page.url(), /secret/, "nor is it in the history");
  await page.goForward();
  await page.fill("#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("html[data-ready]");
  assert.equal(new URL(page.url()).search, "?q=dog");
});
