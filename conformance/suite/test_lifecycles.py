"""Free exploration of whole lifecycles; whatever it finds is attributed to the rule that it breaks."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.focused import older_orders
from strategies.lifecycles import lifecycles


@pytest.mark.broad
@pytest.mark.turn("free exploration")
@pytest.mark.budget(plans=lambda level: level.explored)
@pytest.mark.requirement("CXL-01", "CXL-08", "ALL-01", "TRM-05", "FND-02", "FND-05")
def test_lifecycles(explorer: Explorer) -> None:
    """However places, fills, cancels and refusals follow each other, nothing but what the model allows is seen.

    Orders that rest for long, open or closed, do so meanwhile.
    """
    older = [older_orders(explorer.ground, seconds=age) for age in explorer.level.ages[1:]]
    explorer.explore(lifecycles(explorer.ground), plans=explorer.level.explored, first=older)
