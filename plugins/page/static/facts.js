// Facts behind the verdicts: the users dimension, the last reconciliation, the last chaos proof.

import { byId, el, link, replace } from "./dom.js";
import { age, count, moment } from "./format.js";

/** Shows users, reconciled and chaos of data/hops; each may be null. */
export function showFacts({ users, reconciled, chaos, now }) {
  const ago = (when) => `${age((Date.parse(now) - Date.parse(when)) / 1000)} ago`;
  replace(byId("facts"), card("Users", usersPart(users, ago)), card("Last reconciliation", proofPart(reconciled, ago)),
    card("Last chaos proof", chaosPart(chaos)));
}

const card = (title, parts) => el("section", { class: "card" }, el("h3", {}, title), parts);

const pairs = (rows) =>
  el("dl", { class: "pairs" }, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));

function usersPart(users, ago) {
  if (!users) return el("p", { class: "muted" }, "Not available while MySQL is unreachable.");
  return pairs([
    ["version", `${count(users.version)}, changed ${ago(users.changed_at)}`],
    ["accounts", count(users.accounts)],
    ["last export", users.last_day ? `of ${users.last_day}, loaded ${ago(users.loaded_at)}` : "none loaded yet"],
    ["changes to rejudge", count(users.pending_changes)],
  ]);
}

function proofPart(proof, ago) {
  if (!proof) return el("p", { class: "muted" }, "None yet: click Reconcile or wait for the hourly run.");
  return [
    el("p", { class: `verdict ${proof.state === "success" ? "ok" : proof.state === "failed" ? "broken" : "unknown"}` },
      el("span", { "aria-hidden": "true" }, proof.state === "success" ? "✓ " : proof.state === "failed" ? "✕ " : "… "), proof.sentence),
    pairs([["when", proof.at ? `${moment(proof.at)} UTC, ${ago(proof.at)}` : "not yet"], ["logs proven", count(proof.logs)]]),
    proof.link ? el("p", {}, link(proof.link, "See its run in Airflow")) : null,
  ];
}

const CHAOS = ["hop", "lost", "doubled", "in two tables", "other status"];

function chaosPart(chaos) {
  if (!chaos) return el("p", { class: "muted" }, "None yet. Run ./logsieve chaos on the machine of the stack.");
  const row = ([hop, ...numbers]) => el("tr", {}, el("th", { scope: "row" }, hop),
    numbers.map((number) => el("td", { class: number ? "broken" : "" }, count(number))));
  return [
    el("p", {}, `${count(chaos.logs)} logs, ${count(chaos.kills)} kills in ${chaos.minutes.toFixed(1)} minutes.`),
    el("table", {}, el("thead", {}, el("tr", {}, CHAOS.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, chaos.rows.map(row))),
    el("p", { class: "muted" }, `${moment(chaos.at)} UTC, seed ${chaos.seed}`),
  ];
}
