// Messages at the top of the page, also read aloud: what the server wants said, and what became of a press.

import { byId, el } from "./dom.js";

const MARKS = { ok: "✓", late: "!", broken: "✕", unknown: "…" };

/** Adds a message that can be dismissed; gives a function of kind and parts that changes it. */
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

/** Shows one standing message by its key, or takes it away where there is none. */
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
