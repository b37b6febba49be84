// Records of images, fetched together for all that come into view.

import { image, images } from "./api.js";

const MOST = 200;
const REMEMBERED = 5000;

const known = new Map();
let wanted = new Map();
let timer = 0;

/// Calls `use` with the record of an image, now or soon.
export function withDetails(id, use) {
  const record = known.get(id);
  if (record) return use(record);
  if (!wanted.has(id)) wanted.set(id, []);
  wanted.get(id).push(use);
  timer ||= setTimeout(fetchWanted, 40);
}

/// The record of an image.
export async function detailsOf(id) {
  if (!known.has(id)) remember(await image(id));
  return known.get(id);
}

async function fetchWanted() {
  timer = 0;
  const asked = wanted;
  wanted = new Map();
  const ids = [...asked.keys()];
  for (let at = 0; at < ids.length; at += MOST) {
    const answer = await images(ids.slice(at, at + MOST)).catch(() => ({ images: [] })); // tiles stay without a name
    for (const record of answer.images) {
      remember(record);
      asked.get(record.id).forEach((use) => use(record));
    }
  }
}

function remember(record) {
  known.set(record.id, record);
  if (known.size > REMEMBERED) known.delete(known.keys().next().value);
}
