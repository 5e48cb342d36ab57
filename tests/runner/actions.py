"""Actions of the plans that the tests of the runner play."""

from decimal import Decimal
from typing import Any

from conformance.model.order import OrderType, Side
from conformance.plans import COUNTERPARTY, Action, Cancel, Fill, Place, Settle, Snapshot

LOOK = Snapshot()


def buy(order: str = "a", quantity: str = "2", price: str | None = "990.00", **changes: Any) -> Place:
    """A resting buy; it locks quantity x price USDT. Without a price a market order."""
    given: dict[str, Any] = {
        "order": order,
        "market": "BTC-USDT",
        "side": Side.BUY,
        "quantity": Decimal(quantity),
        "price": None if price is None else Decimal(price),
        "type": OrderType.LIMIT if price is not None else OrderType.MARKET,
    }
    return Place(**(given | changes))


def sell(order: str = "s", quantity: str = "2", price: str = "1010.00", **changes: Any) -> Place:
    """A resting sell of the counterparty."""
    return buy(order, quantity, price, **({"side": Side.SELL, "account": COUNTERPARTY} | changes))


def fill(quantity: str, order: str = "a") -> Fill:
    """An opposite order of the counterparty at the order's price."""
    return Fill(order=order, quantity=Decimal(quantity))


def cancelled(order: str = "a") -> tuple[Action, ...]:
    """A cancel, looked at, and seen to its end."""
    return (Cancel(order=order), LOOK, Settle(), LOOK)
