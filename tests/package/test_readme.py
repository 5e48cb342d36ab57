"""What the README shows works as it is shown: its two commands, its target file, its seeded fault."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.faults import FAULTS
from fixtures.profiles.loading import load_profile

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_readme_opens_with_two_single_line_commands() -> None:
    """The first two code blocks are one line each: one runs the suite, one runs the tests."""
    judge, check = (command.splitlines() for command in COMMANDS[:2])
    assert (len(judge), len(check)) == (1, 1)
    assert judge[0].endswith("cancel-conformance run")
    assert ".venv/bin/pytest" in check[0]
    assert check[0].rpartition(".venv/bin/")[2] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_the_first_command_judges_the_embedded_exchange(tmp_path: Path) -> None:
    """In a fresh copy the first command makes its environment and runs the suite; every requirement is met."""
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "*-report")
    shutil.copytree(ROOT, copy, ignore=ignored)
    done = subprocess.run(
        ["bash", "-c", COMMANDS[0]], cwd=copy, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    verdicts = json.loads((copy / "conformance-report" / "verdicts.json").read_text(encoding="utf-8"))["requirements"]
    assert {entry["id"]: entry["verdict"] for entry in verdicts if entry["verdict"] != "PASS"} == dict.fromkeys(
        ("SIG-15", "SIG-16", "SIG-17"),
        "NOT EXERCISED",  # they speak of other schemes
    )


def test_the_target_file_of_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    """The target file that the README shows loads, and nothing in it draws a warning."""
    blocks = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (shown,) = (block for block in blocks if block.startswith("extends"))
    (tmp_path / "target.toml").write_text(shown)
    profile = load_profile(tmp_path / "target.toml")
    assert set(profile.accounts) == {"primary", "counterparty"}
    assert profile.warnings() == ()


def test_the_fault_of_the_readme_exists() -> None:
    """A seeded fault that the README names can be seeded."""
    named = re.findall(r"--fault ([\w-]+)", README)
    assert named
    assert set(named) <= FAULTS.keys()
