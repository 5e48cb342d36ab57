"""How orders meet at the target: at whose price they trade, and how long a market order takes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from conformance.examination.checks import Check, Examined, failed, ok, skipped, warning
from conformance.examination.crossing import execute
from conformance.examination.ending import JITTER, LONGEST_WAIT
from conformance.examination.funds import Funds, funds_now
from conformance.examination.orders import placed_order
from conformance.model.order import TERMINAL, OrderType, Side, Status, Terms, TimeInForce
from fixtures.venue.answers import BalanceView, OrderView

APART = Decimal("0.02")
"""How far the dearer order's price is above the other one's, as a fraction: more than any fee."""

PRICES = ("maker", "middle", "taker", "buyer", "seller")
"""At whose price a venue may trade, the usual first: where orders meet in one way alone, several say the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Met:
    """Two orders that met: the limits of the buy and of the sell, the side that rested, and at what they traded."""

    dear: Decimal
    cheap: Decimal
    resting: Side
    seen: Decimal | None

    def at(self, whose: str) -> Decimal:
        """The price at which they should have traded."""
        own, other = (self.dear, self.cheap) if self.resting is Side.BUY else (self.cheap, self.dear)
        prices = {"maker": own, "taker": other, "middle": (own + other) / 2, "buyer": self.dear, "seller": self.cheap}
        return prices[whose]

    def is_at(self, whose: str) -> bool:
        """Whether they traded there, but for fees and rounding."""
        return self.seen is not None and abs(self.at(whose) - self.seen) <= (self.dear - self.cheap) / 5

    @property
    def told(self) -> str:
        """What was seen, in words."""
        first, second = (("buy", self.dear), ("sell", self.cheap))[:: -1 if self.resting is Side.BUY else 1]
        return f"a {first[0]} at {first[1]:f} met a {second[0]} at {second[1]:f}: they traded at {self.seen:f}"


def trade_price(examined: Examined) -> Iterator[Check]:
    """Let a sell meet a dearer buy, then a buy a cheaper sell, and see in the order or in balances at which price."""
    driver, market = examined.profile.drivers.fill, examined.shape
    assert driver is not None  # the capability says so
    price = market.resting_price(Side.BUY)
    gap = (price * APART / 2 // market.tick) * market.tick * 2
    if driver.how != "crossing" or not market.isolated or not gap:
        yield skipped("trade price", "needs a fill by crossing, and a market that nobody else trades in")
        return
    met: list[_Met] = []
    for side in (Side.BUY, Side.SELL):
        found = _meet(examined, driver.account, side, price, gap)
        if isinstance(found, _Met):
            met.append(found)
        elif not met:
            yield found
            return
    yield _told(examined, [one for one in met if one.seen is not None])


def _meet(examined: Examined, other: str, side: Side, dear: Decimal, gap: Decimal) -> _Met | Check:
    """Let an order of the primary account rest, one of another account come, and see at what they traded."""
    prices = {Side.BUY: dear, Side.SELL: dear - gap}
    terms = examined.terms(side, examined.size(2), price=prices[side])
    before = funds_now(examined, "primary")
    resting, check = placed_order(examined, terms, "trade price")
    if resting.order_id is None:
        return check
    immediate = TimeInForce.IOC in examined.profile.order_kinds.times_in_force and not examined.lacks_ioc
    incoming = examined.terms(
        side.opposite,
        terms.quantity,
        account=other,
        price=prices[side.opposite],
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
    )
    crossing, check = placed_order(examined, incoming, "trade price")
    view = _until(examined, terms.account, resting.order_id) if crossing.order_id is not None else None
    if view is None or view.status is not Status.FILLED:
        for account, placed in ((terms.account, resting), (other, crossing)):
            if placed.order_id is not None:
                ended = examined.venue.cancel(account, placed.order_id, market=examined.market)
                examined.over(placed.order_id, ended.answer, account)
        return check if crossing.order_id is None else warning("trade price", "the two orders did not trade")
    if crossing.order_id is not None:
        _until(examined, other, crossing.order_id)
    time.sleep(max(examined.profile.timing.balance_delay, examined.profile.timing.read_delay))
    seen = _seen_price(examined, view, terms, before)
    return _Met(dear=dear, cheap=dear - gap, resting=side, seen=seen)


def _seen_price(examined: Examined, view: OrderView, terms: Terms, before: Funds) -> Decimal | None:
    """What one unit cost: as the order shows it, or else as the account paid it, or was paid, with its fee."""
    if view.average_price:
        return view.average_price
    if view.value and view.executed:
        return view.value / view.executed
    now, quote = funds_now(examined, terms.account), examined.shape.quote
    then, later = (_total(funds.get(quote, BalanceView())) for funds in (before, now))
    if then is None or later is None:
        return None
    moved = later - then if terms.side is Side.SELL else then - later
    return moved / terms.quantity if moved > 0 else None


def _total(view: BalanceView) -> Decimal | None:
    if view.total is not None or view.available is None:
        return view.total
    return view.available + (view.locked or Decimal(0))


def _told(examined: Examined, met: list[_Met]) -> Check:
    says = examined.profile.matching.trade_price
    if not met:
        return skipped("trade price", "neither the order nor balances show at which price it traded")
    told = "; ".join(one.told for one in met)
    whose = [name for name in PRICES if all(one.is_at(name) for one in met)]
    if not whose:
        return warning("trade price", f"{told}, which is not the price that one rule gives", *_line("unknown"))
    if says == "unknown" or says in whose:
        return ok("trade price", f"{told}, which is '{says if says in whose else whose[0]}'")
    return failed("trade price", f"{told}; the profile says '{says}'", *_line(whose[0]))


def _line(price: str) -> tuple[str, str]:
    return "[matching]", f'trade_price = "{price}"'


def turns(examined: Examined) -> Iterator[Check]:
    """See which of two orders of one price trades first, also once a part of the older one was executed."""
    driver, market, matching = examined.profile.drivers.fill, examined.shape, examined.profile.matching
    assert driver is not None  # the capability says so
    if driver.how != "crossing" or not market.isolated or matching.dust:
        yield skipped("priority", "needs a fill by crossing, a market that nobody else trades in, and no dust")
        return
    owners = ["primary", *(role for role in examined.profile.lane() if role not in ("primary", driver.account))]
    for older, newer in sorted({(owners[0], owners[0]), (owners[0], owners[-1]), (owners[-1], owners[0])}):
        first = _first_turn(examined, older, newer)
        if isinstance(first, Check):
            yield first
            return
        if first:
            what = f"of two orders of one price the newer one traded first{first}"
            if matching.priority == "price-time":
                yield failed("priority", f"{what}; the profile says 'price-time'", "[matching]", 'priority = "price"')
            else:
                yield ok("priority", f"{what}, as the profile allows")
            return
    yield ok("priority", "of two orders of one price the older one traded first")


def _first_turn(examined: Examined, older: str, newer: str) -> str | Check:
    """When the newer of two orders traded before the older one, in words; nothing where it never did."""
    part = examined.size()
    accounts, placed = (older, newer), []
    for account in accounts:
        order, check = placed_order(examined, examined.terms(Side.BUY, 2 * part, account=account), "priority")
        if order.order_id is None:
            break
        placed.append(order.order_id)
    early: str | Check = "" if len(placed) == len(accounts) else check
    if not early:
        for when in ("", ", once a part of the older one was executed"):
            problem = execute(examined, placed[0], examined.terms(Side.BUY, part, account=older), part)
            time.sleep(examined.profile.timing.fill_delay + examined.profile.timing.read_delay)
            view = examined.venue.order(newer, placed[1], market=examined.market).view
            if problem is not None or view is None:
                early = warning("priority", problem or "the newer order cannot be read")
                break
            if view.executed:
                early = when or ", with nothing of either executed"
                break
    for account, order_id in zip(accounts, placed, strict=False):
        view = examined.venue.order(account, order_id, market=examined.market).view
        if view is None or view.status not in TERMINAL:
            ended = examined.venue.cancel(account, order_id, market=examined.market)
            examined.over(order_id, ended.answer, account)
    return early


def market_order(examined: Examined) -> Iterator[Check]:
    """Let a market order meet a resting one, and see how long it is PENDING."""
    kinds, market, timing = examined.profile.order_kinds, examined.shape, examined.profile.timing
    if not kinds.has_market_orders or not market.isolated:
        yield skipped("market order", "the profile has none, or others trade in this market")
        return
    quantity = examined.size()
    facing = examined.terms(Side.SELL, quantity, account="counterparty", price=market.resting_price(Side.BUY))
    resting, check = placed_order(examined, facing, "market order")
    if resting.order_id is None:
        yield check
        return
    terms = examined.terms(Side.BUY, quantity, type=OrderType.MARKET, price=None)
    placed, check = placed_order(examined, terms, "market order")
    began = time.monotonic()
    view = None if placed.order_id is None else _until(examined, terms.account, placed.order_id)
    late = time.monotonic() - began
    ended = examined.venue.order(facing.account, resting.order_id, market=examined.market).view
    if ended is None or ended.status not in TERMINAL:
        gone = examined.venue.cancel(facing.account, resting.order_id, market=examined.market)
        examined.over(resting.order_id, gone.answer, facing.account)
    if placed.order_id is None:
        words = ", ".join(
            f'{kind.value} = "{word}"'
            for kind, word in examined.profile.vocabulary.type.items()
            if kind is not OrderType.MARKET
        )
        yield failed(
            "market order",
            f"{check.detail}. Where there are no market orders, leave them out",
            "[vocabulary]",
            f"type = {{ {words} }}",
            "[drivers]",
            "hold_market = false",
        )
        return
    if view is None or view.status not in TERMINAL:
        yield warning("market order", f"{late:.1f} s after its placing the market order is not over")
    elif late > timing.read_delay + timing.market_order_delay + JITTER:
        yield failed(
            "market order",
            f"it took {late:.2f} s, the profile allows {timing.market_order_delay:g} s",
            "[timing]",
            f"market_order_delay = {late * 2:.2f}",
        )
    else:
        yield ok("market order", f"{view.status} after {late * 1000:.0f} ms")


def _until(examined: Examined, account: str, order_id: str) -> OrderView | None:
    """Read an order until it is over; the last that was seen of it otherwise."""
    deadline = time.monotonic() + examined.profile.timing.fill_delay + LONGEST_WAIT
    while True:
        view = examined.venue.order(account, order_id, market=examined.market).view
        if view is not None:
            examined.word(view)
            if view.status in TERMINAL:
                return view
        if time.monotonic() > deadline:
            return view
        time.sleep(examined.profile.timing.poll_interval)
