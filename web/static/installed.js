// The page as a program of its own: what opens it while the server is away, and what other programs hand to it.

import { language } from "./words.js";

/// Only secure addresses have it: https, or the machine itself. The page does without.
export async function keepPage() {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  const worker = new URL(`sw.js?language=${language}`, import.meta.url);
  await navigator.serviceWorker.register(worker, { scope: new URL("../", import.meta.url).href }).catch(() => {});
}

/// Images that another program handed over, once.
/** @type {() => Promise<File[]>} */
export async function takeHanded() {
  if (!new URLSearchParams(location.search).has("handed") || !("caches" in globalThis)) return [];
  history.replaceState(history.state, "", "./");
  const scope = new URL("../", import.meta.url);
  const name = `glimpse ${scope.pathname} handed`;
  const cache = await caches.open(name);
  const answers = await cache.matchAll();
  const files = await Promise.all(answers.map(async (answer) => {
    const blob = await answer.blob();
    return new File([blob], "image", { type: blob.type });
  }));
  await caches.delete(name);
  return files;
}
