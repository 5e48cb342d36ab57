"""What a state and an event do not tell: what stands beside an order, when its end comes, and whose the others are."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.situations import situation_plans


@pytest.mark.broad
@pytest.mark.turn("cells")
@pytest.mark.budget(plans=lambda level: level.situations)
@pytest.mark.requirement("CXL-03", "CXL-04", "CXL-05", "CXL-08", "FND-02", "FND-04", "FND-05")
def test_every_situation(explorer: Explorer) -> None:
    """Whatever stands beside an order, before it, behind it or on the other side, its end touches it alone."""
    explorer.run(situation_plans(explorer.ground, most=explorer.level.situations))
