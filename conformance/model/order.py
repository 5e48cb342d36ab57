"""The vocabulary of one order: what it is for, and the states of its life.

Everything here is pure data. The words are the canonical ones of the requirement catalogue; a target profile maps a
venue's own words onto them.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way an order trades (FIX tag 54)."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The side that trades against this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order is priced (FIX tag 40)."""

    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    """How long an order rests (FIX tag 59): good till cancelled, immediate or cancel, good till a time."""

    GTC = "gtc"
    IOC = "ioc"
    GTD = "gtd"


class Status(StrEnum):
    """The canonical states of an order's life (FIX tag 39)."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


ACTIVE = frozenset({Status.OPEN, Status.PARTIALLY_FILLED})
TERMINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What was asked for when an order was placed; none of it may ever change (CXL-08).

    ``quantity`` is in units of the base asset, ``price`` in quote units per base unit (``None`` for a market order),
    ``expires_at`` in seconds since the epoch (only for ``gtd``).
    """

    account: str
    market: str
    side: Side
    type: OrderType = OrderType.LIMIT
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: float | None = None
    client_id: str | None = None
    post_only: bool = False

    @property
    def is_immediate(self) -> bool:
        """Whether nothing of the order is to rest in the book."""
        return self.time_in_force is TimeInForce.IOC or self.type is OrderType.MARKET
