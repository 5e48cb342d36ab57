"""The wheel that users install: it holds what the packages promise."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from conformance.shadowing import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of the files in the wheel, built from this source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(held: frozenset[str], package: str) -> None:
    """Type checkers read our annotations only where a package holds ``py.typed`` (PEP 561)."""
    assert f"{package}/py.typed" in held


def test_everything_that_is_read_at_run_time_is_there(held: frozenset[str]) -> None:
    """Every file of the four packages is in the wheel: catalogue, profiles, documents, templates, console script."""
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - held == {"conformance/start.py"}  # it is installed under a name that nothing else uses
    assert "cancel_conformance_start.py" in held
