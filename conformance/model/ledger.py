"""Funds as a function of orders: what each order locks, and what its trades moved (FND-01..06).

No balance is stored anywhere in the model. ``locked`` is the sum of what each live order still locks, ``total`` the
start plus what trades and fees moved, ``available`` the difference.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from conformance.model.amounts import ANYTHING, INFINITE, NOTHING, ZERO, Span, exactly
from conformance.model.lifecycle import OrderState
from conformance.model.order import TERMINAL, OrderType, Side, Status
from conformance.model.rules import FeeAsset, FeeReserve, LockModel, MarketRules, VenueRules

UNKNOWN = Span(-INFINITE, INFINITE)


def lock_of(state: OrderState, rules: VenueRules) -> tuple[str, Span]:
    """The asset that an order locks and how much of it, in units of that asset; nothing once it is terminal.

    Source: requirement catalogue, lock models ``spot``, ``margin`` and ``observed``.
    """
    terms, market = state.terms, rules.markets[state.terms.market]
    if rules.lock_model is LockModel.MARGIN:
        asset = rules.margin_asset
    else:
        asset = market.quote if terms.side is Side.BUY else market.base
    if state.status in TERMINAL:
        return asset, _left_by(state, rules)
    if state.reserve is not None:
        return asset, _share(state.reserve, state)
    if rules.lock_model is LockModel.OBSERVED or rules.deviations.locks:
        return asset, ANYTHING
    if rules.lock_model is LockModel.SPOT and terms.side is Side.SELL:
        return asset, state.rest
    if terms.price is None or terms.type is OrderType.MARKET:
        return asset, ANYTHING  # what an executing market order locks is unknown until it is seen
    notional = state.rest.times(terms.price)
    if rules.lock_model is LockModel.MARGIN:
        return asset, notional.times(rules.margin_rate + _reserved_fee(market, rules))
    return asset, notional.times(1 + _reserved_fee(market, rules))


def locks_of(state: OrderState, rules: VenueRules) -> Iterator[tuple[str, Span]]:
    """Everything that an order locks, asset by asset: a sell may reserve its fee in the quote."""
    yield lock_of(state, rules)
    terms, market = state.terms, rules.markets[state.terms.market]
    apart = rules.fee_reserve is FeeReserve.QUOTE and rules.lock_model is LockModel.SPOT and terms.side is Side.SELL
    if apart and terms.price is not None:
        fee = terms.price * _reserved_fee(market, rules)
        over, wrong = state.status in TERMINAL, rules.deviations.locks
        yield (
            market.quote,
            _left(exactly(terms.quantity * fee), rules) if over else ANYTHING if wrong else state.rest.times(fee),
        )


def _left_by(state: OrderState, rules: VenueRules) -> Span:
    """What an order that is over locks: nothing; at a venue that keeps or frees too much, up to its whole lock."""
    if not (rules.deviations.keeps or rules.deviations.frees):
        return NOTHING
    return _left(lock_of(replace(state, status=Status.OPEN, executed=NOTHING), rules)[1], rules)


def _left(whole: Span, rules: VenueRules) -> Span:
    """What may be left of a whole lock once its order is over."""
    known = rules.deviations
    return Span(-whole.high if known.frees else ZERO, whole.high if known.keeps else ZERO)


def _reserved_fee(market: MarketRules, rules: VenueRules) -> Decimal:
    """The fraction of the notional that is locked for fees; none where a buy's fee is taken from what it receives."""
    if rules.fee_reserve is FeeReserve.NONE or (
        market.fee_asset is FeeAsset.RECEIVED and rules.lock_model is LockModel.SPOT
    ):
        return ZERO
    return max(market.maker_fee, market.taker_fee)


def _share(reserve: Span, state: OrderState) -> Span:
    quantity = state.terms.quantity
    # multiplied before it is divided: a third of 300 is 100, not 99.99…
    return Span(reserve.low * state.rest.low / quantity, reserve.high * state.rest.high / quantity)


def moved_by(state: OrderState, rules: VenueRules) -> list[tuple[str, Span]]:
    """What an order's trades and fees moved, asset by asset (signed units of each asset).

    Where no formula says it (a position's result, unknown fees) it is anything, until it was seen once (``booked``).
    """
    if state.executed.high == ZERO:
        return []
    terms, market = state.terms, rules.markets[state.terms.market]
    if not tells_trades(state, rules):
        if state.executed == exactly(state.booked):
            return []
        margin = rules.lock_model is not LockModel.SPOT and rules.margin_asset
        return [(asset, UNKNOWN) for asset in ([rules.margin_asset] if margin else [market.base, market.quote])]
    bought = terms.side is Side.BUY
    base = state.executed if bought else state.executed.negated()
    quote = state.cost.negated() if bought else state.cost
    if market.fee_asset is FeeAsset.QUOTE or (market.fee_asset is FeeAsset.RECEIVED and not bought):
        quote = quote.minus(state.fee)
    else:
        base = base.minus(state.fee)
    return [(market.base, base), (market.quote, quote)]


def tells_trades(state: OrderState, rules: VenueRules) -> bool:
    """Whether a formula says what this order's trades move: not for a position's result, nor where fees are unknown."""
    if rules.deviations.trades or (rules.lock_model is not LockModel.SPOT and rules.margin_asset):
        return False
    return rules.markets[state.terms.market].fee_asset is not FeeAsset.UNKNOWN


def seen_reserve(state: OrderState, locked: Span) -> Span:
    """What a whole order locks, learned from what it was seen to lock while ``state`` was true."""
    rest = state.rest
    if not locked.exact or not rest.exact or rest.low == ZERO:
        return ANYTHING
    return exactly(locked.low * state.terms.quantity / rest.low)
