// A server that went away: a banner says so, what is shown stays, and the page comes back by itself.

import { health } from "./api.js";
import { $ } from "./dom.js";
import { announce } from "./toast.js";
import { t } from "./words.js";

/// How often the server is asked whether it is back.
const ASK = 3000;

/// `back` is called when the server answers again.
/** @type {(on: { back: () => void }) => void} */
export function watchConnection({ back }) {
  /** @type {Timer | 0} */
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
    timer = 0;
    const answers = await health().then(() => true, () => false);
    if (!answers) return wait();
    $("away").hidden = true;
    back();
  }

  function wait() {
    timer ||= setTimeout(ask, ASK);
  }

  // What lies at the lower edge stands above the banner.
  const away = $("away");
  new ResizeObserver(() => document.documentElement.style.setProperty("--away", `${away.offsetHeight}px`)).observe(away);

  addEventListener("glimpse:offline", () => {
    if ($("away").hidden) announce(t("offline"));
    $("away").hidden = false;
    wait();
  });
  addEventListener("online", () => !$("away").hidden && ask());
  $("away-retry").addEventListener("click", ask);
}
