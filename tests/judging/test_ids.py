"""Requirement ids stand in the catalogue, the transition tables, the causes table and the marks of the suite alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import conformance

ROOT = Path(conformance.__file__).parent.parent
ROOMS = ("conformance", "reports", "strategies", "fixtures")
ID = re.compile(r"\b(?:CXL|ALL|PND|TRM|NTF|FND|SIG|RCE|ERR|INF)-\d\d\b")

HOMES = frozenset({"conformance/requirements.py", "conformance/model/lifecycle.py", "conformance/judging/causes.py"})
"""What reads the catalogue, and says what an id looks like; the transition tables; what each cause breaks."""

DATA = ("fixtures/attacks/", "fixtures/faults/")
"""What an attack aims at, and what a seeded fault breaks: data about requirements, which nothing judges by."""

MODULES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if (name := path.relative_to(ROOT).as_posix()) not in HOMES and not name.startswith(DATA)
)


def spoken(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The string literals, each with its line, that are neither documentation nor the marks of a test."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        for decorator in getattr(node, "decorator_list", ()):
            if ast.unparse(decorator).startswith("pytest.mark.requirement("):
                left_out.update(id(part) for part in ast.walk(decorator))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_other_module_names_a_requirement(path: Path) -> None:
    """A module that judges, shows or explores takes ids from the catalogue or the tables; it holds none of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [f"line {line}: {text}" for line, text in spoken(tree) if ID.search(text)]
    assert found == []


def test_ids_are_found_in_code_and_passed_over_in_documentation_and_marks() -> None:
    """A literal and a part of an f-string are found; a docstring, a comment and a mark of a test are none of either."""
    lines = (
        '"""CXL-01."""',
        '@pytest.mark.requirement("CXL-02")',
        "def f():  # CXL-03",
        '    """CXL-04."""',
        '    return "CXL-05", f"{x} CXL-06"',
    )
    found = [ID.findall(text) for _, text in spoken(ast.parse("\n".join(lines)))]
    assert found == [["CXL-05"], ["CXL-06"]]
