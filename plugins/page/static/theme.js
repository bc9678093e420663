// Light or dark theme, as chosen in Airflow; runs before the first paint to avoid a flash.
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
  addEventListener("storage", apply); // the surrounding Airflow page changed it
})();
