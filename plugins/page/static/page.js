// The page "Logs" in Airflow: polls its server every few seconds and shows the results.

import * as api from "./api.js";
import { showActions } from "./actions.js";
import { showChart, startChart } from "./chart.js";
import { byId } from "./dom.js";
import { showFacts } from "./facts.js";
import { filters } from "./filters.js";
import { clock } from "./format.js";
import { showFilters, showLists } from "./lists.js";
import { Live } from "./live.js";
import { holdLogs, logsQuery, mayRefresh, showLogs, startLogs } from "./logs_table.js";
import { standing } from "./notices.js";
import { startStory } from "./story.js";
import { headline, showStrip } from "./strip.js";

const STALE = 15_000; // milliseconds

const fail = (key) => (failure) => standing(key, "broken", `${failure.message} ${failure.remedy ?? ""}`);

const summary = new Live(
  (signal) => api.summary(filters.query(), signal),
  (answer) => {
    standing("summary", "broken", null);
    standing("source", "late", answer.notice);
    showChart(answer);
    showLists(answer);
  },
  fail("summary"),
);

const hops = new Live(
  (signal) => api.hops(signal),
  (answer) => {
    standing("hops", "broken", null);
    standing("disk", "broken", answer.disk);
    byId("headline").textContent = headline(answer);
    showStrip(answer);
    showFacts(answer);
  },
  fail("hops"),
);

let asked = true; // whether the user, rather than the timer, requested the logs
const logs = new Live(
  (signal) => api.logs(logsQuery(), signal),
  (answer) => {
    standing("logs", "broken", null);
    if (asked || mayRefresh()) showLogs(answer);
    else holdLogs();
    asked = false;
  },
  fail("logs"),
);
const readLogs = () => {
  asked = true;
  logs.now();
};

/** Shows whether the data is fresh; called every second. */
function showLiveness() {
  const all = [summary, hops, logs];
  const oldest = Math.min(...all.map((part) => part.last ?? 0));
  const failed = all.some((part) => part.failed);
  const stale = failed || (oldest > 0 && Date.now() - oldest > STALE);
  byId("live").className = `live ${stale ? "stale" : oldest ? "fresh" : ""}`;
  const text = stale ? (oldest ? `stale since ${clock(oldest)}` : "no data yet") : oldest ? "live" : "loading";
  if (byId("live-text").textContent !== text) byId("live-text").textContent = text;
}

function start() {
  startChart();
  startLogs(readLogs);
  startStory();
  showFilters();
  filters.addEventListener("change", () => {
    showFilters();
    summary.now();
    readLogs();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && showLiveness());
  for (const part of [summary, hops, logs]) part.now();
  setInterval(showLiveness, 1000);
  api.me().then(showActions, fail("me"));
}

start();
