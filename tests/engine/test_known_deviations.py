"""What a target was seen to do wrong, among the lanes of a run: shared, and left out where a finding is confirmed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.engine import lanes as lanes_module
from conformance.engine.explorer import Explorer
from conformance.engine.lanes import Lanes
from conformance.judging.case import LaneKnowledge
from conformance.model.deviations import NONE, Deviations
from conformance.plans import Plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from tests.engine.conftest import Script, violation, waits
from tests.judging.cases import balances_seen, holding, seen_after_a_cancel

KEEPS, FREES = Deviations(keeps=True), Deviations(frees=True)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, script: Script) -> Script:
    """Every plan shows a lock that is kept, to whoever does not know that."""

    def run_plan(plan: Plan, venue: object, memory: LaneMemory, *, markets: object = None) -> PlanResult:
        script.run_plan(plan, venue, memory, markets=markets)
        result = replace(
            seen_after_a_cancel(balances_seen(holding("1000")), deviations=memory.known.deviations), plan=plan
        )
        memory.known = replace(memory.known, deviations=result.ended_with)
        return result

    monkeypatch.setattr(lanes_module, "run_plan", run_plan)
    return script


def test_a_finding_is_repeated_without_what_it_established(explorer: Explorer, kept: Script) -> None:
    """Each repetition shows it again: the finding is steady, and the next plan knows it."""
    explorer.run([waits(1)])
    (finding,) = explorer.record.findings.values()
    assert finding.failed == finding.runs > 1
    assert all(knew == NONE for knew in kept.knew)
    assert explorer.lanes.lanes[0].memory.known.deviations == KEEPS


def test_what_one_plan_has_shown_the_next_one_knows(explorer: Explorer, kept: Script) -> None:
    """A second plan that meets the same begins with it, and adds no finding."""
    explorer.run([waits(1)])
    explorer.run([waits(2)])
    assert kept.knew[-1] == KEEPS
    assert len(explorer.record.findings) == 1


def test_a_result_of_another_lane_is_judged_again(explorer: Explorer) -> None:
    """A plan that was under way when another lane told the cause adds nothing to it, and hides nothing else."""
    explorer.established = KEEPS
    explorer._take(seen_after_a_cancel(balances_seen(holding("1000"))), [])
    assert explorer.record.findings == {}
    explorer._take(seen_after_a_cancel(balances_seen(holding("-1000"))), [])
    assert [finding.violation.requirements[0] for finding in explorer.record.findings.values()] == ["FND-04"]
    assert explorer.established == KEEPS.with_those_of(FREES)


def test_what_one_lane_establishes_all_know(lanes: Callable[[int], Lanes]) -> None:
    """A lane keeps what it knew itself, and learns the rest."""
    opened = lanes(2)
    first, second = opened.lanes
    second.memory.known = LaneKnowledge(deviations=FREES)
    opened.establish(KEEPS)
    assert first.memory.known.deviations == KEEPS
    assert second.memory.known.deviations == KEEPS.with_those_of(FREES)


def test_a_lane_knows_again_what_was_left_out(lanes: Callable[[int], Lanes], script: Script) -> None:
    """A plan that is run as if nothing were known does not make its lane forget."""
    opened = lanes(1)
    opened.establish(KEEPS)
    opened.run(waits(1), taken_for=NONE)
    opened.run(waits(2))
    assert script.knew == [NONE, KEEPS]


def test_a_finding_behind_another_is_repeated_with_what_was_known(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first fault ends every plan of whoever does not know it, the second is no intermittent one."""
    first, second = violation("FND-01", kind="first"), violation("TRM-02", kind="second")

    def run_plan(plan: Plan, venue: object, memory: LaneMemory, *, markets: object = None) -> PlanResult:
        knew = memory.known.deviations
        found = [second] if knew.keeps else [first]
        return PlanResult(plan=plan, violations=found, requests=3, began_with=knew, ended_with=KEEPS)

    monkeypatch.setattr(lanes_module, "run_plan", run_plan)
    explorer.established = KEEPS
    explorer.lanes.establish(KEEPS)
    explorer.run([waits(1)])
    (finding,) = explorer.record.findings.values()
    assert finding.violation.requirements == ("TRM-02",)
    assert not finding.intermittent
    assert finding.runs > 1
