"""The two commands at the top of the README do what they say, in a fresh copy and a fresh environment."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_opens_with_two_single_line_commands() -> None:
    """The first two code blocks are one line each: one runs the suite, one runs the tests."""
    judge, check = (command.splitlines() for command in COMMANDS[:2])
    assert (len(judge), len(check)) == (1, 1)
    assert judge[0].endswith("cancel-conformance run")
    assert check[0].endswith("pytest")


@pytest.mark.slow
def test_the_first_command_judges_the_embedded_exchange(tmp_path: Path) -> None:
    """In a fresh copy the first command makes its environment, runs the suite, and ends with 0."""
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "*-report")
    shutil.copytree(ROOT, copy, ignore=ignored)
    done = subprocess.run(
        ["bash", "-c", COMMANDS[0]], cwd=copy, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert (copy / "conformance-report" / "verdicts.json").is_file()
