"""What a target offers to plans: its markets, accounts, funds and capabilities, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from conformance.model.order import Side, TimeInForce
from conformance.plans import COUNTERPARTY, PRIMARY
from conformance.requirements import Capability
from fixtures.attacks.files import DOCUMENTED_TRAITS

ORDINARY_SHARE = Decimal("0.03")
"""The share of the available funds that an ordinary order of a plan may use."""

BIG_SHARE = Decimal("0.2")
"""The share that one big order of a plan may use; plans hold at most one."""

EMPTY_BOOK_DIVISOR = 60
"""A market order that finds an empty book uses the ordinary share divided by this."""

CROWD_OF_MOST = 20
"""How many orders a plan may place to take most of the funds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketShape:
    """One market: its assets, grids and bounds. Prices are quote units per base unit, quantities base units."""

    name: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    buy_price: Decimal
    sell_price: Decimal
    max_notional: Decimal | None = None
    isolated: bool = True

    @property
    def divisible(self) -> bool:
        """Whether an order can be filled in part: no order that fills it may be smaller than the smallest."""
        return self.max_quantity > self.min_quantity

    def resting_price(self, side: Side, ticks_away: int) -> Decimal:
        """A price that rests, some ticks (at least one) away on the order's own side: the two sides never meet."""
        if side is Side.SELL:
            return self.sell_price + (1 + ticks_away) * self.tick
        return max(self.tick, self.buy_price - (1 + ticks_away) * self.tick)

    def on_grid(self, quantity: Decimal) -> Decimal:
        """The largest allowed quantity that is not above ``quantity``."""
        steps = (min(quantity, self.max_quantity) / self.step).to_integral_value(rounding=ROUND_DOWN)
        return max(steps * self.step, self.min_quantity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What plans may use. ``available`` holds funds by (account, asset); an absent entry is not bounded.

    Where orders lock margin, it is ``margin_rate`` of their notional in ``margin_asset``. ``many``: how
    many orders cancel-all must manage at once; ``most_open``: how many may be open. ``rejects_unpaid``: an order
    that the account cannot pay is taken in and rejected (otherwise it is a post-only order that crosses).
    ``expiry_takes_time``: an order expires only by waiting for its time.
    ``waits_in``: where no control holds market orders, the markets in which they stay executing because nothing faces
    them. ``times_in_force``, ``post_only`` and ``client_ids`` say what a placing can ask for; orders with a deadline
    are placed where they can expire, market orders where they can be held. ``ids_have_a_form``: whether order ids are
    UUIDs; where they may be anything, not all of their spellings can be tried. ``traits`` are those of the scheme that
    requests are signed in.
    """

    markets: tuple[MarketShape, ...]
    abilities: frozenset[Capability]
    accounts: tuple[str, ...] = (PRIMARY, COUNTERPARTY)
    available: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    margin_asset: str = ""
    margin_rate: Decimal = Decimal(1)
    many: int = 51
    most_open: int = 200
    rejects_unpaid: bool = False
    expiry_takes_time: bool = False
    traits: frozenset[str] = DOCUMENTED_TRAITS
    waits_in: frozenset[str] = frozenset()
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    post_only: bool = True
    client_ids: bool = True
    ids_have_a_form: bool = True

    def can(self, *abilities: Capability) -> bool:
        """Whether the target offers all of these."""
        return self.abilities.issuperset(abilities)

    def holds_orders_of(self, market: MarketShape) -> bool:
        """Whether a market order can be kept executing in a market: by control in any, by an empty book in some."""
        return self.can(Capability.HOLD_MARKET) and (not self.waits_in or market.name in self.waits_in)

    @property
    def executing_share(self) -> Decimal:
        """The share of the available funds that a market order which stays executing may use.

        With nothing in the book the venue takes its own price for an estimate, which may be far above a resting one.
        """
        return ORDINARY_SHARE / EMPTY_BOOK_DIVISOR if self.waits_in else ORDINARY_SHARE

    def affordable(self, account: str, market: MarketShape, side: Side, price: Decimal, share: Decimal) -> Decimal:
        """The largest quantity that uses at most ``share`` of what an account has, in base units on the grid."""
        bounds = [market.max_quantity]
        asset, unit = self._needs(market, side, price)
        funds = self.available.get((account, asset))
        if funds is not None:
            bounds.append(funds * share / unit)
        if market.max_notional is not None:
            bounds.append(market.max_notional / price)
        return market.on_grid(min(bounds))

    def exhausting(self, market: MarketShape, side: Side, price: Decimal) -> tuple[int, Decimal] | None:
        """How many orders of which quantity leave the primary account too little for another one like them (FND-07).

        ``None`` where ``CROWD_OF_MOST`` orders of the largest quantity leave enough. There is room for fees, and for
        what earlier plans moved.
        """
        asset, unit = self._needs(market, side, price)
        funds = self.available.get((PRIMARY, asset))
        if funds is None:
            return None
        for count in range(1, min(CROWD_OF_MOST, self.most_open - 2) + 1):
            quantity = self.affordable(PRIMARY, market, side, price, 3 / Decimal(3 * count + 2))
            left = funds - count * quantity * unit
            if funds * Decimal("0.03") < left < quantity * unit * Decimal("0.95"):
                return count, quantity
        return None

    def unpayable(self, market: MarketShape, side: Side, price: Decimal) -> Decimal | None:
        """A quantity that the primary account cannot pay, within the bounds of orders; ``None`` where there is none."""
        asset, unit = self._needs(market, side, price)
        funds = self.available.get((PRIMARY, asset))
        if funds is None:
            return None
        quantity = market.on_grid(2 * funds / unit)
        allowed = market.max_notional is None or quantity * price <= market.max_notional
        return quantity if allowed and quantity * unit > funds * Decimal("1.5") else None

    def holds(self, count: int) -> bool:
        """Whether the primary account may have that many orders of the smallest size open, in any market (ALL-06)."""
        if count > self.most_open:
            return False
        for market in self.markets:
            for side in Side:
                asset, unit = self._needs(market, side, market.resting_price(side, 0))
                funds = self.available.get((PRIMARY, asset))
                if funds is not None and count * market.min_quantity * unit > funds * Decimal("0.9"):
                    return False
        return True

    def exhaustible(self) -> list[tuple[MarketShape, Side]]:
        """The markets and sides in which a few orders can take most of the primary account's funds."""
        return [
            (market, side)
            for market in self.markets
            for side in Side
            if self.exhausting(market, side, market.resting_price(side, 0)) is not None
        ]

    def _needs(self, market: MarketShape, side: Side, price: Decimal) -> tuple[str, Decimal]:
        """The asset that an order locks, and how much of it for one base unit."""
        if self.margin_asset:
            return self.margin_asset, price * self.margin_rate
        return (market.quote, price) if side is Side.BUY else (market.base, Decimal(1))
