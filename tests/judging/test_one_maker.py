"""Only the room of rulings makes a violation: whoever accuses a target goes through it."""

import ast
from pathlib import Path

import conformance

ROOT = Path(conformance.__file__).parent.parent
ROOMS = ("conformance", "reports", "strategies", "fixtures")


def makers(name: str) -> set[str]:
    """The modules that call a class of this name."""
    return {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    }


def test_violations_are_made_by_the_rulings_alone() -> None:
    """A violation is made in one module of all four packages."""
    assert makers("Violation") == {"conformance/judging/rulings.py"}


def test_accusations_are_made_by_the_judge_alone() -> None:
    """What says that nothing explains an observation is made where one observation is judged, and nowhere else."""
    assert makers("Breaks") == {"conformance/judging/judgement.py"}
    assert makers("nonconformity") <= {"conformance/judging/judgement.py", "conformance/judging/answers.py"}
