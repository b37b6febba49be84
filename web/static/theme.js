// Light or dark, before anything is painted. Not a module: those run too late.

/// Shows the page in a theme: `light`, `dark`, or `auto`, as the system does.
/** @type {(theme: string) => void} */
function showTheme(theme) {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset.theme;
  else dataset.theme = theme;
  // What is around the page, as far as it is the page's to colour.
  for (const meta of document.querySelectorAll("meta")) {
    const { shade } = meta.dataset;
    if (shade) meta.media = theme === "auto" ? `(prefers-color-scheme: ${shade})` : theme === shade ? "all" : "not all";
  }
}

showTheme(["light", "dark"].find((theme) => theme === localStorage.getItem("glimpse.theme")) ?? "auto");
