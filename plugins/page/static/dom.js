// Builds elements. Text always becomes a text node: nothing in a log is parsed as markup.

/**
 * An element with attributes and children (elements, strings, null for none). A function is a listener;
 * true sets an empty attribute; null and false omit it, except for `aria-…`.
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
 * Replaces the children of the parent. Equal existing children are kept with their listeners, wherever they were; focus
 * stays on the element with the same `data-key`, so that a refresh does not disturb the user.
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

/** A link into Airflow. */
export function link(href, ...children) {
  return el("a", { href: inAirflow(href), onclick: follow }, ...children);
}

/** Airflow's frame forbids navigation and new tabs from inside, so the click happens in the outer page. */
function follow(event) {
  if (window.parent === window) return;
  event.preventDefault();
  const { href, target, rel } = event.currentTarget;
  const outer = window.parent.document.createElement("a");
  Object.assign(outer, { href, target, rel });
  if (event.ctrlKey || event.metaKey || event.shiftKey) outer.target = "_blank";
  outer.click();
}

/** A link to another site, which only the operator's settings name: never an address out of a log. Opens a tab. */
export function outside(href, ...children) {
  const url = new URL(href, location.origin);
  if (!["http:", "https:"].includes(url.protocol)) return null;
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", onclick: follow }, ...children);
}

/** The address if it is within this Airflow, else "#"; never `javascript:` or another site. */
function inAirflow(href) {
  const url = new URL(href, location.origin);
  return url.origin === location.origin ? url.href : "#";
}
