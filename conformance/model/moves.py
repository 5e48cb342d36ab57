"""From calls to moves: what each call does to each order, and which orders hang together.

Calls on orders that do not hang together are searched apart: a history is linearizable where each part is, since each
move takes effect on the orders of one part alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from conformance.model.calls import Call, Read
from conformance.model.events import Cancel, CancelAll, Execute, Place
from conformance.model.lifecycle import OrderState
from conformance.model.linearization import Move
from conformance.model.matching import World, crosses
from conformance.model.order import ACTIVE, Status, TimeInForce
from conformance.model.prediction import Outcome, describe, predict
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief, as_seen

Apply = Callable[[World], tuple[list[World], list[str]]]


def parts(belief: Belief, calls: Sequence[Call], rules: VenueRules) -> list[tuple[list[str], list[Move]]]:
    """The moves of a history, parted into groups of orders that no move of another group touches."""
    moves = [move for at, call in enumerate(calls) for move in _moves(belief, at, call, calls, rules)]
    groups = _Groups()
    for move in moves:
        groups.join(move.touches)
        for name in move.touches & belief.home.keys():
            groups.join(belief.companions(name))
    found: dict[str, tuple[list[str], list[Move]]] = {}
    for name in groups.names():
        found.setdefault(groups.root(name), ([], []))[0].append(name)
    for move in moves:
        found[groups.root(next(iter(move.touches)))][1].append(move)
    return [(sorted(names), part) for names, part in found.values()]


class _Groups:
    """Disjoint sets of order names."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        while self._above[name] != name:
            name = self._above[name]
        return name

    def join(self, names: Iterable[str]) -> None:
        first: str | None = None
        for name in sorted(names):
            self._above.setdefault(name, name)
            if first is None:
                first = self.root(name)
            else:
                self._above[self.root(name)] = first

    def names(self) -> Iterable[str]:
        return self._above


def _moves(belief: Belief, at: int, call: Call, calls: Sequence[Call], rules: VenueRules) -> list[Move]:
    """What a call does to the orders: one move, or one for each order that a cancel-all may reach."""
    event = call.event
    match event:
        case Read(order=name):
            return [_move(at, call, name, frozenset({name}), _read(event, rules))]
        case Cancel(order=name) | Execute(order=name):
            return [_move(at, call, name, frozenset({name}), _ask(event, call, rules))]
        case Place():
            return [_move(at, call, event.order, _met_by(event, belief, calls), _placing(event, call, calls, rules))]
        case CancelAll(account=account):
            known = [name for name in belief.names() if belief.states(name)[0].terms.account == account]
            coming = {
                place.order: _incoming(place)
                for place in _placings(calls)
                if place.terms.account == account and place.order not in belief.home
            }
            return [
                _move(at, call, name, frozenset({name}), _reach(event, name, coming.get(name), call, rules))
                for name in (*known, *coming)
            ]
        case _:
            raise ValueError(f"{call.label}: {type(event).__name__} cannot be one of several calls at once")


def _move(at: int, call: Call, name: str, touches: frozenset[str], apply: Apply) -> Move:
    return Move(
        call=at,
        label=call.label,
        touches=touches,
        began=call.began,
        latest=call.latest,
        alike=(type(call.event), call.event, name, call.answer, call.lost),
        apply=apply,
        covers_confirmed=isinstance(call.event, Place),
    )


def _read(read: Read, rules: VenueRules) -> Apply:
    def apply(world: World) -> tuple[list[World], list[str]]:
        for at, state in enumerate(world):
            if state.name == read.order:
                after = as_seen(state, read.seen, rules)
                return [] if after is None else [(*world[:at], after, *world[at + 1 :])], [describe(state)]
        return [], []

    return apply


def _ask(event: Cancel | Execute, call: Call, rules: VenueRules) -> Apply:
    def apply(world: World) -> tuple[list[World], list[str]]:
        outcomes = predict(world, event, rules)
        after = [outcome.world for outcome in outcomes if call.lost or call.accepts(outcome)]
        return [*after, world] if call.lost else after, [str(outcome.reply) for outcome in outcomes]

    return apply


def _reach(event: CancelAll, name: str, coming: OrderState | None, call: Call, rules: VenueRules) -> Apply:
    """One order at the moment when a cancel-all comes to it; ``coming``, which is not there yet, is not listed."""

    def apply(world: World) -> tuple[list[World], list[str]]:
        at = next((i for i, state in enumerate(world) if state.name == name), None)
        after: list[World] = [world] if call.lost else []
        words = []
        for outcome in predict(() if at is None else (world[at],), event, rules):
            words.append(f"{name} {_listing(outcome, name)}")
            asked = replace(outcome, world=(coming,)) if at is None and coming is not None else outcome
            if call.lost or call.accepts(asked):
                after.append(world if at is None else (*world[:at], outcome.world[0], *world[at + 1 :]))
        return after, words

    return apply


def _listing(outcome: Outcome, name: str) -> str:
    if name in outcome.may_list:
        return "listed or not"
    return "listed" if name in outcome.listed else "not listed"


def _placing(event: Place, call: Call, calls: Sequence[Call], rules: VenueRules) -> Apply:
    """A placing; among calls at once, the order in which they take effect is the order of the queue."""
    mates = [other for other in _placings(calls) if other == event or _queue_together(other, event)]
    arrivals = sorted(mate.arrival for mate in mates)
    names = {mate.order for mate in mates}

    def apply(world: World) -> tuple[list[World], list[str]]:
        turn = sum(1 for state in world if state.name in names)
        outcomes = predict(world, replace(event, arrival=arrivals[turn]), rules)
        after = [outcome.world for outcome in outcomes if call.lost or call.accepts(outcome)]
        return [_sorted(new) for new in after], [str(outcome.reply) for outcome in outcomes]

    return apply


def _sorted(world: World) -> World:
    return tuple(sorted(world, key=lambda state: state.name))


def _placings(calls: Sequence[Call]) -> list[Place]:
    return [call.event for call in calls if isinstance(call.event, Place)]


def _queue_together(one: Place, other: Place) -> bool:
    """Whether two orders may stand behind each other: at one price of the book, held or waiting in one market."""
    if not (_stays(one) and _stays(other)):
        return False
    queues = [(event.terms.market, event.terms.side, event.terms.price, event.held) for event in (one, other)]
    return queues[0] == queues[1]


def _stays(event: Place) -> bool:
    return (
        event.held
        or event.waits
        or (event.terms.price is not None and event.terms.time_in_force is not TimeInForce.IOC)
    )


def _met_by(event: Place, belief: Belief, calls: Sequence[Call]) -> frozenset[str]:
    """The orders that a placing may trade with or stand in one queue with, itself included."""
    incoming = _incoming(event)
    met = {event.order}
    for other in _placings(calls):
        if _queue_together(other, event) or (
            not event.held and (crosses(_incoming(other), incoming) or crosses(incoming, _incoming(other)))
        ):
            met.add(other.order)
    if not event.held:
        for name in belief.names():
            states = belief.states(name)
            if any(crosses(state, incoming) and _may_trade(state) for state in states):
                met.add(name)
    return frozenset(met)


def _incoming(event: Place) -> OrderState:
    return OrderState(name=event.order, terms=event.terms, status=Status.OPEN, arrival=event.arrival)


def _may_trade(state: OrderState) -> bool:
    return state.status in ACTIVE or state.status in (Status.PENDING, Status.PENDING_CANCEL)
