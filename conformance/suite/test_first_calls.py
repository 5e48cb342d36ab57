"""ALL-04 and NTF-01, before anything else: what an account is answered that may never have placed an order."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.encounters import newcomers


@pytest.mark.turn("new accounts")
@pytest.mark.requirement("ALL-04", "NTF-01")
def test_accounts_without_an_order(explorer: Explorer) -> None:
    """An account that has done nothing yet is answered as one whose orders are all closed."""
    explorer.run(newcomers(explorer.ground))
