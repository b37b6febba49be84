// Records of images, fetched together for all that come into view.

import { image, images } from "./api.js";

const MOST = 200;
const REMEMBERED = 5000;

/** @type {Map<number, Api.Image>} */
const known = new Map();
/** @type {Map<number, ((record: Api.Image) => void)[]>} */
let wanted = new Map();
/** @type {Timer | 0} */
let timer = 0;

/// Calls `use` with the record of an image, now or soon.
/** @type {(id: number, use: (record: Api.Image) => void) => void} */
export function withDetails(id, use) {
  const record = known.get(id);
  if (record) return use(record);
  wanted.set(id, [...(wanted.get(id) ?? []), use]);
  timer ||= setTimeout(fetchWanted, 40);
}

/// The record of an image.
/** @type {(id: number) => Promise<Api.Image>} */
export async function detailsOf(id) {
  return known.get(id) ?? remember(await image(id));
}

async function fetchWanted() {
  timer = 0;
  const asked = wanted;
  wanted = new Map();
  const ids = [...asked.keys()];
  for (let at = 0; at < ids.length; at += MOST) {
    /** @type {Api.Images} */
    const answer = await images(ids.slice(at, at + MOST)).catch(() => ({ images: [] })); // tiles stay without a name
    for (const record of answer.images) {
      remember(record);
      asked.get(record.id)?.forEach((use) => use(record));
    }
  }
}

/// Images became favourites, or are none any more.
/** @type {(ids: number[], favourite: boolean) => void} */
export function noteFavourites(ids, favourite) {
  for (const id of ids) {
    const record = known.get(id);
    if (record) record.favourite = favourite;
  }
}

/// What is known of images may be something else now.
/** @type {(ids: number[]) => void} */
export const forgetDetails = (ids) => ids.forEach((id) => known.delete(id));

/** @type {(record: Api.Image) => Api.Image} */
function remember(record) {
  known.set(record.id, record);
  const [oldest] = known.size > REMEMBERED ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
  return record;
}
