// Totals, time ranges, active filters, and the lists of most frequent values. Click any value to filter.

import { byId, el, replace } from "./dom.js";
import { count, printable, share } from "./format.js";
import { contract, filters, labelOf, RANGES, REASON } from "./filters.js";

const MARKS = { good: "✓", suspicious: "?", bad: "✕" };

/** Shows totals, chips and lists of data/summary. */
export function showLists(summary) {
  showTotals(summary.totals);
  const only = filters.chosen.filter(([name]) => name === "status").map(([, status]) => status);
  const kind = only.length ? only.join(" and ") : "suspicious";
  const title = `${kind[0].toUpperCase()}${kind.slice(1)} by`;
  const rows = (name) => (Object.hasOwn(summary.tops, name) ? summary.tops[name] : null);
  replace(byId("lists"), [
    listCard("Top reasons", REASON.parameter, rows("reasons")),
    ...contract.filters.map(({ name, parameter, label }) => listCard(`${title} ${label}`, parameter, rows(name))),
  ]);
}

function showTotals(totals) {
  const all = totals.good + totals.bad + totals.suspicious;
  const parts = Object.keys(MARKS).map((status) =>
    el(
      "button",
      {
        type: "button", class: `total ${status}`, "data-key": status, "data-count": totals[status],
        "aria-pressed": filters.has("status", status), onclick: () => filters.toggle("status", status),
      },
      el("span", { class: "swatch", "aria-hidden": "true" }, MARKS[status]),
      el("span", { class: "name" }, status),
      el("span", { class: "number" }, count(totals[status])),
      el("span", { class: "muted" }, share(totals[status], all)),
    ));
  replace(byId("totals"), parts);
}

/** `rows`: pairs of value and count; null if they are not available. */
function listCard(title, name, rows) {
  const most = Math.max(1, ...(rows ?? []).map(([, number]) => number));
  const items = (rows ?? []).map(([value, number]) => {
    const item = el(
      "button",
      {
        type: "button", class: "entry", "data-key": `${name}=${value}`,
        disabled: [...String(value)].length > contract.longest_filter,
        "aria-pressed": filters.has(name, value), onclick: () => filters.toggle(name, value),
      },
      el("bdi", { class: "name" }, printable(String(value)) || "(empty)"),
      el("span", { class: "number" }, count(number)),
    );
    item.style.setProperty("--part", `${(100 * number) / most}%`);
    return el("li", {}, item);
  });
  const none = rows === null ? "Not available while Elasticsearch is unreachable." : "None in this range.";
  return el(
    "section",
    { class: "card list" },
    el("h3", {}, title),
    items.length ? el("ol", {}, items) : el("p", { class: "muted" }, none),
  );
}

/** Shows the ranges and active filters; they come from the address, not from the server. */
export function showFilters() {
  const names = Object.keys(RANGES).map((name) =>
    el("button", {
      type: "button", "data-key": name, "aria-pressed": filters.range === name, onclick: () => filters.setRange(name),
    }, `Last ${name}`));
  const zoomed = filters.zoomed
    ? el("button", { type: "button", "aria-pressed": true, onclick: () => filters.setRange("hour") }, "Zoomed ×")
    : null;
  replace(byId("ranges"), [...names, zoomed]);
  const chips = filters.chosen.map(([name, value]) =>
    el(
      "button",
      { type: "button", class: "chip", "aria-label": `Remove filter ${labelOf(name)} ${printable(value)}`,
        onclick: () => filters.toggle(name, value) },
      `${labelOf(name)}: `, el("bdi", {}, printable(value)), el("span", { "aria-hidden": "true" }, " ×"),
    ));
  const all = chips.length ? el("button", { type: "button", class: "plain", onclick: () => filters.clear() }, "Clear all") : null;
  replace(byId("chips"), [...chips, all]);
}
