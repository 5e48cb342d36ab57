"""What a run says of each requirement, and the exit status that follows: tables."""

from collections import Counter
from dataclasses import replace

import pytest

from conformance.exit_status import ExitStatus
from conformance.plans import Plan
from conformance.requirements import Level, catalogue
from conformance.trace import PlanResult, Timing
from conformance.verdicts import Aimed, Finding, Judgement, RunRecord, Verdict, exit_status, judgements
from tests.engine.conftest import violation, waits

STEADY, AT_TIMES = (4, 4), (2, 4)
"""k of n."""


def finding(*requirements: str, seen: tuple[int, int] = STEADY, kind: str = "a kind", size: int = 2) -> Finding:
    """A finding that showed in k of n runs of a plan of some size."""
    result = PlanResult(plan=waits(*range(size)))
    failed, runs = seen
    return Finding(violation=violation(*requirements, kind=kind), result=result, failed=failed, runs=runs)


def record(*findings: Finding, exercised: str = "", **changes: object) -> RunRecord:
    """A run that exercised these requirements and made these findings."""
    made = RunRecord(exercised=Counter(exercised.split()), findings={f.key: f for f in findings})
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def aims(requirement: str, **troubles: int) -> dict[str, Aimed]:
    """Plans that aimed at a requirement, and how many of them met which trouble."""
    return {requirement: Aimed(plans=9, troubles=Counter(troubles))}


def judged(run: RunRecord, requirement: str, **changes: object) -> Judgement:
    """What a run says of a requirement."""
    found = judgements(run, **({"missing": {}} | changes))  # type: ignore[arg-type]  # options of judgements
    return next(j for j in found if j.requirement.id == requirement)


VERDICTS = [
    # (what was observed, requirement, verdict, words of the reason)
    (record(exercised="CXL-01"), "CXL-01", Verdict.PASS, ""),
    (record(), "CXL-01", Verdict.INCONCLUSIVE, "no plan of this run reached it"),
    (record(finding("CXL-01")), "CXL-01", Verdict.FAIL, ""),
    (record(finding("CXL-01"), exercised="CXL-01"), "CXL-01", Verdict.FAIL, ""),
    (record(finding("CXL-01", seen=AT_TIMES), exercised="CXL-01"), "CXL-01", Verdict.INTERMITTENT, ""),
    (record(finding("CXL-01", seen=(1, 5))), "CXL-01", Verdict.INTERMITTENT, ""),
    (record(finding("CXL-01", "FND-02")), "FND-02", Verdict.FAIL, ""),
    (record(finding("CXL-01", seen=AT_TIMES), finding("CXL-01", kind="b")), "CXL-01", Verdict.FAIL, ""),
    (record(finding("FND-02"), exercised="CXL-01"), "CXL-01", Verdict.PASS, ""),
    (record(stopped="the target went away"), "CXL-01", Verdict.INCONCLUSIVE, "the target went away"),
    (record(stopped="gone", exercised="CXL-01"), "CXL-01", Verdict.PASS, ""),
    (record(finding("CXL-01"), stopped="gone"), "CXL-01", Verdict.FAIL, ""),
    (record(errors=["the suite erred"]), "CXL-01", Verdict.INCONCLUSIVE, "the suite erred"),
    (record(aimed=aims("CXL-01", rare=1, often=5)), "CXL-01", Verdict.INCONCLUSIVE, "often"),
    (record(troubles=Counter({"of others": 9})), "CXL-01", Verdict.INCONCLUSIVE, "no plan of this run reached it"),
    (record(aimed=aims("FND-02", why=9)), "CXL-01", Verdict.INCONCLUSIVE, "no plan of this run reached it"),
    (record(), "PND-01", Verdict.NOT_EXERCISED, "never showed an order that is PENDING_CANCEL"),
    (record(cells=Counter({("PENDING_CANCEL", "cancel again"): 1})), "PND-01", Verdict.INCONCLUSIVE, "no plan"),
    (record(cells=Counter({("PENDING_CANCEL", "cancel again"): 1})), "PND-05", Verdict.NOT_EXERCISED, "lasted"),
    (
        record(aimed=aims("PND-05", why=1), cells=Counter({("PENDING_CANCEL", "x"): 1})),
        "PND-05",
        Verdict.INCONCLUSIVE,
        "why",
    ),
    (record(), "TRM-03", Verdict.NOT_EXERCISED, "never showed an order that is PENDING"),
    (record(), "TRM-07", Verdict.NOT_EXERCISED, "never showed an order that is REJECTED"),
    (record(beyond={"FND-07": "too rich"}), "FND-07", Verdict.NOT_EXERCISED, "too rich"),
    (record(beyond={"FND-07": "too rich"}, exercised="FND-07"), "FND-07", Verdict.PASS, ""),
    (record(stopped="gone"), "TRM-07", Verdict.INCONCLUSIVE, "gone"),
]


@pytest.mark.parametrize(("run", "requirement", "verdict", "reason"), VERDICTS)
def test_the_verdict_of_a_requirement(run: RunRecord, requirement: str, verdict: Verdict, reason: str) -> None:
    """A pass needs something exercised and nothing broken; whatever else came of a run says so, with a reason."""
    found = judged(run, requirement)
    assert found.verdict is verdict
    assert reason in found.reason
    assert bool(found.reason) is bool(reason)


def test_a_missing_capability_is_named() -> None:
    """What a target cannot be made to show is NOT EXERCISED, and says which capability is missing."""
    found = judged(record(), "CXL-02", missing={"CXL-02": "the target does not offer: fill"})
    assert (found.verdict, found.reason) == (Verdict.NOT_EXERCISED, "the target does not offer: fill")


def test_a_violation_counts_whatever_is_missing() -> None:
    """A requirement that was broken is FAIL even where it was not asked for, or could hardly be exercised."""
    run = record(finding("CXL-02"))
    assert judged(run, "CXL-02", missing={"CXL-02": "the target does not offer: fill"}).verdict is Verdict.FAIL
    assert judged(run, "CXL-02", selected=("FND-01",)).verdict is Verdict.FAIL


def test_a_partial_run_judges_what_it_was_asked_for() -> None:
    """What was not selected is NOT EXERCISED, though it may have been exercised in passing."""
    found = judged(record(exercised="CXL-01 FND-01"), "CXL-01", selected=("FND-01",))
    assert (found.verdict, found.reason) == (Verdict.NOT_EXERCISED, "not selected in this run")


def test_every_judged_requirement_has_one_verdict() -> None:
    """Every requirement of the catalogue but those that are only measured is judged, once, in its order."""
    found = [j.requirement.id for j in judgements(RunRecord(), missing={})]
    assert found == [r.id for r in catalogue().values() if r.judged]
    assert not any(name.startswith("INF") for name in found)


def test_the_smallest_finding_comes_first() -> None:
    """Evidence of a requirement begins with the plan that is smallest, and with findings that name it first."""
    small, large, aside = finding("CXL-01", size=2), finding("CXL-01", kind="b", size=9), finding("X", "CXL-01", size=1)
    assert list(judged(record(aside, large, small), "CXL-01").findings) == [small, large, aside]


MUST, SHOULD = "CXL-01", "TRM-06"
EVERYTHING = " ".join(catalogue())
STATUSES = [
    # (what was observed, strict, complete, exit status)
    (record(exercised=EVERYTHING), False, True, ExitStatus.CONFORMANT),
    (record(finding(MUST), exercised=EVERYTHING), False, True, ExitStatus.NONCONFORMANT),
    (record(finding(MUST, seen=AT_TIMES), exercised=EVERYTHING), False, True, ExitStatus.NONCONFORMANT),
    (record(finding(SHOULD), exercised=EVERYTHING), False, True, ExitStatus.CONFORMANT),
    (record(finding(SHOULD), exercised=EVERYTHING), True, True, ExitStatus.NONCONFORMANT),
    (record(exercised=EVERYTHING), False, False, ExitStatus.INCONCLUSIVE),
    (record(finding(MUST), exercised=EVERYTHING), False, False, ExitStatus.NONCONFORMANT),
    (record(exercised=EVERYTHING.replace(MUST, "")), False, True, ExitStatus.INCONCLUSIVE),
    (record(exercised=EVERYTHING.replace(SHOULD, "")), False, True, ExitStatus.CONFORMANT),
    (record(exercised=EVERYTHING.replace("TRM-07", "")), False, True, ExitStatus.CONFORMANT),
]


@pytest.mark.parametrize(("run", "strict", "complete", "status"), STATUSES)
def test_the_exit_status_of_a_run(run: RunRecord, strict: bool, complete: bool, status: ExitStatus) -> None:
    """0 conformant; 1 a MUST failed, or with strict a SHOULD; 3 a MUST could not be judged, or it was cut short."""
    assert {catalogue()[MUST].level, catalogue()[SHOULD].level} == {Level.MUST, Level.SHOULD}
    assert exit_status(judgements(run, missing={}), strict=strict, complete=complete) is status


def test_what_was_not_selected_leaves_nothing_in_doubt() -> None:
    """A partial run is conformant where what it was asked for passed."""
    found = judgements(record(exercised="FND-01"), missing={}, selected=("FND-01",))
    assert exit_status(found, selected=("FND-01",)) is ExitStatus.CONFORMANT
    missed = judgements(record(), missing={}, selected=("FND-01",))
    assert exit_status(missed, selected=("FND-01",)) is ExitStatus.INCONCLUSIVE


def test_numbers_are_those_of_the_convention() -> None:
    """CI systems see 0, 1, 2 and 3."""
    assert [int(status) for status in ExitStatus] == [0, 1, 2, 3]


class TestRecords:
    """What is counted of a run."""

    def test_results_add_up(self) -> None:
        """Requests, exercised requirements, cells, notes, troubles and measured times of all plans are counted."""
        run = RunRecord()
        timings = [
            Timing(answer=0.01),
            Timing(answer=0.0, terminal=0.2),
            Timing(answer=0.0, released=0.3),
        ]
        for trouble in (None, "refused"):
            run.add(
                PlanResult(
                    plan=Plan(actions=()),
                    exercised=Counter({"CXL-01": 2}),
                    cells=Counter({("OPEN", "cancel"): 1}),
                    timings=timings,
                    trouble=trouble,
                    requests=5,
                )
            )
        assert (run.plans, run.requests, run.exercised["CXL-01"], run.cells["OPEN", "cancel"]) == (2, 10, 4, 2)
        assert run.troubles == {"refused": 1}
        assert (run.answer_seconds, run.terminal_seconds, run.release_seconds) == ([0.01] * 2, [0.2] * 2, [0.3] * 2)

    def test_a_requirement_says_what_ended_its_own_plans(self) -> None:
        """Its reason names the violation that ended most plans that aimed at it, and no trouble of other plans."""
        run = RunRecord()
        ended, troubled = (PlanResult(plan=Plan(actions=())) for _ in range(2))
        ended.violations.append(violation("CXL-01"))
        troubled.trouble = "refused"
        for result in (ended, ended, troubled):
            run.add(result, ("FND-02",))
        for _ in range(5):
            run.add(troubled, ("TRM-01",))
        assert judged(run, "FND-02").reason == (
            "2 of 3 plans that aimed at it ended before, with a violation of CXL-01"
        )
        assert judged(run, "TRM-01").reason == "refused"

    def test_a_finding_that_always_showed_is_not_intermittent(self) -> None:
        """k of n with k = n is steady; one failure fewer makes it intermittent."""
        steady = finding("CXL-01")
        assert not steady.intermittent
        assert replace(steady, failed=3).intermittent
