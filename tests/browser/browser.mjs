// Where the browser is.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function browserPath() {
  const path = PLACES.find((place) => place && existsSync(place));
  assert.ok(path, "no Chromium found; name it in CHROMIUM");
  return path;
}
