// What is known of an image beyond its file: how it was taken, where, and its keywords, as links that filter.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { idle, onPage, ready, tiles } from "./harness.mjs";

/// Gives every record these facts.
async function known(page, facts) {
  await page.route(/api\/v1\/images(\/\d+|\?ids=.*)$/, async (route) => {
    // At its end, a test waits for no answer.
    const answer = await route.fetch().then((answer) => answer.json()).catch(() => null);
    if (!answer) return;
    const full = (record) => ({ ...record, ...facts });
    return route.fulfill({ json: answer.images ? { ...answer, images: answer.images.map(full) } : full(answer) });
  });
  // A server of today knows these filters; what they leave is not asked here.
  await page.route(/api\/v1\/(timeline|search)/, async (route) => {
    const body = route.request().postDataJSON();
    const { lenses, tags, ...filter } = body?.filter ?? {};
    return route.continue({ postData: JSON.stringify({ ...body, filter }) });
  });
  await page.route("**/api/v1/map", (route) => route.fulfill({ json: { count: 0, bounds: null, clusters: [] } }));
}

const FACTS = {
  lens: "XF 35mm F1.4 R", focal_length: 35, aperture: 1.4, exposure_time: 0.004, iso: 1600, rating: 4,
  place: { latitude: 52.4009, longitude: 13.0591 }, place_name: "Potsdam", country: "DE", keywords: ["garden", "late summer"],
};

async function openFirst(page) {
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
}

for (const width of [1280, 390]) {
  onPage(`${width} pixels: lens, exposure, rating and place stand beside the image, and lead to others like it`, { path: "about:blank", viewport: { width, height: 844 } }, async (page) => {
    await known(page, FACTS);
    await page.goto("/");
    await ready(page);
    await openFirst(page);
    if (width < 900) await page.click("#info");
    const said = await page.textContent("#facts dl");
    for (const part of ["XF 35mm F1.4 R", "ƒ/1.4 · 1/250 s · ISO 1,600 · 35 mm", "Potsdam, Germany", "52.4009, 13.0591"]) assert.ok(said.includes(part), `${part}: ${said}`);
    assert.equal(await page.locator('.star[aria-pressed="true"]').getAttribute("aria-label"), "4 of 5 stars");
    assert.deepEqual(await findings(page), []);
    const follow = async (name, wanted) => {
      await page.locator("#facts a", { hasText: name }).first().click();
      await page.waitForURL((address) => !address.searchParams.has("view") && wanted(address.searchParams));
      await page.goBack();
      await page.locator("#facts dd").first().waitFor({ state: "attached" });
    };
    await follow("XF 35mm", (query) => query.get("lens") === "XF 35mm F1.4 R");
    await follow("Potsdam", (query) => query.get("near") === "52.4009,13.0591,16.093");
    await follow("Show within 10 mi", (query) => query.get("near") === "52.4009,13.0591,16.093");
    await follow("late summer", (query) => query.get("tag") === "late summer");
    await follow("Show on map", (query) => query.get("page") === "map" && query.get("at").startsWith("52.4009,13.0591"));
  });
}

onPage("a district is named with its city, as the map names it from afar", { path: "about:blank" }, async (page) => {
  await known(page, { ...FACTS, place: { latitude: 52.512, longitude: 13.363 }, place_name: "Schöneberg" });
  await page.goto("/");
  await ready(page);
  await openFirst(page);
  await page.locator("#facts a", { hasText: "Schöneberg, Berlin, Germany" }).waitFor();
});

for (const [locale, lines, chosen] of [
  ["en-US", ["Within 1 mi", "Within 10 mi", "Within 100 mi"], "52.4009,13.0591,160.934"],
  ["de", ["Im Umkreis von 1 km", "Im Umkreis von 10 km", "Im Umkreis von 100 km"], "52.4009,13.0591,100"],
]) {
  onPage(`${locale}: distances are in the unit of the country`, { path: "about:blank", locale }, async (page) => {
    await known(page, FACTS);
    await page.goto("/");
    await ready(page);
    await openFirst(page);
    await page.locator("#facts .further a").first().click();
    await page.waitForURL(/near=/);
    await idle(page);
    const pill = page.locator("#filters button", { hasText: lines[1] }).first();
    await pill.click();
    const choices = page.locator("dialog[open] .choice, .sheet .choice");
    assert.deepEqual((await choices.allTextContents()).map((text) => text.trim()), lines);
    assert.ok(await choices.nth(1).locator("input").isChecked());
    await choices.nth(2).click();
    await page.waitForURL((address) => address.searchParams.get("near") === chosen);
    // A link from elsewhere may name any distance.
    await page.goto("/?near=52.4,13.1,25");
    await ready(page);
    await page.locator("#filters button", { hasText: locale === "de" ? "25 km" : "15.5 mi" }).click();
    assert.equal(await choices.count(), 4);
  });
}

onPage("what is not known is left out, and long exposures are seconds", { path: "about:blank" }, async (page) => {
  await known(page, { ...FACTS, lens: null, focal_length: null, aperture: null, exposure_time: 2.5, iso: null, rating: null, place_name: null, country: null, keywords: [] });
  await page.goto("/");
  await ready(page);
  await openFirst(page);
  const said = await page.textContent("#facts dl");
  assert.match(said, /2\.5\s?s/);
  assert.doesNotMatch(said, /ISO|ƒ|mm|Lens|null|undefined/);
  assert.match(said, /52\.4009, 13\.0591/);
});

onPage("other files of the same shot are named with what they are", { path: "about:blank" }, async (page) => {
  await known(page, { companions: [{ path: "/photos/IMG_1234.HEIC", role: "original" }, { path: "/photos/IMG_1234.MOV", role: "motion" }] });
  await page.goto("/");
  await ready(page);
  await openFirst(page);
  await page.locator("#facts summary", { hasText: "2 more files of this shot" }).click();
  const lines = await page.locator("#facts details li").allTextContents();
  assert.deepEqual(lines, ["Original, before it was edited: /photos/IMG_1234.HEIC", "Video of the live photo: /photos/IMG_1234.MOV"]);
  assert.deepEqual(await findings(page), []);
});
