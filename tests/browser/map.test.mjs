// The map: where images were taken, moved by mouse, finger, wheel and keys, and as a filter.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { count, idle, onPage, ready } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const clusters = (page) => page.locator(".cluster:visible");
/// The part of the map that an address says is shown.
const partOf = (address) => {
  const [latitude, longitude, zoom] = (new URL(address).searchParams.get("at") ?? "").split(",").map(Number);
  return { latitude, longitude, zoom };
};
const at = (page) => partOf(page.url());
const moved = (page, isThere) => page.waitForURL((address) => isThere(partOf(address)));

/// Places of images, as a library with many of them has.
const TAKEN = [
  ["Berlin", "DE", 52.52, 13.405, 40], ["Potsdam", "DE", 52.4, 13.06, 12], ["Paris", "FR", 48.8566, 2.3522, 25], ["Lisbon", "PT", 38.7223, -9.1393, 1],
  ["Cairo", "EG", 30.0444, 31.2357, 7], ["Tokyo", "JP", 35.6895, 139.6917, 90], ["Auckland", "NZ", -36.8485, 174.7635, 3], ["San Francisco", "US", 37.7749, -122.4194, 18],
];

/// Answers in the place of a server whose images were taken at these places. Gives the questions that were asked.
async function travelled(page) {
  const asked = [];
  await page.route("**/api/v1/map", (route) => {
    const question = route.request().postDataJSON();
    asked.push(question);
    const { box } = question;
    const inside = ([, , latitude, longitude]) => !box || (latitude >= box.south && latitude <= box.north
      && (box.west <= box.east ? longitude >= box.west && longitude <= box.east : longitude >= box.west || longitude <= box.east));
    const taken = TAKEN.filter(inside);
    const around = (degrees) => ([, , latitude, longitude]) => ({ south: latitude - degrees, west: longitude - degrees, north: latitude + degrees, east: longitude + degrees });
    const clusters = taken.map((place, i) => ({ latitude: place[2], longitude: place[3], images: place[4], id: TAKEN.indexOf(place), bounds: around(place[4] > 1 ? 0.05 : 0)(place), name: place[0], country: place[1] }));
    const ends = (n, pick) => pick(...taken.map((place) => place[n]));
    const bounds = taken.length ? { south: ends(2, Math.min), west: ends(3, Math.min), north: ends(2, Math.max), east: ends(3, Math.max) } : null;
    return route.fulfill({ json: { count: taken.reduce((sum, place) => sum + place[4], 0), bounds, clusters } });
  });
  return asked;
}

for (const [device, options] of [["laptop", {}], ["laptop, dark", { colorScheme: "dark" }], ["phone", phone]]) {
  onPage(`${device}: the map shows where images were taken, and as a list`, { path: "about:blank", ...options }, async (page) => {
    await travelled(page);
    await page.goto("/");
    await ready(page);
    await page.locator('header a[data-page="map"]').click();
    await page.waitForURL(/page=map/);
    await clusters(page).nth(3).waitFor();
    await idle(page);
    assert.match(await page.textContent("#count"), /^196 pictures$/);
    assert.equal(await page.title(), "Map – Glimpse");
    assert.equal(await page.getAttribute('header a[data-page="map"]', "aria-current"), "page");
    const names = await page.locator(".map-place .name").allTextContents();
    assert.deepEqual(names.slice(0, 2), ["Tokyo, Japan", "Berlin, Germany"]);
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    const inside = await clusters(page).evaluateAll((buttons) => {
      const frame = document.querySelector(".map-frame").getBoundingClientRect();
      return buttons.every((button) => {
        const { left, right, top, bottom } = button.getBoundingClientRect();
        return left >= frame.left - 1 && right <= frame.right + 1 && top >= frame.top - 1 && bottom <= frame.bottom + 1;
      });
    });
    assert.ok(inside, "all places fit");
    // Land and water are drawn, in the colours of the theme.
    const colours = await page.locator(".map canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Map();
      for (let i = 0; i < data.length; i += 4) seen.set((data[i] << 16) | (data[i + 1] << 8) | data[i + 2], (seen.get((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]) ?? 0) + 4 / data.length);
      return [...seen].sort((a, b) => b[1] - a[1]).slice(0, 2).map(([, share]) => share);
    });
    assert.ok(colours[1] > 0.1, `water and land: ${colours}`);
  });
}

onPage("wheel, drag, buttons and keys move the map, and the address follows", { path: "about:blank" }, async (page) => {
  await travelled(page);
  await page.goto("/?page=map&at=50,10,4");
  await ready(page);
  await clusters(page).first().waitFor();
  const { x, y, width, height } = await page.locator(".map-frame").boundingBox();
  const [middleX, middleY] = [x + width / 2, y + height / 2];
  await page.mouse.move(middleX, middleY);
  await page.mouse.wheel(0, -240);
  await moved(page, (at) => at.zoom > 4.9 && at.zoom < 5.1 && Math.abs(at.latitude - 50) < 0.05);
  await page.mouse.move(middleX + 60, middleY + 120);
  await page.mouse.down();
  await page.mouse.move(middleX - 100, middleY + 20, { steps: 4 });
  await page.mouse.up();
  await moved(page, (at) => at.longitude > 12 && at.latitude < 49);
  assert.match(page.url(), /page=map/, "a drag opens nothing");
  const before = await at(page);
  await page.getByRole("button", { name: "Zoom out" }).click();
  await moved(page, (at) => at.zoom < before.zoom - 0.5);
  await page.locator(".map-surface").focus();
  await page.keyboard.press("ArrowRight");
  await moved(page, (at) => at.longitude > before.longitude + 1);
  await page.keyboard.press("+");
  await moved(page, (at) => Math.abs(at.zoom - before.zoom) < 0.05);
  await page.keyboard.press("0");
  await moved(page, (at) => at.zoom < 2.5);
  await page.waitForFunction(() => document.querySelectorAll(".cluster:not([hidden])").length > 4);
  // The address alone leads to the same place.
  const there = await at(page);
  await page.reload();
  await ready(page);
  await clusters(page).first().waitFor();
  assert.deepEqual(await at(page), there);
});

onPage("beyond the 180th meridian the map goes on", { path: "about:blank" }, async (page) => {
  const asked = await travelled(page);
  await page.goto("/?page=map&at=-30,178,4");
  await ready(page);
  await clusters(page).first().waitFor();
  const { box } = asked.at(-1);
  assert.ok(box.west > 0 && box.east < 0, `${box.west} to ${box.east}`);
  assert.deepEqual(await page.locator(".map-place .name").allTextContents(), ["Auckland, New Zealand"]);
  const { x } = await clusters(page).first().boundingBox();
  assert.ok(x > 100 && x < 1200);
});

onPage("places close together are one button, which leads nearer, and then to its images", { path: "about:blank" }, async (page) => {
  await travelled(page);
  await page.goto("/?page=map&at=51,10,4.5");
  await ready(page);
  const berlin = page.locator(".cluster", { hasText: "52" });
  await berlin.waitFor();
  assert.equal(await berlin.getAttribute("aria-label"), "Berlin, Germany and 1 more: 52 pictures");
  await berlin.focus();
  await page.keyboard.press("Enter");
  await moved(page, (at) => at.zoom > 7);
  await page.locator(".cluster", { hasText: "40" }).waitFor();
  await page.locator(".cluster", { hasText: "40" }).click();
  await moved(page, (at) => at.zoom > 9.5);
  await page.waitForTimeout(600);
  await page.getByRole("button", { name: /^Show these pictures/ }).click();
  await page.waitForURL((address) => address.searchParams.has("place") && !address.searchParams.has("page"));
  await idle(page);
  await page.locator("#filters .pill.set", { hasText: "Area on the map" }).waitFor();
  await page.goBack();
  await page.waitForURL(/page=map/);
  await clusters(page).first().waitFor();
  assert.ok((await at(page)).zoom > 9.5, "back where one was");
});

onPage("one image is opened over the map, and closed again", { path: "about:blank" }, async (page) => {
  await travelled(page);
  await page.goto("/?page=map&at=40,-5,5");
  await ready(page);
  const lisbon = page.getByRole("button", { name: "Lisbon, Portugal: 1 picture" });
  await lisbon.click();
  await page.waitForURL(/view=3/);
  await page.locator("#viewer[open] #facts dd").first().waitFor({ state: "attached" });
  assert.ok(await page.locator("#next").isHidden(), "it stands alone");
  await page.keyboard.press("Escape");
  await page.locator("#viewer").waitFor({ state: "hidden" });
  assert.match(page.url(), /page=map/);
  assert.ok(await lisbon.evaluate((button) => button === document.activeElement));
});

onPage("a box is drawn by Shift and drag, by the button, and undone by Escape", { path: "about:blank" }, async (page) => {
  await travelled(page);
  await page.goto("/?page=map&at=50,10,4");
  await ready(page);
  await clusters(page).first().waitFor();
  const button = page.getByRole("button", { name: "Draw a box around an area" });
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  await button.click();
  const { x, y, width, height } = await page.locator(".map-frame").boundingBox();
  const drag = async () => {
    await page.mouse.move(x + width / 2 - 100, y + height / 2 - 80);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 100, y + height / 2 + 80, { steps: 5 });
    assert.ok(await page.locator(".map-band").isVisible());
    await page.mouse.up();
  };
  await drag();
  await page.waitForURL((address) => address.searchParams.has("place"));
  const [south, west, north, east] = new URL(page.url()).searchParams.get("place").split(",").map(Number);
  assert.ok(south > 44 && south < 50 && north > 50 && north < 56 && west < 10 && west > 4 && east > 10 && east < 16, [south, west, north, east].join());
  await page.goBack();
  await clusters(page).first().waitFor();
  await page.keyboard.down("Shift");
  await drag();
  await page.keyboard.up("Shift");
  await page.waitForURL((address) => address.searchParams.has("place") && !address.searchParams.has("page"));
});

onPage("two fingers zoom the map, one moves it", { path: "about:blank", ...phone }, async (page, { context }) => {
  await travelled(page);
  await page.goto("/?page=map&at=50,10,4");
  await ready(page);
  await clusters(page).first().waitFor();
  const session = await context.newCDPSession(page);
  const { x, y, width, height } = await page.locator(".map-frame").boundingBox();
  const [middleX, middleY] = [x + width / 2, y + height / 2];
  const touch = (type, ...points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })) });
  await touch("touchStart", [middleX - 30, middleY + 90], [middleX + 30, middleY + 90]);
  for (const by of [40, 60, 80, 100, 120]) await touch("touchMove", [middleX - by, middleY + 90], [middleX + by, middleY + 90]);
  await touch("touchEnd");
  await moved(page, (at) => at.zoom > 5.5);
  const before = await at(page);
  await touch("touchStart", [middleX + 120, middleY + 100]);
  for (const by of [20, 60, 100, 140]) await touch("touchMove", [middleX + 120 - by, middleY + 100]);
  await touch("touchEnd");
  await moved(page, (at) => at.longitude > before.longitude + 0.5);
});

onPage("filters count for the map, and typing leaves it", { path: "about:blank" }, async (page) => {
  const asked = await travelled(page);
  await page.goto("/?page=map&favourite=1&place=1,2,3,4");
  await ready(page);
  await page.waitForTimeout(300);
  assert.equal(asked.at(-1).filter.favourite, true);
  assert.equal(asked.at(-1).filter.place, undefined, "the map itself is the place");
  await page.locator("#filters .favourites").click();
  await page.waitForFunction(() => !location.search.includes("favourite"));
  await page.waitForTimeout(300);
  assert.equal(asked.at(-1).filter.favourite, undefined);
  await page.fill("#q", "zoo");
  await page.waitForURL((address) => address.searchParams.get("q") === "zoo" && !address.searchParams.has("page"));
  await page.locator("#results").waitFor();
  assert.equal(await page.locator(".map").count(), 0);
});

onPage("a library without places says so", { path: "about:blank" }, async (page) => {
  await page.route("**/api/v1/map", (route) => route.fulfill({ json: { count: 0, bounds: null, clusters: [] } }));
  await page.goto("/?page=map");
  await page.locator(".map-empty", { hasText: "No pictures say where they were taken" }).waitFor();
  assert.deepEqual(await findings(page), []);
});

onPage("the library's own places are on the map, and what a box of it holds is as many images as it said", { path: "/?page=map" }, async (page) => {
  await clusters(page).first().waitFor();
  await page.locator(".map-place").first().waitFor();
  assert.doesNotMatch(await page.locator(".map-place .name").first().textContent(), /^-?\d/, "cities are named");
  const place = page.locator(".map-place").first();
  const said = Number((await place.locator(".soft").textContent()).replace(/\D/g, ""));
  await place.click();
  await page.waitForURL((address) => address.searchParams.has("place") && !address.searchParams.has("page"));
  await idle(page);
  assert.ok((await count(page)) >= said, `${await count(page)} of ${said}`);
});

for (const [level, zoom] of [["far", 3], ["near", 5]]) {
  onPage(`from ${level}, lakes are water, and land between them is not`, { path: "about:blank" }, async (page) => {
    await travelled(page);
    const colourOf = async (latitude, longitude) => {
      await page.goto(`/?page=map&at=${latitude},${longitude},${zoom}`);
      await ready(page);
      const file = zoom > 3 ? "detail.json" : "world.json";
      await page.waitForFunction((file) => performance.getEntriesByType("resource").some(({ name }) => name.endsWith(file)), file);
      await page.waitForTimeout(300);
      return page.locator(".map canvas").evaluate((canvas) => {
        const [red, green, blue] = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
        const named = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();
        const hex = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
        return { [named("--water")]: "water", [named("--land")]: "land" }[hex] ?? hex;
      });
    };
    assert.equal(await colourOf(-1.6, 33), "water", "Lake Victoria");
    assert.equal(await colourOf(44, -87), "water", "Lake Michigan");
    assert.equal(await colourOf(42, 51), "water", "the Caspian Sea");
    assert.equal(await colourOf(44.5, -85), "land", "between Lake Michigan and Lake Huron");
  });
}

for (const [locale, unit, metres] of [["de-DE", "km", 1000], ["en-US", "mi", 1609.344]]) {
  onPage(`${locale}: a bar says how long a distance is, in ${unit}`, { path: "about:blank", locale }, async (page) => {
    await travelled(page);
    await page.goto("/?page=map&at=0,20,4");
    await ready(page);
    const bar = page.locator(".map-scale");
    /// Pixels of a kilometre or mile where the map is.
    const pixels = (latitude, zoom) => (512 * 2 ** zoom * metres) / 40_075_017 / Math.cos((latitude * Math.PI) / 180);
    const reads = async (latitude, zoom) => {
      await page.waitForFunction(() => document.querySelector(".map-scale").textContent);
      const [, value, said] = /^([\d.,]+)\s(\S+)$/.exec(await bar.textContent());
      assert.equal(said, unit);
      const { width } = await bar.boundingBox();
      assert.ok(width > 30 && width <= 110, `${width} pixels`);
      assert.ok(Math.abs(width - Number(value.replace(/\D/g, "")) * pixels(latitude, zoom)) < 2, `${value} ${said} are ${width} pixels at ${latitude} degrees`);
    };
    await reads(0, 4);
    await page.goto("/?page=map&at=60,20,6");
    await ready(page);
    await reads(60, 6);
    await page.goto("/?page=map&at=0,20,16");
    await ready(page);
    await page.locator(".map-scale", { hasText: unit === "km" ? /^\d+ m$/ : /^\d+ ft$/ }).waitFor();
  });
}

onPage("from afar a district has the name of its city, and from near its own", { path: "about:blank" }, async (page) => {
  const places = [["Schöneberg", "DE", 52.512, 13.363], ["Wilten", "AT", 47.253, 11.371], ["Heidelberg", "DE", 49.408, 8.691], ["Yubileyny", "RU", 55.937, 37.817]];
  const clusters = places.map(([name, country, latitude, longitude], id) => ({
    latitude, longitude, images: 9 - id, id, name, country, bounds: { south: latitude, west: longitude, north: latitude, east: longitude },
  }));
  await page.route("**/api/v1/map", (route) => route.fulfill({ json: { count: 30, bounds: { south: 46, west: 8, north: 56, east: 38 }, clusters } }));
  const named = (...names) => page.waitForFunction((names) => [...document.querySelectorAll(".map-place .name")].map(({ textContent }) => textContent).join("; ") === names, names.join("; "));
  await page.goto("/?page=map");
  await ready(page);
  await named("Berlin, Germany", "Innsbruck, Austria", "Heidelberg, Germany", "Moscow, Russia");
  await page.getByRole("button", { name: /^Berlin, Germany/ }).waitFor();
  await page.goto("/?page=map&at=52.51,13.36,12");
  await ready(page);
  await named("Schöneberg, Germany");
});
