// Widths from a phone to a wide screen, light and dark, languages from both sides, and the accessibility check.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";
import { browserPath } from "./browser.mjs";
import { idle, onPage, ready, search, tiles, url } from "./harness.mjs";

const overflow = (page) => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));

for (const width of [390, 1280, 2560]) {
  for (const colorScheme of ["light", "dark"]) {
    onPage(`${width} pixels, ${colorScheme}: nothing sticks out, nothing is hard to use`, { viewport: { width, height: width === 390 ? 844 : 1000 }, colorScheme }, async (page) => {
      await search(page, "zoo");
      await tiles(page).first().waitFor();
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await findings(page), []);
      const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)[0]);
      assert.ok(colorScheme === "dark" ? paper < 60 : paper > 200);
      await tiles(page).first().locator("a.shot").click();
      await page.locator("#facts dd").first().waitFor({ state: "attached" });
      assert.deepEqual(await findings(page), []);
      await page.click("#further");
      const { x, y, width: wide, height: high } = await page.locator("#further-menu").boundingBox();
      assert.ok(x >= 0 && y >= 0 && x + wide <= width && y + high <= (await page.evaluate(() => innerHeight)), "the menu is inside the window");
      assert.deepEqual(await findings(page), []);
      await page.click("#menu-slideshow");
      await page.locator("#slides").waitFor();
      assert.deepEqual(await findings(page), []);
      await page.click("#slides-end");
      await page.locator("#slides").waitFor({ state: "hidden" });
      await page.keyboard.press("Escape");
      await page.locator("#viewer").waitFor({ state: "hidden" });
      await page.click("#library");
      await page.locator("#roots li").first().waitFor();
      assert.deepEqual(await findings(page), []);
      await page.click("#panel-close");
      await page.click("#settings");
      assert.deepEqual(await findings(page), []);
    });

    onPage(`${width} pixels, ${colorScheme}: things, boxes, heatmap and drawing are as easy`, { viewport: { width, height: width === 390 ? 844 : 1000 }, colorScheme, path: "/?find=1&c=n:2-:butterfly&c=t:1:tree&c=t:-1:cat&rel=0.left-of.1&weak=1" }, async (page) => {
      await idle(page);
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await findings(page), []);
      await page.goto("/?find=1&c=t:1:butterfly&c=t:1:tree&weak=1");
      await ready(page);
      await tiles(page).first().locator("a.shot").click();
      await page.locator("#stage .spot").first().waitFor();
      await page.keyboard.press("h");
      await page.locator("#stage .heat").waitFor();
      assert.deepEqual(await findings(page), []);
      await page.keyboard.press("r");
      await page.locator(".selection").waitFor();
      assert.deepEqual(await findings(page), []);
      const sticking = await page.evaluate(() => [...document.querySelectorAll("#drawbar, #stage, #viewer .top")].filter((part) => part.getBoundingClientRect().right > innerWidth + 1).map(({ id }) => id));
      assert.deepEqual(sticking, []);
    });
  }
}

for (const language of ["ar", "de", "es", "fr", "he", "it", "ja", "ko", "pt", "ru", "tr", "zh"]) {
  onPage(`the page speaks ${language}`, { locale: language, viewport: { width: 390, height: 844 } }, async (page) => {
    const { lang, dir } = await page.evaluate(() => ({ lang: document.documentElement.lang, dir: document.documentElement.dir }));
    assert.deepEqual([lang, dir], [language === "pt" ? "pt-BR" : language, ["ar", "he"].includes(language) ? "rtl" : "ltr"]);
    assert.equal(await overflow(page), 0);
    const text = await page.evaluate(() => document.body.innerText);
    assert.doesNotMatch(text, /undefined|\{\w+\}|NaN/);
  });
}

for (const locale of ["pt", "pt-BR", "pt-PT"]) {
  onPage(`${locale}: the words are those of Brazil, which is said`, { locale }, async (page) => {
    assert.equal(await page.evaluate(() => document.documentElement.lang), "pt-BR");
    assert.equal(await page.locator("#language").evaluate((select) => select.selectedOptions[0].textContent), "Português (Brasil)");
    assert.equal(await page.locator("#language").inputValue(), "pt");
  });
}

onPage("letters twice as large are not cut off", async (page) => {
  await tiles(page).first().waitFor();
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  await page.waitForFunction(() => document.querySelector("#grid h2").offsetHeight > 90);
  await page.waitForTimeout(200);
  const cut = await page.locator("#grid .part").evaluateAll((parts) => parts.filter((part) => {
    const [heading, first] = [part.querySelector("h2"), part.querySelector(".tile")];
    return first && (heading.getBoundingClientRect().bottom > first.getBoundingClientRect().top + 1 || heading.scrollHeight > heading.clientHeight + 1);
  }).length);
  assert.equal(cut, 0);
});

/// Signs of the bar that lie on the text of its field.
const covering = (page) => page.evaluate(() => {
  const field = document.querySelector("#q").getBoundingClientRect();
  return [...document.querySelectorAll(".tool")].filter((tool) => {
    const { left, right, top, bottom, width } = tool.getBoundingClientRect();
    return width && left < field.right - 1 && right > field.left + 1 && top < field.bottom - 1 && bottom > field.top + 1;
  }).map(({ id }) => id);
});

for (const locale of ["en-GB", "ar"]) {
  onPage(`${locale}, on a phone, no sign lies on what one types`, { locale, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, path: "about:blank" }, async (page) => {
    for (const path of ["/?after=2022-01-01", "/?favourite=1", "/?c=i:1:17", "/?q=zoo", "/?find=1&q=zoo&c=t:1:tent&weak=1"]) {
      await page.goto(path);
      await ready(page);
      assert.ok(await page.locator("#save-search").isVisible(), path);
      assert.deepEqual(await covering(page), [], path);
      assert.ok((await page.locator("#q").boundingBox()).width > 80, `${path}: there is room to type`);
    }
  });
}

// Portuguese has the longest words of the page.
for (const locale of ["pt", "ar"]) {
  for (const letters of [130, 200]) {
    onPage(`${locale}, on a phone: with letters of ${letters} %, nothing is wider than the screen, and headings are whole`, { locale, viewport: { width: 390, height: 844 }, path: "about:blank" }, async (page) => {
      // "sunflowr" is like nothing for sure, whose heading is the longest one.
      for (const path of ["/", "/?q=sunflowr", "/?after=2022-01-01", "/?find=1&c=n:2-:butterfly&c=t:-1:cat&weak=1"]) {
        await page.goto(path);
        await ready(page);
        await tiles(page).first().waitFor();
        await page.evaluate((letters) => (document.documentElement.style.fontSize = `${letters}%`), letters);
        await page.waitForFunction((high) => document.querySelector("#grid h2").offsetHeight >= high, Math.floor(3.25 * 16 * letters / 100));
        assert.equal(await overflow(page), 0, path);
        const beyond = await page.locator("header :is(a, button, input, select, .chip):visible").evaluateAll((parts) =>
          parts.filter((part) => part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0).map(({ id, className }) => id || className));
        assert.deepEqual(beyond, [], path);
        assert.deepEqual(await covering(page), [], path);
        // Rows are laid out anew when letters grow: for a moment there is none.
        const headings = await (await page.waitForFunction(() => {
          const all = [...document.querySelectorAll("#grid h2")].map(({ textContent, scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
            ({ textContent, isCut: scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1 }));
          return all.length > 0 && all;
        })).jsonValue();
        assert.deepEqual(headings.filter(({ isCut }) => isCut), [], path);
      }
      for (const [button, sheet, close] of [["#albums-open", "#albums", "#albums-close"], ["#library", "#panel", "#panel-close"], ["#settings", "#help", "#help-close"]]) {
        await page.click(button);
        await page.locator(`${sheet}[open]`).waitFor();
        await page.waitForTimeout(300);
        assert.equal(await page.locator(sheet).evaluate((sheet) => Math.max(0, sheet.scrollWidth - sheet.clientWidth)), 0, sheet);
        await page.click(close);
      }
    });
  }
}

for (const [locale, width] of [["de", 1440], ["ar", 900]]) {
  onPage(`${locale}, ${width} pixels: with letters of 200 %, no sign of the bar lies on what one types, and years are apart`, { locale, viewport: { width, height: 900 }, path: "/?q=zoo" }, async (page) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await page.waitForFunction(() => document.querySelector("#grid h2").offsetHeight >= 104);
    assert.equal(await overflow(page), 0);
    assert.deepEqual(await covering(page), []);
    await page.goto("/");
    await ready(page);
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await page.waitForFunction(() => document.querySelector("#grid h2").offsetHeight >= 104);
    const places = await page.locator("#scrubber .year-mark").evaluateAll((years) => years.map((year) => year.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom]));
    assert.ok(places.length > 2, `${places.length} years`);
    assert.ok(places.slice(1).every(([top], i) => top >= places[i][1] + 8), places.join(" "));
  });
}

onPage("on a phone, sheets fill the width, filters stay in one line, and keys are not explained", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  for (const [button, sheet, close] of [["#settings", "#help", "#help-close"], ["#library", "#panel", "#panel-close"]]) {
    await page.click(button);
    const { x, width } = await page.locator(sheet).boundingBox();
    assert.ok(x < 1 && width > 389, `${sheet}: ${x}, ${width}`);
    assert.equal(await page.locator("#keys").isVisible(), false);
    await page.click(close);
  }
  const tops = await page.locator("#filters .pill:visible").evaluateAll((pills) => new Set(pills.map((pill) => Math.round(pill.getBoundingClientRect().top))).size);
  assert.equal(tops, 1);
  await page.click('button[aria-controls="sheet-date"]');
  await page.locator("#sheet-date .year").first().waitFor();
  const { x, y, width, height } = await page.locator("#sheet-date").boundingBox();
  assert.ok(x >= 0 && x + width <= 390 && y + height <= 844, [x, y, width, height].join());
  assert.equal(await overflow(page), 0);
});

onPage("on a phone, too, the way to look for objects has a word", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  const word = page.locator("#mode span");
  assert.equal(await word.textContent(), "Find objects");
  assert.ok((await word.boundingBox()).width > 60);
  assert.ok((await page.locator("#q").boundingBox()).width > 100, "there is room to type beside it");
});

// Scroll bars that take room, as most desktops have them; a headless browser hides them otherwise.
test("a large view covers the strip of the scroll bar, and moves nothing behind it", { timeout: 90_000 }, async () => {
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu"], ignoreDefaultArgs: ["--hide-scrollbars"] });
  try {
    for (const locale of ["en", "he"]) {
      const page = await browser.newPage({ viewport: { width: 1000, height: 700 }, locale, baseURL: url, serviceWorkers: "block" });
      await page.goto("/");
      await ready(page);
      await tiles(page).first().waitFor();
      const widths = () => page.evaluate(() => [document.querySelector("#viewer").offsetWidth, innerWidth, document.querySelector("#grid").offsetWidth]);
      const [, whole, before] = await widths();
      assert.ok(await page.evaluate(() => innerWidth - document.documentElement.clientWidth > 5), "there is a bar");
      await tiles(page).first().locator("a.shot").click();
      await page.locator("#viewer[open]").waitFor();
      const [viewer, , after] = await widths();
      assert.equal(viewer, whole, locale);
      assert.ok(Math.abs(after - before) <= 1, `${locale}: ${before}, ${after}`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
});

onPage("language and theme can be chosen", async (page) => {
  await page.click("#settings");
  await page.selectOption("#theme", "dark");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.selectOption("#language", "fr");
  await page.waitForFunction(() => document.documentElement.lang === "fr");
  await ready(page);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
});

onPage("in a language from the right, rows start on the right", { locale: "he" }, async (page) => {
  await tiles(page).first().waitFor();
  const boxes = await tiles(page).evaluateAll((tiles) => tiles.slice(0, 2).map((tile) => tile.getBoundingClientRect().x));
  assert.ok(boxes[0] > boxes[1]);
});

onPage("in a language from the right, facts stand beside their names", { locale: "ar" }, async (page) => {
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#facts dd").first().waitFor();
  const gaps = await page.locator("#facts .fact").evaluateAll((facts) => facts.map((fact) => {
    const [name, value] = [fact.querySelector("dt"), fact.querySelector("bdi, dd > *")].map((part) => {
      const range = document.createRange();
      range.selectNodeContents(part);
      return range.getBoundingClientRect();
    });
    return Math.abs(name.right - value.right);
  }));
  // The first star's button reaches beyond the star.
  assert.ok(gaps.length > 2 && gaps.every((gap) => gap <= 8), gaps.join());
});

onPage("on a phone, chips scroll away and what one types stays, with every way to go on", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  await page.goto("/?q=zoo&c=t:1:animal&c=t:-0.5:tree&c=i:1:5&weak=1");
  await ready(page);
  assert.ok(await page.locator("#without").isVisible());
  await page.evaluate(() => scrollTo(0, 1200));
  await page.waitForFunction(() => document.querySelector("header").getBoundingClientRect().bottom < 70);
  const { top, bottom } = await page.locator("#q").evaluate((field) => field.getBoundingClientRect());
  assert.ok(top >= 0 && bottom < 70, `${top} to ${bottom}`);
  assert.equal(await overflow(page), 0);
});

onPage("the page about the API shows every operation, and is easy to use", { path: "about:blank" }, async (page) => {
  await page.goto("/api/docs");
  await page.locator("#operations section").first().waitFor();
  const { paths } = await page.evaluate(() => fetch("/api/v1/openapi.json").then((answer) => answer.json()));
  const operations = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  assert.equal(await page.locator("#operations section").count(), operations);
  assert.deepEqual(await findings(page), []);
});

onPage("motion stays away from those who do not want it", { reducedMotion: "reduce" }, async (page) => {
  const duration = await page.evaluate(() => getComputedStyle(document.querySelector(".round")).transitionDuration);
  assert.match(duration, /^(0\.001s|1e-0?3s|0s)/);
  await idle(page);
});
