"""An honest venue is never accused by a race, and races exercise what they are for."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from conformance.engine.drawing import draw_plans
from fixtures.exchange import CancelMode
from strategies.aimed_races import aimed_races
from strategies.races import races

if TYPE_CHECKING:
    from tests.races.conftest import Arena

RACES = ("RCE-01", "RCE-02", "RCE-03", "RCE-04", "FND-04")


@pytest.mark.parametrize("mode", CancelMode)
def test_aimed_races_pass_and_exercise_every_pair(arena: "Arena", mode: CancelMode) -> None:
    """Every aimed race fits in each cancel mode, and together they exercise all requirements of races."""
    run = arena.afresh(mode=mode)
    exercised: Counter[str] = Counter()
    for plan in aimed_races(arena.ground):
        result = run(plan)
        assert (plan.title, result.violations, result.trouble) == (plan.title, [], None)
        exercised.update(result.exercised)
    assert all(exercised[requirement] for requirement in RACES)


@pytest.mark.parametrize("mode", CancelMode)
def test_drawn_races_pass(arena: "Arena", mode: CancelMode) -> None:
    """Races drawn at random, of all kinds, fit in each cancel mode and leave nothing open."""
    run = arena.afresh(mode=mode)
    for plan in draw_plans(races(arena.ground), 20, seed_of=f"honest venue, {mode}"):
        result = run(plan)
        assert (plan, result.violations, result.trouble) == (plan, [], None)
    assert arena.open_orders() == []
