"""The conformance tests as a list, and running them one after the other.

What a run must know of a test is a mark on the test, or on its whole file:

- ``requirement("ID", ...)``: what it speaks for;
- ``turn("new accounts")``: when it is run, one of :data:`TURNS`; without it, in the middle;
- ``budget(plans=lambda level: ...)``: about how many plans it runs at a level; without it, a focused property's;
- ``broad``: it finds what no test is aimed at.
"""

import importlib
import pkgutil
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from conformance.engine.explorer import Explorer, NonconformityError, RunStoppedError
from conformance.engine.levels import Level
from conformance.requirements import catalogue

AnyMark = pytest.Mark | pytest.MarkDecorator

MIDDLE: Final = ""
"""The turn of a test that names none."""

TURNS: Final = (
    "new accounts",
    "first steps",
    "whole funds",
    "cells",
    MIDDLE,
    "races",
    "free exploration",
    "all funds at stake",
)
"""When tests are run: what needs accounts without an order, or funds that no trade has moved, comes first; then aimed
plans, which find the most in the least time. What may lose all that an account has comes last."""


def focused(level: Level) -> int:
    """The plans of a focused property: its own, and those that it names itself."""
    return 4 * level.focused // 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ConformanceTest:
    """One conformance test: the requirements that it speaks for, its turn, and about how many plans it runs.

    ``broad``: it finds what no test is aimed at.
    """

    name: str
    requirements: tuple[str, ...]
    summary: str
    function: Callable[[Explorer], None]
    turn: str = MIDDLE
    expected_plans: Callable[[Level], int] = focused
    broad: bool = False


def conformance_tests() -> tuple[ConformanceTest, ...]:
    """Every conformance test by its turn, then by its file. Raises ``ValueError`` for a turn that there is not."""
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name.startswith("test_"))
    found: list[ConformanceTest] = []
    for name in names:
        module = importlib.import_module(f"conformance.suite.{name}")
        for label, function in vars(module).items():
            if label.startswith("test_") and callable(function):
                marks = [*getattr(function, "pytestmark", ()), *getattr(module, "pytestmark", ())]
                found.append(_marked(f"{name}::{label}", function, marks))
    return tuple(sorted(found, key=lambda test: TURNS.index(test.turn)))


def _marked(name: str, function: Callable[[Explorer], None], marks: Iterable[AnyMark]) -> ConformanceTest:
    """A test as its marks say: those of the test itself come before those of its file."""
    given: dict[str, list[AnyMark]] = {}
    for mark in marks:
        given.setdefault(mark.name, []).append(mark)
    turn = given["turn"][0].args[0] if "turn" in given else MIDDLE
    if turn not in TURNS:
        raise ValueError(f"{name}: expected a turn among {', '.join(filter(None, TURNS))}, found {turn!r}")
    return ConformanceTest(
        name=name,
        requirements=tuple(dict.fromkeys(i for mark in given.get("requirement", ()) for i in mark.args)),
        summary=(function.__doc__ or "").strip().splitlines()[0],
        function=function,
        turn=turn,
        expected_plans=given["budget"][0].kwargs["plans"] if "budget" in given else focused,
        broad="broad" in given,
    )


def chosen(tests: Iterable[ConformanceTest], selected: Iterable[str] | None) -> tuple[ConformanceTest, ...]:
    """The tests that speak for any of the selected requirements; all of them where none is selected."""
    if selected is None:
        return tuple(tests)
    wanted = set(selected)
    return tuple(test for test in tests if wanted & set(test.requirements))


def run_suite(explorer: Explorer, tests: Iterable[ConformanceTest]) -> None:
    """Run the tests; what they find is in the explorer's record. Stops early where the run cannot go on."""
    offered = explorer.ground.abilities
    for test in tests:
        if explorer.satisfied:
            return
        if not any(catalogue()[i].needs <= offered for i in test.requirements):
            continue  # nothing that the target offers could exercise it: NOT EXERCISED, with the reason
        explorer.begin(test.name, test.requirements)
        try:
            test.function(explorer)
        except NonconformityError:
            continue  # recorded already; the next test may find something else
        except RunStoppedError:
            return
        except Exception as error:  # noqa: BLE001 - a defect of ours must not hide what other tests find
            traceback.print_exception(error)
            explorer.record.errors.append(f"the suite erred in {test.name}: {error!r}")
