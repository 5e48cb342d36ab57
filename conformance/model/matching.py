"""Price-time priority among the orders that the suite itself placed.

In an isolated market the book holds nothing else, so a crossing has one result for each set of pending-cancel orders
that still match (they may, they need not). In a market that others trade in, nothing can be enumerated: executed
quantities become ranges, which reads pin.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations, permutations, product

from conformance.model.amounts import INFINITE, NOTHING, ZERO, Span, exactly
from conformance.model.lifecycle import OrderState, filled, rest_statuses
from conformance.model.order import ACTIVE, Side, Status
from conformance.model.rules import FeeAsset, Priority, TradePrice, VenueRules

World = tuple[OrderState, ...]
"""Orders that could be true together now; balances are a function of them (conformance.model.ledger)."""


MOST_WITHOUT_PRIORITY = 4
"""Resting orders of which every order in which they may trade is tried, where the venue promises none."""


class TooManyWorldsError(Exception):
    """More is possible than can be enumerated; the plan that led here is inconclusive."""


def crosses(maker: OrderState, taker: OrderState) -> bool:
    """Whether the prices of a resting order and an incoming one meet, whatever the status of either."""
    if (
        maker.terms.market != taker.terms.market
        or maker.terms.side is taker.terms.side
        or maker.terms.account == taker.terms.account
        or maker.terms.price is None
    ):
        return False
    if taker.terms.price is None:
        return True
    if taker.terms.side is Side.BUY:
        return maker.terms.price <= taker.terms.price
    return maker.terms.price >= taker.terms.price


def cross(world: World, taker: OrderState, rules: VenueRules) -> Iterator[World]:
    """The worlds after ``taker`` (not yet in ``world``) met the book of ``world``; it is the last order of each."""
    facing = [maker for maker in world if crosses(maker, taker)]
    if not rules.markets[taker.terms.market].isolated:
        yield from _cross_among_others(world, taker, facing, rules)
        return
    pending = [maker for maker in facing if maker.status is Status.PENDING_CANCEL]
    matching = [maker for maker in facing if maker.status in ACTIVE]
    if taker.terms.post_only and (matching or pending):
        yield (*world, replace(taker, status=Status.REJECTED))
        if matching:
            return
    for also in chain.from_iterable(combinations(pending, size) for size in range(len(pending) + 1)):
        yield from _match(world, taker, [*matching, *also], rules)


def _match(world: World, taker: OrderState, makers: list[OrderState], rules: VenueRules) -> Iterator[World]:
    for queue in _queues(makers, rules):
        yield from _match_in_turn(world, taker, queue, rules)


def _queues(makers: list[OrderState], rules: VenueRules) -> Iterator[list[OrderState]]:
    """The orders in which resting orders may trade: one by price and time; more where the venue promises less."""
    best_first = sorted(makers, key=_priority)
    if rules.priority is Priority.PRICE_TIME or len(makers) < 2:
        yield best_first
        return
    if len(makers) > MOST_WITHOUT_PRIORITY:
        raise TooManyWorldsError(f"{len(makers)} resting orders, and nobody says which of them trades first")
    prices = [maker.terms.price for maker in best_first]
    for queue in permutations(best_first):
        if rules.priority is Priority.UNKNOWN or [maker.terms.price for maker in queue] == prices:
            yield list(queue)


def _priority(maker: OrderState) -> tuple[Decimal, int]:
    price = maker.terms.price or ZERO
    return (price if maker.terms.side is Side.SELL else -price, maker.arrival)


def _match_in_turn(world: World, taker: OrderState, queue: list[OrderState], rules: VenueRules) -> Iterator[World]:
    changed: dict[str, OrderState] = {}
    left = taker.terms.quantity - taker.executed.low
    for maker in queue:
        if left <= ZERO:
            break
        price, quantity = _trade_price(maker, taker, rules), min(left, maker.rest.low)
        changed[maker.name] = filled(maker, quantity, price, maker=True, rules=rules)
        taker = filled(taker, quantity, price, maker=False, rules=rules)
        left -= quantity
    book = tuple(changed.get(order.name, order) for order in world)
    for status in rest_statuses(taker.terms, executed=taker.executed.low):
        yield (*book, replace(taker, status=status))


def _trade_price(maker: OrderState, taker: OrderState, rules: VenueRules) -> Span:
    """At what a resting order and an incoming one trade, in quote units per base unit."""
    resting, coming = maker.terms.price, taker.terms.price
    assert resting is not None  # crosses() admits priced makers alone
    if coming is None:
        return exactly(resting)
    match rules.trade_price:
        case TradePrice.MAKER:
            return exactly(resting)
        case TradePrice.TAKER:
            return exactly(coming)
        case TradePrice.BUYER | TradePrice.SELLER:
            buys = maker.terms.side is Side.BUY
            return exactly(resting if buys is (rules.trade_price is TradePrice.BUYER) else coming)
        case TradePrice.MIDDLE:
            return _on_grid((resting + coming) / 2, rules.markets[maker.terms.market].tick)
        case TradePrice.UNKNOWN:
            return Span(min(resting, coming), max(resting, coming))


def _on_grid(price: Decimal, tick: Decimal) -> Span:
    """A price, or where it is none of the market's the two next to it: no source says which way a venue rounds."""
    off = price % tick if tick else ZERO
    return Span(price - off, price - off + tick) if off else exactly(price)


def _cross_among_others(
    world: World, taker: OrderState, facing: list[OrderState], rules: VenueRules
) -> Iterator[World]:
    names = {maker.name for maker in facing}
    books = product(*(traded_by_others(order, rules) if order.name in names else (order,) for order in world))
    resting = replace(taker, status=Status.OPEN)
    if taker.terms.post_only:
        takers = [resting, replace(taker, status=Status.REJECTED)]
    else:
        _, *trading = traded_by_others(replace(resting, took=True), rules)
        takers = [resting, *trading]
    if taker.terms.is_immediate:
        ends = rest_statuses(taker.terms, executed=ZERO)
        takers = [
            replace(state, status=status)
            for state in takers
            for status in ((state.status,) if state.status is Status.FILLED else ends)
        ]
    for book in books:
        for state in takers:
            yield (*book, state)


def traded_by_others(state: OrderState, rules: VenueRules) -> Iterator[OrderState]:
    """What trades with other participants may make of a live order, itself included: partly executed, or filled."""
    yield state
    if state.status not in ACTIVE and state.status is not Status.PENDING_CANCEL:
        return
    quantity = state.terms.quantity
    partly = Status.PARTIALLY_FILLED if state.status in ACTIVE else state.status
    wide = state
    if state.executed.high != quantity or state.status is not partly:
        wide = replace(
            _traded(state, Span(ZERO, state.rest.high), rules),
            status=partly,
            executed=Span(state.executed.low, quantity),
        )
        yield wide
    yield replace(pinned(wide, quantity, rules), status=Status.FILLED)


def pinned(state: OrderState, executed: Decimal, rules: VenueRules) -> OrderState:
    """The order once a read has said how much of it is executed (base units)."""
    if state.executed.exact:
        return state
    if state.took:
        known = replace(state, executed=NOTHING, cost=NOTHING, fee=NOTHING)
    else:
        low = state.executed.low
        rebate = rules.markets[state.terms.market].maker_fee < 0  # what was traded least was paid back least
        fee = Span(state.fee.high, state.fee.high) if rebate else _low(state.fee)
        known = replace(state, executed=exactly(low), cost=_low(state.cost), fee=fee)
    wide = _traded(known, exactly(executed - known.executed.low), rules)
    return replace(wide, executed=exactly(executed))


def _low(span: Span) -> Span:
    return Span(span.low, span.low)


def _traded(state: OrderState, quantity: Span, rules: VenueRules) -> OrderState:
    """The bounds of cost and fee after trades of ``quantity`` with other participants.

    A resting order trades at its own price and pays the maker's fee. One that traded on its arrival may have traded at
    a better price, and paid the taker's fee.
    """
    market, price = rules.markets[state.terms.market], state.terms.price
    takes = state.took or state.terms.is_immediate
    if price is None:
        value = Span(ZERO, INFINITE if quantity.high else ZERO)
    elif not takes:
        value = quantity.times(price)
    elif state.terms.side is Side.BUY:
        value = Span(ZERO, quantity.high * price)
    else:
        value = Span(quantity.low * price, INFINITE if quantity.high else ZERO)
    in_base = market.fee_asset is FeeAsset.RECEIVED and state.terms.side is Side.BUY
    lowest, highest = sorted((market.maker_fee, market.taker_fee if takes else market.maker_fee))
    of = quantity if in_base else value
    # a rebate is a negative rate: the most is paid back where the most was traded
    least, most = (of.high if lowest < 0 else of.low), (of.low if highest < 0 else of.high)
    fee = Span(least * lowest, most * highest if highest else ZERO)
    return replace(state, cost=state.cost.plus(value), fee=state.fee.plus(fee))
