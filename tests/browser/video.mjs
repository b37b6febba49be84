// A video in place of one of the library's images: answers of the server are changed so that its first hit for "zoo" is one, whose
// frames are other images of the library.

import { ready } from "./harness.mjs";
import { makeVideo } from "./webm.mjs";

/// Seconds: where the frame that was found begins, and of the whole.
export const START = 2;
export const DURATION = 8;

/// Makes the first of what is found for "zoo", or for a thing in images, a video with three shots, of which the second is the one that was found. Gives the ids of
/// its frames, and the ranges of its file that were asked for.
export async function showVideo(page, path, { kind = "video", playable = true, bytes = 0, thing = "" } = {}) {
  await page.goto("/");
  await ready(page);
  const [address, body] = thing ? ["find", { things: [{ text: thing }], limit: 40 }] : ["search", { terms: [{ text: "zoo" }], limit: 40 }];
  const { hits } = await page.evaluate(([address, body]) =>
    fetch(`/api/v1/${address}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((answer) => answer.json()), [address, body]);
  const [video, ...others] = hits;
  const shots = [video, others[0], others[1]];
  const film = playable ? await makeVideo(page, { seconds: DURATION }) : Buffer.from("no video");
  const ranges = [];
  const moving = { kind, duration: DURATION };
  const hit = (tile) => (tile.id === video.id
    ? { ...tile, ...moving, frame: shots[1].id, frame_content: shots[1].content, start: START, end: 5, matching_frames: 2 }
    : { ...tile, kind: "image", duration: null, frame: null, frame_content: null, start: null, end: null, matching_frames: 1 });
  const record = (image) => (image.id === video.id ? { ...image, ...moving, start: 0, end: 2, video: null, shown_by_browsers: kind === "animation", format: kind === "video" ? "webm" : "gif", bytes: bytes || image.bytes } : image);
  const changed = (pattern, change) => page.route(pattern, async (route) => {
    const answer = await route.fetch().catch(() => null); // at its end, a test waits for no answer
    if (!answer?.ok()) return route.continue().catch(() => {});
    const json = await answer.json().catch(() => null);
    if (json) await route.fulfill({ json: change(json) }).catch(() => {});
  });
  await changed(/\/api\/v1\/(search|find|similar)$/, (page) => ({ ...page, hits: page.hits.map(hit) }));
  await changed(/\/api\/v1\/images\/\d+\/similar/, (page) => ({ ...page, hits: page.hits.map(hit) }));
  await changed(/\/api\/v1\/images\/\d+$/, record);
  await changed(/\/api\/v1\/images\?ids/, (answer) => ({ images: answer.images.map(record) }));
  await changed(/\/api\/v1\/timeline\/tiles$/, (columns) => ({
    // The first one too, which is in view.
    ...columns, moving: columns.id.filter((id, i) => id === video.id || i === 0).map((id) => ({ id, ...moving })),
  }));
  const frames = shots.map(({ id, content, width, height }, i) => ({ id, content, width, height, start: [0, START, 5][i], end: [START, 5, DURATION][i] }));
  await page.route(`**/api/v1/images/${video.id}/frames`, (route) => route.fulfill({ json: { image: video.id, ...moving, frames } }));
  await page.route(`**/api/v1/images/${video.id}/original**`, (route) => {
    if (kind !== "video") return route.continue();
    const { range } = route.request().headers();
    ranges.push(range);
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(range ?? "") ?? [undefined, "0", ""];
    const [start, end] = [Number(from), Math.min(to ? Number(to) : film.length - 1, film.length - 1)];
    const headers = { "content-type": "video/webm", "accept-ranges": "bytes", ...(range && { "content-range": `bytes ${start}-${end}/${film.length}` }) };
    return route.fulfill({ status: range ? 206 : 200, headers, body: film.subarray(start, end + 1) });
  });
  // The server of videos lets the page play them.
  await page.route((address) => address.pathname === "/", async (route) => {
    const answer = await route.fetch();
    const policy = answer.headers()["content-security-policy"] ?? "";
    await route.fulfill({ response: answer, headers: { ...answer.headers(), "content-security-policy": policy.includes("media-src") ? policy : `${policy}; media-src 'self'` } });
  });
  await page.goto(path);
  await ready(page);
  return { id: video.id, frames: shots.map(({ id }) => id), contents: shots.map(({ content }) => content), ranges };
}
