"""PND: delayed cancellation (source: Cancellation States, PENDING_CANCEL)."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.focused import aimed_plans, pending_plans


@pytest.mark.requirement("PND-01", "PND-02", "PND-03", "PND-04", "PND-05")
def test_pending_cancel(explorer: Explorer) -> None:
    """A pending cancel ends, keeps fills that come meanwhile, never goes back, and holds its lock until it ends."""
    explorer.explore(pending_plans(explorer.ground), plans=3 * explorer.level.focused)


@pytest.mark.requirement("PND-05")
def test_second_cancel_while_pending(explorer: Explorer) -> None:
    """A second cancel while pending is accepted without effect or refused; it never releases again."""
    plans = aimed_plans(
        explorer.ground,
        states=("being canceled", "being canceled after a fill"),
        events=("cancel", "cancel twice", "cancel-all"),
        crowd=1,
    )
    explorer.explore(plans, plans=explorer.level.focused)
