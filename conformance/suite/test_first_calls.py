"""Before anything else: what an account is answered, and how its orders pass each other, before it ever cancelled."""

import pytest

from conformance.engine.explorer import Explorer
from strategies.encounters import newcomers, own_orders


@pytest.mark.turn("new accounts")
@pytest.mark.requirement("ALL-04", "NTF-01")
def test_accounts_without_an_order(explorer: Explorer) -> None:
    """An account that has done nothing yet is answered as one whose orders are all closed."""
    explorer.run(newcomers(explorer.ground))


@pytest.mark.turn("new accounts")
@pytest.mark.requirement("CXL-05")
def test_own_orders_around_the_first_cancel(explorer: Explorer) -> None:
    """Orders of one account that passed each other before its first cancel pass each other after it."""
    explorer.run(own_orders(explorer.ground))
