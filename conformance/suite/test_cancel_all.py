"""ALL: cancel all orders of an account (source: Cancel All Orders, Emergency Cancellation)."""

import pytest

from conformance.engine.explorer import Explorer
from conformance.judging.bulk_cancels import MANY
from strategies.encounters import bursts, whole_pages
from strategies.focused import aimed_plans, bulk_plans


@pytest.mark.requirement("ALL-01", "ALL-03", "ALL-04", "ALL-05")
def test_every_active_order_is_cancelled_and_listed(explorer: Explorer) -> None:
    """Every active order of every market and side is cancelled and listed once; nothing else is touched or listed."""
    pages = whole_pages(explorer.ground)[: 1 + explorer.level.bulk_many]
    explorer.explore(
        bulk_plans(explorer.ground), plans=3 * explorer.level.focused, first=[*bursts(explorer.ground), *pages]
    )


@pytest.mark.requirement("ALL-02")
def test_other_accounts_are_untouched(explorer: Explorer) -> None:
    """Another account's orders keep their status, quantity and lock, whoever cancels all."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "partially filled"),
        events=("cancel-all by another account", "cancel-all"),
        crowd=6,
    )
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("ALL-04", "ALL-05")
def test_nothing_active_changes_nothing(explorer: Explorer) -> None:
    """With nothing active it succeeds, lists nothing and changes nothing; repeating it is harmless."""
    plans = aimed_plans(
        explorer.ground,
        states=("canceled", "filled", "expired", "executing", "rejected", "canceled after a fill"),
        events=("cancel-all", "cancel-all twice"),
        crowd=1,
    )
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("ALL-06")
def test_many_orders_at_once(explorer: Explorer) -> None:
    """It works for as many orders as the profile says that an account may have open, and for at least fifty."""
    if not explorer.ground.holds(MANY + 2):
        explorer.record.beyond[explorer.requirement] = (
            f"limits.open_orders, or the funds of the account, do not allow {MANY} orders at once"
        )
    explorer.explore(bulk_plans(explorer.ground, many=True), plans=explorer.level.bulk_many)
