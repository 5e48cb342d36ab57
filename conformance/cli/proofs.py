"""What stands behind a requirement: the conformance tests that exercise it and the seeded faults that they catch."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Final, Protocol

import pytest

import conformance.suite

MARKER: Final = "requirement"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConformanceTest:
    """One test of the suite: where it stands, the requirement ids of its marker, and its docstring in one line."""

    node: str
    requirements: tuple[str, ...]
    summary: str


class SeededFault(Protocol):
    """What is read of a fault: its name, what it does in one line, and the requirement that must catch it."""

    @property
    def name(self) -> str: ...  # noqa: D102 - said above

    @property
    def summary(self) -> str: ...  # noqa: D102 - said above

    @property
    def requirement(self) -> str: ...  # noqa: D102 - said above


def conformance_tests() -> tuple[ConformanceTest, ...]:
    """Return every test of the conformance suite, marked or not, by importing its modules."""
    found: list[ConformanceTest] = []
    for entry in pkgutil.iter_modules(conformance.suite.__path__):
        if entry.name.startswith("test_"):
            module = importlib.import_module(f"conformance.suite.{entry.name}")
            found.extend(_tests_of(module, _marked(module), f"suite/{entry.name}.py"))
    return tuple(found)


def seeded_faults() -> Mapping[str, SeededFault]:
    """Return every seeded fault of the embedded exchange by name."""
    from fixtures.faults import FAULTS

    return FAULTS


def _tests_of(holder: ModuleType | type, inherited: tuple[str, ...], node: str) -> Iterator[ConformanceTest]:
    for name, member in vars(holder).items():
        if inspect.isclass(member) and name.startswith("Test"):
            yield from _tests_of(member, inherited + _marked(member), f"{node}::{name}")
        elif callable(member) and name.startswith("test_"):
            yield ConformanceTest(
                node=f"{node}::{name}",
                requirements=tuple(dict.fromkeys(inherited + _marked(member))),
                summary=" ".join((inspect.getdoc(member) or "").split()),
            )


def _marked(holder: object) -> tuple[str, ...]:
    """The ids of the requirement markers on a module, class or function."""
    marks = getattr(holder, "pytestmark", ())
    each: list[object] = list(marks) if isinstance(marks, list | tuple) else [marks]
    plain = [mark.mark if isinstance(mark, pytest.MarkDecorator) else mark for mark in each]
    return tuple(
        str(name) for mark in plain if isinstance(mark, pytest.Mark) and mark.name == MARKER for name in mark.args
    )
