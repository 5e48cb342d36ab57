"""Every state of an order's life met by every event, walked on purpose before anything is left to chance."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.cells import cell_plans


@pytest.mark.broad
@pytest.mark.turn("cells")
@pytest.mark.budget(plans=lambda level: 90)
@pytest.mark.requirement("CXL-01", "CXL-08", "TRM-05", "TRM-06", "FND-05", "FND-06")
def test_every_cell(explorer: Explorer) -> None:
    """In every state, every event is answered and followed up as the transition table says."""
    explorer.run(cell_plans(explorer.ground, events_at_once=explorer.level.events_at_once))
