"""The shortest plans, before all others: one cause is found where nothing else could be it, and for little money."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.first_steps import first_steps


@pytest.mark.turn("first steps")
@pytest.mark.budget(plans=lambda level: 16)
@pytest.mark.requirement("CXL-01", "CXL-02", "CXL-08", "TRM-02", "NTF-01", "NTF-02", "ALL-01", "FND-01", "FND-05")
def test_first_steps(explorer: Explorer) -> None:
    """An order, a trade and each kind of cancel do by themselves what they should."""
    lane = explorer.lanes.lanes[0].number
    explorer.run_each((plan, lane) for plan in first_steps(explorer.ground))
