// The action buttons. Each triggers a DAG and shows its run until it ends.

import * as api from "./api.js";
import { byId, el, link, outside, replace } from "./dom.js";
import { contract } from "./filters.js";
import { notice } from "./notices.js";

const ENDED = ["success", "failed"];
const LOOK = 2_000; // milliseconds between two polls of a run
const LONGEST = 15 * 60_000; // how long a run is followed

const yesterday = () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
const local = (ago) => new Date(Date.now() - ago).toISOString().slice(0, 16);
const utc = (value) => `${value}:00Z`;

const date = (name, label) => ({ name, label, type: "date", value: yesterday(), required: true });
const time = (name, label, ago) => ({ name, label: `${label} (UTC)`, type: "datetime-local", value: local(ago), required: true });

/** The choice of logs by the dimension's key, such as an account; none if the key is of another type. */
const byKey = (key) => key && {
  [`By ${key}`]: {
    fields: () => [{ name: "key", label: key[0].toUpperCase() + key.slice(1), type: "number", value: "", required: true, step: 1 }],
    body: (given) => ({ account: Number(given.key) }),
  },
};

/** By action: label of the button, texts of the dialog, and request body. */
const ACTIONS = {
  reconcile: {
    label: "Reconcile", title: "Prove that no log is lost, duplicated or edited?", button: "Reconcile",
    explain: "Compares each log's row and document with its verdict, field by field. Changes nothing.",
  },
  rejudge: {
    label: "Rejudge …", title: "Rejudge logs", button: "Rejudge",
    explain: "Judges logs again with the current users history, and corrects their verdicts in topic, MySQL and index.",
    choices: {
      "By time": { fields: () => [time("from", "From", 3_600_000), time("to", "To", 0)], body: ({ from, to }) => ({ from: utc(from), to: utc(to) }) },
      ...byKey(contract.rejudged_by),
    },
  },
  backfill: {
    label: "Backfill users …", title: "Load the users of past days", button: "Backfill",
    explain: "Loads each day's accounts export into the users history. Days already loaded are loaded again.",
    choices: { "": { fields: () => [date("from", "From"), date("to", "To")], body: (given) => given } },
  },
  start: {
    label: "Start stream", title: "Start the stream?", button: "Start stream",
    explain: "The stream resumes with the oldest waiting log.",
  },
  stop: {
    label: "Stop stream", title: "Stop the stream?", button: "Stop stream", grave: true,
    explain: "It stops between two batches. Until you start it again, new logs wait in Kafka; nothing is lost.",
  },
};

/** Shows links to the assets and to what is outside, if anything, and the buttons, or a note if the user may not use them. */
export function showActions({ may_act: mayAct, name, links }) {
  const buttons = Object.entries(ACTIONS).map(([action, { label, grave }]) =>
    el("button", { type: "button", class: grave ? "grave" : "", "data-action": action, onclick: () => ask(action) }, label));
  const readOnly = el("p", { class: "muted" }, `${name} has read-only access.`);
  const others = { Lineage: links.lineage, Grafana: links.dashboard };
  const leading = [link(links.assets, "Assets"), ...Object.entries(others).map(([label, place]) => place ? outside(place, label) : null)];
  replace(byId("actions"), leading, mayAct ? buttons : [readOnly]);
}

function ask(action) {
  const { title, explain, button, grave, choices = { "": { fields: () => [], body: () => ({}) } } } = ACTIONS[action];
  const dialog = byId("ask");
  const names = Object.keys(choices);
  let choice = choices[names[0]];
  const fields = el("div", { class: "fields" }, choice.fields().map(field));
  const choose = (name) => {
    choice = choices[name];
    replace(fields, choice.fields().map(field));
  };
  const radios = names.length < 2 ? null : el("fieldset", { class: "choices" }, el("legend", { class: "hidden" }, "Which logs"),
    names.map((name, at) => el("label", {},
      el("input", { type: "radio", name: "choice", checked: at === 0, onchange: () => choose(name) }), name)));
  const form = el("form", { method: "dialog", onsubmit: (event) => {
    event.preventDefault();
    const given = Object.fromEntries([...fields.querySelectorAll("input")].map(({ name, value }) => [name, value]));
    dialog.close();
    act(action, choice.body(given));
  } },
    el("h2", { id: "ask-title" }, title), el("p", {}, explain), radios, fields,
    el("div", { class: "buttons" },
      el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      el("button", { type: "submit", class: grave ? "grave strong" : "strong" }, button)));
  dialog.replaceChildren(form);
  dialog.showModal();
}

const field = ({ label, ...attributes }) => el("label", {}, label, el("input", attributes));

async function act(action, body) {
  const label = ACTIONS[action].button;
  const show = notice(`${label}: asking Airflow …`);
  try {
    const { dag_id: dag, link: place, runs } = await api.act(action, body);
    if (!runs.length) show("ok", `${label}: done, no run was needed. `, link(place, `See ${dag}`));
    await follow(dag, runs, (state, which, run) =>
      show(state === "failed" ? "broken" : "ok", `${label}: ${which} ${outcome(state)}. `, link(run.link, `See run ${run.run_id} of ${dag}`)));
  } catch (failure) {
    show("broken", `${label}: ${failure.message} `, failure.remedy ?? "");
  }
}

const outcome = (state) => ({ success: "has succeeded", failed: "has failed" })[state] ?? `is ${state}`;

/** Follows the runs one by one until the last ends or one fails. */
async function follow(dag, runs, show) {
  for (const [at, run] of runs.entries()) {
    const which = runs.length > 1 ? `run ${at + 1} of ${runs.length}` : "the run";
    const deadline = Date.now() + LONGEST;
    for (let state = null; !ENDED.includes(state); ) {
      if (state) await new Promise((done) => setTimeout(done, LOOK));
      const now = await api.runState(dag, run.run_id);
      if (now !== state) show(now, which, run);
      if (now === "failed" || Date.now() > deadline) return;
      state = now;
    }
  }
}
