"""Belief: what could be true now, given everything that was observed.

:class:`Belief` holds it: orders that hang together (a crossing, a market execution) share a cluster of worlds,
independent orders have a cluster each, so the sets stay small. A step whose observation no world explains returns a
:class:`Conflict`; what it breaks, the judge says (``conformance.judging``).

Reading a result: a Belief with several worlds means "cannot be told apart yet"; it is not a doubt about the target.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from math import prod

from conformance.model.amounts import NOTHING, Span, exactly
from conformance.model.events import Cancel, CancelAll, Event, Execute, Expire, Place, Release
from conformance.model.ledger import locks_of, moved_by, seen_reserve, tells_trades
from conformance.model.lifecycle import OrderState, is_overdue, may_be_gone
from conformance.model.matching import World, crosses, pinned
from conformance.model.order import ACTIVE, OrderType, Status, TimeInForce
from conformance.model.prediction import Outcome, bounded, describe, is_held, listing, predict, silent
from conformance.model.rules import LockModel, VenueRules

MOST_COMBINATIONS = 512
"""Combinations of clusters that balances are matched against one by one; beyond it only the hull is judged."""


FundsFit = Callable[[Mapping[str, Span], Mapping[str, Span]], bool]
"""Whether predicted amounts by asset, locked and moved, agree with the balances that were read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a read showed of one order: its status and, where the target tells, the executed base units."""

    status: Status
    executed: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """No world explains what was seen; ``allowed`` says in words what would have been, ``orders`` which are concerned.

    ``requirements`` are those of the rows that would have explained an answer, in the order of the table.
    """

    allowed: tuple[str, ...]
    orders: frozenset[str]
    requirements: tuple[str, ...] = ()


class Belief:
    """What could be true now: an immutable product of clusters of worlds. Every change returns a new Belief."""

    __slots__ = ("clusters", "home")

    def __init__(self, clusters: Mapping[int, tuple[World, ...]], home: Mapping[str, int]) -> None:
        self.clusters = dict(clusters)
        self.home = dict(home)

    @staticmethod
    def empty() -> "Belief":
        """No order at all."""
        return Belief({}, {})

    def states(self, name: str) -> tuple[OrderState, ...]:
        """The distinct states that an order may be in; empty for an order that is not known."""
        if name not in self.home:
            return ()
        found = {}
        for world in self.clusters[self.home[name]]:
            for state in world:
                if state.name == name:
                    found[state.key] = state
        return tuple(found.values())

    def state(self, name: str) -> OrderState | None:
        """The state of an order where only one is possible."""
        states = self.states(name)
        return states[0] if len(states) == 1 else None

    def names(self) -> Iterator[str]:
        """All orders, in no promised order."""
        return iter(self.home)

    def companions(self, name: str) -> frozenset[str]:
        """The orders whose uncertainty hangs together with that of ``name``, itself included."""
        return frozenset(state.name for state in self.clusters[self.home[name]][0])

    # -- requests -----------------------------------------------------------------------------------------------------

    def after(
        self, event: Event, rules: VenueRules, *, accepts: Callable[[Outcome], bool], until: float, lost: bool = False
    ) -> "Belief | Conflict":
        """What may be true after a request whose answer ``accepts`` recognises; ``lost``: nobody knows the answer.

        A lost answer keeps every outcome and the world in which the request never arrived; a placing whose answer was
        lost must be looked up by its client id first, since a world either has an order or has not.
        """
        if isinstance(event, CancelAll):
            return self._after_cancel_all(event, rules, accepts=accepts, until=until, lost=lost)
        merged, cluster = self._gather(self._scope(event, rules))
        kept: list[World] = []
        predicted: list[Outcome] = []
        for before in merged:
            for world in silent(before, until, rules):
                outcomes = predict(world, event, rules)
                predicted += outcomes
                kept += [outcome.world for outcome in outcomes if lost or accepts(outcome)]
                if lost:
                    kept.append(world)
        if not kept:
            return Conflict(
                allowed=tuple(sorted({outcome.reply for outcome in predicted})),
                orders=frozenset(cluster),
                requirements=tuple(dict.fromkeys(outcome.requirement for outcome in predicted if outcome.requirement)),
            )
        return self._settle(cluster, kept)

    def _after_cancel_all(
        self, event: CancelAll, rules: VenueRules, *, accepts: Callable[[Outcome], bool], until: float, lost: bool
    ) -> "Belief | Conflict":
        belief: Belief = self
        for worlds in self.clusters.values():
            if not any(state.terms.account == event.account for state in worlds[0]):
                continue
            kept: list[World] = []
            allowed: set[str] = set()
            for before in worlds:
                for world in silent(before, until, rules):
                    for outcome in predict(world, event, rules):
                        allowed.add(listing(outcome))
                        if lost or accepts(outcome):
                            kept.append(outcome.world)
                    if lost:
                        kept.append(world)
            names = [state.name for state in worlds[0]]
            if not kept:
                return Conflict(allowed=tuple(sorted(allowed)), orders=frozenset(names))
            belief = belief._settle(names, kept)
        return belief

    def _scope(self, event: Event, rules: VenueRules) -> list[str]:
        match event:
            case Cancel(order=name) | Execute(order=name) | Expire(order=name):
                return [name] if name in self.home else []
            case Place():
                incoming = OrderState(name=event.order, terms=event.terms, status=Status.OPEN, arrival=event.arrival)
                if event.held or not rules.markets[event.terms.market].isolated:
                    return []  # among others each order may trade by itself: what met whom ties nothing together
                return [
                    name
                    for name in self.home
                    if any(crosses(state, incoming) and _may_match(state) for state in self.states(name))
                ]
            case Release(market=market):
                shared = not rules.markets[market].isolated
                return [
                    name
                    for name in self.home
                    if any(
                        state.terms.market == market and (is_held(state, market) if shared else _may_match(state))
                        for state in self.states(name)
                    )
                ]
            case CancelAll(account=account):
                return [name for name in self.home if self.states(name)[0].terms.account == account]

    def together(self, names: Iterable[str]) -> tuple[World, ...]:
        """Every combination of the worlds of ``names`` and their companions (raises :class:`TooManyWorldsError`)."""
        return self._gather(names)[0]

    def replaced(self, names: Iterable[str], worlds: Iterable[World]) -> "Belief":
        """The belief with ``worlds`` (one at least) in place of those of ``names``; no companion may be left out."""
        return self._settle(names, worlds)

    def _gather(self, names: Iterable[str]) -> tuple[tuple[World, ...], list[str]]:
        numbers = sorted({self.home[name] for name in names})
        size = 1
        for number in numbers:
            size *= len(self.clusters[number])
        bounded(size)
        worlds: tuple[World, ...] = ((),)
        for number in numbers:
            worlds = tuple((*left, *right) for left in worlds for right in self.clusters[number])
        return worlds, [name for name, number in self.home.items() if number in set(numbers)]

    def _settle(self, replaced: Iterable[str], worlds: Iterable[World]) -> "Belief":
        """Put new worlds in place of those of ``replaced`` orders; what is certain gets a cluster of its own."""
        distinct = list({tuple(state.key for state in world): world for world in worlds}.values())
        bounded(len(distinct))
        clusters, home = dict(self.clusters), dict(self.home)
        for name in replaced:
            clusters.pop(home.pop(name), None)
        number = max(clusters, default=0)
        certain = [
            state for state in distinct[0] if all(state.key == _named(world, state.name).key for world in distinct[1:])
        ]
        for state in certain:
            number += 1
            clusters[number], home[state.name] = ((state,),), number
        fixed = {state.name for state in certain}
        loose = {tuple(s for s in world if s.name not in fixed): None for world in distinct}
        loose.pop((), None)
        if loose:
            number += 1
            clusters[number] = tuple(loose)
            for world in loose:
                for state in world:
                    home[state.name] = number
        return Belief(clusters, home)

    # -- reads --------------------------------------------------------------------------------------------------------

    def having_seen(
        self, name: str, seen: Seen, rules: VenueRules, *, until: float, asked: float | None = None
    ) -> "Belief | Conflict":
        """What may be true after a read showed ``seen`` of one order; it was ``asked`` for then, where that is told."""
        return self._filtered(
            name, lambda state: as_seen(state, seen, rules, at=until, asked=asked), rules, until=until
        )

    def having_vanished(self, name: str, rules: VenueRules, *, until: float) -> "Belief | Conflict":
        """What may be true after an order could not be read any more (CXL-08)."""
        return self._filtered(name, lambda state: state if may_be_gone(state, rules) else None, rules, until=until)

    def having_missed(self, name: str, rules: VenueRules, *, until: float) -> "Belief | Conflict":
        """What may be true after a complete list of active orders did not show an order."""
        return self._filtered(name, lambda state: None if state.status in ACTIVE else state, rules, until=until)

    def _filtered(
        self, name: str, explained: Callable[[OrderState], OrderState | None], rules: VenueRules, *, until: float
    ) -> "Belief | Conflict":
        worlds = self.clusters[self.home[name]]
        kept: list[World] = []
        allowed: set[str] = set()
        for before in worlds:
            for world in silent(before, until, rules):
                for at, state in enumerate(world):
                    if state.name == name:
                        allowed.add(describe(state))
                        after = explained(state)
                        if after is not None:
                            kept.append(world if after is state else (*world[:at], after, *world[at + 1 :]))
        members = [state.name for state in worlds[0]]
        if not kept:
            return Conflict(allowed=tuple(sorted(allowed)), orders=frozenset(members))
        if len(kept) == len(worlds) == 1 and kept[0] is worlds[0]:
            return self
        return self._settle([member for member, home in self.home.items() if home == self.home[name]], kept)

    def by_now(self, until: float, rules: VenueRules) -> "Belief":
        """Everything that may have become true by itself up to ``until``."""
        belief: Belief = self
        for worlds in self.clusters.values():
            after = [later for world in worlds for later in silent(world, until, rules)]
            if len(after) != len(worlds):
                names = [state.name for state in worlds[0]]
                belief = belief._settle(names, after)
        return belief

    # -- funds --------------------------------------------------------------------------------------------------------

    def locked(self, account: str, rules: VenueRules) -> dict[str, Span]:
        """The hull of what an account's orders may lock together, by asset."""
        return self._hull(account, lambda state: locks_of(state, rules))

    def moved(self, account: str, rules: VenueRules) -> dict[str, Span]:
        """The hull of what an account's trades may have moved together, by asset (signed)."""
        return self._hull(account, lambda state: moved_by(state, rules))

    def _hull(self, account: str, amounts: Callable[[OrderState], Iterable[tuple[str, Span]]]) -> dict[str, Span]:
        total: dict[str, Span] = {}
        for worlds in self.clusters.values():
            hull: dict[str, Span] | None = None
            for world in worlds:
                here: dict[str, Span] = {}
                for state in world:
                    if state.terms.account == account:
                        for asset, amount in amounts(state):
                            here[asset] = here.get(asset, NOTHING).plus(amount)
                if hull is None:
                    hull = here
                else:
                    for asset in {*hull, *here}:
                        hull[asset] = hull.get(asset, NOTHING).hull(here.get(asset, NOTHING))
            for asset, amount in (hull or {}).items():
                total[asset] = total.get(asset, NOTHING).plus(amount)
        return total

    def having_seen_funds(self, account: str, fits: FundsFit, rules: VenueRules) -> "Belief | Conflict":
        """What may be true after the balances of an account were read.

        ``fits(locked, moved)`` says whether predicted amounts by asset agree with what was read. Where few clusters are
        uncertain each combination is tried and those that fit alone are kept; otherwise the hull is judged.
        """
        if not fits(self.locked(account, rules), self.moved(account, rules)):
            return Conflict(allowed=(), orders=frozenset(self._of(account)))
        loose = self._loose(account)
        if not loose or prod(len(self.clusters[number]) for number in loose) > MOST_COMBINATIONS:
            return self
        possible = self._combined(loose, account, fits, rules)
        if not all(possible):
            return Conflict(allowed=(), orders=frozenset(self._of(account)))
        belief: Belief = self
        for number, kept in zip(loose, possible, strict=True):
            worlds = self.clusters[number]
            if len(kept) < len(worlds):
                names = [name for name, home in self.home.items() if home == number]
                belief = belief._settle(names, [worlds[at] for at in sorted(kept)])
        return belief

    def _loose(self, account: str) -> list[int]:
        """The clusters with several worlds in which the account has an order."""
        return [
            number
            for number, worlds in self.clusters.items()
            if len(worlds) > 1 and any(state.terms.account == account for world in worlds for state in world)
        ]

    def _combined(self, loose: list[int], account: str, fits: FundsFit, rules: VenueRules) -> list[set[int]]:
        """For each loose cluster, which of its worlds stand in a combination of all that agrees with what was read."""
        firm = Belief({n: w for n, w in self.clusters.items() if n not in loose}, {})
        firm_locked, firm_moved = firm.locked(account, rules), firm.moved(account, rules)
        possible: list[set[int]] = [set() for _ in loose]
        for choice in product(*(range(len(self.clusters[number])) for number in loose)):
            world = [state for number, at in zip(loose, choice, strict=True) for state in self.clusters[number][at]]
            chosen = Belief({0: (tuple(world),)}, {})
            if fits(_sum(firm_locked, chosen.locked(account, rules)), _sum(firm_moved, chosen.moved(account, rules))):
                for members, at in zip(possible, choice, strict=True):
                    members.add(at)
        return possible

    def having_learned_lock(self, name: str, locked: Decimal) -> "Belief":
        """The belief once an order was seen to lock ``locked`` units (lock model ``observed``, market orders)."""
        worlds = self.clusters[self.home[name]]
        kept = [
            tuple(
                replace(state, reserve=seen_reserve(state, exactly(locked))) if state.name == name else state
                for state in world
            )
            for world in worlds
        ]
        return self._settle([state.name for state in worlds[0]], kept)

    def having_booked(self, account: str, rules: VenueRules) -> "Belief | None":
        """The belief once the funds after all trades of an account were seen; later funds differ by later trades alone.

        ``None`` where nothing needs it, or where it is not certain how much was executed.
        """
        mine = [state for name in self._of(account) for state in self.states(name) if not tells_trades(state, rules)]
        if all(state.executed == exactly(state.booked) for state in mine):
            return None
        if not all(state.executed.exact and state.executed == self.states(state.name)[0].executed for state in mine):
            return None
        belief: Belief = self
        for name in {state.name for state in mine}:
            worlds = belief.clusters[belief.home[name]]
            booked = [
                tuple(replace(s, booked=s.executed.low) if s.name == name else s for s in world) for world in worlds
            ]
            belief = belief._settle([state.name for state in worlds[0]], booked)
        return belief

    def _of(self, account: str) -> Iterator[str]:
        return (name for name in self.home if self.states(name)[0].terms.account == account)


def as_seen(
    state: OrderState, seen: Seen, rules: VenueRules, *, at: float | None = None, asked: float | None = None
) -> OrderState | None:
    """The order as it is now known to be, where ``state`` explains what a read showed of it; ``None`` otherwise.

    ``at`` is when the read was answered, ``asked`` the latest time that it surely does not show anything older than
    (seconds since the epoch): a cancel that was pending for too long by then should have ended (PND-01).
    """
    if seen.status not in shown_as(state, rules):
        return None
    executed = None if rules.deviations.untold else seen.executed
    if executed is not None and not state.executed.holds(executed):
        return None
    known = state if executed is None else pinned(state, executed, rules)
    if state.status is not Status.PENDING_CANCEL or at is None:
        return known
    if state.pending_since is None:
        return replace(known, pending_since=at)
    return None if asked is not None and is_overdue(state, asked, rules) else known


def shown_as(state: OrderState, rules: VenueRules) -> tuple[Status, ...]:
    """The statuses that a read may show of an order: its own; where the venue has no word for it, the one before."""
    if state.status is Status.PENDING_CANCEL and rules.shows_old_status:
        return (Status.PARTIALLY_FILLED if state.executed.high > 0 else Status.OPEN, Status.OPEN)
    if state.status is Status.PARTIALLY_FILLED and rules.deviations.open_when_partly:
        return (Status.PARTIALLY_FILLED, Status.OPEN)
    return (state.status,)


def _sum(left: Mapping[str, Span], right: Mapping[str, Span]) -> dict[str, Span]:
    return {asset: left.get(asset, NOTHING).plus(right.get(asset, NOTHING)) for asset in {*left, *right}}


def _named(world: World, name: str) -> OrderState:
    return next(state for state in world if state.name == name)


def _may_match(state: OrderState) -> bool:
    return state.status in ACTIVE or state.status in (Status.PENDING_CANCEL, Status.PENDING)


def learns_locks(rules: VenueRules, state: OrderState) -> bool:
    """Whether what this order locks must be learned from a balance (no formula says it) and is not known yet."""
    unknown = rules.lock_model is LockModel.OBSERVED or (
        state.terms.type is OrderType.MARKET and state.status is Status.PENDING
    )
    return unknown and state.reserve is None and state.terms.time_in_force is not TimeInForce.IOC
