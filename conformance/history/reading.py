"""Reading a history: its lines, and what those say that the fold has to know beforehand."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from conformance.errors import UserError
from conformance.history.header import Header, header_from_json

_GZIP: Final = b"\x1f\x8b"

Key = tuple[str, str]
Line = Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class History:
    """A history: its header, and what its lines say of the run as a whole.

    ``counted`` are the plan runs that the run's record counts; ``findings`` the last line of each finding, by the key
    of the violation that it began with; ``end`` the last line of a run that came to its end, ``None`` where the file
    ends before.
    """

    path: Path
    header: Header
    counted: set[int] = field(default_factory=set)
    findings: dict[Key, Line] = field(default_factory=dict)
    end: Line | None = None

    @property
    def standing(self) -> frozenset[int]:
        """The plan runs that stand for findings."""
        return frozenset(line["plan_run"] for line in self.findings.values())

    def lines(self) -> Iterator[tuple[int, Line]]:
        """The lines after the header, with their numbers in the file. Raises as :func:`open_history` does."""
        return ((number, _parsed(line, number, self.path)) for number, line in _lines(self.path) if number > 1)

    @contextmanager
    def understood(self, number: int) -> Iterator[None]:
        """Tell a line that says what no history says from a defect of ours: it is the file that is wrong."""
        try:
            yield
        except (KeyError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError, UserError) as problem:
            raise UserError(
                f"{self.path}, line {number}: this is not what a run has written ({problem!r}): the file was changed."
            ) from problem


def open_history(path: Path) -> History:
    """Read a history as a whole, once. A last line that was not finished, or is not there, is no mistake.

    Raises :class:`~conformance.errors.UserError` for a file that is none, was changed, or is of another version.
    """
    lines = _lines(path)
    first = next(lines, None)
    history = History(path=path, header=header_from_json(b"" if first is None else first[1], str(path)))
    for number, line in lines:
        if line.startswith((b'{"counted"', b'{"finding"', b'{"end"')):
            with history.understood(number):
                _note(history, _parsed(line, number, path))
    return history


def _note(history: History, line: Line) -> None:
    if "counted" in line:
        history.counted.add(line["counted"])
    elif "finding" in line:
        requirement, kind = line["finding"]
        history.findings[requirement, kind] = line
    else:
        history.end = line


def _parsed(line: bytes, number: int, path: Path) -> Line:
    try:
        found = json.loads(line)
    except ValueError as problem:
        raise UserError(f"{path}, line {number}: expected a line of a history, found no JSON: {problem}.") from problem
    if not isinstance(found, dict):
        raise UserError(f"{path}, line {number}: expected a line of a history, found {type(found).__name__}.")
    return found


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The whole lines of a file, with their numbers from one."""
    try:
        with _opened(path) as file:
            number = 1
            while (line := _whole_line(file)) is not None:
                yield number, line
                number += 1
    except (OSError, zlib.error) as error:
        raise UserError(f"Cannot read the history {path}: {getattr(error, 'strerror', None) or error}.") from error


def _whole_line(file: IO[bytes]) -> bytes | None:
    try:
        line = file.readline()
    except EOFError:  # a compressed file that was cut off
        return None
    return line if line.endswith(b"\n") else None


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path, "rb")) if compressed else path.open("rb")
