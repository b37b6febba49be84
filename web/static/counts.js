// How many images each choice of a filter would leave.

import { facets } from "./api.js";

/// Counts under the other filters, so that no choice leads to nothing.
/** @type {(state: Page.State, without: string) => Promise<Api.Facets | null>} */
export async function counts(state, without) {
  /** @type {(key: Page.ListFilter) => string | undefined} */
  const one = (key) => (key !== without && state[key].length === 1 ? state[key][0] : undefined);
  const dates = without === "date" ? {} : { after: state.after, before: state.before };
  const hidden = state.hidden ? "true" : undefined;
  return facets({ ...dates, hidden, folder: one("folders"), camera: one("cameras"), lens: one("lenses"), tag: one("tags"), region_tag: one("regionTags"), format: one("formats") }).catch(() => null);
}
