"""The heat map of state x event: which cells of an order's life a run reached, how often, and which never."""

import math
from collections.abc import Mapping
from typing import Any, Final

import drawsvg as draw

from conformance.model.order import Status
from reports.coverage import EVENTS, POSSIBLE
from reports.pictures.canvas import canvas, label, svg, with_tip

_LEFT: Final = 150
_TOP: Final = 100
_CELL: Final = (78.0, 34.0)


def coverage_map(coverage: Mapping[str, Any], *, name: str = "coverage") -> str:
    """The picture of the data of ``coverage.json`` as SVG text."""
    counts = {(cell["state"], cell["event"]): int(cell["count"]) for cell in coverage["reached"]}
    states = [*map(str, Status), *sorted({state for state, _ in counts} - set(map(str, Status)))]
    events = [*EVENTS, *sorted({event for _, event in counts} - set(EVENTS))]
    possible = {(str(state), event) for state, found in POSSIBLE.items() for event in found}
    width = _LEFT + len(events) * _CELL[0] + 20
    height = _TOP + len(states) * _CELL[1] + 46
    reached, all_cells = len(possible & counts.keys()), len(possible)
    drawing = canvas(
        width,
        height,
        title=f"State and event: {reached} of {all_cells} possible cells reached",
        description="Never reached: "
        + ("; ".join(f"{state}, {event}" for state, event in sorted(possible - counts.keys())) or "none")
        + ".",
        name=name,
    )
    for column, event in enumerate(events):
        x = _LEFT + (column + 0.5) * _CELL[0]
        words = event.split(" ")
        lines = [event] if len(event) <= 10 else _two_lines(words)
        for number, line in enumerate(reversed(lines)):
            drawing.append(label(line, x, _TOP - 12 - number * 14, anchor="middle", size=11))
    most = max(counts.values(), default=1)
    for row, state in enumerate(states):
        y = _TOP + row * _CELL[1]
        drawing.append(label(state, _LEFT - 10, y + 21, anchor="end", size=11))
        for column, event in enumerate(events):
            x = _LEFT + column * _CELL[0]
            _cell(drawing, (x, y), (state, event), counts.get((state, event), 0), most, (state, event) in possible)
    _legend(drawing, height - 18)
    return svg(drawing)


def _two_lines(words: list[str]) -> list[str]:
    """Words in lines of about equal length."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 10:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _cell(
    drawing: draw.Drawing, corner: tuple[float, float], cell: tuple[str, str], count: int, most: int, possible: bool
) -> None:
    x, y = corner
    if not count and not possible:
        return
    box = draw.Rectangle(x + 2, y + 2, _CELL[0] - 4, _CELL[1] - 4, rx=4, class_="cc-fgood" if count else "cc-fbad")
    if count:
        # a logarithmic shade: one visit is well visible, ten thousand are no different from nine thousand
        box.args["fill-opacity"] = round(0.35 + 0.65 * math.log1p(count) / math.log1p(most), 2)
    state, event = cell
    drawing.append(with_tip(box, f"{state}, {event}: " + (f"reached {count} times" if count else "never reached")))
    middle = x + _CELL[0] / 2
    drawing.append(
        label(str(count) if count else "never", middle, y + 21, "" if count else "tbad", anchor="middle", size=11)
    )


def _legend(drawing: draw.Drawing, y: float) -> None:
    for x, kind, text in (
        (_LEFT, "cc-fgood", "reached, and how often"),
        (_LEFT + 230, "cc-fbad", "possible, never reached"),
    ):
        drawing.append(draw.Rectangle(x, y - 11, 16, 13, rx=3, class_=kind))
        drawing.append(label(text, x + 24, y, "faint", size=11))
    drawing.append(label("blank: cannot happen", _LEFT + 460, y, "faint", size=11))
