"""Predict: the pure function from a world and an event to every outcome that the specification allows.

A world is an immutable picture of orders that could be true together. Nothing here knows what was observed: what may be
true after an observation is :class:`~conformance.model.worlds.Belief`, which asks :func:`predict`, as the search over
parallel calls does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from conformance.model.amounts import exactly
from conformance.model.events import Cancel, CancelAll, Event, Execute, Expire, Place, Release
from conformance.model.lifecycle import (
    CANCEL,
    CANCEL_ALL_ACCEPTED,
    NotOwn,
    OrderState,
    Reply,
    Step,
    bulk_steps,
    cancel_steps,
    deviating_steps,
    fee_of,
    filled,
    silent_successors,
)
from conformance.model.matching import TooManyWorldsError, World, cross, traded_by_others
from conformance.model.order import ACTIVE, OrderType, Status
from conformance.model.rules import VenueRules

MOST_WORLDS = 4096
"""Worlds of one cluster beyond which a judgement is refused (inconclusive), never guessed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One thing that may happen: the reply, the world afterwards, and what a cancel-all answer lists of this world."""

    reply: Reply
    world: World
    listed: frozenset[str] = frozenset()
    may_list: frozenset[str] = frozenset()
    requirement: str = ""


def predict(world: World, event: Event, rules: VenueRules) -> tuple[Outcome, ...]:
    """Every outcome that the specification allows for ``event`` in ``world``."""
    match event:
        case Cancel(order=name, account=account):
            return _cancel(world, name, account, rules)
        case CancelAll(account=account):
            return _cancel_all(world, account, rules)
        case Place():
            return _place(world, event, rules)
        case Execute(order=name, quantity=quantity):
            return _execute(world, name, quantity, rules)
        case Expire(order=name, at=at):
            return (Outcome(reply=Reply.ACCEPTED, world=_with_expiry(world, name, at)),)
        case Release():
            return _release(world, event, rules)


def _cancel(world: World, name: str, account: str, rules: VenueRules) -> tuple[Outcome, ...]:
    at = next((i for i, state in enumerate(world) if state.name == name), None)
    if at is None or world[at].terms.account != account:
        met = NotOwn.UNKNOWN if at is None else NotOwn.FOREIGN
        return tuple(_taken(world, at, step) for step in (*CANCEL[met], *deviating_steps(met, rules)))
    steps = (*cancel_steps(world[at], rules), *deviating_steps(world[at].status, rules))
    return tuple(_taken(world, at, step) for step in steps)


def _taken(world: World, at: int | None, step: Step) -> Outcome:
    """The outcome of one row of the cancel table for the order at a place of the world."""
    after = world
    if at is not None and step.status not in (None, world[at].status):
        after = (*world[:at], replace(world[at], status=step.status), *world[at + 1 :])
    return Outcome(reply=step.reply, world=after, requirement=step.requirement)


def _cancel_all(world: World, account: str, rules: VenueRules) -> tuple[Outcome, ...]:
    reached: list[tuple[World, frozenset[str], frozenset[str]]] = [((), frozenset(), frozenset())]
    for state in world:
        if state.terms.account != account:
            reached = [((*before, state), listed, may) for before, listed, may in reached]
            continue
        name = frozenset({state.name})
        reached = [
            (
                (*before, state if row.status is state.status else replace(state, status=row.status)),
                listed | name if row.listed else listed,
                may | name if row.listed is None else may,
            )
            for before, listed, may in reached
            for row in bulk_steps(state, rules)
        ]
        bounded(len(reached))
    return tuple(
        Outcome(reply=Reply.ACCEPTED, world=after, listed=listed, may_list=may, requirement=CANCEL_ALL_ACCEPTED)
        for after, listed, may in reached
    )


def _place(world: World, event: Place, rules: VenueRules) -> tuple[Outcome, ...]:
    taker = OrderState(name=event.order, terms=event.terms, status=Status.OPEN, arrival=event.arrival)
    outcomes = []
    if event.short:
        outcomes.append(Outcome(reply=Reply.ACCEPTED, world=(*world, replace(taker, status=Status.REJECTED))))
    if event.held:
        held = (*world, replace(taker, status=Status.PENDING))
        return (*outcomes, Outcome(reply=Reply.ACCEPTED, world=held))
    met = cross(world, taker, rules)
    for after in _left_waiting(met) if event.waits else met:
        outcomes.append(Outcome(reply=Reply.ACCEPTED, world=after))
        if after[-1].status is Status.REJECTED and event.terms.post_only:
            outcomes.append(Outcome(reply=Reply.REFUSED, world=world))
        bounded(len(outcomes))
    if rules.places_later:
        outcomes.append(Outcome(reply=Reply.ACCEPTED, world=(*world, replace(taker, status=Status.PENDING))))
    return tuple(outcomes)


def _left_waiting(met: Iterable[World]) -> Iterator[World]:
    """What a market order that may wait for a counter-order becomes: PENDING where it met nobody.

    Whether one that found too little waits for the rest or ends, the source does not say: both are right.
    """
    for after in met:
        *book, taker = after
        if taker.executed.high > 0:
            yield after
        if taker.status is Status.CANCELED:  # one of the words for an end without a trade
            yield (*book, replace(taker, status=Status.PENDING))


def _execute(world: World, name: str, quantity: Decimal, rules: VenueRules) -> tuple[Outcome, ...]:
    """A trade of one order that the target was told to make (a control request), whatever else is in the book."""
    outcomes = []
    for at, state in enumerate(world):
        if state.name != name or state.terms.price is None:
            continue
        matches = state.status in ACTIVE or state.status is Status.PENDING_CANCEL
        if matches:
            after = filled(state, min(quantity, state.rest.low), exactly(state.terms.price), maker=True, rules=rules)
            outcomes.append(Outcome(reply=Reply.ACCEPTED, world=(*world[:at], after, *world[at + 1 :])))
        if state.status not in ACTIVE or quantity > state.rest.low:
            outcomes.append(Outcome(reply=Reply.REFUSED, world=world))
    return tuple(outcomes)


def _release(world: World, event: Release, rules: VenueRules) -> tuple[Outcome, ...]:
    """Held market orders of a market execute against the book, in the order of their arrival."""
    worlds: list[World] = [world]
    held = sorted((s for s in world if is_held(s, event.market)), key=lambda state: state.arrival)
    for order in held:
        released = replace(order, status=Status.OPEN)
        after: list[World] = []
        for before in worlds:
            for one in cross(tuple(s for s in before if s.name != order.name), released, rules):
                after.append(one)
                bounded(len(after))
        worlds = after
    if event.either_makes:
        worlds += [_made_by_the_held(world, after, event.market, rules) for after in worlds]
    return tuple(Outcome(reply=Reply.ACCEPTED, world=after) for after in worlds)


def _made_by_the_held(before: World, after: World, market: str, rules: VenueRules) -> World:
    """The world after a release where the orders that were held pay the maker's fees, those that they met the taker's.

    The same states where nothing was traded, or where both fees are one.
    """
    known = {state.name: state for state in before}

    def charged(state: OrderState) -> OrderState:
        then = known[state.name]
        quantity = state.executed.low - then.executed.low
        if not quantity:
            return state
        notional = state.cost.low - then.cost.low
        fee = fee_of(state.terms, quantity, notional, maker=is_held(then, market), rules=rules)
        return replace(state, fee=then.fee.plus(fee))

    return tuple(charged(state) for state in after)


def _with_expiry(world: World, name: str, at: float) -> World:
    """The expiry moves; that it takes effect is a silent step, as for an expiry that is reached by waiting."""
    return tuple(
        replace(state, terms=replace(state.terms, expires_at=at)) if state.name == name else state for state in world
    )


def is_held(state: OrderState, market: str) -> bool:
    """Whether an order is a market order that is kept executing in ``market``."""
    return state.status is Status.PENDING and state.terms.market == market and state.terms.type is OrderType.MARKET


def bounded(count: int) -> None:
    """Refuse to enumerate more than :data:`MOST_WORLDS` worlds (raises :class:`TooManyWorldsError`)."""
    if count > MOST_WORLDS:
        raise TooManyWorldsError(f"{count} possible worlds in one cluster; at most {MOST_WORLDS} are enumerated")


def silent(world: World, until: float, rules: VenueRules) -> tuple[World, ...]:
    """The worlds that may have come of ``world`` by themselves up to ``until`` (seconds since the epoch)."""
    if not any(_is_restless(state, rules) for state in world):
        return (world,)
    choices: list[list[OrderState]] = []
    for state in world:
        states = list(silent_successors(state, until, rules))
        if not rules.markets[state.terms.market].isolated:
            # others trade first, then what is left is cancelled or expires
            traded = [wider for s in states for wider in traded_by_others(s, rules)]
            states = list({s.key: s for wider in traded for s in silent_successors(wider, until, rules)}.values())
        choices.append(states)
    size = 1
    for states in choices:
        size *= len(states)
    bounded(size)
    return tuple(product(*choices))


def _is_restless(state: OrderState, rules: VenueRules) -> bool:
    if state.status is Status.PENDING_CANCEL or state.status is Status.PENDING:
        return True
    return state.status in ACTIVE and (
        state.terms.expires_at is not None
        or not rules.markets[state.terms.market].isolated
        or rules.markets[state.terms.market].dust > 0
    )


def listing(outcome: Outcome) -> str:
    """What a cancel-all answer should have listed, in words."""
    names = ", ".join(sorted(outcome.listed)) or "nothing"
    optional = f", and perhaps {', '.join(sorted(outcome.may_list))}" if outcome.may_list else ""
    return f"accepted, listing {names}{optional}"


def describe(state: OrderState) -> str:
    """A state in words, as proofs show it."""
    return f"{state.status} with {state.executed} of {state.terms.quantity} executed"
