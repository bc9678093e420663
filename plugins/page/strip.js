// The way of a log: generator → topic → classify → status topic → MySQL and Elasticsearch, each with its health.

import { byId, el, link, replace } from "./dom.js";
import { age, rate, short } from "./format.js";

const WHAT = {
  "generator": "sends logs",
  "server-logs": "Kafka topic",
  "classify": "Spark judges",
  "server-logs-status": "Kafka topic",
  "MySQL": "rows",
  "Elasticsearch": "documents",
};
const MARKS = { ok: "✓", late: "!", broken: "✕", unknown: "?" };
const SAID = { ok: "ok", late: "late", broken: "broken", unknown: "unknown" };

/** Shows the hops of data/hops; those that are not well also with sentence, remedy and link. */
export function showStrip({ hops }) {
  replace(byId("strip"), hops.map(hopItem));
  replace(byId("remedies"), hops.filter((hop) => hop.health === "late" || hop.health === "broken").map(remedyItem));
}

function hopItem(hop) {
  const facts = [
    ["rate", rate(hop.rate)],
    ["count", short(hop.count)],
    ["waiting", short(hop.lag)],
    ["newest", age(hop.freshness_seconds)],
  ].filter(([, told]) => told !== "–");
  return el(
    "li",
    { class: `hop ${hop.health}`, title: hop.sentence },
    el(
      "div",
      { class: "hop-head" },
      el("span", { class: "mark", "aria-hidden": "true" }, MARKS[hop.health] ?? "?"),
      el("h3", {}, hop.link ? link(hop.link, hop.name) : hop.name),
      el("span", { class: "hidden" }, `: ${SAID[hop.health] ?? "unknown"}`),
    ),
    el("p", { class: "muted" }, WHAT[hop.name] ?? ""),
    el("dl", {}, facts.map(([name, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, told)))),
    el("span", { class: "hidden" }, hop.sentence),
  );
}

function remedyItem(hop) {
  return el(
    "li",
    { class: hop.health },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[hop.health]),
    el(
      "p",
      {},
      el("strong", {}, `${hop.name} is ${SAID[hop.health]}. `),
      hop.sentence,
      hop.remedy ? el("span", { class: "remedy" }, hop.remedy) : null,
      hop.link ? link(hop.link, "See its run and log in Airflow") : null,
    ),
  );
}

/** One sentence on all of it, for the top of the page. */
export function headline({ hops }) {
  const wrong = hops.filter((hop) => hop.health === "broken" || hop.health === "late");
  if (wrong.length) {
    return `Not well: ${wrong.map((hop) => `${hop.name} is ${SAID[hop.health]}`).join(", ")}.`;
  }
  const sink = hops.find((hop) => hop.name === "MySQL");
  const source = hops.find((hop) => hop.name === "server-logs");
  if (!sink || !source) return "";
  return `All is well: ${rate(source.rate)} come in, the newest row is ${age(sink.freshness_seconds)} old.`;
}
