"""Hypothesis shows the values of a failing example, also with schemathesis installed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAILING = '''
from hypothesis import given, settings, strategies as st

@settings(database=None)
@given(quantity=st.integers())
def test_quantity(quantity):
    """Fails for every quantity from 100."""
    assert quantity < 100
'''


@pytest.mark.slow
def test_a_failing_example_shows_its_values(tmp_path: Path) -> None:
    """Under our own pytest settings a counterexample is printed with its values.

    Importing schemathesis' pytest plugin swaps Hypothesis' printer for one that prints nothing, so our settings must
    keep the plugin out.
    """
    (tmp_path / "test_failing.py").write_text(FAILING)
    settings = [f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={tmp_path}", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, str(tmp_path / "test_failing.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "quantity=100," in done.stdout


def test_schemathesis_has_not_touched_the_printer_of_this_process() -> None:
    """In the process of our own tests Hypothesis' printer is the one that Hypothesis brought."""
    from hypothesis import core

    assert vars(core)["RepresentationPrinter"].__module__ == "hypothesis.vendor.pretty"
