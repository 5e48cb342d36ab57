"""The command line as a whole: help, version, wrong usage, and what it costs to start."""

import pkgutil
import subprocess
import sys

import pytest

import conformance.cli
from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.version import VERSION


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_version_is_printed_alone() -> None:
    """``--version`` prints the name and the version on one line and ends with 0."""
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"cancel-conformance {VERSION}\n")


def test_help_names_every_command_and_the_exit_statuses() -> None:
    """``--help`` lists each command with what it does, and says what the exit statuses mean."""
    done = command("--help")
    assert done.returncode == 0
    for name in conformance.cli.COMMANDS:
        assert f" {name.replace('_', '-')} " in done.stdout
    assert "3 inconclusive" in " ".join(done.stdout.split())


def test_every_module_is_a_command() -> None:
    """The package of the command line holds commands, and nothing else."""
    assert {module.name for module in pkgutil.iter_modules(conformance.cli.__path__)} == set(conformance.cli.COMMANDS)


@pytest.mark.parametrize("name", conformance.cli.COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Each command describes itself and each of its options."""
    done = command(name.replace("_", "-"), "--help")
    assert done.returncode == 0
    assert "Usage: cancel-conformance" in done.stdout


@pytest.mark.parametrize("arguments", [("--nonsense",), ("nonsense",), ("explain", "--nonsense"), ()])
def test_wrong_usage_ends_with_2_and_no_stack_trace(arguments: tuple[str, ...]) -> None:
    """An unknown option or command, or none at all, ends with status 2 and a message, never with a stack trace."""
    done = command(*arguments)
    assert done.returncode == ExitStatus.USAGE
    assert "Traceback" not in done.stderr
    assert "Usage:" in done.stdout + done.stderr


def test_a_mistake_of_the_user_is_one_block_of_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A `UserError` is printed as it stands, brackets too, and the run ends with status 2."""

    def mistaken() -> None:
        raise UserError("target.toml: [accounts.primary] key_file: expected a PEM file")

    monkeypatch.setattr(conformance.cli, "application", lambda: lambda **_given: mistaken())
    assert conformance.cli.main([]) == ExitStatus.USAGE
    assert capsys.readouterr().err == "Error: target.toml: [accounts.primary] key_file: expected a PEM file\n"


def test_a_defect_of_the_suite_never_looks_like_a_nonconformity(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw ends with status 3, since status 1 is a statement about the target."""

    def defective() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(conformance.cli, "application", lambda: lambda **_given: defective())
    assert conformance.cli.main([]) == ExitStatus.INCONCLUSIVE
    assert "says nothing about the target" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    """``--help`` comes at once, since it leaves what is heavy alone."""
    code = (
        "import sys, conformance.cli as c; c.main(['--help']);"
        "print('HEAVY', sorted({'hypothesis', 'httpx', 'pydantic', 'pytest', 'matplotlib'} & sys.modules.keys()))"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[-1] == "HEAVY []"
