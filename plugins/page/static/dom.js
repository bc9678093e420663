// Builds elements. Text only ever becomes a text node: nothing from a log is read as markup.

/**
 * An element with attributes and children (elements, strings, null for none). A function is a listener;
 * true stands for an empty attribute; null and false leave it out, but are said of `aria-…`.
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) made.setAttribute(name, String(value));
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/**
 * Puts the children in place of what is there. One that looks as before is kept, wherever it was, with its listeners; the
 * focus stays on what has the same `data-key`: a refresh takes nothing from under a reader's hand.
 */
export function replace(parent, ...children) {
  const fresh = children.flat().filter((child) => child !== null);
  const held = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const old = [...parent.childNodes];
  const kept = fresh.map((child) => {
    const at = old.findIndex((node) => node.isEqualNode(child));
    return at < 0 ? child : old.splice(at, 1)[0];
  });
  old.forEach((node) => node.remove());
  kept.forEach((node, at) => {
    if (parent.childNodes[at] !== node) parent.insertBefore(node, parent.childNodes[at] ?? null);
  });
  if (held && !parent.contains(document.activeElement)) {
    parent.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }
}

/** A link into Airflow. Its frame around this page forbids navigation from inside: the click is made outside. */
export function link(href, ...children) {
  const follow = (event) => {
    if (window.parent === window) return;
    event.preventDefault();
    const outside = window.parent.document.createElement("a");
    outside.href = event.currentTarget.href;
    if (event.ctrlKey || event.metaKey || event.shiftKey) outside.target = "_blank";
    outside.click();
  };
  return el("a", { href: inAirflow(href), onclick: follow }, ...children);
}

/** The address, if it is a place in this Airflow; never `javascript:` or a foreign site. */
function inAirflow(href) {
  const url = new URL(href, location.origin);
  return url.origin === location.origin ? url.href : "#";
}
