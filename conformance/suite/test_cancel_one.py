"""CXL: cancel one order (source: Cancel Single Order, Cancellation States)."""

import pytest

from conformance.engine.explorer import Explorer
from conformance.requirements import catalogue
from strategies.encounters import (
    deadlines_of_closed_orders,
    several_fills,
    shared_levels,
    takers_after_a_cancel,
    unlike_orders,
)
from strategies.focused import aimed_plans, old_orders, queues


@pytest.mark.requirement("CXL-01")
def test_open_order_is_cancelled(explorer: Explorer) -> None:
    """An OPEN order's cancel is accepted, and the order is then CANCELED, or PENDING_CANCEL and later terminal."""
    plans = aimed_plans(explorer.ground, states=("open", "open until a time"), events=("cancel", "cancel twice"))
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("CXL-01", "CXL-06", "ALL-01", "FND-03")
def test_orders_of_every_manner_are_cancelled(explorer: Explorer) -> None:
    """However an order was placed, and however long it has rested, it is cancelled, alone and with all others."""
    old = old_orders(explorer.ground, seconds=explorer.level.ages[0])
    explorer.run([*old, *unlike_orders(explorer.ground)])  # those that wait first


@pytest.mark.requirement("CXL-02", "CXL-07", "FND-03")
def test_partially_filled_order_is_cancelled(explorer: Explorer) -> None:
    """A PARTIALLY_FILLED order keeps what was executed; only the rest is cancelled, and only the rest is released."""
    if not any(market.divisible for market in explorer.ground.markets):
        for requirement in (one for one in explorer.wanted if catalogue()[one].partly_filled):
            explorer.record.beyond[requirement] = "every order has one size in all markets: none is filled in part"
    plans = aimed_plans(
        explorer.ground,
        states=("partially filled", "partially filled by taking", "canceled after a fill"),
        events=("cancel", "cancel twice", "two fills, then cancel"),
    )
    explorer.explore(plans, plans=2 * explorer.level.focused, first=several_fills(explorer.ground))


@pytest.mark.requirement("CXL-03")
def test_canceled_order_stays_canceled(explorer: Explorer) -> None:
    """A CANCELED order leaves the list of active orders, and whatever happens next, its status never changes again."""
    plans = aimed_plans(
        explorer.ground,
        states=("canceled", "canceled after a fill"),
        events=("cancel", "cancel-all", "opposite order, part", "cancel of a neighbour", "cancel by another account"),
    )
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("CXL-03", "FND-02")
def test_a_deadline_after_the_end_changes_nothing(explorer: Explorer) -> None:
    """When the time of a closed order comes, it is no expiry any more, and nothing is released again."""
    explorer.run(deadlines_of_closed_orders(explorer.ground))


@pytest.mark.requirement("CXL-04", "CXL-05")
def test_queue_after_a_cancel(explorer: Explorer) -> None:
    """A cancelled order does not trade, and those behind it at its price keep their place in the queue."""
    explorer.explore(
        queues(explorer.ground), plans=2 * explorer.level.focused, first=takers_after_a_cancel(explorer.ground)
    )


@pytest.mark.requirement("CXL-05")
def test_other_orders_are_untouched(explorer: Explorer) -> None:
    """A cancel touches the addressed order only, in a crowd at its price, of its account and of another one."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "partially filled"),
        events=("cancel of a neighbour", "cancel", "opposite order, whole"),
        crowd=9,
    )
    explorer.explore(plans, plans=explorer.level.focused, first=shared_levels(explorer.ground))


@pytest.mark.requirement("CXL-06", "CXL-08")
def test_answer_agrees_with_reads(explorer: Explorer) -> None:
    """An accepted cancel is never followed by an active order, and every read agrees with itself and its history."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "partially filled", "being canceled", "being canceled after a fill"),
        events=("cancel", "cancel twice", "refused cancel of a neighbour"),
        crowd=5,
    )
    explorer.explore(plans, plans=explorer.level.focused)
