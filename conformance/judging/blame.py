"""Who is to blame for funds that nothing explains: by the direction of a difference, and whose order has its amount."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from conformance.judging import causes
from conformance.judging.case import Case
from conformance.judging.causes import Aspect, CauseAt, broken, closest, closest_by_order, reasons
from conformance.model.amounts import NOTHING, Span
from conformance.model.ledger import locks_of
from conformance.model.order import TERMINAL, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """One amount that no world explains: which asset, which part, what was predicted and seen.

    ``of_lock``: it is a matter of what orders lock, not of what trades moved.
    """

    asset: str
    part: str
    of_lock: bool
    predicted: Span
    seen: Decimal

    @property
    def surplus(self) -> bool:
        """Whether more was seen than predicted."""
        return self.seen > self.predicted.high

    @property
    def amount(self) -> Decimal:
        """How far it is from what was possible."""
        return self.seen - self.predicted.high if self.surplus else self.predicted.low - self.seen

    @property
    def aspect(self) -> Aspect:
        """What went wrong: too much is locked still, too much was released, or the total moved."""
        if not self.of_lock:
            return Aspect.TOTAL
        return Aspect.KEPT if self.surplus is (self.part == "locked") else Aspect.FREED


@dataclass(frozen=True, kw_only=True, slots=True)
class Blame:
    """Who is to blame for funds that do not fit: the requirements, what follows from it, why, whose order explains it.

    ``aspect`` is what went wrong first; ``orders`` are those whose lock is the amount, where some are.
    """

    ids: tuple[str, ...]
    also: tuple[str, ...]
    because: tuple[str, ...]
    aspect: Aspect | None = None
    orders: frozenset[str] = frozenset()
    cancelled: bool = False


def blame_late(at_work: list[CauseAt], found: list[Discrepancy]) -> Blame:
    """Funds that were right later: released too late, or too early while a cancel was pending."""
    aspect = Aspect.FREED if any(d.aspect is Aspect.FREED for d in found) else Aspect.KEPT
    ids = tuple(i for i in broken(at_work, aspect) if i in causes.LATE) or causes.RELEASED_AT_ONCE
    return Blame(ids=ids, also=(), because=reasons(at_work))


def blame_of(case: Case, account: str, found: list[Discrepancy], at_work: list[CauseAt]) -> Blame:
    """One cause for what does not fit: by its direction, and by whose order explains the amount.

    What happened to that order last is to blame; whatever else the same difference breaks is seen too.
    """
    aspects = list(dict.fromkeys(d.aspect for d in found))
    first = _first(aspects)
    wrong = [d for d in found if d.aspect is first]
    owners = _owners(case, account, wrong)
    theirs = [one for one in at_work if one.order in owners]
    once = first is Aspect.FREED and not owners and _wholly_released(case, account, wrong)
    if once:
        owners = once
        theirs = [one for one in at_work if one.order in owners and one.cause in causes.RELEASES]
    mine = theirs if first is not None and closest(theirs, first) else at_work
    return Blame(
        ids=_ids(case, account, first, frozenset() if once else owners, mine),
        also=_also(case, account, found, at_work, aspects),
        because=reasons(mine),
        aspect=first,
        orders=owners,
        cancelled=_was_cancelled(at_work),
    )


def _also(
    case: Case, account: str, found: list[Discrepancy], at_work: list[CauseAt], aspects: list[Aspect]
) -> tuple[str, ...]:
    """Everything that the same difference breaks, in whatever direction."""
    left_locked = not case.live(account) and any(d.part == "locked" and d.surplus for d in found)
    return (
        *(i for aspect in aspects for i in broken(at_work, aspect)),
        *(causes.CONSERVED if Aspect.TOTAL in aspects else ()),
        *(causes.NOTHING_LEFT_LOCKED if left_locked else ()),
    )


def _first(aspects: list[Aspect]) -> Aspect | None:
    """The direction that says most: where the total moved, what is available moved with it."""
    return Aspect.TOTAL if Aspect.TOTAL in aspects else next(iter(aspects), None)


def _ids(
    case: Case, account: str, aspect: Aspect | None, owners: frozenset[str], at_work: list[CauseAt]
) -> tuple[str, ...]:
    """The requirements that funds break which went wrong in one direction."""
    match aspect:
        case Aspect.TOTAL:
            trades = [one for one in at_work if one.cause in causes.TRADES]
            return (*closest(trades or at_work, Aspect.TOTAL), *causes.CONSERVED)
        case Aspect.KEPT:
            return _ids_of_kept(case, account, at_work)
        case Aspect.FREED:
            twice = causes.RELEASED_ONCE if is_any_over(case, owners) else ()
            return _each_once(twice, closest_by_order(at_work, Aspect.FREED)) or causes.RELEASED_EXACTLY
        case _:
            return causes.CONSERVED


def _ids_of_kept(case: Case, account: str, at_work: list[CauseAt]) -> tuple[str, ...]:
    if not _was_cancelled(at_work) and not case.live(account):
        return causes.NOTHING_LEFT_LOCKED
    return closest_by_order(at_work, Aspect.KEPT) or causes.RELEASED_EXACTLY


def _each_once(*ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(ids)))


def _was_cancelled(at_work: list[CauseAt]) -> bool:
    """Whether anything but placings and fills may have had an effect on the funds."""
    return any(one.cause not in (causes.PLACED, causes.FILLED) for one in at_work)


def _owners(case: Case, account: str, found: list[Discrepancy]) -> frozenset[str]:
    """The orders of an account whose whole lock, or whose rest's, is what is locked too much or too little."""
    amounts = {(d.asset, d.amount) for d in found if d.of_lock}
    return frozenset(
        name
        for name, order in case.orders.items()
        if order.terms.account == account and any(lock in amounts for lock in _locks_of(case, name))
    )


def _wholly_released(case: Case, account: str, found: list[Discrepancy]) -> frozenset[str]:
    """The cancelled orders that fills had left a rest of, where what is locked too little is what the fills had taken.

    Their cancels released the whole lock: each by itself, or all of one asset together.
    """
    executed: dict[str, dict[str, Decimal]] = {}
    for name, order in case.orders.items():
        state = case.belief.state(name) if order.terms.account == account else None
        if state is None or state.status is not Status.CANCELED or not state.executed.exact or not state.executed.low:
            continue
        live = replace(state, status=Status.OPEN, executed=NOTHING)
        for asset, lock in locks_of(live, case.rules):
            if lock.exact:
                part = lock.low * state.executed.low / state.terms.quantity
                executed.setdefault(asset, {})[name] = part
    guilty: set[str] = set()
    for d in found:
        parts = executed.get(d.asset, {})
        guilty |= {name for name, part in parts.items() if part == d.amount}
        if sum(parts.values()) == d.amount:
            guilty |= parts.keys()
    return frozenset(guilty)


def _locks_of(case: Case, name: str) -> Iterator[tuple[str, Decimal]]:
    """What an order locked when it was placed, and what its rest would lock."""
    for state in case.states(name):
        for executed in (NOTHING, state.executed):
            live = replace(state, status=Status.OPEN, executed=executed)
            yield from ((asset, lock.low) for asset, lock in locks_of(live, case.rules) if lock.exact)


def is_any_over(case: Case, names: frozenset[str]) -> bool:
    """Whether one of these orders may be in a terminal state."""
    return any(state.status in TERMINAL for name in names for state in case.states(name))
