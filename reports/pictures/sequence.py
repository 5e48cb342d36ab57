"""The sequence picture: accounts and the target as lifelines, calls and answers, what was possible, the violation.

Calls of a race are drawn side by side over a common time axis, so that overlaps are seen.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

import drawsvg as draw

from reports.evidence import Evidence
from reports.pictures.canvas import LINE, canvas, label, svg, with_tip, wrapped
from reports.pictures.scenes import DrawnCall, Scene, scenes

WIDTH: Final = 1120
_TEXT_WIDTH: Final = 265
_LIFE_FROM: Final = 350
_LIFE_TO: Final = 715
_HELD_AT: Final = 800
_TOP: Final = 64
_CALL_HEIGHT: Final = 38
_RACE_HEIGHT: Final = 30
_GAP: Final = 10
_UNANSWERED: Final = "no answer: both outcomes stay possible"
_TARGET: Final = ""
"""The key of the target among the lifelines."""


def sequence_picture(evidence: Evidence, *, name: str = "sequence") -> str:
    """The picture of a violation as SVG text; ``name`` keeps apart the ids of several pictures on one page."""
    shown = scenes(evidence)
    lifelines = _lifelines(shown)
    heights = [_height(scene, evidence) for scene in shown]
    height = _TOP + sum(heights) + 24
    drawing = canvas(
        WIDTH,
        height,
        title=f"What led to the violation of {evidence.requirement}",
        description=_described(evidence, shown),
        name=name,
    )
    arrow = draw.Marker(-7, -4, 1, 4, orient="auto", scale=1, markerUnits="userSpaceOnUse")
    arrow.append(draw.Lines(-7, -4, 1, 0, -7, 4, close=True, class_="cc-head"))
    _heads(drawing, lifelines, evidence.target, height)
    at = float(_TOP)
    for scene, tall in zip(shown, heights, strict=True):
        _scene(drawing, scene, at, tall, lifelines, arrow, evidence)
        at += tall
    return svg(drawing)


def _described(evidence: Evidence, shown: tuple[Scene, ...]) -> str:
    steps = "; ".join(scene.title for scene in shown)
    against = f"predicted {evidence.predicted}, seen {evidence.seen}"
    return f"Steps: {steps}. In step {evidence.step}, {evidence.what}: {against}."


def _lifelines(shown: tuple[Scene, ...]) -> Mapping[str, float]:
    """The place of each account and of the target: the target in the middle where there are several accounts."""
    accounts = list(dict.fromkeys(call.account for scene in shown for call in scene.calls))
    middle = (len(accounts) + 1) // 2
    order = [*accounts[:middle], _TARGET, *accounts[middle:]]
    step = (_LIFE_TO - _LIFE_FROM) / max(1, len(order) - 1)
    return {name: _LIFE_FROM + position * step for position, name in enumerate(order)}


def _heads(drawing: draw.Drawing, lifelines: Mapping[str, float], target: str, height: float) -> None:
    drawing.append(label("step", 14, 34, "faint"))
    drawing.append(label("possible afterwards", _HELD_AT, 34, "faint"))
    for name, x in lifelines.items():
        drawing.append(draw.Line(x, 48, x, height - 14, class_="cc-life"))
        words = textwrap.shorten(name or target, 19, placeholder="\N{HORIZONTAL ELLIPSIS}") or "target"
        drawing.append(draw.Rectangle(x - 72, 16, 144, 28, rx=6, class_="cc-fcalm" if name else "cc-fempty"))
        drawing.append(label(words, x, 34, "strong", anchor="middle"))


def _lines_of(scene: Scene, evidence: Evidence) -> list[tuple[str, str]]:
    """The lines of the right column with their kind; the violation's are its prediction and what was seen."""
    width = WIDTH - _HELD_AT - 14
    if not scene.violation:
        return [(line, "") for held in scene.held for line in wrapped(held, width, most=2)]
    lines = [("NO WORLD EXPLAINS THIS", "tbad strong")]
    lines += [(line, "") for line in wrapped(evidence.what, width, most=2)]
    lines += [(line, "tgood") for line in wrapped(f"predicted: {evidence.predicted}", width, most=4)]
    return [*lines, *((line, "tbad strong") for line in wrapped(f"seen: {evidence.seen}", width, most=3))]


def _height(scene: Scene, evidence: Evidence) -> float:
    text = len(wrapped(scene.title, _TEXT_WIDTH)) * LINE
    calls = len(scene.calls) * _CALL_HEIGHT
    if scene.overlapping:
        calls = (2 * len(scene.calls)) * _RACE_HEIGHT // 2 + 34
    right = len(_lines_of(scene, evidence)) * LINE
    return max(text, calls, right, LINE) + 2 * _GAP


def _scene(
    drawing: draw.Drawing,
    scene: Scene,
    top: float,
    tall: float,
    lifelines: Mapping[str, float],
    arrow: draw.Marker,
    evidence: Evidence,
) -> None:
    if scene.violation:
        drawing.append(draw.Rectangle(6, top + 2, WIDTH - 12, tall - 4, rx=6, class_="cc-badbox"))
    else:
        drawing.append(draw.Line(8, top, WIDTH - 8, top, class_="cc-rule"))
    for number, line in enumerate(wrapped(scene.title, _TEXT_WIDTH)):
        drawing.append(label(line, 14, top + _GAP + LINE * (number + 0.75), "strong" if scene.violation else ""))
    for number, (line, kind) in enumerate(_lines_of(scene, evidence)):
        drawing.append(label(line, _HELD_AT, top + _GAP + LINE * (number + 0.75), kind))
    parts = _race(scene, top + _GAP, lifelines) if scene.overlapping else _calls(scene, top + _GAP, lifelines, arrow)
    for part in parts:
        drawing.append(part)


def _calls(
    scene: Scene, top: float, lifelines: Mapping[str, float], arrow: draw.Marker
) -> Iterator[draw.DrawingElement]:
    target = lifelines[_TARGET]
    for number, call in enumerate(scene.calls):
        x, y = lifelines[call.account], top + number * _CALL_HEIGHT + 14
        inward = 6 if target > x else -6
        asked = draw.Line(x, y, target - inward, y, class_="cc-call", marker_end=arrow)
        yield with_tip(asked, call.detail or call.label)
        yield label(call.label, (x + target) / 2, y - 3, anchor="middle", size=11)
        if call.answer:
            back = draw.Line(target, y + 15, x + inward, y + 15, class_="cc-call cc-answer", marker_end=arrow)
            yield with_tip(back, call.detail or call.answer)
            yield label(call.answer, (x + target) / 2, y + 12, "faint", anchor="middle", size=11)
        else:
            yield label(_UNANSWERED, (x + target) / 2, y + 12, "tdoubt", anchor="middle", size=11)


def _race(scene: Scene, top: float, lifelines: Mapping[str, float]) -> Iterator[draw.DrawingElement]:
    """The calls as bars over one time axis: those that overlap in time overlap in the picture."""
    if not scene.calls:
        return
    began = min(call.began for call in scene.calls)
    whole = max(max(call.ended for call in scene.calls) - began, 1e-6)
    left, right = min(lifelines.values()) - 50, max(lifelines.values()) + 50

    def at(moment: float) -> float:
        return left + (moment - began) / whole * (right - left)

    tall = len(scene.calls) * _RACE_HEIGHT + 26
    yield draw.Rectangle(left - 6, top, right - left + 12, tall, rx=4, class_="cc-panel")
    for number, call in enumerate(sorted(scene.calls, key=lambda one: one.began)):
        y = top + 6 + number * _RACE_HEIGHT
        start, width = at(call.began), max(at(call.ended) - at(call.began), 3)
        kind = "cc-bar" if call.answer else "cc-fdoubt"
        bar = draw.Rectangle(start, y, width, _RACE_HEIGHT - 8, rx=3, class_=kind)
        yield with_tip(bar, call.detail)
        yield _bar_label(call, start, width, y, left, right)
    bottom = top + len(scene.calls) * _RACE_HEIGHT + 20
    yield label("0 ms", left, bottom, "faint", size=10)
    yield label(f"{whole * 1000:.1f} ms", right, bottom, "faint", size=10, anchor="end")


def _bar_label(call: DrawnCall, start: float, width: float, y: float, left: float, right: float) -> draw.Text:
    text = f"{call.account}: {call.label} -> {call.answer or 'no answer'}"
    needed = len(text) * 6.7
    x = min(max(start + 5, left + 4), max(left + 4, right - needed))
    return label(text, x if needed > width - 8 else start + 5, y + 15, size=11)
