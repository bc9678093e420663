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

/** Shows the hops of data/hops; unhealthy ones also with sentence, remedy and link. */
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
  ].filter(([, value]) => value !== "–");
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
    el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("span", { class: "hidden" }, hop.sentence),
  );
}

/** Unhealthy hops grouped by remedy, broken ones first. */
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
  const text = sentences.size === 1 ? [...sentences] : group.map((hop) => `${hop.name}: ${hop.sentence}`);
  const place = group.find((hop) => hop.link)?.link;
  return el(
    "li",
    { class: health },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[health]),
    el(
      "p",
      {},
      el("strong", {}, `${and(names)} ${names.length > 1 ? "are" : "is"} ${health}. `),
      text.join(" "),
      remedy ? el("span", { class: "remedy" }, el("strong", {}, "What to do: "), remedy) : null,
      place ? link(place, "See the run and its log in Airflow") : null,
    ),
  );
}

const and = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);

/** The overall state in one sentence, for the top of the page. */
export function headline({ hops, disk }) {
  const names = (health) => hops.filter((hop) => hop.health === health).map((hop) => hop.name);
  const ill = ["broken", "late"].filter((health) => names(health).length);
  const wrong = ill.map((health) => `${and(names(health))} ${health}`);
  if (disk) wrong.push("the disk is nearly full");
  if (wrong.length) return `Problems: ${wrong.join("; ")}.`;
  const sink = hops.find((hop) => hop.name === "MySQL");
  const source = hops.find((hop) => hop.name === "server-logs");
  if (!sink || !source) return "";
  return `All is well: ${rate(source.rate)} incoming, the newest row is ${age(sink.freshness_seconds)} old.`;
}
