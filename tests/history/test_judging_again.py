"""A recorded run that is judged again has the verdicts, evidence, reports and exit status that it had."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.exit_status import ExitStatus
from conformance.history import folding
from conformance.history.folding import NOT_ENDED
from conformance.judging.case import Case
from conformance.judging.judge import judge
from conformance.judging.rulings import Breaks, Ruling
from conformance.judging.seen import Fact
from conformance.verdicts import Verdict
from tests.history.conftest import Recorded
from tests.history.lines import altered, lines_of, write_lines

RUNS = [
    ("CXL-02,NTF-02", (), "delayed"),
    ("TRM-01", ("filled-cancel-accepted",), "immediate"),
    ("ALL-03", ("bulk-omits-one",), "immediate"),
    ("SIG-11", ("echoes-the-credentials",), "immediate"),
]


def files_of(folder: Path) -> dict[str, Any]:
    """The verdicts and the evidence in a folder, without the folder's own name."""
    names = ["verdicts.json", "coverage.json", "latency.json", "junit.xml", "summary.md"]
    paths = [*(folder / name for name in names), *sorted((folder / "evidence").glob("*"))]
    return {path.name: path.read_text(encoding="utf-8").replace(str(folder), "REPORT") for path in paths}


@pytest.mark.parametrize(("only", "faults", "mode"), RUNS, ids=[(*faults, "none")[0] for _, faults, _ in RUNS])
def test_a_history_gives_what_its_run_gave(
    only: str, faults: tuple[str, ...], mode: str, recorded: Callable[..., Recorded], tmp_path: Path
) -> None:
    """Verdicts, findings with their evidence, coverage, times, JUnit, summary and exit status are the same."""
    run = recorded(only, *faults, mode=mode)
    again = run.judged(tmp_path)
    assert again.status is run.outcome.status
    assert (again.status is ExitStatus.NONCONFORMANT) == bool(faults)
    assert files_of(tmp_path) == files_of(run.options.out)


def test_every_report_is_written(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """Judging a history writes the page and the Allure results too."""
    recorded("TRM-01", "filled-cancel-accepted").judged(tmp_path)
    assert "TRM-01" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert list((tmp_path / "allure-results").glob("*-result.json"))


def test_a_history_that_ends_early_is_judged_to_its_end(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """Of a file that was cut off, what is whole is judged; the run is not complete, and what it found stands."""
    run = recorded("TRM-01", "filled-cancel-accepted")
    whole = run.history.read_bytes()
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole[: len(whole) * 4 // 5])
    found = run.judged(tmp_path / "out", cut)
    assert found.record.stopped == NOT_ENDED
    assert 0 < found.record.plans <= run.outcome.record.plans
    assert found.status in (ExitStatus.NONCONFORMANT, ExitStatus.INCONCLUSIVE)
    early = write_lines(tmp_path / "early", lines_of(run.history)[:20])
    assert run.judged(tmp_path / "out", early).status is ExitStatus.INCONCLUSIVE


def test_what_the_run_saw_in_a_plan_it_had_not_repeated_is_found(
    recorded: Callable[..., Recorded], tmp_path: Path
) -> None:
    """A finding whose line was not written yet is one of its counted plan run, as often as that plan showed it."""
    run = recorded("TRM-01", "filled-cancel-accepted")
    lines = [line for line in lines_of(run.history) if "finding" not in line]
    found = run.judged(tmp_path / "out", write_lines(tmp_path / "h", lines))
    finding = next(f for f in found.record.findings.values() if "TRM-01" in f.violation.requirements)
    assert found.status is ExitStatus.NONCONFORMANT
    assert finding.failed == finding.runs > 1


def test_a_violation_that_the_run_did_not_see_is_found(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """What the answers of a clean run show to today's judge is a finding, once and of one run."""
    run = recorded("CXL-02,NTF-02", mode="delayed")
    counted = {line["counted"] for line in lines_of(run.history) if "counted" in line}
    done: list[int] = []

    def spoil(line: dict[str, Any]) -> None:
        answer = line["of"].get("answer", {}) if line.get("fact") == "Answered" else {}
        if line.get("saw") in counted and not done and isinstance(answer, list) and answer[0] == "Answer":
            answer[1].update(status=500, classes=["server-error"])
            done.append(line["saw"])

    found = run.judged(tmp_path / "out", altered(run.history, tmp_path / "h", spoil))
    assert found.status is ExitStatus.NONCONFORMANT
    findings = found.record.findings.values()
    assert "ERR-01" in {finding.violation.requirements[0] for finding in findings}
    assert {(finding.failed, finding.runs, finding.result.number) for finding in findings} == {(1, 1, done[0])}


def test_a_finding_that_today_s_judge_does_not_see_is_dropped(
    recorded: Callable[..., Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is judged by today's judge: where that finds nothing wrong, nothing is reported."""

    def lenient(case: Case, fact: Fact) -> tuple[Case, tuple[Ruling, ...]]:
        after, rulings = judge(case, fact)
        return after, tuple(ruling for ruling in rulings if not isinstance(ruling, Breaks))

    monkeypatch.setattr(folding, "judge", lenient)
    found = recorded("TRM-01", "filled-cancel-accepted").judged(tmp_path)
    assert found.record.findings == {}
    assert {j.verdict for j in found.judgements if j.requirement.id == "TRM-01"} <= {Verdict.PASS, Verdict.INCONCLUSIVE}


def test_a_plan_is_not_judged_beyond_its_end(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """Where today's judge ends a plan earlier than the run did, what came afterwards is passed over."""

    def give_up(line: dict[str, Any]) -> None:
        if line.get("fact") == "StepBegun" and line["of"]["index"] == 1:
            line["fact"], line["of"] = "GivenUp", {"reason": "seen today"}

    run = recorded("CXL-02,NTF-02", mode="delayed")
    found = run.judged(tmp_path / "out", altered(run.history, tmp_path / "h", give_up))
    assert found.record.troubles == {"seen today": found.record.plans}
    assert found.record.cells == {}
    assert 0 < found.record.requests < run.outcome.record.requests


def test_options_of_the_report_are_obeyed(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """Known deviations excuse a judged history as they excuse a run."""
    run = recorded("ALL-03", "bulk-omits-one")
    known = tmp_path / "known.toml"
    known.write_text(
        "".join(
            f'[[deviation]]\nrequirement = "{name}"\nreason = "planned"\nexpires = 2999-01-01\n'
            for name in sorted({i for f in run.outcome.record.findings.values() for i in f.violation.requirements})
        ),
        encoding="utf-8",
    )
    from conformance.application.judge import judge_history

    options = replace(run.options, out=tmp_path / "out", deviations=known)
    assert judge_history(run.history, options).status is ExitStatus.CONFORMANT
    told = json.loads((tmp_path / "out" / "verdicts.json").read_text(encoding="utf-8"))
    assert told["run"]["deviations"]
