"""The overview: for each class one bar, as long as it has requirements, in the colours of their verdicts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import drawsvg as draw

from conformance.verdicts import Verdict
from reports.pictures.canvas import canvas, label, svg, with_tip

_LEFT: Final = 120
_ROW: Final = 34
_SQUARE: Final = 62
_IN_A_ROW: Final = 12

KINDS: Final[Mapping[str, str]] = {
    Verdict.PASS: "good",
    Verdict.FAIL: "bad",
    Verdict.INTERMITTENT: "doubt",
    Verdict.NOT_EXERCISED: "empty",
    Verdict.INCONCLUSIVE: "calm",
}
SIGNS: Final[Mapping[str, str]] = {
    Verdict.PASS: "",
    Verdict.FAIL: "!",
    Verdict.INTERMITTENT: "~",
    Verdict.NOT_EXERCISED: "-",
    Verdict.INCONCLUSIVE: "?",
}


def overview(requirements: Sequence[Mapping[str, Any]], *, name: str = "overview") -> str:
    """The picture of the list ``requirements`` of ``verdicts.json`` as SVG text: one square a requirement."""
    classes = list(dict.fromkeys(entry["class"] for entry in requirements))
    counts = {str(verdict): sum(entry["verdict"] == verdict for entry in requirements) for verdict in Verdict}
    said = ", ".join(f"{count} {verdict.lower()}" for verdict, count in counts.items() if count)
    rows = [
        (one if not start else "", mine[start : start + _IN_A_ROW])
        for one in classes
        for mine in [[entry for entry in requirements if entry["class"] == one]]
        for start in range(0, len(mine), _IN_A_ROW)
    ]
    height = 20 + _ROW * len(rows) + 34
    drawing = canvas(
        _LEFT + _SQUARE * _IN_A_ROW + 20,
        height,
        title=f"Verdicts by class: {said}",
        description="; ".join(
            f"{one}: " + ", ".join(f"{e['id']} {e['verdict']}" for e in requirements if e["class"] == one)
            for one in classes
        ),
        name=name,
    )
    for row, (one, entries) in enumerate(rows):
        y = 14 + row * _ROW
        drawing.append(label(one, _LEFT - 12, y + 19, anchor="end"))
        for column, entry in enumerate(entries):
            _square(drawing, entry, _LEFT + column * _SQUARE, y)
    _legend(drawing, counts, height - 14)
    return svg(drawing)


def _square(drawing: draw.Drawing, entry: Mapping[str, Any], x: float, y: float) -> None:
    verdict = entry["verdict"]
    box = draw.Rectangle(x + 2, y, _SQUARE - 4, 28, rx=4, class_=f"cc-f{KINDS[verdict]}")
    drawing.append(with_tip(box, f"{entry['id']} ({entry['level']}): {verdict}"))
    drawing.append(label(f"{SIGNS[verdict]}{entry['id']}", x + _SQUARE / 2, y + 18, anchor="middle", size=11))


def _legend(drawing: draw.Drawing, counts: Mapping[str, int], y: float) -> None:
    x = float(_LEFT)
    for verdict, count in counts.items():
        if not count:
            continue
        drawing.append(draw.Rectangle(x, y - 11, 14, 13, rx=3, class_=f"cc-f{KINDS[verdict]}"))
        text = f"{SIGNS[verdict]} {verdict.lower()} {count}".strip()
        drawing.append(label(text, x + 20, y, "faint", size=11))
        x += 20 + len(text) * 6.9 + 18
