// Polls while the page is visible: one request at a time, slower after failures, at once on demand.

const EVERY = 3_000; // milliseconds
const SLOWEST = 30_000;

/** Calls `load(signal)` and passes the answer to `show`, a Failure to `fail`. */
export class Live {
  #load;
  #show;
  #fail;
  #timer = null;
  #flight = null;
  #pause = EVERY;
  /** Time of the last answer, in milliseconds since 1970; null: none yet. */
  last = null;
  /** Whether the last try failed. */
  failed = false;

  constructor(load, show, fail = () => {}) {
    [this.#load, this.#show, this.#fail] = [load, show, fail];
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#stop() : this.now()));
  }

  /** Aborts the current request and sends a new one. */
  now() {
    this.#stop();
    this.#pause = EVERY;
    if (!document.hidden) this.#ask();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#flight?.abort();
    this.#flight = null;
  }

  async #ask() {
    const flight = (this.#flight = new AbortController());
    try {
      const answer = await this.#load(flight.signal);
      if (flight.signal.aborted) return;
      [this.last, this.failed, this.#pause] = [Date.now(), false, EVERY];
      this.#show(answer);
    } catch (error) {
      if (flight.signal.aborted) return;
      if (error.status === undefined) console.error(error);
      this.failed = true;
      this.#pause = Math.min(2 * this.#pause, SLOWEST);
      this.#fail(error);
    }
    this.#timer = setTimeout(() => this.#ask(), this.#pause);
  }
}
