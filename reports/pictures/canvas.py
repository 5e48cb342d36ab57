"""The paper that every picture is drawn on: one palette for light and dark, a title and a description for everyone."""

import textwrap
from typing import Any, Final
from xml.sax.saxutils import escape

import drawsvg as draw

from reports.xml_text import xml_text

CHARACTER: Final = 7.3
"""Width of one character of the fixed-width font at :data:`FONT_SIZE`, in pixels."""
FONT_SIZE: Final = 12
LINE: Final = 16
"""Pixels from one line of text to the next."""

_LIGHT: Final = {
    "paper": "#ffffff", "ink": "#1c2430", "faint": "#5a6575", "rule": "#c4ccd8", "panel": "#f1f4f8",
    "good": "#1a7f37", "bad": "#c62828", "doubt": "#9a6700", "calm": "#0b5cad",
    "goodfill": "#d7f0dd", "badfill": "#fde3e1", "doubtfill": "#fdf0c8", "calmfill": "#dcebfb", "emptyfill": "#e6eaf0",
}  # fmt: skip
_DARK: Final = {
    "paper": "#14181f", "ink": "#e8ecf2", "faint": "#a3aebd", "rule": "#465163", "panel": "#1d232d",
    "good": "#5fd37c", "bad": "#ff8a80", "doubt": "#f0c350", "calm": "#7db8f7",
    "goodfill": "#174022", "badfill": "#5a1f1c", "doubtfill": "#4d3c10", "calmfill": "#163a5f",
    "emptyfill": "#252d39",
}  # fmt: skip

_CLASSES: Final = """
.cc-paper{fill:var(--cc-paper)} .cc-panel{fill:var(--cc-panel)}
.cc-t{fill:var(--cc-ink);font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.cc-faint{fill:var(--cc-faint)} .cc-strong{font-weight:700}
.cc-tgood{fill:var(--cc-good)} .cc-tbad{fill:var(--cc-bad)} .cc-tdoubt{fill:var(--cc-doubt)}
.cc-rule{stroke:var(--cc-rule);fill:none} .cc-life{stroke:var(--cc-rule);stroke-dasharray:4 4;fill:none}
.cc-call{stroke:var(--cc-calm);stroke-width:1.6;fill:none} .cc-answer{stroke-dasharray:5 3}
.cc-lost{stroke:var(--cc-doubt)} .cc-wrong{stroke:var(--cc-bad)}
.cc-head{fill:context-stroke;stroke:none}
.cc-bar{fill:var(--cc-calmfill);stroke:var(--cc-calm)}
.cc-badbox{fill:var(--cc-badfill);stroke:var(--cc-bad);stroke-width:2}
.cc-fgood{fill:var(--cc-goodfill);stroke:var(--cc-good)} .cc-fbad{fill:var(--cc-badfill);stroke:var(--cc-bad)}
.cc-fdoubt{fill:var(--cc-doubtfill);stroke:var(--cc-doubt)} .cc-fcalm{fill:var(--cc-calmfill);stroke:var(--cc-calm)}
.cc-fempty{fill:var(--cc-emptyfill);stroke:var(--cc-rule)} .cc-fnone{fill:none;stroke:none}
"""


def palette_css(selector: str = ".cc-picture") -> str:
    """The colours as CSS variables of ``selector``, for light and for dark."""
    light = ";".join(f"--cc-{name}:{value}" for name, value in _LIGHT.items())
    dark = ";".join(f"--cc-{name}:{value}" for name, value in _DARK.items())
    return f"{selector}{{{light}}}\n@media (prefers-color-scheme: dark){{{selector}{{{dark}}}}}"


def canvas(width: float, height: float, *, title: str, description: str, name: str) -> draw.Drawing:
    """An empty picture of so many pixels. ``name`` keeps its inner ids apart from those of others on one page."""
    drawing = draw.Drawing(
        round(width), round(height), id_prefix=f"{name}-", role="img", class_="cc-picture", aria_label=xml_text(title)
    )
    drawing.append_css(palette_css() + _CLASSES)
    drawing.append_title(xml_text(title))
    drawing.append(draw.Raw(f"<desc>{escape(xml_text(description))}</desc>"))
    drawing.append(draw.Rectangle(0, 0, round(width), round(height), class_="cc-paper"))
    return drawing


def svg(drawing: draw.Drawing) -> str:
    """The finished picture, fit to stand alone in a file or inside an HTML page."""
    written = drawing.as_svg(header="")
    assert isinstance(written, str)
    return written.strip().removeprefix('<?xml version="1.0" encoding="UTF-8"?>').strip() + "\n"


def label(
    text: str, x: float, y: float, kind: str = "", *, size: float = FONT_SIZE, anchor: str = "start"
) -> draw.Text:
    """One line of text with its baseline at ``y``; ``kind`` adds classes such as ``faint``, ``strong``, ``tbad``."""
    classes = " ".join(["cc-t", *(f"cc-{word}" for word in kind.split())])
    return draw.Text(xml_text(text), size, round(x, 1), round(y, 1), class_=classes, text_anchor=anchor)


def wrapped(text: str, width: float, most: int = 4) -> list[str]:
    """The text in lines that fit ``width`` pixels, at most ``most`` of them."""
    return textwrap.wrap(
        xml_text(text), max(8, int(width / CHARACTER)), max_lines=most, placeholder=" \N{HORIZONTAL ELLIPSIS}"
    )


def with_tip(element: Any, tip: str) -> draw.Group:
    """The element with a text that shows when it is pointed at, and that screen readers say."""
    group = draw.Group()
    group.append_title(xml_text(tip))
    group.append(element)
    return group
