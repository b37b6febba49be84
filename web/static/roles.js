// What files are to the image that they belong to.

import { t } from "./words.js";

/** @type {Record<Api.Companion["role"], Page.Sentence>} */
const ROLES = { raw: "roleRaw", motion: "roleMotion", original: "roleOriginal" };

/// A role in words.
/** @type {(role: Api.Companion["role"]) => string} */
export const roleOf = (role) => t(ROLES[role]);
