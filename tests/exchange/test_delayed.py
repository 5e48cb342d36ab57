"""The delayed cancel at the honest exchange."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor


@pytest.fixture
def delayed(floor: "Floor") -> "Floor":
    """The exchange with cancels that take 150 ms."""
    floor.control.reset(cancel_mode="delayed", delay_ms=150)
    return floor


def test_pending_keeps_the_lock_and_ends_cancelled(delayed: "Floor") -> None:
    """The lock covers the rest until the confirmation, which releases it whole."""
    order = delayed.primary.place()
    assert delayed.primary.cancel(order) == 200
    assert delayed.primary.status(order) == "pendingcancel"
    assert delayed.primary.listed() == [order]
    assert delayed.primary.balance("USDT")[1] == 100
    assert delayed.primary.wait_for(order, "cancelled") == "cancelled"
    assert delayed.primary.balance("USDT") == (1_000_000, 0, 1_000_000)


def test_fills_while_pending_are_kept(delayed: "Floor") -> None:
    """A partial fill meanwhile is booked once, shrinks the lock, and survives the confirmation."""
    order = delayed.primary.place()
    delayed.primary.cancel(order)
    delayed.counterparty.place(side="sell", qty="0.4")
    assert delayed.primary.status(order) == "pendingcancel"
    assert delayed.primary.balance("USDT")[1] == 60
    assert delayed.primary.wait_for(order, "partiallyfilledcancelled") == "partiallyfilledcancelled"
    assert delayed.primary.order(order)["amountFilled"] == "0.4"
    assert delayed.primary.balance("USDT")[1] == 0


def test_filled_while_pending_ends_filled(delayed: "Floor") -> None:
    """A fill of the whole rest ends the order filled, and the confirmation changes nothing any more."""
    order = delayed.primary.place()
    delayed.primary.cancel(order)
    delayed.control.fill(order, Decimal(1))
    assert delayed.primary.status(order) == "filled"
    assert delayed.primary.wait_for(order, "cancelled", seconds=0.2) == "filled"


def test_a_second_cancel_while_pending_has_no_effect(delayed: "Floor") -> None:
    """It is accepted, the lock stays, cancel-all does not list the order again, and it cannot be expired."""
    order = delayed.primary.place()
    assert [delayed.primary.cancel(order) for _ in range(3)] == [200, 200, 200]
    assert delayed.primary.cancel_all() == []
    assert delayed.primary.balance("USDT")[1] == 100
    assert delayed.primary.wait_for(order, "cancelled") == "cancelled"
    assert delayed.primary.cancel(order) == 400


def test_cancel_all_lists_what_it_sets_to_pending(delayed: "Floor") -> None:
    """All are pending at once, and all are cancelled later."""
    orders = [delayed.primary.place() for _ in range(5)]
    assert delayed.primary.cancel_all() == orders
    assert {delayed.primary.status(order) for order in orders} == {"pendingcancel"}
    assert {delayed.primary.wait_for(order, "cancelled") for order in orders} == {"cancelled"}


def test_pending_orders_can_be_kept_out_of_matching_and_list(floor: "Floor") -> None:
    """Where the exchange is set so, a pending order is neither matched nor listed."""
    floor.control.reset(cancel_mode="delayed", delay_ms=150, fills_while_pending=False, list_pending_cancel=False)
    order = floor.primary.place()
    floor.primary.cancel(order)
    floor.counterparty.place(side="sell")
    assert floor.primary.listed() == []
    assert floor.primary.order(order)["amountFilled"] == "0"


def test_mixed_mode_does_both(floor: "Floor") -> None:
    """Some orders are cancelled at once, some after a delay; the same seed decides the same way again."""
    words = []
    for _ in range(2):
        floor.control.reset(cancel_mode="mixed", delay_ms=500, seed=3)
        orders = [floor.primary.place(qty="0.01") for _ in range(20)]
        for order in orders:
            floor.primary.cancel(order)
        words.append([floor.primary.status(order) for order in orders])
    assert set(words[0]) == {"cancelled", "pendingcancel"}
    assert words[0] == words[1]


def test_a_reset_drops_what_was_still_planned(delayed: "Floor") -> None:
    """A pending cancel of an earlier generation has no effect after a reset."""
    delayed.primary.cancel(delayed.primary.place())
    delayed.control.reset(cancel_mode="immediate")
    order = delayed.primary.place()
    assert delayed.primary.wait_for(order, "cancelled", seconds=0.25) == "submitted"
    assert delayed.control.state()["orders"] == {"submitted": 1}
