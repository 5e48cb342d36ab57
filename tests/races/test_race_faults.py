"""Every seeded race fault is caught by a race, under the requirement that it is mapped to."""

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from conformance.engine.drawing import draw_plans
from conformance.plans import Plan
from fixtures.exchange import CancelMode
from fixtures.faults import FAULTS, Fault
from strategies import aimed_races as aimed
from strategies import races as drawn
from strategies.grounds import Ground

if TYPE_CHECKING:
    from tests.races.conftest import Arena

OURS = [fault for fault in FAULTS.values() if fault.family == "races"]
TRIED: dict[str, tuple[Callable[[Ground], list[Plan]], Callable[[Ground], st.SearchStrategy[Plan]]]] = {
    "RCE-01": (aimed.aimed_cancel_races, drawn.cancel_races),
    "RCE-02": (aimed.aimed_fill_races, drawn.fill_races),
    "RCE-03": (aimed.aimed_bulk_races, drawn.bulk_races),
    "RCE-04": (aimed.aimed_neighbour_races, drawn.neighbour_races),
    "FND-04": (aimed.aimed_races, drawn.races),
}
PLANS = 40
ROUNDS = 8
"""How often the races are begun anew: under load, calls that were to meet may follow each other, and what is wrong is
then rightly booked on other requirements, once and for all."""


def test_every_requirement_of_races_has_faults() -> None:
    """There are faults enough for each kind of race, FND-04 among them."""
    assert {fault.requirement for fault in OURS} == set(TRIED)
    assert len(OURS) >= 20


@pytest.mark.parametrize("fault", OURS, ids=lambda fault: fault.name)
def test_a_race_fault_is_caught_by_its_requirement(arena: "Arena", fault: Fault) -> None:
    """The races that belong to its requirement find the fault, in the first mode it names: mostly at once."""
    assert fault.modes[0] is CancelMode.IMMEDIATE
    assert any(caught(arena, fault, seed_of=f"{fault.name} {number}") for number in range(ROUNDS))


def caught(arena: "Arena", fault: Fault, *, seed_of: str) -> bool:
    """Whether the races find the fault at an exchange that starts afresh."""
    first, strategy = TRIED[fault.requirement]
    run = arena.afresh(fault.name)
    plans = chain(first(arena.ground), draw_plans(strategy(arena.ground), PLANS, seed_of=seed_of))
    return any(run(plan).breaks(fault.requirement) for plan in plans)
