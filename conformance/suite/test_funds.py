"""FND: locked funds are released, exactly once, to the last unit (source: Cancellation States, CANCELED)."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.focused import aimed_plans


@pytest.mark.requirement("FND-01", "FND-02", "FND-05", "FND-06")
def test_lock_is_released_exactly(explorer: Explorer) -> None:
    """On CANCELED exactly what the order still locked is released, at once, in the right asset and account."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "open until a time", "partially filled", "partially filled by taking"),
        events=("cancel", "cancel of a neighbour", "two fills, then cancel"),
        crowd=6,
    )
    explorer.explore(plans, plans=2 * explorer.level.focused)


@pytest.mark.requirement("FND-04")
def test_lock_is_released_once(explorer: Explorer) -> None:
    """Repeated, refused and bulk cancels never release again."""
    plans = aimed_plans(
        explorer.ground,
        states=("canceled", "canceled after a fill", "filled", "expired", "being canceled"),
        events=("cancel twice", "cancel-all", "cancel-all twice"),
        crowd=3,
    )
    explorer.explore(plans, plans=explorer.level.focused)
