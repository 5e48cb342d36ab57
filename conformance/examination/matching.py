"""How orders meet at the target: at whose price they trade, and how long a market order takes."""

import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from conformance.examination.checks import Check, Examined, failed, ok, skipped, warning
from conformance.examination.ending import JITTER, LONGEST_WAIT
from conformance.examination.funds import Funds, funds_now
from conformance.examination.orders import placed_order
from conformance.model.order import TERMINAL, OrderType, Side, Status, Terms, TimeInForce
from fixtures.venue.answers import BalanceView, OrderView

APART = Decimal("0.02")
"""How far below the resting order's price the incoming one's is, as a fraction: more than any fee."""

PRICES = ("maker", "middle", "taker")


def trade_price(examined: Examined) -> Iterator[Check]:
    """Let a sell meet a dearer buy, and see at which price they traded: in the order, or in what its account paid."""
    driver, market = examined.profile.drivers.fill, examined.shape
    assert driver is not None  # the capability says so
    price = market.resting_price(Side.BUY)
    gap = (price * APART / 2 // market.tick) * market.tick * 2
    if driver.how != "crossing" or not market.isolated or not gap:
        yield skipped("trade price", "needs a fill by crossing, and a market that nobody else trades in")
        return
    quantity = examined.size(2)
    terms = examined.terms(Side.BUY, quantity)
    before = funds_now(examined, "primary")
    resting, check = placed_order(examined, terms, "trade price")
    if resting.order_id is None:
        yield check
        return
    immediate = TimeInForce.IOC in examined.profile.order_kinds.times_in_force and not examined.lacks_ioc
    incoming = examined.terms(
        Side.SELL,
        quantity,
        account=driver.account,
        price=price - gap,
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
    )
    crossing, check = placed_order(examined, incoming, "trade price")
    view = _until(examined, terms.account, resting.order_id) if crossing.order_id is not None else None
    if view is None or view.status is not Status.FILLED:
        for account, placed in ((terms.account, resting), (driver.account, crossing)):
            if placed.order_id is not None:
                ended = examined.venue.cancel(account, placed.order_id, market=examined.market)
                examined.over(placed.order_id, ended.answer, account)
        yield check if crossing.order_id is None else warning("trade price", "the two orders did not trade")
        return
    if crossing.order_id is not None:
        _until(examined, driver.account, crossing.order_id)
    time.sleep(max(examined.profile.timing.balance_delay, examined.profile.timing.read_delay))
    yield _told(examined, terms, gap, _seen_price(view, terms, before, partial(funds_now, examined, "primary")))


def _seen_price(view: OrderView, terms: Terms, before: Funds, now: "partial[Funds]") -> Decimal | None:
    """What one unit cost: as the order shows it, or else as the account paid it, with its fee."""
    if view.average_price:
        return view.average_price
    if view.value and view.executed:
        return view.value / view.executed
    after = now()
    spent = [
        then - later
        for asset, view_now in after.items()
        if (then := _total(before.get(asset, BalanceView()))) is not None
        and (later := _total(view_now)) is not None
        and later < then
    ]
    return spent[0] / terms.quantity if len(spent) == 1 else None


def _total(view: BalanceView) -> Decimal | None:
    if view.total is not None or view.available is None:
        return view.total
    return view.available + (view.locked or Decimal(0))


def _told(examined: Examined, terms: Terms, gap: Decimal, seen: Decimal | None) -> Check:
    says = examined.profile.matching.trade_price
    if seen is None or terms.price is None:
        return skipped("trade price", "neither the order nor balances show at which price it traded")
    candidates = dict(zip(PRICES, (terms.price, terms.price - gap / 2, terms.price - gap), strict=True))
    nearest = min(candidates, key=lambda name: abs(candidates[name] - seen))
    told = f"a sell at {terms.price - gap:f} met a buy at {terms.price:f}: they traded at {seen:f}"
    if abs(candidates[nearest] - seen) > gap / 5:
        return warning("trade price", f"{told}, which is none of the two, nor their middle", *_line("unknown"))
    if says in ("unknown", nearest):
        return ok("trade price", f"{told}, which is '{nearest}'")
    return failed("trade price", f"{told}; the profile says '{says}'", *_line(nearest))


def _line(price: str) -> tuple[str, str]:
    return "[matching]", f'trade_price = "{price}"'


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
