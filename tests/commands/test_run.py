"""What ``cancel-conformance run`` ends with and leaves behind."""

import json
from pathlib import Path

import pytest

from conformance.application.run import Options, RunOutcome, perform
from conformance.cli import main
from conformance.exit_status import ExitStatus
from conformance.verdicts import Verdict


def test_a_fault_fails_its_requirement(faulty_run: tuple[Path, RunOutcome]) -> None:
    """A run against a seeded fault ends with 1, and its requirement's verdict is FAIL with evidence."""
    folder, outcome = faulty_run
    assert outcome.status is ExitStatus.NONCONFORMANT
    data = json.loads((folder / "verdicts.json").read_text())
    entry = next(entry for entry in data["requirements"] if entry["id"] == "TRM-01")
    assert entry["verdict"] == "FAIL"
    assert entry["evidence"]
    assert all((folder / name).is_file() for name in entry["evidence"])


def test_what_was_not_selected_is_not_exercised(faulty_run: tuple[Path, RunOutcome]) -> None:
    """A partial run says of every requirement that it did not select that it was not exercised, and why."""
    _, outcome = faulty_run
    others = [j for j in outcome.judgements if j.requirement.id == "ALL-06"]
    assert [(j.verdict, j.reason) for j in others] == [(Verdict.NOT_EXERCISED, "not selected in this run")]


def test_a_run_leaves_its_files(faulty_run: tuple[Path, RunOutcome]) -> None:
    """Every promised file is there, and the smallest plan is smaller than the one that showed the violation first."""
    folder, outcome = faulty_run
    for name in ("verdicts.json", "coverage.json", "latency.json", "summary.md", "junit.xml", "index.html"):
        assert (folder / name).stat().st_size
    assert list((folder / "allure-results").glob("*-result.json"))
    finding = next(f for f in outcome.record.findings.values() if "TRM-01" in f.violation.requirements)
    assert len(finding.result.plan.actions) < finding.first_size
    assert finding.failed == finding.runs > 1


def test_the_same_seed_gives_the_same_plans_and_verdicts(tmp_path: Path) -> None:
    """Two clean runs in a row with one seed exercise the same cells and end with the same verdicts."""
    runs = [
        perform(
            Options(
                level="smoke",
                only="FND-07",
                out=tmp_path / str(n),
                cancel_mode="immediate",
                workers=1,
                quiet=True,
                seed=4,
            )
        )
        for n in range(2)
    ]
    first, second = ([(j.requirement.id, j.verdict, j.exercised) for j in run.judgements] for run in runs)
    assert first == second
    assert runs[0].record.plans == runs[1].record.plans > 0
    assert runs[0].status is ExitStatus.CONFORMANT


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "--fault", "no-such-fault"], "no seeded fault"),
        (["run", "--target", "missing.toml"], "does not exist"),
        (["run", "--only", "CXL-99"], "unknown requirement"),
        (["run", "--regressions", "missing-folder"], "expected a folder"),
        (["replay", "missing.json"], "missing.json"),
    ],
)
def test_a_mistake_is_named(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option or file ends with 2 and one sentence that names it, without a stack trace."""
    assert main(words) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said


def test_known_deviations_excuse_until_they_expire(faulty_run: tuple[Path, RunOutcome], tmp_path: Path) -> None:
    """With a live deviation for what fails the gate is green; with an expired one it is red."""
    statuses = []
    for expires in ("2999-01-01", "2001-01-01"):
        file = tmp_path / f"{expires}.toml"
        file.write_text(f'[[deviation]]\nrequirement = "TRM-01"\nreason = "planned"\nexpires = {expires}\n')
        options = Options(
            level="smoke",
            only="TRM-01",
            out=tmp_path / expires,
            faults=("filled-cancel-not-found",),
            cancel_mode="immediate",
            deviations=file,
            quiet=True,
        )
        statuses.append(perform(options).status)
    assert statuses == [ExitStatus.CONFORMANT, ExitStatus.NONCONFORMANT]
