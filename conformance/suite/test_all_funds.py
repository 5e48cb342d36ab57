"""FND and CXL, last of all: orders that lock all there is, since a target that keeps a lock keeps all of it."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.situations import whole_funds


@pytest.mark.turn("all funds at stake")
@pytest.mark.budget(plans=lambda level: 4)
@pytest.mark.requirement("CXL-01", "ALL-01", "FND-01", "FND-03", "FND-06")
def test_orders_that_lock_all_there_is(explorer: Explorer) -> None:
    """An order ends as others do when nothing else is available: it is cancelled, or expires, and gives all back.

    Not tried at a target that is known to keep what cancelled orders lock: it would take all that the account has.
    """
    if not explorer.established.keeps:
        explorer.run(whole_funds(explorer.ground))
