// A made-up library for the timeline: more images than a test could index, answered in place of the server.

import { ready } from "./harness.mjs";

/// Months of `years` years before 2025 that share `count` images; the last ones have no date.
export function library({ count = 100_000, years = 12 } = {}) {
  const months = [];
  for (let i = 0; i < years * 12; i++) months.push(`${2024 - Math.floor(i / 12)}-${String(12 - (i % 12)).padStart(2, "0")}`);
  // Some months have many images, some a few, one has none.
  const weights = months.map((_, i) => (i === 5 ? 0 : 1 + ((i * 7) % 11)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = weights.map((weight) => Math.floor((weight * count) / (all + 3)));
  const list = months.map((month, i) => ({ month, count: counts[i] })).filter(({ count }) => count > 0);
  list.push({ month: null, count: count - counts.reduce((sum, count) => sum + count, 0) });
  let from = 1;
  return list.map((month) => ({ ...month, from: (from += month.count) - month.count }));
}

/// Of every hundred images, `STACK` that follow one are nearly the same as it.
export const [EVERY, STACK] = [100, 3];
const stackOf = (stacks, from, i) => (stacks && i % EVERY > 0 && i % EVERY <= STACK ? from + i - (i % EVERY) : null);

function columns({ month, count, from }, stacks) {
  const places = Array.from({ length: count }, (_, i) => i);
  const end = month && Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1) / 1000 - 3600;
  return {
    id: places.map((i) => from + i),
    width: places.map((i) => [4000, 3000, 4032, 1600][(from + i) % 4]),
    height: places.map((i) => [3000, 4000, 3024, 900][(from + i) % 4]),
    taken: places.map((i) => (month ? Math.round(end - (i / count) * 27 * 86_400) : null)),
    blur: places.map((i) => ["LEHV6nWB2yk8pyo0adR*.7kCMdnj", "LGF5]+Yk^6#M@-5c,1J5@[or[Q6.", null][(from + i) % 3]),
    favourite: [],
    stack: places.map((i) => stackOf(stacks, from, i)),
    version: places.map(() => "0"),
  };
}

/// What the server would answer of `months`, by the body of a request; with `stacks`, there are near-duplicates.
export const answersOf = (months, { stacks = false } = {}) => ({
  "/api/v1/timeline": ({ filter: { after, before } }) => {
    const found = months.filter(({ month }) => (!after || month >= after.slice(0, 7)) && (!before || month < before.slice(0, 7)));
    return { count: found.reduce((sum, { count }) => sum + count, 0), months: found.map(({ month, count }) => ({ month, count })) };
  },
  "/api/v1/timeline/tiles": ({ month }) => columns(months.find((other) => other.month === month), stacks),
});

/// Shows `months` in place of the server's library. Gives the months that were asked for, as they come.
export async function showLibrary(page, months, path = "/", how = {}) {
  const asked = [];
  for (const [address, answer] of Object.entries(answersOf(months, how))) {
    await page.route(`**${address}`, (route) => {
      const form = route.request().postDataJSON();
      if ("month" in form) asked.push(form.month);
      route.fulfill({ json: answer(form) });
    });
  }
  await page.route("**/api/v1/images?**", (route) => route.fulfill({ json: { images: [] } }));
  await page.route("**/thumbnail**", (route) => route.fulfill({ contentType: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><rect width="4" height="3" fill="teal"/></svg>' }));
  await page.goto(path);
  await ready(page);
  return asked;
}
