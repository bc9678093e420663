// The newest bad and suspicious logs, page by page. Values from logs are shown as text only, with isolated text direction.

import { byId, el, replace } from "./dom.js";
import { bytes, clock, count, day, printable } from "./format.js";
import { contract, filters, REASON } from "./filters.js";

const SIZE = 25;
const LONGEST = 64; // characters of a value in the table
const SOUGHT = [contract.sought.join(", "), "origin"].filter(Boolean).join(" or ");

/** Label and class of each column. Only our own columns have a class of their own name. */
const COLUMNS = [
  ["received", "received"], ["status", "status"], ["reasons", "reasons"],
  ...contract.columns.map(({ label }) => [label, "field"]),
  ...(contract.event ? [[contract.event.label, "event"]] : []),
  ["bytes as received", "bytes"], ["origin", "origin"],
];
const FILTERS = new Map(contract.filters.map((filter) => [filter.name, filter]));
const HELD = "; paused while you are in the table";
const MARKS = { good: "✓", suspicious: "?", bad: "✕" };

/** The cursors of the pages before this one; the first is null, the newest. */
let pages = [null];
let next = null;

/** Query parameters of the current page. */
export const logsQuery = () => filters.query({ search: filters.search, size: SIZE, before: pages.at(-1) });

/** Whether a refresh may change the table: not while the user pages, reads a log, hovers over it or has focus in it. */
export const mayRefresh = () =>
  pages.length === 1 && !filters.log && !byId("logs").matches(":hover") && !byId("logs").contains(document.activeElement);

/** Shows that updates of the table are paused. */
export const holdLogs = () => {
  const state = byId("logs-state");
  if (pages.length === 1 && !state.textContent.includes(HELD)) state.textContent += HELD;
};

/** Shows an answer of data/logs. */
export function showLogs(answer) {
  next = answer.next;
  byId("newer").disabled = pages.length === 1;
  byId("older").disabled = !next;
  const { logs } = answer;
  byId("logs-state").textContent = logs.length
    ? `${pages.length > 1 ? `Page ${pages.length}, ` : ""}${day(logs[0].received_at)}, times are UTC`
    : answer.notice ?? (filters.search ? `No log matches this ${SOUGHT}.` : "No matching logs in this range.");
  const head = COLUMNS.map(([label, kind]) => el("th", { scope: "col", role: "columnheader", class: kind }, label));
  const table = byId("logs").firstElementChild ?? el(
    "table", { role: "table", "aria-labelledby": "logs-heading" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)), el("tbody", { role: "rowgroup" }),
  );
  if (!table.isConnected) {
    table.style.setProperty("--fields", contract.columns.length);
    byId("logs").append(table);
  }
  replace(table.tBodies[0], logs.map(row));
}

function row(log) {
  const open = (event) => event.target.closest("button") || filters.openLog(log.origin);
  const cells = [
    el("time", { datetime: log.received_at, title: log.received_at }, clock(log.received_at)),
    badge(log.status),
    log.reasons.map((reason) => press(REASON, reason)),
    ...contract.columns.map(({ name }) => press(FILTERS.get(name), log[name])),
    ...(contract.event ? [eventOf(log)] : []),
    log.raw === null ? null : el("code", {}, el("bdi", { dir: "ltr" }, rawText(log))),
    el("button", {
      type: "button", class: "plain", "data-key": log.origin, "aria-label": `History of log ${log.origin}`,
      onclick: () => filters.openLog(log.origin),
    }, log.origin),
  ];
  return el("tr", { role: "row", onclick: open }, cells.map((content, at) => {
    const [label, kind] = COLUMNS[at];
    const field = kind === "field" ? contract.columns[at - 3].name : null;
    return el("td", { role: "cell", "data-name": label, "data-field": field, class: kind }, content);
  }));
}

function eventOf(log) {
  const { subject, id } = contract.event;
  const has = (name) => name !== null && log[name] !== null && log[name] !== undefined;
  return [has(subject) ? shown(log[subject]) : null, has(id) ? el("bdi", { class: "id" }, shown(log[id])) : null];
}

/** The value as text, at most LONGEST characters of it. */
function shown(value) {
  const [text, characters] = [String(value), [...String(value)]];
  return printable(characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text);
}

function rawText(log) {
  const text = bytes(log.raw);
  if (text === "") return "(no bytes)";
  return log.raw_size > 400 ? `${text} … ${count(log.raw_size)} bytes` : text;
}

/** A value of the log, as a button that filters by it if there is a filter. */
function press(filter, value) {
  if (value === null || value === undefined) return null;
  const text = el("bdi", {}, shown(value) || "(empty)");
  if (!filter || [...String(value)].length > contract.longest_filter) return text;
  const { parameter, label } = filter;
  return el("button", {
    type: "button", class: "value", title: `Filter by this ${label}`, onclick: () => filters.toggle(parameter, value),
  }, text);
}

export function badge(status) {
  const known = Object.hasOwn(MARKS, status) ? status : "unknown";
  return el("span", { class: `badge ${known}` }, el("span", { "aria-hidden": "true" }, `${MARKS[known] ?? "·"} `), status ?? "none yet");
}

/** Registers the listeners for search and paging; call once. `again` reloads the table. */
export function startLogs(again) {
  byId("search-label").textContent = `Search by ${SOUGHT}`;
  byId("search-text").placeholder = `${SOUGHT[0].toUpperCase()}${SOUGHT.slice(1)} 0-123`;
  byId("search-text").maxLength = contract.longest_search;
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    filters.set("search", byId("search-text").value.trim());
  });
  byId("search-text").addEventListener("search", () => filters.set("search", byId("search-text").value.trim()));
  byId("older").addEventListener("click", () => {
    pages.push(next);
    again();
  });
  byId("newer").addEventListener("click", () => {
    pages.pop();
    again();
  });
  filters.addEventListener("change", () => {
    pages = [null];
    byId("search-text").value = filters.search;
  });
  byId("search-text").value = filters.search;
}
