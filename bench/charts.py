"""The charts in docs/performance.md."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from bench.delays import Held
from bench.summary import Summary

DOTS = 110
COLORS = 64


def throughput(summary: Summary, file: Path) -> None:
    """Two bars for each contestant: logs per second, of the whole run and warm."""
    shown = list(summary.contestants.values())[::-1]
    figure = Figure(figsize=(9, 0.6 * len(shown) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, of in enumerate(shown):
        axes.barh(place + 0.2, of.warm_logs_a_second or 0, 0.38, color="#2a7f62", label="warm" if not place else None)
        axes.barh(place - 0.2, of.logs_a_second or 0, 0.38, color="#9fc9b9", label="whole run" if not place else None)
    axes.set_yticks(range(len(shown)), [of.title for of in shown])
    axes.set_xlabel("logs a second")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend()
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, file)


def latency(held: Sequence[Held], file: Path) -> None:
    """A panel for each rate and trigger: delays over time, with a line at each batch boundary in real-time mode."""
    triggers = list(dict.fromkeys(each.trigger for each in held))
    rates = list(dict.fromkeys(each.rate for each in held))
    size = (5.5 * len(triggers), 2.2 * len(rates))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rates), len(triggers), squeeze=False, sharex=True)
    for each in held:
        axes = panels[rates.index(each.rate)][triggers.index(each.trigger)]
        for delays, color, name in ((each.to_mysql, "#b5651d", "MySQL"), (each.to_status, "#2a7f62", "status")):
            seconds, p50, p99, _ = zip(*delays.course, strict=True)
            axes.plot(seconds, p99, color=color, label=f"{name}, p99")
            axes.plot(seconds, p50, color=color, linestyle=":", label=f"{name}, p50")
        for at in each.boundaries if each.trigger == "realtime" else ():
            axes.axvline(at, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.set_yscale("log")
        axes.set_title(f"{each.trigger}, {each.rate:,.0f} logs/s", fontsize=9)
        axes.set_ylabel("ms")
    panels[0][0].legend(fontsize=7)
    for axes in panels[-1]:
        axes.set_xlabel("seconds; grey: a batch ends")
    _save(figure, file)


def _save(figure: Figure, file: Path) -> None:
    # With a palette the file has a quarter of the bytes.
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DOTS)
    Image.open(drawn).convert("RGB").quantize(COLORS).save(file, "PNG", optimize=True)
