// Logs per minute, stacked by status. Drawn by uPlot; drag or use keys to zoom in.

import { byId, el, replace } from "./dom.js";
import { count, day, minute, moment, clock } from "./format.js";
import { filters } from "./filters.js";

const HEIGHT = 240;
const ROWS = 12; // of the table, at most
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

let plot = null;
let shown = null; // the last summary
let anchor = null; // where a keyboard selection began

/** Shows buckets of data/summary: [epoch_ms, good, bad, suspicious]. */
export function showChart(summary) {
  shown = summary;
  const data = stacked(summary);
  if (plot) plot.setData(data);
  else plot = new window.uPlot(options(), data, byId("chart"));
  byId("chart-text").textContent = inWords(summary);
  if (byId("chart-table").open) showTable();
}

/** Data for uPlot: times, then all, bad + suspicious, bad, each per minute. */
function stacked({ buckets, bucket_seconds: seconds }) {
  const perMinute = 60 / seconds;
  const [times, bad, upper, all] = [[], [], [], []];
  for (const [at, good, bads, suspicious] of buckets) {
    times.push(at);
    bad.push(bads * perMinute);
    upper.push((bads + suspicious) * perMinute);
    all.push((bads + suspicious + good) * perMinute);
  }
  return [times, all, upper, bad];
}

function options() {
  const paths = window.uPlot.paths.stepped({ align: 1 });
  const layer = (name) => ({
    paths, points: { show: false }, width: 0, fill: () => css(`--${name}`),
  });
  const axis = { stroke: () => css("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => css("--line"), width: 1 };
  return {
    width: byId("chart").clientWidth,
    height: HEIGHT,
    ms: 1,
    tzDate: (when) => window.uPlot.tzDate(new Date(when), "Etc/UTC"),
    legend: { show: false },
    padding: [8, 22, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 10] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 28, values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step)) },
      { ...axis, grid, size: 56, values: (_, splits) => splits.map(count) },
    ],
    series: [{}, layer("good"), layer("suspicious"), layer("bad")],
    hooks: { setCursor: [readOut], setSelect: [zoomToSelection] },
  };
}

function tick(at, step) {
  if (step >= 86_400_000 || at % 86_400_000 === 0) return day(at).slice(5);
  return step < 60_000 ? clock(at) : minute(at);
}

function readOut({ cursor }) {
  const bucket = shown.buckets[cursor.idx ?? -1];
  byId("readout").textContent = bucket ? bucketInWords(bucket) : "";
}

function bucketInWords([at, good, bad, suspicious]) {
  const perMinute = (number) => count(Math.round((60 * number) / shown.bucket_seconds));
  return `${moment(at)}: ${perMinute(good)} good, ${perMinute(suspicious)} suspicious, ${perMinute(bad)} bad per minute`;
}

function zoomToSelection({ select, posToVal }) {
  if (select.width > 4) zoom(posToVal(select.left, "x"), posToVal(select.left + select.width, "x"));
}

function zoom(from, to) {
  const step = 1000 * shown.bucket_seconds;
  anchor = null;
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  filters.zoom(Math.floor(from / step) * step, Math.ceil(to / step) * step);
}

function onKey(event) {
  const times = plot?.data[0] ?? [];
  if (!times.length) return;
  const last = times.length - 1;
  const at = Math.min(plot.cursor.idx ?? last, last); // a refresh may have replaced the data
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -times.length, End: times.length };
  if (event.key in steps) {
    const next = Math.max(0, Math.min(last, at + steps[event.key]));
    anchor = event.shiftKey ? (anchor ?? times[at]) : null;
    const [left, right] = [anchor ?? times[next], times[next]].sort((a, b) => a - b).map((time) => plot.valToPos(time, "x"));
    plot.setCursor({ left: plot.valToPos(times[next], "x"), top: 0 });
    plot.setSelect({ left, width: right - left, top: 0, height: plot.bbox.height / devicePixelRatio }, false);
    byId("readout").setAttribute("aria-live", "polite");
  } else if (event.key === "Enter" && anchor !== null && anchor !== times[at]) {
    zoom(Math.min(anchor, times[at]), Math.max(anchor, times[at]));
  } else if (event.key === "Escape") {
    filters.setRange("hour");
  } else return;
  event.preventDefault();
}

function inWords({ from, to, totals }) {
  const { good, bad, suspicious } = totals;
  return `From ${moment(from)} to ${moment(to)}: ${count(good)} good, ${count(suspicious)} suspicious, ${count(bad)} bad.`;
}

/** The buckets summed into at most ROWS rows, as a text alternative to the chart. */
function showTable() {
  const each = Math.max(1, Math.ceil(shown.buckets.length / ROWS));
  const rows = [];
  for (let start = 0; start < shown.buckets.length; start += each) {
    const part = shown.buckets.slice(start, start + each);
    const sums = [1, 3, 2].map((at) => part.reduce((sum, bucket) => sum + bucket[at], 0));
    rows.push(el("tr", {}, el("th", { scope: "row" }, moment(part[0][0])), sums.map((sum) => el("td", {}, count(sum)))));
  }
  const head = ["from", "good", "suspicious", "bad"].map((name) => el("th", { scope: "col" }, name));
  const table = el("table", {}, el("caption", { class: "hidden" }, "Logs by time and status"),
    el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
  replace(byId("chart-table").lastElementChild, table);
}

/** Registers the listeners for keys, size and theme; call once. */
export function startChart() {
  byId("chart").addEventListener("keydown", onKey);
  byId("chart").addEventListener("blur", () => byId("readout").setAttribute("aria-live", "off"));
  byId("chart-table").addEventListener("toggle", () => shown && showTable());
  document.addEventListener("theme", () => plot?.redraw());
  new ResizeObserver(() => plot?.setSize({ width: byId("chart").clientWidth, height: HEIGHT })).observe(byId("chart"));
}
