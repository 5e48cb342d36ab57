"""RCE: calls at the same moment (source: follows from Cancellation States, Cannot Cancel and Cancel All Orders)."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.aimed_races import (
    aimed_bulk_races,
    aimed_cancel_races,
    aimed_fill_races,
    aimed_neighbour_races,
    aimed_races,
)
from strategies.races import bulk_races, cancel_races, fill_races, neighbour_races, races

pytestmark = [pytest.mark.turn("races"), pytest.mark.budget(plans=lambda level: level.races)]


@pytest.mark.requirement("RCE-01")
def test_cancels_of_one_order_at_once(explorer: Explorer) -> None:
    """Parallel cancels of one order are explained by some order of the calls, and its lock is released once."""
    ground = explorer.ground
    explorer.explore(cancel_races(ground), plans=explorer.level.races, first=aimed_cancel_races(ground))


@pytest.mark.requirement("RCE-02")
def test_a_cancel_and_a_fill_at_once(explorer: Explorer) -> None:
    """An order that is cancelled and filled at once ends FILLED or CANCELED, each fill booked once on both sides."""
    ground = explorer.ground
    explorer.explore(fill_races(ground), plans=explorer.level.races, first=aimed_fill_races(ground))


@pytest.mark.requirement("RCE-03")
def test_cancel_all_among_other_calls(explorer: Explorer) -> None:
    """Cancel-all among placings, cancels and fills is explained too; an order placed after its answer stays."""
    ground = explorer.ground
    explorer.explore(bulk_races(ground), plans=explorer.level.races, first=aimed_bulk_races(ground))


@pytest.mark.requirement("RCE-04")
def test_different_orders_cancelled_at_once(explorer: Explorer) -> None:
    """Cancels of different orders, of one account or several, do not disturb each other."""
    ground = explorer.ground
    explorer.explore(neighbour_races(ground), plans=explorer.level.races, first=aimed_neighbour_races(ground))


@pytest.mark.requirement("FND-04")
def test_lock_is_released_once_under_races(explorer: Explorer) -> None:
    """Racing cancels never release a lock again, whatever they race with."""
    ground = explorer.ground
    explorer.explore(races(ground), plans=explorer.level.races // 2, first=aimed_races(ground))
