"""Parallel calls: is there one order of them that :func:`~conformance.model.prediction.predict` explains?

A history is a set of calls, each with the moment it began and the moment its answer came. It is *linearizable* (Herlihy
and Wing, 1990) where the calls can be put into one order, no call before another that had ended when it began, so that
each answer is one that the specification allows at its place. Silent steps (a pending cancel is confirmed) may fall
between any two. No second model: the same ``predict`` is asked, call by call.

Reading a result. :class:`Legal` holds everything that may be true afterwards, since several orders may explain the
answers and later reads tell them apart. :class:`Illegal` means that no order does. :class:`Undecided` means that the
search was given up: it says nothing about the target, and is never a pass.

Why a cancel-all is taken apart. The source asks that all active orders of the account are cancelled; it does not ask
that this happens in one moment. A correct venue may walk over its list, or over its markets, while other calls go on:
an order placed meanwhile may or may not be reached. So each order is cancelled at a moment of its own between request
and answer, and is listed where this call cancelled it. What must hold is unchanged: an order that was there before the
call began is reached, and one placed after it answered is not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from conformance.model.events import Cancel, CancelAll, Event, Execute, Place
from conformance.model.lifecycle import OrderState
from conformance.model.linearization import MOST_STATES, Move, SearchGivenUpError, Stuck, linearize
from conformance.model.matching import World, crosses
from conformance.model.order import ACTIVE, Status, TimeInForce
from conformance.model.prediction import MOST_WORLDS, Outcome, TooManyWorlds, describe, predict
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief, Seen, as_seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A read of one order that showed ``seen``; the one call that changes nothing."""

    order: str
    seen: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of a history; times are seconds on one monotonic clock.

    ``ended`` is ``None`` where no answer came but the call surely took effect (a placing that was found again);
    ``lost`` where nobody knows whether it did. ``accepts`` recognises the answer among the predicted outcomes (for a
    cancel-all it is asked order by order); calls of equal ``event`` and ``answer`` must accept the same.
    """

    label: str
    event: Event | Look
    began: float
    ended: float | None
    accepts: Callable[[Outcome], bool] = lambda _: True
    answer: str = ""
    lost: bool = False

    @property
    def latest(self) -> float:
        """The last moment at which the call may have taken effect, as far as its answer says."""
        return inf if self.ended is None or self.lost else self.ended


@dataclass(frozen=True, kw_only=True, slots=True)
class Legal:
    """Some order of the calls explains the answers; ``belief`` is all that may be true after any such order."""

    belief: Belief


@dataclass(frozen=True, kw_only=True, slots=True)
class Illegal:
    """No order of these calls explains their answers.

    ``calls`` are positions in the history, of the calls that hang together and cannot be explained together; ``orders``
    whom they concern. ``explained`` is the longest run of calls that could be put in order, ``states`` what the orders
    may have been after it, and ``expected`` what each call that could have come next should have been answered.
    """

    calls: frozenset[int]
    orders: frozenset[str]
    explained: tuple[str, ...]
    states: tuple[str, ...]
    expected: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Undecided:
    """The search was given up after ``size`` states and outcomes; inconclusive, never a pass."""

    size: int


def explain(
    belief: Belief, calls: Sequence[Call], rules: VenueRules, *, until: float, most: int = MOST_STATES
) -> Legal | Illegal | Undecided:
    """Judge a history that began when ``belief`` held; ``until`` is the time it had ended (seconds since the epoch).

    Calls on orders that do not hang together are judged apart: a history is linearizable where each part is, since
    each call takes effect on the orders of one part alone. Funds never join parts: they are judged by later reads.
    """
    given_up = 0
    for names, moves in _parts(belief, calls, rules):
        known = [name for name in names if name in belief.home]
        try:
            worlds = belief.together(known)
            found = linearize(worlds, moves, rules, until=until, most=most)
        except SearchGivenUpError as bound:
            given_up = max(given_up, bound.size)
            continue
        except TooManyWorlds:
            given_up = max(given_up, MOST_WORLDS)
            continue
        if isinstance(found, Stuck):
            return _illegal(frozenset(names), moves, found)
        if not given_up:
            belief = belief.replaced(known, found.worlds)
    return Undecided(size=given_up) if given_up else Legal(belief=belief)


def _illegal(names: frozenset[str], moves: Sequence[Move], stuck: Stuck) -> Illegal:
    return Illegal(
        calls=frozenset(move.call for move in moves),
        orders=names,
        explained=tuple(dict.fromkeys(moves[at].label for at in stuck.explained)),
        states=tuple(dict.fromkeys(f"{state.name} {describe(state)}" for world in stuck.worlds for state in world)),
        expected=tuple(
            f"{moves[at].label}: {' or '.join(replies) or 'nothing that fits'}" for at, replies in stuck.expected
        ),
    )


# -- from calls to moves ----------------------------------------------------------------------------------------------


def _parts(belief: Belief, calls: Sequence[Call], rules: VenueRules) -> list[tuple[list[str], list[Move]]]:
    """The moves of a history, parted into groups of orders that no move of another group touches."""
    moves = [move for at, call in enumerate(calls) for move in _moves(belief, at, call, calls, rules)]
    groups = _Groups()
    for move in moves:
        groups.join(move.touches)
        for name in move.touches & belief.home.keys():
            groups.join(belief.companions(name))
    parts: dict[str, tuple[list[str], list[Move]]] = {}
    for name in groups.names():
        parts.setdefault(groups.root(name), ([], []))[0].append(name)
    for move in moves:
        parts[groups.root(next(iter(move.touches)))][1].append(move)
    return [(sorted(names), part) for names, part in parts.values()]


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
        case Look(order=name):
            return [_move(at, call, name, frozenset({name}), _look(event, rules))]
        case Cancel(order=name) | Execute(order=name):
            return [_move(at, call, name, frozenset({name}), _ask(event, call, rules))]
        case Place():
            return [_move(at, call, event.order, _met_by(event, belief, calls), _placing(event, call, calls, rules))]
        case CancelAll(account=account):
            names = [name for name in belief.names() if belief.states(name)[0].terms.account == account]
            placed = [c.event for c in calls if isinstance(c.event, Place) and c.event.terms.account == account]
            names += [place.order for place in placed if place.order not in belief.home]
            return [_move(at, call, name, frozenset({name}), _reach(event, name, call, rules)) for name in names]
        case _:
            raise ValueError(f"{call.label}: {type(event).__name__} cannot be one of several calls at once")


Apply = Callable[[World], tuple[list[World], list[str]]]


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


def _look(look: Look, rules: VenueRules) -> Apply:
    def apply(world: World) -> tuple[list[World], list[str]]:
        for at, state in enumerate(world):
            if state.name == look.order:
                after = as_seen(state, look.seen, rules)
                return [] if after is None else [(*world[:at], after, *world[at + 1 :])], [describe(state)]
        return [], []

    return apply


def _ask(event: Cancel | Execute, call: Call, rules: VenueRules) -> Apply:
    def apply(world: World) -> tuple[list[World], list[str]]:
        outcomes = predict(world, event, rules)
        after = [outcome.world for outcome in outcomes if call.lost or call.accepts(outcome)]
        return [*after, world] if call.lost else after, [str(outcome.reply) for outcome in outcomes]

    return apply


def _reach(event: CancelAll, name: str, call: Call, rules: VenueRules) -> Apply:
    """One order at the moment when a cancel-all comes to it; where it is not there yet, it is not listed."""

    def apply(world: World) -> tuple[list[World], list[str]]:
        at = next((i for i, state in enumerate(world) if state.name == name), None)
        here = () if at is None else (world[at],)
        after: list[World] = [world] if call.lost else []
        words = []
        for outcome in predict(here, event, rules):
            words.append(f"{name} {_listing(outcome, name)}")
            if call.lost or call.accepts(outcome):
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
    """Whether two orders may stand behind each other: at one price of the book, or held in one market."""
    if not (_stays(one) and _stays(other)):
        return False
    queues = [(event.terms.market, event.terms.side, event.terms.price, event.held) for event in (one, other)]
    return queues[0] == queues[1]


def _stays(event: Place) -> bool:
    return event.held or (event.terms.price is not None and event.terms.time_in_force is not TimeInForce.IOC)


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
