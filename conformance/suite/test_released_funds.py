"""FND-07, before anything else: its plans spend what the accounts hold when a run begins, and trades move that."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.focused import reuse_plans
from strategies.grounds import CROWD_OF_MOST


@pytest.mark.turn("whole funds")
@pytest.mark.requirement("FND-07")
def test_released_funds_are_usable(explorer: Explorer) -> None:
    """An order that needs what the cancelled one released is accepted at once.

    Not tried at a target that is known to keep what cancelled orders lock: it would take most of what the account has.
    """
    if explorer.established.keeps:
        return
    if not explorer.ground.exhaustible():
        explorer.record.beyond[explorer.requirement] = (
            f"the account has so much that no {CROWD_OF_MOST} orders of max_quantity, or of limits.order_notional, "
            "take most of it: free funds would hide what was not released"
        )
    explorer.explore(reuse_plans(explorer.ground), plans=explorer.level.focused)
