"""The lines of a history, to be looked at and altered."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]


def lines_of(path: Path) -> list[JsonObject]:
    """Every line of a compressed history."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def write_lines(path: Path, lines: Iterable[JsonObject]) -> Path:
    """Write lines as a history that is not compressed."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")
    return path


def altered(source: Path, target: Path, alter: Callable[[JsonObject], object]) -> Path:
    """A copy of a history in which each line was given to ``alter``."""
    lines = lines_of(source)
    for line in lines:
        alter(line)
    return write_lines(target, lines)
