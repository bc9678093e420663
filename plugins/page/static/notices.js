// Messages at the top of the page, also for screen readers: server notices and results of actions.

import { byId, el } from "./dom.js";

const MARKS = { ok: "✓", late: "!", broken: "✕", unknown: "…" };

/** Adds a dismissible message; returns a function (kind, ...parts) that changes it. */
export function notice(...first) {
  const text = el("p", {});
  const mark = el("span", { class: "mark", "aria-hidden": "true" });
  const close = el("button", { type: "button", class: "close", "aria-label": "Dismiss", onclick: () => box.remove() }, "✕");
  const box = el("div", { class: "notice" }, mark, text, close);
  const change = (kind, ...parts) => {
    box.className = `notice ${kind}`;
    mark.textContent = MARKS[kind];
    text.replaceChildren(...parts);
  };
  change("unknown", ...first);
  byId("notices").append(box);
  return change;
}

/** Shows a permanent message by its key, or removes it if the message is empty. */
export function standing(key, kind, message) {
  const old = byId("notices").querySelector(`[data-standing="${key}"]`);
  if (!message) old?.remove();
  else if (old?.dataset.message !== message) {
    old?.remove();
    const box = el("div", { class: `notice ${kind}`, "data-standing": key, "data-message": message },
      el("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind]), el("p", {}, message));
    byId("notices").prepend(box);
  }
}
