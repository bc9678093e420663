// The history of one log, as in `./logsieve why`: bytes, verdict, reasons, and its place at each hop.

import * as api from "./api.js";
import { byId, el, replace } from "./dom.js";
import { count, printable } from "./format.js";
import { filters } from "./filters.js";
import { badge } from "./logs_table.js";

const dialog = () => byId("story");

/** Opens or closes the dialog according to the address. */
async function follow() {
  const origin = filters.log;
  if (!origin) return dialog().close();
  if (dialog().open && dialog().dataset.origin === origin) return;
  dialog().dataset.origin = origin;
  replace(dialog(), head(origin, null), el("p", { class: "muted" }, "Loading its history …"));
  if (!dialog().open) dialog().showModal();
  let parts;
  try {
    parts = describe(await api.story(origin));
  } catch (failure) {
    parts = [head(origin, null), el("p", { class: "notice broken", role: "alert" }, `${failure.message} ${failure.remedy ?? ""}`)];
  }
  if (filters.log === origin) replace(dialog(), parts);
}

function head(origin, status) {
  return el(
    "header", { class: "bar" },
    el("h2", { id: "story-title" }, "Log ", el("bdi", {}, printable(origin)), " ", status === null ? null : badge(status)),
    el("button", { type: "button", class: "close", "aria-label": "Close", "data-key": "close", onclick: () => filters.openLog(null) }, "✕"),
  );
}

function describe(story) {
  const { log } = story;
  const facts = Object.hasOwn(log, "size")
    ? [["size", log.size === null ? "none: a tombstone" : `${count(log.size)} bytes`], ["key", log.key], ["received", log.received_at]]
    : [];
  return [
    head(story.origin, story.status),
    section("Why", reasons(story), el("p", {}, printable(story.users))),
    section("What was received",
      log.raw === undefined
        ? el("p", { class: "muted" }, "No longer available at any hop.")
        : el("pre", { tabindex: "0", "aria-label": "The log's bytes" }, el("bdi", { dir: "ltr" }, printable(log.text ?? ""))),
      list(facts.filter(([, value]) => value !== undefined && value !== null))),
    section("Where it is", list(Object.entries(story.hops)),
      Object.entries(story.away).map(([server, why]) => el("p", { class: "notice late" }, `${server} is unreachable: ${printable(why)}`))),
    story.verdicts.length ? section("Verdicts", verdicts(story.verdicts)) : null,
  ];
}

const section = (title, ...parts) => el("section", {}, el("h3", {}, title), ...parts);

const list = (pairs) =>
  el("dl", { class: "pairs" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, printable(String(value))))));

function reasons(story) {
  const found = Object.entries(story.reasons);
  if (!found.length) return el("p", {}, story.status === "good" ? "It breaks no rule." : "No reasons are known yet.");
  return el("ul", { class: "reasons" }, found.map(([reason, meaning]) => el("li", {}, el("code", {}, reason), ` ${meaning}`)));
}

function verdicts(all) {
  const head = ["offset", "status", "users version", "given by"].map((name) => el("th", { scope: "col" }, name));
  const rows = all.map((verdict) => el("tr", {},
    el("td", {}, String(verdict.status_offset)), el("td", {}, badge(verdict.status)),
    el("td", {}, String(verdict.users_version ?? "–")), el("td", {}, verdict.rejudged ? "a rejudgement" : "the stream")));
  return el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
}

/** Registers the dialog's listeners and opens the log in the address; call once. */
export function startStory() {
  filters.addEventListener("log", follow);
  dialog().addEventListener("close", () => {
    // A refresh may have replaced the row that had the focus.
    byId("logs").querySelector(`[data-key="${CSS.escape(dialog().dataset.origin)}"]`)?.focus();
    if (filters.log) filters.openLog(null);
  });
  dialog().addEventListener("click", (event) => event.target === dialog() && dialog().close());
  follow();
}
