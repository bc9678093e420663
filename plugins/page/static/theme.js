// Light or dark, as Airflow keeps it; runs before the first paint, so that nothing flashes.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("theme");
    document.documentElement.dataset.theme =
      chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
    document.dispatchEvent(new Event("theme"));
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply); // Airflow's own page around this one changed it
})();
