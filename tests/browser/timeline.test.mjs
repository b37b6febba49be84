// The library by month: what is loaded and when, headings, days, the strip of years, and coming back.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { countLine, idle, onPage, ready, search, tiles } from "./harness.mjs";
import { STACK, library, showLibrary } from "./timeline.mjs";

const months = library();
const blank = { path: "about:blank" };
const strip = (page) => page.locator("#scrubber");
const valueText = (page) => strip(page).getAttribute("aria-valuetext");
const isSaid = (page, text) => page.waitForFunction((text) => document.querySelector("#scrubber").ariaValueText === text, text);
/// Title of the month at the upper edge.
const atTop = (page) => page.evaluate(() => {
  const edge = document.querySelector("header").getBoundingClientRect().bottom + 2;
  const heads = [...document.querySelectorAll("#grid .part")].filter((part) => part.getBoundingClientRect().top <= edge && part.getBoundingClientRect().bottom > edge);
  return heads[0]?.querySelector(".title").textContent;
});
const settled = async (page) => {
  await page.waitForTimeout(150);
  await page.waitForFunction(() => !document.querySelector("#grid .part.waiting"));
};

onPage("the library is listed by month and day, and the count is of all", async (page) => {
  assert.match(await countLine(page), /^\d+ pictures$/);
  await tiles(page).first().waitFor();
  assert.match(await page.locator("#grid .title").first().textContent(), /\b20\d\d\b|Without a date/);
  assert.match(await page.locator("#grid .days span").first().textContent(), /^\w{3},? \d+$/);
});

onPage("of 100,000 pictures, only months that come near are loaded", blank, async (page) => {
  const asked = await showLibrary(page, months);
  assert.equal(await countLine(page), "100,000 pictures");
  await tiles(page).first().waitFor();
  assert.equal(await tiles(page).first().getAttribute("aria-setsize"), "100000");
  await settled(page);
  assert.deepEqual([asked[0], asked.length < 4], ["2024-12", true]);
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
  await settled(page);
  assert.ok(asked.length < 8, asked.join());
  assert.equal(new Set(asked).size, asked.length, "none is loaded twice");
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator("#grid .title", { hasText: "Without a date" }).waitFor();
  await settled(page);
  assert.ok((await tiles(page).count()) < 150, "few are in the document");
});

onPage("what is in view stays where it is while months above it become their true height", blank, async (page) => {
  await showLibrary(page, months);
  await page.evaluate(() => scrollTo(0, 900_000));
  await settled(page);
  const seen = () => page.evaluate(() => {
    const tile = [...document.querySelectorAll("#grid .tile")].find((tile) => tile.getBoundingClientRect().top > 300);
    return [tile.firstElementChild.getAttribute("href"), Math.round(tile.getBoundingClientRect().top)];
  });
  const [href, top] = await seen();
  // Up to where another month is loaded, and back down by as much.
  await page.evaluate(() => scrollBy(0, -2500));
  await settled(page);
  await page.evaluate((href) => {
    const there = () => document.querySelector(`#grid a[href="${CSS.escape(href)}"]`);
    if (!there()) scrollBy(0, 2500);
  }, href);
  await settled(page);
  const link = page.locator(`#grid a[href="${href}"]`);
  await link.waitFor();
  await page.setViewportSize({ width: 1000, height: 800 });
  await page.waitForTimeout(300);
  assert.ok(top > 300 && (await link.count()) === 1, "at another width the same pictures are in view");
});

onPage("the month stays at the upper edge and says which day is below it", blank, async (page) => {
  await showLibrary(page, months);
  await page.evaluate(() => scrollTo(0, 3000));
  await settled(page);
  const head = page.locator("#grid .part .head").first();
  const { y } = await head.boundingBox();
  const edge = await page.evaluate(() => document.querySelector("header").getBoundingClientRect().bottom);
  assert.ok(Math.abs(y - edge) < 2, `${y}, ${edge}`);
  assert.match(await head.textContent(), /^December 2024 \w{3},? \d+/);
});

onPage("the strip at the edge leads to a month by mouse and by keys", blank, async (page) => {
  await showLibrary(page, months);
  await strip(page).waitFor();
  assert.equal(await valueText(page), "December 2024");
  const years = await page.locator("#scrubber .year-mark").allTextContents();
  assert.ok(years.length > 8 && years[0] === "2024" && years.includes("2013"), years.join());
  const { x, y, width } = await strip(page).boundingBox();
  const mark = await page.locator("#scrubber .year-mark", { hasText: "2019" }).boundingBox();
  await page.mouse.move(x + width / 2, y + 5);
  await page.mouse.down();
  await page.mouse.move(x + width / 2, mark.y + mark.height / 2 + 3, { steps: 5 });
  assert.match(await page.textContent("#scrubber .bubble"), /2019/);
  await page.mouse.up();
  await settled(page);
  assert.match(await atTop(page), /2019/);
  await strip(page).focus();
  await page.keyboard.press("Home");
  await isSaid(page, "December 2024");
  await page.keyboard.press("ArrowDown");
  await isSaid(page, "November 2024");
  await page.keyboard.press("PageDown");
  await isSaid(page, "December 2023");
  await page.keyboard.press("PageUp");
  await isSaid(page, "December 2024");
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelector("#scrubber").ariaValueText !== "December 2024");
  await settled(page);
  assert.equal(await page.locator("#grid .title", { hasText: "Without a date" }).count(), 1);
});

onPage("on a phone a handle shows while the page moves, and a finger drags it", { ...blank, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, { context }) => {
  await showLibrary(page, months);
  await page.evaluate(() => scrollTo(0, 2000));
  await page.locator("#scrubber.moving").waitFor();
  const { x, y, width, height } = await page.locator("#scrubber .thumb").boundingBox();
  assert.ok(width >= 30 && height >= 44, `${width} × ${height}`);
  const session = await context.newCDPSession(page);
  const touch = (type, y) => session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: x + width / 2, y }] });
  await touch("touchStart", y + height / 2);
  for (const to of [200, 350, 500]) await touch("touchMove", to);
  await page.locator("#scrubber .bubble").waitFor();
  await touch("touchEnd");
  await settled(page);
  assert.match(await atTop(page), /201\d|202[01]/);
  await page.locator("#scrubber:not(.moving)").waitFor();
});

for (const viewport of [{ width: 390, height: 844 }, { width: 768, height: 1024 }]) {
  onPage(`${viewport.width} pixels, touch: the handle waits until the page moves, and lies on nothing above the pictures`, { ...blank, viewport, hasTouch: true, isMobile: true }, async (page) => {
    await showLibrary(page, months);
    await strip(page).waitFor({ state: "attached" });
    await settled(page);
    const opacity = () => strip(page).evaluate((strip) => getComputedStyle(strip).opacity);
    assert.equal(await opacity(), "0", "it is not seen yet");
    const covers = () => page.evaluate(() => {
      const { left, width, top, height } = document.querySelector("#sort").getBoundingClientRect();
      return [0.05, 0.5, 0.95].map((part) => document.elementFromPoint(left + width * part, top + height / 2)?.className).filter((name) => name === "thumb").length;
    });
    assert.equal(await covers(), 0);
    await page.evaluate(() => scrollTo(0, 1));
    await page.locator("#scrubber.moving").waitFor();
    assert.equal(await covers(), 0);
    const lies = await page.evaluate(() => document.querySelector("#scrubber .thumb").getBoundingClientRect().top - document.querySelector(".options").getBoundingClientRect().bottom);
    assert.ok(lies > -2, `below the order by ${lies}`);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await settled(page);
    const { bottom } = await page.locator("#scrubber .thumb").evaluate((thumb) => thumb.getBoundingClientRect());
    assert.ok(bottom <= viewport.height + 1, `${bottom}`);
  });
}

onPage("keys reach pictures that are not loaded yet", blank, async (page) => {
  await showLibrary(page, months);
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.activeElement.dataset.index === "99999");
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => document.activeElement.dataset.index === "99998");
  await page.keyboard.press("Home");
  await page.waitForFunction(() => document.activeElement.dataset.index === "0");
});

onPage("all 100,000 can be selected, or one month", blank, async (page) => {
  const asked = await showLibrary(page, months);
  await tiles(page).first().hover();
  await page.locator("#grid .pick-all").first().click();
  const selected = (n) => page.waitForFunction((n) => document.querySelector("#selection .selected-count").textContent === `${n.toLocaleString("en")} selected`, n);
  await selected(months[0].count);
  await page.click("#selection .link");
  await selected(100_000);
  assert.equal(asked.length, months.length);
  await page.keyboard.press("Escape");
});

onPage("near-duplicates are stacked in the timeline, spread out, and counted", blank, async (page) => {
  await showLibrary(page, months, "/", { stacks: true });
  assert.equal(await countLine(page), "100,000 pictures");
  const stack = page.locator("#grid .tile .stack").first();
  await stack.waitFor();
  assert.equal(await stack.textContent(), String(STACK + 1));
  assert.equal(await stack.getAttribute("aria-label"), `${STACK + 1} pictures, nearly the same`);
  const idAt = async (index) => Number(new URL(await page.locator(`#grid a.shot[data-index="${index}"]`).evaluate(({ href }) => href)).searchParams.get("view"));
  assert.deepEqual([await idAt(0), await idAt(1)], [1, STACK + 2], "those that lie under another have no place of their own");
  await stack.click();
  await page.locator("#grid .tile.spread").nth(STACK - 1).waitFor();
  assert.equal(await idAt(1), 2);
  await page.locator('#grid a.shot[data-index="0"]').focus();
  await page.keyboard.press("u");
  await page.waitForFunction(() => !document.querySelector("#grid .tile.spread"));
  assert.deepEqual(await findings(page), []);

  // Whole stacks are selected, and months without their neighbours.
  const selected = (n) => page.waitForFunction((n) => document.querySelector("#selection .selected-count").textContent === `${n.toLocaleString("en")} selected`, n);
  await page.keyboard.press("x");
  await selected(STACK + 1);
  await page.keyboard.press("Escape");
  await tiles(page).nth(1).hover();
  await page.locator("#grid .pick-all").first().click();
  await selected(months[0].count);
  await page.click("#selection .link");
  await selected(100_000);
  await page.keyboard.press("Escape");
});

onPage("the focus stays on its image while months above it turn out to have stacks", blank, async (page) => {
  await showLibrary(page, months, "/", { stacks: true });
  const focused = () => page.evaluate(() => new URL(document.activeElement.href).searchParams.get("view"));
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => Number(new URLSearchParams(document.activeElement.search).get("view")) === 100_000);
  // To the first image of the last month, and from there into the month before it.
  const first = months.at(-1).from;
  await page.evaluate(() => [...document.querySelectorAll("#grid .part")].at(-1).scrollIntoView());
  await settled(page);
  await page.locator(`#grid a.shot[href*="view=${first}"]`).first().focus();
  assert.equal(await focused(), String(first));
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((last) => Number(new URLSearchParams(document.activeElement.search).get("view")) === last, first - 1);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((first) => Number(new URLSearchParams(document.activeElement.search).get("view")) === first, first);
  await page.evaluate(() => scrollBy(0, -6000));
  await settled(page);
  assert.equal(await focused(), String(first), "it stays focused");
  const index = await page.evaluate(() => Number(document.activeElement.dataset.index));
  const places = await page.evaluate(() => document.activeElement.closest(".tile").getAttribute("aria-posinset"));
  assert.equal(places, String(index + 1));
});

onPage("back, forward and reload lead to the same pictures", blank, async (page) => {
  await showLibrary(page, months);
  await page.evaluate(() => scrollTo(0, 1_500_000));
  await settled(page);
  await page.waitForTimeout(400); // the place is remembered after a moment
  const top = () => page.evaluate(() => {
    const tile = [...document.querySelectorAll("#grid .tile")].find((tile) => tile.getBoundingClientRect().top > 150);
    return `${tile.firstElementChild.getAttribute("href")} ${Math.round(tile.getBoundingClientRect().top / 10)}`;
  });
  const before = await top();
  await search(page, "zoo");
  await page.goBack();
  await idle(page);
  await settled(page);
  assert.equal(await top(), before);
  await page.reload();
  await ready(page);
  await settled(page);
  assert.equal(await top(), before, "after a reload, when other months have only estimated heights");
});

onPage("an opened picture can be stepped through from month to month", blank, async (page) => {
  await showLibrary(page, months);
  const last = months[0].count;
  await page.route(/\/images\/\d+(\/similar)?(\?.*)?$/, (route) => {
    const id = Number(/images\/(\d+)/.exec(route.request().url())[1]);
    route.fulfill({ json: route.request().url().includes("similar") ? { hits: [] } : { id, path: `/photos/${id}.jpg`, files: [], companions: [], keywords: [], width: 4, height: 3, bytes: 1, format: "jpeg", content: "0", taken: null, caption: null, camera: null, place: null } });
  });
  await page.route("**/original**", (route) => route.fulfill({ contentType: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>' }));
  await tiles(page).first().locator("a.shot").focus();
  await page.evaluate(() => scrollTo(0, document.querySelector("#grid .part").getBoundingClientRect().height - 700));
  await settled(page);
  await page.locator(`#grid a.shot[data-index="${last - 1}"]`).click();
  await page.waitForURL(/view=/);
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((address) => address.searchParams.get("view") === String(last + 1));
  assert.match(await page.textContent("#place"), new RegExp(`^${(last + 1).toLocaleString("en")} of 100,000`));
});

onPage("oldest first and filters hold for the timeline", blank, async (page) => {
  const asked = await showLibrary(page, months, "/?sort=oldest");
  await settled(page);
  assert.equal(asked[0], months.at(-2).month);
  const first = await tiles(page).first().locator("a.shot").getAttribute("href");
  assert.equal(Number(new URLSearchParams(first.slice(first.indexOf("?"))).get("view")), months.at(-1).from - 1, "the oldest picture comes first");
  await page.goto("/?after=2019-01-01&before=2019-12-31");
  await ready(page);
  await settled(page);
  assert.equal(await page.locator("#grid .title").first().textContent(), "December 2019");
  assert.match(await countLine(page), /pictures? match|pictures?$/);
});

onPage("images that fly past are only places with a colour, until the page rests", blank, async (page) => {
  await showLibrary(page, months, "/?sort=oldest");
  await settled(page);
  // What tiles have when they come into the document.
  await page.evaluate(() => {
    window.made = [];
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element && node.matches(".tile")) window.made.push(node.querySelectorAll(".pick, .heart, canvas").length > 1);
    }).observe(document.querySelector("#grid"), { childList: true, subtree: true });
  });
  const made = (wanted) => page.waitForFunction((wanted) => window.made.length > 0 && window.made.some((whole) => whole === wanted), wanted);
  await page.evaluate(() => scrollBy(0, 3 * innerHeight));
  await made(false);
  await made(true); // what is beyond the window follows
  await page.waitForFunction(() => [...document.querySelectorAll("#grid .tile")].every((tile) => tile.querySelector(".pick") && tile.querySelector(".heart")));
  assert.equal(await page.locator("#grid.rushing").count(), 0);
  await page.evaluate(() => (window.made = []));
  await page.evaluate(() => scrollBy(0, innerHeight / 4));
  await made(true);
  assert.deepEqual([...new Set(await page.evaluate(() => window.made))], [true], "a page that moves slowly is drawn in full");
});

onPage("100,000 pictures scroll without long pauses", blank, async (page, { context }) => {
  await showLibrary(page, months);
  await settled(page);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" }); // other programs of the machine do not count
  const work = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  const before = await work();
  const frames = await page.evaluate(() => new Promise((done) => {
    const times = [];
    let last = performance.now();
    const step = (now) => {
      times.push(now - last);
      last = now;
      scrollBy(0, 60);
      if (times.length < 240) requestAnimationFrame(step);
      else done(times.slice(2));
    };
    requestAnimationFrame(step);
  }));
  const after = await work();
  const names = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
  const perFrame = names.reduce((sum, name) => sum + (1000 * (after[name] - before[name])) / frames.length, 0);
  const middle = frames.toSorted((a, b) => a - b)[frames.length >> 1];
  console.log(`# ${perFrame.toFixed(1)} ms of scripts, styles and layout in a frame; half of the frames within ${middle.toFixed(1)} ms, longest ${Math.max(...frames).toFixed(0)} ms`);
  assert.ok(perFrame < 12, `${perFrame} ms of scripts, styles and layout in a frame, which lasts 16.7 ms`);
});

for (const [width, colorScheme] of [[390, "dark"], [1280, "light"], [1920, "dark"]]) {
  onPage(`${width} pixels, ${colorScheme}: nothing of the timeline sticks out or is hard to use`, { ...blank, viewport: { width, height: 900 }, colorScheme }, async (page) => {
    await showLibrary(page, months);
    await page.evaluate(() => scrollTo(0, 5000));
    await settled(page);
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    const covered = await page.evaluate(() => {
      const marks = document.querySelector(".marks-of-time").getBoundingClientRect();
      return innerWidth > 600 && [...document.querySelectorAll("#grid .tile")].some((tile) => tile.getBoundingClientRect().right > marks.right - 50);
    });
    assert.equal(covered, false, "years do not lie on pictures");
  });
}
