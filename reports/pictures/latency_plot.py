"""The distributions of the measured times (INF-01 to INF-03), with their percentiles."""

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from reports.latency import MEASURES, milliseconds
from reports.pictures.canvas import palette_css

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = {
    "#010101": "ink",
    "#020202": "rule",
    "#030303": "calm",
    "#040404": "good",
    "#050505": "doubt",
    "#060606": "bad",
    "#070707": "paper",
}
"""What matplotlib is told to draw with, and the colour of the palette that takes its place."""


def latency_plot(latency: Mapping[str, Any], *, name: str = "latency") -> str:
    """The picture of the data of ``latency.json`` as SVG text; empty where nothing was measured."""
    measured = {key: found for key, found in latency["measures"].items() if found["count"]}
    if not measured:
        return ""
    # imported here, since it takes longer to load than a smoke run's reports to write
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": "monospace",
        "font.size": 9,
        "text.color": "#010101",
        "axes.labelcolor": "#010101",
        "axes.edgecolor": "#020202",
        "axes.facecolor": "#070707",
        "figure.facecolor": "#070707",
        "xtick.color": "#010101",
        "ytick.color": "#010101",
        "grid.color": "#020202",
    }
    with rc_context(settings):  # type: ignore[arg-type] # it lists every name that matplotlib knows
        figure = Figure(figsize=(9.6, 2.3 * len(measured) + 0.3), layout="constrained")
        every = figure.subplots(len(measured), squeeze=False)[:, 0]
        for axes, (key, found) in zip(every, measured.items(), strict=True):
            _distribution(axes, key, found)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(buffer.getvalue(), measured, name)


def _distribution(axes: "Axes", key: str, found: Mapping[str, Any]) -> None:
    """The share of answers that took at most so long: steps, with the percentiles marked."""
    samples = [seconds * 1000 for seconds in found["samples"]]
    share = [(position + 1) / len(samples) * 100 for position in range(len(samples))]
    axes.step([samples[0], *samples], [0, *share], where="post", color="#030303", linewidth=1.6)
    for mark, word, colour in (("median", "median", "#040404"), ("p95", "95 %", "#050505"), ("p99", "99 %", "#060606")):
        axes.axvline(
            found[mark] * 1000, color=colour, linewidth=1.2, linestyle="--", label=f"{word} {milliseconds(found[mark])}"
        )
    axes.set_title(
        f"{key} {MEASURES[key]} ({found['count']} measured, maximum {milliseconds(found['maximum'])})", size=9
    )
    axes.set_ylabel("% at most")
    axes.set_ylim(0, 104)
    if samples[-1] > 20 * max(samples[0], 0.001):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("ms")
    axes.grid(visible=True, linewidth=0.5)
    axes.legend(loc="lower right", framealpha=1.0, edgecolor="#020202")


def _themed(text: str, measured: Mapping[str, Any], name: str) -> str:
    """The plot with the palette's colours, a title and a description, without its document header."""
    for drawn, colour in _COLOURS.items():
        text = text.replace(drawn, f"var(--cc-{colour})")
    text = text[text.index("<svg") :]
    said = "; ".join(
        f"{key} {MEASURES[key]}: median {milliseconds(found['median'])}, 95th percentile {milliseconds(found['p95'])}, "
        f"99th {milliseconds(found['p99'])}, maximum {milliseconds(found['maximum'])}"
        for key, found in measured.items()
    )
    title = f"<title>Measured times</title><desc>{escape(said)}</desc><style>{palette_css()}</style>"
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\s(?:id|xlink:href)="#?|url\(#)', lambda match: f"{match[1]}{name}-", text)
    return re.sub(r"<svg ([^>]*)>", rf'<svg role="img" class="cc-picture" \1>{title}', text, count=1)
