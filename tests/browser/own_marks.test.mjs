// A rating and tags for the image that is open: by mouse, keys and touch, and only where the server allows it.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { allowing, onPage, ready, tiles } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const said = (page, text) => page.locator(".toast", { hasText: text }).last().waitFor();
const star = (page, n) => page.locator("#facts").getByRole("button", { name: `${n} of 5 stars`, exact: true });
const pressed = (page, n) => page.locator(`#facts .star[data-stars="${n}"][aria-pressed="true"]`).waitFor();
const noStars = (page) => page.waitForFunction(() => document.querySelector("#facts .star") && !document.querySelector('#facts .star[aria-pressed="true"]'));

/// Opens an image by its name; gives its record.
async function opened(page, name, { touch = false } = {}) {
  await page.goto(`/?q=${name}`);
  await ready(page);
  const shot = tiles(page).first().locator("a.shot");
  const record = await shot.evaluate((link) => fetch(`/api/v1/images/${new URL(link.href).searchParams.get("view")}`).then((answer) => answer.json()));
  await (touch ? shot.tap() : shot.click());
  if (touch) await page.locator("#info").tap();
  await page.locator("#facts .star").first().waitFor();
  return record;
}

async function forget({ files }) {
  for (const file of files) await rm(`${file}.xmp`, { force: true });
}

onPage("the open image is rated by its stars and by figures, and the same again takes the rating away", { path: "about:blank" }, async (page) => {
  const record = await opened(page, "helicopter");
  assert.equal(record.rating, null);
  try {
    assert.deepEqual(await findings(page), []);
    await star(page, 3).click();
    await pressed(page, 3);
    await said(page, "Sidecar files written");
    assert.equal(await page.evaluate((id) => fetch(`/api/v1/images/${id}`).then((answer) => answer.json()).then(({ rating }) => rating), record.id), 3);
    assert.ok(await star(page, 3).evaluate((button) => button === document.activeElement), "keys go on where they were");
    await page.keyboard.press("5");
    await pressed(page, 5);
    await page.keyboard.press("5");
    await noStars(page);
    await star(page, 2).focus();
    await page.keyboard.press("Enter");
    await pressed(page, 2);
    await star(page, 2).click();
    await noStars(page);
  } finally {
    await forget(record);
  }
});

onPage("the open image gets a tag by a key, and loses it again", { path: "about:blank" }, async (page) => {
  const record = await opened(page, "lighthouse");
  const tag = `viewer ${record.id}`;
  await page.keyboard.press("g");
  await page.locator(".tag-images h2", { hasText: "1 picture" }).waitFor();
  await page.fill("#tag-names", tag);
  await page.keyboard.press("Enter");
  await page.locator("#facts .keyword", { hasText: tag }).waitFor();
  await said(page, tag);
  await page.locator("#facts").getByRole("button", { name: /Add or remove tags/ }).click();
  await page.getByRole("button", { name: `Remove tag ${tag}` }).click();
  await page.locator("#facts .keyword", { hasText: tag }).waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#viewer").evaluate((dialog) => dialog.open), "only the tags were closed");
});

onPage("by touch, stars and tags are large enough and work", { ...phone, path: "about:blank" }, async (page) => {
  const record = await opened(page, "camel", { touch: true });
  try {
    const { width, height } = await star(page, 4).boundingBox();
    assert.ok(width >= 24 && height >= 24, `${width} x ${height}`);
    await star(page, 4).tap();
    await pressed(page, 4);
    await star(page, 4).tap();
    await noStars(page);
    await page.locator("#facts").getByRole("button", { name: /Add or remove tags/ }).tap();
    await page.locator(".tag-images").waitFor();
    assert.deepEqual(await findings(page), []);
  } finally {
    await forget(record);
  }
});

onPage("where the server writes no sidecars and keeps no tags, neither is offered", { path: "about:blank" }, async (page) => {
  await allowing(page, { trash: false, sidecars: false, reveal: false, roots: false, tag: false, rate: false });
  await page.goto("/?q=camel");
  await ready(page);
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#facts dd").first().waitFor();
  assert.equal(await page.locator("#facts .star, #facts .tags-of-one").count(), 0);
  await page.keyboard.press("4");
  await page.keyboard.press("g");
  await page.waitForTimeout(300);
  assert.equal(await page.locator(".toast, .tag-images").count(), 0);
});
