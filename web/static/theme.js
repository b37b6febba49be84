// Light or dark, before anything is painted. Not a module: those run too late.
{
  const chosen = localStorage.getItem("glimpse.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
