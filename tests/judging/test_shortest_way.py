"""The shortest way of a verdict: what a reader passes from a wrongly refused cancel's answer to the violation."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest

from conformance.judging.judge import judge
from conformance.judging.rulings import Breaks, nonconformity
from conformance.model.order import Status
from fixtures.venue.answers import AnswerClass
from tests.judging.cases import cancelling, case
from tests.model.orders import known, state

MOST_STACKED_MODULES = 6
MOST_STACKED_FUNCTIONS = 20
"""What stands on the call stack when the violation is made: the way that a reader follows back."""

MOST_MODULES = 12
MOST_FUNCTIONS = 51
"""Everything that is called: words, cells, equal refusals, and what goes on behind the violation are on the way too."""

UNNAMED = frozenset({"<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>", "__init__", "__hash__"})
"""What has no name to look up, and what a dataclass writes for itself."""


@dataclass
class Way:
    """The functions of the package that a profiler saw called, and those that stood on the stack at the violation."""

    called: dict[tuple[str, str], None] = field(default_factory=dict)
    stacked: list[tuple[str, str]] = field(default_factory=list)

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Keep one call, where it is one of the package's."""
        if event != "call":
            return
        if (one := _named(frame)) is not None:
            self.called[one] = None
        if frame.f_code is nonconformity.__code__ and not self.stacked:
            above: FrameType | None = frame
            while above is not None:
                if (one := _named(above)) is not None:
                    self.stacked.append(one)
                above = above.f_back


def _named(frame: FrameType) -> tuple[str, str] | None:
    module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
    passed = module.startswith("conformance.") and function.rpartition(".")[2] not in UNNAMED
    return (module, function) if passed else None


def _modules(way: Iterable[tuple[str, str]]) -> set[str]:
    return {module for module, _ in way}


def test_a_refused_cancel_comes_to_its_verdict_by_few_modules_and_functions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What stands on the call stack at the violation, and what is called at all, is little; both are printed."""
    begun, fact, way = case(known(state(Status.OPEN))), cancelling(AnswerClass.NOT_FOUND), Way()
    judge(begun, fact)  # what is computed once for all is not part of the way
    sys.setprofile(way.note)
    try:
        _, rulings = judge(begun, fact)
    finally:
        sys.setprofile(None)
    (broken,) = (ruling for ruling in rulings if isinstance(ruling, Breaks))
    assert broken.violation.requirements == ("CXL-01",)
    with capsys.disabled():
        for what, passed in (("on the stack", way.stacked), ("called", list(way.called))):
            sys.stdout.write(f"\n{what}: {len(_modules(passed))} modules, {len(passed)} functions:\n")
            sys.stdout.writelines(f"  {module} {function}\n" for module, function in passed)
    assert way.stacked
    assert len(_modules(way.stacked)) <= MOST_STACKED_MODULES
    assert len(way.stacked) <= MOST_STACKED_FUNCTIONS
    assert len(_modules(way.called)) <= MOST_MODULES
    assert len(way.called) <= MOST_FUNCTIONS
