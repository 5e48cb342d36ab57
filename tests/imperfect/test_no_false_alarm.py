"""What is imperfect on the way to an honest exchange, and allowed by its profile, is never called a nonconformity."""

from typing import TYPE_CHECKING

import pytest

from conformance.engine.drawing import draw_plans
from conformance.engine.session import ground_of
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.exchange import CancelMode
from fixtures.venue import Venue
from strategies.cells import cell_plans
from strategies.lifecycles import lifecycles

if TYPE_CHECKING:
    from tests.imperfect.conftest import Behind

EVERYTHING = {"lag_ms": 50, "lost_answers": 0.05, "throttled": 0.05, "stale_reads_ms": 80, "other_participants": 5}


def walked(venue: Venue, *, every: int, offset: int, lives: int) -> list[PlanResult]:
    """Run some cells and some whole lives."""
    ground, memory = ground_of(venue), LaneMemory()
    plans = [*cell_plans(ground)[offset::every], *draw_plans(lifecycles(ground), lives, seed_of=f"way/{offset}")]
    return [run_plan(plan, venue, memory) for plan in plans]


def accusations(results: list[PlanResult]) -> list[str]:
    """Every violation in a line."""
    return [
        f"{found.requirements}: {result.plan.title}: {found.what}: {found.predicted}, seen {found.seen}"
        for result in results
        for found in result.violations
    ]


@pytest.mark.parametrize(
    "flaws",
    [
        {"lost_answers": 0.05, "resets": 0.03},
        {"throttled": 0.05},
        {"stale_reads_ms": 80},
        {"other_participants": 20},
        {"other_participants": 20, "stale_reads_ms": 80},
    ],
    ids=lambda flaws: "+".join(flaws),
)
@pytest.mark.parametrize("mode", [CancelMode.IMMEDIATE, CancelMode.MIXED])
def test_an_imperfection_is_no_nonconformity(behind: "Behind", flaws: dict[str, float], mode: CancelMode) -> None:
    """Cells and lives behind one imperfection end without an accusation, and nearly all of them can be judged."""
    every = 16 if "stale_reads_ms" in flaws else 8  # waiting for late reads takes most of the time
    with behind(mode=mode, **flaws) as venue:
        results = walked(venue, every=every, offset=3, lives=3)
    assert accusations(results) == []
    assert sum(result.trouble is not None for result in results) <= len(results) / 4
    assert sum(result.exercised["CXL-06"] for result in results) > 10


def test_everything_at_once_is_no_nonconformity(behind: "Behind") -> None:
    """Far away, forgetful, busy, late and shared with others: nothing is held against the target."""
    with behind(mode=CancelMode.MIXED, **EVERYTHING) as venue:
        results = walked(venue, every=20, offset=7, lives=1)
    assert accusations(results) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", CancelMode)
def test_many_cells_and_lives_behind_everything(behind: "Behind", mode: CancelMode) -> None:
    """Every tenth cell and three lives behind everything at once, in all modes, end without an accusation."""
    with behind(mode=mode, seed=1, **EVERYTHING) as venue:
        results = walked(venue, every=10, offset=0, lives=3)
    assert accusations(results) == []


def test_what_a_lost_answer_left_open_is_ended_by_a_later_plan(behind: "Behind") -> None:
    """With a third of all answers lost, no order of an abandoned plan outlives the plans after it."""
    with behind(lost_answers=0.3, tables={"limits": {"transport_failures": 1000}}) as venue:
        memory, ground = LaneMemory(), ground_of(venue)
        plans = cell_plans(ground)
        results = [run_plan(plan, venue, memory) for plan in plans[:12]]
        assert accusations(results) == []
        empty = [run_plan(type(plans[0])(actions=()), venue, memory) for _ in range(3)]
        assert accusations(empty) == []
        assert [left for left in venue.desk.journal.open_orders() if left.client_id not in memory.given_up] == []
        listed = next(views for _ in range(50) if (views := venue.orders("primary").views) is not None)
        assert listed == ()
