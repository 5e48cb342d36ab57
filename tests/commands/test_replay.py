"""Replaying, minimising and exporting kept evidence."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conformance.application.replay import breach, plan_of
from conformance.application.run import RunOutcome
from conformance.cli import main
from conformance.exit_status import ExitStatus
from conformance.trace import PlanResult, Violation
from reports.evidence import read_evidence

FAULTY = ["--cancel-mode", "immediate", "--fault", "filled-cancel-accepted"]


@pytest.fixture
def evidence(faulty_run: tuple[Path, RunOutcome]) -> Path:
    """The evidence file of the violated requirement."""
    return faulty_run[0] / "evidence" / "TRM-01-1.json"


def test_a_replay_reproduces_every_time(evidence: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan of a deterministic violation shows it in ten of ten replays, and the command ends with 1."""
    assert main(["replay", str(evidence), "--times", "10", *FAULTY]) == ExitStatus.NONCONFORMANT
    assert "Reproduced 10 of 10" in capsys.readouterr().out


def test_a_replay_on_a_mended_exchange_is_clean(evidence: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Against an exchange without the fault the replay reproduces nothing, and the command ends with 0."""
    assert main(["replay", str(evidence), "--cancel-mode", "immediate"]) == ExitStatus.CONFORMANT
    assert "Reproduced 0 of 1" in capsys.readouterr().out


def test_minimise_writes_a_plan_that_still_fails(evidence: Path, tmp_path: Path) -> None:
    """The smaller plan is written as evidence, is not larger, and names the same violation."""
    smaller = tmp_path / "smaller.json"
    assert main(["minimise", str(evidence), "--out", str(smaller), *FAULTY]) == ExitStatus.NONCONFORMANT
    before, after = read_evidence(evidence), read_evidence(smaller)
    assert len(after.plan["actions"]) <= len(before.plan["actions"])
    assert (after.requirement, after.kind) == (before.requirement, before.kind)


def test_an_exported_test_carries_plan_and_requirements(evidence: Path, tmp_path: Path) -> None:
    """pytest collects the exported file; plan, lane and requirements stand beside it, as data."""
    exported = tmp_path / "test_kept.py"
    assert main(["replay", str(evidence), "--export", str(exported)]) == ExitStatus.CONFORMANT
    kept = read_evidence(evidence)
    data = json.loads(exported.with_suffix(".plan.json").read_text())
    assert (data["requirements"], data["lane"]) == (list(kept.requirements), kept.lane)
    assert any(action["do"] == "cancel" for action in data["plan"]["actions"])
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(exported), "--collect-only"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "test_kept_violation" in done.stdout, done.stdout + done.stderr


HOSTILE = '__import__("pathlib").Path("ran").touch()'


@pytest.mark.parametrize(
    "change",
    [
        {"requirement": HOSTILE, "requirements": [HOSTILE]},
        {"requirements": ["TRM-01", f'"), {HOSTILE}, ("']},
        {"kind": f'"""\n{HOSTILE}\n"""'},
        {"predicted": f'\u2028"""\r{HOSTILE}#', "seen": f"'''\n{HOSTILE}\\"},
        {"plan": {"actions": f'"""\n{HOSTILE}\n"""'}},
    ],
    ids=["requirement", "requirements", "kind", "predicted and seen", "plan"],
)
def test_nothing_in_evidence_becomes_code(evidence: Path, tmp_path: Path, change: dict[str, object]) -> None:
    """Evidence is hostile input: whatever it says, the exported file is the same one, or there is none."""
    forged, exported, other = tmp_path / "forged.json", tmp_path / "test_forged.py", tmp_path / "test_kept.py"
    forged.write_text(json.dumps(json.loads(evidence.read_text()) | change))
    assert main(["replay", str(evidence), "--export", str(other)]) == ExitStatus.CONFORMANT
    if main(["replay", str(forged), "--export", str(exported)]) == ExitStatus.CONFORMANT:
        assert exported.read_bytes() == other.read_bytes()
    else:
        assert not exported.exists()


def test_an_export_beside_its_evidence_leaves_it_whole(evidence: Path, tmp_path: Path) -> None:
    """A test of the evidence's own name does not take its place."""
    kept = tmp_path / "kept.json"
    kept.write_bytes(evidence.read_bytes())
    assert main(["replay", str(kept), "--export", str(tmp_path / "kept.py")]) == ExitStatus.CONFORMANT
    assert kept.read_bytes() == evidence.read_bytes()


def test_an_exported_test_is_a_python_file(evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under another name pytest would not find it."""
    assert main(["replay", str(evidence), "--export", str(tmp_path / "kept.json")]) == ExitStatus.USAGE
    assert "ends in .py" in capsys.readouterr().err
    assert list(tmp_path.glob("kept*")) == []


def test_kept_evidence_is_run_first(evidence: Path, tmp_path: Path) -> None:
    """With --regressions a run finds the kept violation before any other test has begun."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "one.json").write_bytes(evidence.read_bytes())
    words = [
        "run",
        "--level",
        "smoke",
        "--only",
        "TRM-01",
        "--out",
        str(tmp_path / "report"),
        "--regressions",
        str(kept),
    ]
    assert main([*words, *FAULTY, "--workers", "1"]) == ExitStatus.NONCONFORMANT
    assert read_evidence(tmp_path / "report" / "evidence" / "TRM-01-1.json").test == "regressions"


def test_the_plugin_is_inert_without_a_target(tmp_path: Path) -> None:
    """In another project's pytest run the plugin collects no conformance test and imports nothing heavy."""
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n"
        "def test_own():\n"
        "    assert 'httpx' not in sys.modules\n"
        "    assert 'conformance.engine' not in sys.modules\n"
    )
    installed = any(point.value == "conformance.plugin" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "conformance.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:schemathesis", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(root), "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_breach_seen_otherwise_is_a_breach(evidence: Path) -> None:
    """Of several breaches the one like the kept one counts; another way of breaking the requirement does too."""
    kept = read_evidence(evidence)

    def found(requirement: str, kind: str) -> Violation:
        return Violation(
            requirements=(requirement,),
            kind=kind,
            step=1,
            what="a cancel",
            predicted="refused",
            seen="accepted",
            because=(),
        )

    def shown(*violations: Violation) -> Violation | None:
        return breach(PlanResult(plan=plan_of(kept), violations=list(violations)), kept)

    other, same, elsewhere = found("TRM-01", "another way"), found("TRM-01", kept.kind), found("CXL-01", kept.kind)
    assert shown(other, same) is same
    assert shown(elsewhere, other) is other
    assert shown(elsewhere) is None
