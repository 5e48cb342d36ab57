"""What a venue is known to do, as far as the model's predictions depend on it.

A profile fills these in; the model never reads a profile itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from conformance.model.amounts import ZERO
from conformance.model.deviations import NONE, Deviations
from conformance.model.order import Status


class FeeReserve(StrEnum):
    """In which asset an order locks the higher fee of its rest: in none, in what it locks anyway, in the quote."""

    NONE = "none"
    LOCKED = "locked"
    QUOTE = "quote"


class LockModel(StrEnum):
    """How much a resting order reserves (requirement catalogue, judging without false alarms)."""

    SPOT = "spot"
    MARGIN = "margin"
    OBSERVED = "observed"


class FeeAsset(StrEnum):
    """Which asset a trade's fee is taken from."""

    QUOTE = "quote"
    RECEIVED = "received"
    UNKNOWN = "unknown"


class TradePrice(StrEnum):
    """At whose price an incoming order trades with a resting one; buyer and seller, whichever of them rested."""

    MAKER = "maker"
    TAKER = "taker"
    MIDDLE = "middle"
    BUYER = "buyer"
    SELLER = "seller"
    UNKNOWN = "unknown"


class Priority(StrEnum):
    """Which of several resting orders that an incoming one meets trades first."""

    PRICE_TIME = "price-time"
    PRICE = "price"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketRules:
    """One market: its assets, its fee rates (fractions of the notional), and whether others trade there.

    ``dust`` is the rest, in base units, up to which the venue itself cancels a partly executed order; ``tick`` the grid
    of prices, in quote units, zero where it is not known.
    """

    symbol: str
    base: str
    quote: str
    maker_fee: Decimal = ZERO
    taker_fee: Decimal = ZERO
    fee_asset: FeeAsset = FeeAsset.QUOTE
    isolated: bool = True
    dust: Decimal = ZERO
    tick: Decimal = ZERO


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueRules:
    """The freedom that the venue has, and the arithmetic of its funds.

    ``fee_reserve`` says in which asset an order locks the higher fee of its notional; ``margin_rate`` is the fraction
    of the notional that margin locks, in ``margin_asset``. ``clock_tolerance`` is in seconds. ``pending_deadline`` is
    the most seconds that a cancel may be pending, ``None`` where nothing bounds them; ``delays_cancels`` whether one
    may be pending at all; ``shows_old_status`` whether a pending cancel is shown with the status that the order had;
    ``gone`` the statuses in which an order may no longer be shown; ``deviations`` what the venue was seen to do wrong;
    ``trade_price`` and ``priority`` how orders meet.
    """

    markets: Mapping[str, MarketRules]
    lock_model: LockModel = LockModel.SPOT
    margin_rate: Decimal = Decimal(1)
    margin_asset: str = ""
    fee_reserve: FeeReserve = FeeReserve.NONE
    fee_precision: int | None = None
    clock_tolerance: float = 1.0
    rejected_may_be_unknown: bool = False
    places_later: bool = False
    pending_deadline: float | None = None
    delays_cancels: bool = True
    shows_old_status: bool = False
    gone: frozenset[Status] = frozenset()
    deviations: Deviations = NONE
    trade_price: TradePrice = TradePrice.MAKER
    priority: Priority = Priority.PRICE_TIME

    def highest_fee(self, market: str) -> Decimal:
        """The most that a trade may cost, as a fraction of its notional; a percent where nobody says."""
        rules = self.markets[market]
        unknown = Decimal("0.01") if rules.fee_asset is FeeAsset.UNKNOWN else ZERO
        return max(rules.maker_fee, rules.taker_fee, unknown)
