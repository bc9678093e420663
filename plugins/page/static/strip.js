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

/** Shows the hops of data/hops; those that are not well also with sentence, remedy and link. */
export function showStrip({ hops }) {
  replace(byId("strip"), hops.map(hopItem));
  replace(byId("remedies"), troubles(hops).map(remedyItem));
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
      el("span", { class: "hidden" }, `: ${hop.health}`),
    ),
    el("p", { class: "muted" }, WHAT[hop.name] ?? ""),
    el("dl", {}, facts.map(([name, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, told)))),
    el("span", { class: "hidden" }, hop.sentence),
  );
}

/** Groups of hops that are not well for the same reason: broken ones first, each with what is to be done, told once. */
function troubles(hops) {
  const groups = new Map();
  for (const health of ["broken", "late"]) {
    for (const hop of hops.filter((each) => each.health === health)) {
      const key = `${health} ${hop.remedy}`;
      groups.set(key, [...(groups.get(key) ?? []), hop]);
    }
  }
  return [...groups.values()];
}

function remedyItem(group) {
  const [{ health, remedy }] = group;
  const names = group.map((hop) => hop.name);
  const sentences = new Set(group.map((hop) => hop.sentence));
  const told = sentences.size === 1 ? [...sentences] : group.map((hop) => `${hop.name}: ${hop.sentence}`);
  const place = group.find((hop) => hop.link)?.link;
  return el(
    "li",
    { class: health },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[health]),
    el(
      "p",
      {},
      el("strong", {}, `${and(names)} ${names.length > 1 ? "are" : "is"} ${health}. `),
      told.join(" "),
      remedy ? el("span", { class: "remedy" }, el("strong", {}, "What to do: "), remedy) : null,
      place ? link(place, "See the run and its log in Airflow") : null,
    ),
  );
}

const and = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);

/** One sentence on all of it, for the top of the page. */
export function headline({ hops }) {
  const names = (health) => hops.filter((hop) => hop.health === health).map((hop) => hop.name);
  const wrong = ["broken", "late"].filter((health) => names(health).length);
  if (wrong.length) return `Not well: ${wrong.map((health) => `${and(names(health))} ${health}`).join("; ")}.`;
  const sink = hops.find((hop) => hop.name === "MySQL");
  const source = hops.find((hop) => hop.name === "server-logs");
  if (!sink || !source) return "";
  return `All is well: ${rate(source.rate)} come in, the newest row is ${age(sink.freshness_seconds)} old.`;
}
