"""The ground that plans are drawn on: markets, accounts, funds and abilities of one target, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, PRIMARY
from conformance.requirements import Capability

ORDINARY = Decimal("0.03")
"""The share of the available funds that an ordinary order of a plan may use."""

BIG = Decimal("0.2")
"""The share that one big order of a plan may use; plans hold at most one."""


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

    def resting_price(self, side: Side, ticks_away: int) -> Decimal:
        """A price that rests, some ticks (at least one) away on the order's own side: the two sides never meet."""
        if side is Side.SELL:
            return self.sell_price + (1 + ticks_away) * self.tick
        return max(self.tick, self.buy_price - (1 + ticks_away) * self.tick)

    def on_grid(self, quantity: Decimal) -> Decimal:
        """The largest allowed quantity that is not above ``quantity``."""
        steps = (quantity / self.step).to_integral_value(rounding=ROUND_DOWN)
        return min(max(steps * self.step, self.min_quantity), self.max_quantity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What plans may use. ``available`` holds funds by (account, asset); an absent entry is not bounded.

    Where orders lock margin, it is ``margin_rate`` of their notional in ``margin_asset``.
    """

    markets: tuple[MarketShape, ...]
    abilities: frozenset[Capability]
    accounts: tuple[str, ...] = (PRIMARY, COUNTERPARTY)
    available: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    margin_asset: str = ""
    margin_rate: Decimal = Decimal(1)
    many: int = 51

    def can(self, *abilities: Capability) -> bool:
        """Whether the target offers all of these."""
        return self.abilities.issuperset(abilities)

    def affordable(self, account: str, market: MarketShape, side: Side, price: Decimal, share: Decimal) -> Decimal:
        """The largest quantity that uses at most ``share`` of what an account has, in base units on the grid."""
        bounds = [market.max_quantity]
        asset, unit = (market.quote, price) if side is Side.BUY else (market.base, Decimal(1))
        if self.margin_asset:
            asset, unit = self.margin_asset, price * self.margin_rate
        funds = self.available.get((account, asset))
        if funds is not None:
            bounds.append(funds * share / unit)
        if market.max_notional is not None:
            bounds.append(market.max_notional / price)
        return market.on_grid(min(bounds))
