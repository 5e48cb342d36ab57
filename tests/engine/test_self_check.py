"""The suite checked on itself: planted faults are caught, one that does nothing is reported as escaped."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from conformance.application import self_check
from conformance.application.self_check import Trial, TrialResult, check, trials
from conformance.cli.self_check import _report
from conformance.engine.levels import LevelName
from conformance.exit_status import ExitStatus
from conformance.suite.listing import chosen, run_suite
from fixtures.exchange import CancelMode
from fixtures.faults import FAULTS

CAUGHT = [
    # a fault of each family, and of each way to be found
    "cancel-has-no-effect",
    "partial-cancel-forgets-executed",
    "cancelled-still-matches",
    "bulk-skips-sells",
    "bulk-stops-at-50",
    "bulk-lists-twice",
    "pending-fill-lost",
    "pending-unlocks-at-request",
    "filled-cancel-accepted",
    "refused-cancel-releases",
    "foreign-cancellable",
    "unknown-accepted",
    "two-fills-lose-one",
    "fifth-order-keeps-lock",
    "all-decimals-keep-dust",
    "signature-unchecked",
    "any-registered-key",
    "order-id-not-bound",
    "sha1-taken",
    "pkcs1-garbage-behind",
    "id-long-500",
    "errors-as-200",
]


@pytest.fixture(scope="module")
def open_bench() -> Iterator["self_check.Bench"]:
    """One exchange and session for all trials of this file, in this process."""
    opened = self_check.Bench(LevelName.SMOKE)
    yield opened
    opened.close()


@pytest.fixture
def trial(open_bench: "self_check.Bench", monkeypatch: pytest.MonkeyPatch) -> Callable[..., TrialResult]:
    """Plays one trial at smoke: ``trial("fault", "mode")``; with requirements, the tests for them alone."""
    monkeypatch.setattr(self_check, "_bench", open_bench)

    def play(fault: str | None, mode: str | None = None, *, only: tuple[str, ...] | None = None) -> TrialResult:
        chosen_mode = mode or (FAULTS[fault].modes[0].value if fault else CancelMode.MIXED.value)
        every = open_bench.tests
        try:
            open_bench.tests = chosen(every, only)
            return self_check._trial(Trial(fault=fault, mode=chosen_mode, seed=1), LevelName.SMOKE, everything=False)
        finally:
            open_bench.tests = every

    return play


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_planted_fault_is_caught_at_smoke(trial: Callable[..., TrialResult], fault: str) -> None:
    """The requirement that a fault is mapped to catches it within the smallest budget."""
    result = trial(fault)
    assert result.good, result
    assert FAULTS[fault].requirement in result.broken


def test_a_fault_that_does_nothing_is_reported_as_escaped(trial: Callable[..., TrialResult]) -> None:
    """A fault of delayed cancels cannot show where cancels are immediate: the trial says that it escaped."""
    result = trial("pending-fill-lost", "immediate", only=("PND-02",))
    assert (result.caught, result.good, result.broken) == (False, False, ())
    assert result.plans > 0


def test_a_clean_exchange_is_left_in_peace(trial: Callable[..., TrialResult]) -> None:
    """Without a fault nothing is broken, and what was asked for passed."""
    result = trial(None, only=("CXL-02", "FND-04"))
    assert result.good
    assert not {"CXL-02", "FND-04"} & {entry.partition(" ")[0] for entry in result.not_passed}


def test_a_defect_of_the_suite_is_no_good_trial(
    trial: Callable[..., TrialResult], open_bench: "self_check.Bench", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial in which a conformance test itself erred says so, whatever was found."""

    def erring(explorer: object) -> None:
        raise KeyError("price")

    broken = tuple(replace(test, function=erring) for test in open_bench.tests)
    monkeypatch.setattr(open_bench, "tests", broken)
    result = trial(None, only=("NTF-05",))
    assert not result.good
    assert "KeyError" in result.error


def test_trials_cover_every_mode_and_fault() -> None:
    """Clean runs in each cancel mode with as many seeds as asked for, and each fault in a mode in which it shows."""
    todo = trials(["pending-fill-lost", "bulk-lists-twice"], seed=7, clean_seeds=2)
    assert [(t.mode, t.seed) for t in todo if t.fault is None] == [
        (mode.value, seed) for seed in (7, 8) for mode in CancelMode
    ]
    assert [(t.fault, t.mode) for t in todo if t.fault] == [
        ("pending-fill-lost", "delayed"),
        ("bulk-lists-twice", "immediate"),
    ]
    assert trials([], seed=1, clean=False) == []


def test_trials_run_in_processes_of_their_own() -> None:
    """The same check through worker processes, each with an exchange of its own."""
    todo = trials(["unknown-accepted"], seed=1, clean=False)
    (result,) = check(todo, level=LevelName.SMOKE, processes=1)
    assert result.good
    assert result.broken == ("NTF-01",)


def result_of(fault: str | None, *, caught: bool = True, broken: tuple[str, ...] = (), error: str = "") -> TrialResult:
    """A result as a trial would give it."""
    return TrialResult(
        trial=Trial(fault=fault, mode="mixed", seed=1),
        requirement=FAULTS[fault].requirement if fault else "",
        caught=caught,
        broken=broken,
        by="test_x",
        kind="a kind",
        plans=3,
        requests=40,
        seconds=0.5,
        error=error,
    )


REPORTS = [
    # (results, status, words)
    ([result_of("foreign-cancellable", broken=("NTF-02",)), result_of(None)], 0, ["1 of 1 seeded", "0 of 1 clean"]),
    ([result_of("foreign-cancellable", caught=False)], 1, ["foreign-cancellable escaped NTF-02", "0 of 1 seeded"]),
    ([result_of(None, broken=("FND-01",))], 1, ["accused: FND-01", "1 of 1 clean runs accused"]),
    ([result_of("foreign-cancellable", error="gone")], 1, ["stopped: gone"]),
    (
        [result_of("id-long-500", broken=("ERR-01", "NTF-04", "FND-01"))],
        0,
        ["id-long-500 also broke FND-01, which", "median 3, mean 3.00; 1 of 1 faults broke others"],
    ),
    ([result_of("id-long-500", broken=("ERR-01", "NTF-04"))], 0, ["0 of 1 faults broke others than they entail"]),
    ([result_of(None, error="gone")], 1, ["clean (mixed): stopped: gone"]),
]  # fmt: skip


@pytest.mark.parametrize(("results", "status", "words"), REPORTS)
def test_the_report_says_what_escaped(results: list[TrialResult], status: int, words: list[str]) -> None:
    """Exit 1 if a fault escapes, a clean exchange is accused or a trial could not end; the report names it."""
    console = Console(record=True, width=200, file=StringIO())
    assert _report(console, results) == ExitStatus(status)
    shown = console.export_text()
    assert [word for word in words if word not in shown] == []


def test_three_faults_at_once_are_three_findings(open_bench: "self_check.Bench") -> None:
    """Locks that stay, foreign cancels that succeed, cancels of FILLED that succeed: one steady finding each."""
    faults = ("lock-never-released", "foreign-cancel-answers-success", "filled-cancel-accepted")
    requirements = tuple(sorted(FAULTS[fault].requirement for fault in faults))
    mode = CancelMode.IMMEDIATE.value
    explorer = open_bench.ready(Trial(fault=None, mode=mode, seed=1), None, everything=True)
    open_bench.exchange.control.reset(faults=list(faults), cancel_mode=mode, seed=1)
    run_suite(explorer, chosen(open_bench.tests, requirements))
    findings = explorer.record.findings.values()
    assert tuple(sorted(finding.violation.requirements[0] for finding in findings)) == requirements
    assert not any(finding.intermittent for finding in findings)
    assert (explorer.record.stopped, explorer.record.errors) == (None, [])
