// The current view: range and filters, kept in the address after # so that a view can be shared.

/** What the page needs of the contract: see `for_browser` in include/page/fields.py. */
export const contract = JSON.parse(document.querySelector("meta[name=contract]").content);

export const RANGES = { hour: 3600, day: 86_400, week: 604_800 };

/** The filter by reasons, as those by fields in `contract.filters`. */
export const REASON = { parameter: "reason", label: "reason" };
const MANY = ["status", REASON.parameter, ...contract.filters.map(({ parameter }) => parameter)];

/** What a person calls the filter with this parameter. */
export const labelOf = (name) => contract.filters.find(({ parameter }) => parameter === name)?.label ?? name;

class Filters extends EventTarget {
  #words = new URLSearchParams(location.hash.slice(1));

  constructor() {
    super();
    addEventListener("hashchange", () => {
      this.#words = new URLSearchParams(location.hash.slice(1));
      this.#notify();
      this.dispatchEvent(new Event("log"));
    });
  }

  get range() {
    return this.zoomed ? null : (RANGES[this.#words.get("range")] ? this.#words.get("range") : "hour");
  }

  get zoomed() {
    return this.#words.has("from") && this.#words.has("to");
  }

  get search() {
    return this.#words.get("search") ?? "";
  }

  /** The origin of the log whose history is open, or null. */
  get log() {
    return this.#words.get("log");
  }

  /** Pairs of name and value, in the order of MANY. */
  get chosen() {
    return MANY.flatMap((name) => this.#words.getAll(name).map((value) => [name, value]));
  }

  has(name, value) {
    return this.#words.getAll(name).includes(String(value));
  }

  toggle(name, value) {
    const text = String(value);
    if (this.has(name, text)) this.#words.delete(name, text);
    else this.#words.append(name, text);
    this.#changed();
  }

  /** Sets one parameter, or removes it if the value is empty. */
  set(name, value) {
    if (value) this.#words.set(name, value);
    else this.#words.delete(name);
    this.#changed();
  }

  /** Opens the history of a log; null closes it. */
  openLog(origin) {
    if (origin) this.#words.set("log", origin);
    else this.#words.delete("log");
    this.#keep();
    this.dispatchEvent(new Event("log"));
  }

  /** One of RANGES, up to now. */
  setRange(name) {
    this.#words.delete("from");
    this.#words.delete("to");
    this.#words.set("range", name);
    this.#changed();
  }

  /** From and to in milliseconds since 1970. */
  zoom(from, to) {
    this.#words.set("from", new Date(from).toISOString());
    this.#words.set("to", new Date(to).toISOString());
    this.#changed();
  }

  clear() {
    for (const name of [...MANY, "search"]) this.#words.delete(name);
    this.#changed();
  }

  /** Query parameters for the server; a range up to now is converted to its begin. */
  query(more = {}) {
    const query = new URLSearchParams(this.chosen);
    const ago = Date.now() - 1000 * (RANGES[this.range] ?? 0);
    query.set("from", this.zoomed ? this.#words.get("from") : new Date(ago).toISOString());
    if (this.zoomed) query.set("to", this.#words.get("to"));
    for (const [name, value] of Object.entries(more)) if (value) query.set(name, value);
    return query;
  }

  #changed() {
    this.#keep();
    this.#notify();
  }

  #keep() {
    const hash = `#${this.#words}`;
    history.replaceState(null, "", hash);
    // The surrounding Airflow page shows its own address, so it gets the view too.
    if (window.parent !== window) {
      const { history: outer, location: place } = window.parent;
      outer.replaceState(outer.state, "", place.pathname + place.search + hash);
    }
  }

  #notify() {
    this.dispatchEvent(new Event("change"));
  }
}

export const filters = new Filters();
