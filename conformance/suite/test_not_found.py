"""NTF: orders that do not exist, or not for this account (source: Order Not Found)."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.focused import aimed_plans


@pytest.mark.requirement("NTF-01")
def test_unknown_order(explorer: Explorer) -> None:
    """A well-formed id that names no order is not found, whatever else is in the book."""
    plans = aimed_plans(explorer.ground, states=("open", "partially filled"), events=("cancel of an unknown order",))
    explorer.explore(plans, plans=explorer.level.focused)


@pytest.mark.requirement("NTF-02", "NTF-03", "NTF-07")
def test_foreign_order(explorer: Explorer) -> None:
    """Another account's order can be neither cancelled nor read, and answers exactly as an unknown one does."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "partially filled", "filled", "canceled", "being canceled", "expired"),
        events=("cancel by another account",),
    )
    explorer.explore(plans, plans=2 * explorer.level.focused)


@pytest.mark.requirement("NTF-05")
def test_ids_are_uuid_v7(explorer: Explorer) -> None:
    """Order ids handed out are UUID v7 (RFC 9562) whose time part never goes backwards."""
    plans = aimed_plans(explorer.ground, states=("open",), events=("cancel", "cancel of a neighbour"), crowd=9)
    explorer.explore(plans, plans=explorer.level.focused)
