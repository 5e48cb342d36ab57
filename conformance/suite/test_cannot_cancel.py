"""TRM: orders that cannot be cancelled (source: Cannot Cancel)."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.encounters import orders_ended_at_once
from strategies.focused import aimed_plans

REFUSED = ("cancel", "cancel twice")


@pytest.mark.requirement("TRM-01")
def test_filled_order(explorer: Explorer) -> None:
    """A FILLED order's cancel is refused as cannot-cancel."""
    plans = aimed_plans(explorer.ground, states=("filled",), events=REFUSED)
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("TRM-01", "TRM-02")
def test_orders_that_ended_at_once(explorer: Explorer) -> None:
    """The cancel of an order that was over once it was placed, filled or not, is refused as cannot-cancel."""
    explorer.run(orders_ended_at_once(explorer.ground))


@pytest.mark.requirement("TRM-02")
def test_canceled_order(explorer: Explorer) -> None:
    """A CANCELED order's cancel is refused as cannot-cancel."""
    plans = aimed_plans(explorer.ground, states=("canceled", "canceled after a fill"), events=REFUSED)
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("TRM-03")
def test_executing_market_order(explorer: Explorer) -> None:
    """A market order that is executing cannot be cancelled."""
    explorer.explore(aimed_plans(explorer.ground, states=("executing",), events=REFUSED), plans=explorer.level.focused)


@pytest.mark.requirement("TRM-04")
def test_expired_order(explorer: Explorer) -> None:
    """An EXPIRED order's cancel is refused as cannot-cancel."""
    plans = aimed_plans(explorer.ground, states=("expired", "expired after a fill"), events=REFUSED)
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("TRM-07")
def test_rejected_order(explorer: Explorer) -> None:
    """A REJECTED order's cancel is refused as cannot-cancel, or as not found where the profile says so."""
    explorer.explore(aimed_plans(explorer.ground, states=("rejected",), events=REFUSED), plans=explorer.level.focused)


@pytest.mark.requirement("TRM-05", "TRM-06")
def test_refusal_has_no_effect(explorer: Explorer) -> None:
    """A refused cancel changes nothing of any order or balance, and is always answered alike."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "partially filled", "filled", "canceled", "expired", "rejected"),
        events=("refused cancel of a neighbour", "cancel twice", "cancel of an unknown order"),
        crowd=4,
    )
    explorer.explore(plans, plans=2 * explorer.level.focused)
