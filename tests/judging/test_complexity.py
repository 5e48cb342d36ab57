"""How complex functions are, by radon: what no reader holds in the head is not written."""

from pathlib import Path

import pytest
from radon.complexity import cc_visit
from radon.visitors import Function

import conformance

ROOT = Path(conformance.__file__).parent.parent
ROOMS = ("conformance", "reports", "strategies", "fixtures")

MOST = 20
"""The greatest complexity of a function."""

MUCH = 10
MOST_SHARE = 0.08
"""The share of functions of the runner and the judge that may be more complex than that."""


def measured(folder: str) -> dict[str, int]:
    """The complexity of each function and method of a folder, by its place."""
    found: dict[str, int] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for block in cc_visit(path.read_text(encoding="utf-8")):
            if isinstance(block, Function):  # methods stand in the list beside the class that they belong to
                place = f"{path.relative_to(ROOT).as_posix()}:{block.lineno} {block.fullname}"
                found[place] = block.complexity
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_too_complex(room: str) -> None:
    """No function of the four packages has more paths through it than a reader can follow."""
    assert {place: complexity for place, complexity in measured(room).items() if complexity > MOST} == {}


def test_few_functions_of_the_judge_and_the_runner_are_complex() -> None:
    """Acting and judging are made of small rules: at most one function in twelve has many paths."""
    found = measured("conformance/runner") | measured("conformance/judging")
    much = sorted(place for place, complexity in found.items() if complexity > MUCH)
    assert len(found) > 300
    assert len(much) < MOST_SHARE * len(found), "\n".join(much)
