"""What must never stand in the repository: keys, paths of one machine, addresses of package registries."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("conformance", "strategies", "fixtures", "reports", "tests", "benchmarks", ".ci")
FORBIDDEN = {
    "a path of one machine": r"(^|[^\w.])/(home|root|work|Users)/\w",
    "a registry's address": r"py(pi)\.org|python(hosted)\.org",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}",
    "an unfinished mark": r"\b(TO(DO)|FIX(ME)|NotImplemented(Error))\b",
    "a silenced type check without a reason": r"#\s*type: ignore(?!\[[a-z-]+\] +# .{8})",
    "a silenced lint check without a reason": r"#\s*noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)*\W+\w.{5})",
}


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project with its contents."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", *inside):
        if path.is_file() and "__pycache__" not in path.parts:
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture or the like


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_is_free_of(what: str) -> None:
    """No text file of the project holds it."""
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [f"{path.relative_to(ROOT)}: {match[0]!r}" for path, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_the_search_reads_the_project() -> None:
    """The search above would find something: it reads this file, the catalogue and the README."""
    read = {path.relative_to(ROOT).as_posix() for path, _text in texts()}
    assert {"tests/package/test_repository.py", "conformance/requirements.toml", "README.md", ".ci/run"} <= read
