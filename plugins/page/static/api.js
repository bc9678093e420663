// The requests of the page; all go to its own server (plugins/logs_page.py).

/** A failed request: `message` has the cause, `remedy` says what to do. */
export class Failure extends Error {
  constructor(message, remedy = "", status = 0) {
    super(message);
    this.remedy = remedy;
    this.status = status;
  }
}

const PATIENCE = 20_000; // milliseconds

async function ask(path, options = {}) {
  const late = AbortSignal.timeout(PATIENCE);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", redirect: "error", ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failure("Airflow does not answer.", "Check that its API server is running: ./logsieve status");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  if (answer.status === 401) throw new Failure("You are logged out.", "Reload the page to log in again.", 401);
  const message = body.error ?? (typeof body.detail === "string" ? body.detail : `The server answered ${answer.status}.`);
  throw new Failure(message, body.remedy ?? "See the log of Airflow's API server: ./logsieve status", answer.status);
}

export const me = () => ask("data/me");
export const hops = (signal) => ask("data/hops", { signal });
export const summary = (query, signal) => ask(`data/summary?${query}`, { signal });
export const logs = (query, signal) => ask(`data/logs?${query}`, { signal });
export const story = (origin) => ask(`data/log/${encodeURIComponent(origin)}`);

export const act = (name, body) =>
  ask(`actions/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Requested-With": "logsieve" },
    body: JSON.stringify(body),
  });

/** The state of a DAG run (queued, running, success, failed), from Airflow's own API. */
export const runState = (dag, run) =>
  ask(`../api/v2/dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}`).then((found) => found.state);
