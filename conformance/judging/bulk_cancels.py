"""Answers to cancel-all: which orders it cancels, lists, and leaves alone (ALL)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.judging import causes
from conformance.judging.arrival import is_on_its_way
from conformance.judging.cancels import price_level
from conformance.judging.causes import Cause
from conformance.judging.judgement import Judgement
from conformance.judging.replies import means, said
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import CancellingAll
from conformance.model.events import CancelAll
from conformance.model.lifecycle import CANCEL_ALL_ACCEPTED, OrderState, Reply
from conformance.model.order import ACTIVE, TERMINAL, OrderType, Status
from conformance.model.prediction import Outcome
from conformance.model.worlds import Conflict
from fixtures.venue.answers import Answer

MANY = 50
"""Active orders from which a cancel-all counts as one of many (ALL-06)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Met:
    """What a cancel-all met: the states that each order may have been in, and the sure one; when it had ended."""

    what: str
    before: Mapping[str, tuple[OrderState, ...]]
    known: Mapping[str, Status | None]
    many: bool
    nothing: bool
    ended: float

    @property
    def situation(self) -> str:
        """In words that group alike findings."""
        return bulk_situation(nothing=self.nothing, many=self.many)


def bulk_situation(*, nothing: bool, many: bool) -> str:
    """How many active orders a cancel-all met, in words."""
    return "nothing active" if nothing else "many orders active" if many else "orders active"


def judge_cancel_all(j: Judgement, seen: CancellingAll) -> None:
    """Judge the answer to a cancel-all and what it lists."""
    j.become(belief=j.case.belief.by_now(seen.asked, j.case.rules))
    met = _met(j, seen)
    for name, order in j.case.orders.items():
        own = order.terms.account == seen.account
        j.reach_cell(name, "cancel-all" if own else "cancel-all by another account")
    answer = seen.result.answer if isinstance(seen.result.answer, Answer) else None
    if answer is not None and not means(answer, Reply.ACCEPTED):
        more = (causes.MANY_ACTIVE,) if met.many else ()
        ids = (causes.NOTHING_ACTIVE,) if met.nothing else (*more, CANCEL_ALL_ACCEPTED)
        kind = f"cancel-all with {met.situation} answered {answer.status}"
        j.breaks(met.what, "accepted", said(answer), ids, kind=kind)
        return
    ids_listed = None if answer is None else seen.result.order_ids
    named = listed_names(j, met.what, seen.account, ids_listed, nothing=met.nothing)
    if j.ended:
        return
    after = j.case.belief.after(
        CancelAll(account=seen.account), j.case.rules, accepts=lists(named), until=seen.at, lost=answer is None
    )
    if isinstance(after, Conflict):
        _break_listing(j, seen, after, named or frozenset(), met)
        return
    j.become(belief=after)
    exercised: tuple[str, ...] = ()
    if answer is not None and named is not None:
        exercised = (causes.LISTED_WRONG, *((causes.NOTHING_ACTIVE,) if met.nothing else ()))
    shown = "no answer" if answer is None else f"listing {len(named or ())} orders"
    j.fits(met.what, "accepted", shown, exercised)
    _spread_bulk(j, seen.account, met)


def _met(j: Judgement, seen: CancellingAll) -> _Met:
    case = j.case
    before = {name: case.states(name) for name in case.orders}
    return _Met(
        what=f"the answer to cancel-all of {seen.account}",
        before=before,
        known={name: case.status(name) for name in case.orders},
        many=len(case.active(seen.account)) >= MANY,
        nothing=not any(_could_be(before[name], ACTIVE) for name in case.live(seen.account)),
        ended=seen.result.answer.exchange.ended,
    )


def lists(named: frozenset[str] | None) -> Callable[[Outcome], bool]:
    """Which outcomes of a cancel-all an answer recognises that lists these orders (``None``: it lists none)."""

    def recognises(outcome: Outcome) -> bool:
        if named is None:
            return True
        here = {state.name for state in outcome.world} & named
        return outcome.listed <= here and here <= outcome.listed | outcome.may_list

    return recognises


def _break_listing(j: Judgement, seen: CancellingAll, conflict: Conflict, named: frozenset[str], met: _Met) -> None:
    """The answer lists other orders than it should: a look at them tells a wrong list from a wrong cancel-all."""
    concerned = tuple(sorted(conflict.orders))
    if not all(name in seen.looked for name in concerned):
        j.look_again(LookAgain(orders=concerned))
        return
    ids: list[str] = []
    shown = []
    for name in concerned:
        view = seen.looked[name]
        status = None if view is None else view.status
        if is_on_its_way(j, name, status, perhaps=name not in named):
            return
        shown.append(f"{name} is {'listed' if name in named else 'not listed'} and now {status}")
        ids += _misplaced(status, {state.status for state in met.before[name]}, listed=name in named, many=met.many)
    more = (causes.MANY_ACTIVE,) if met.many else (causes.NOTHING_ACTIVE,) if met.nothing else ()
    j.breaks(
        f"{met.what}, for {', '.join(concerned)}",
        " or ".join(conflict.allowed),
        "; ".join(shown),
        (*ids, *more),
        kind="cancel-all leaves an active order"
        if causes.LEFT_ACTIVE in ids
        else "cancel-all lists other orders than it cancelled",
    )


def _misplaced(status: Status | None, before: set[Status], *, listed: bool, many: bool) -> list[str]:
    """What is broken by an order that a list has, or lacks, and that is now ``status``."""
    if not listed and status in ACTIVE:
        return [causes.LEFT_ACTIVE, *([causes.MANY_ACTIVE] if many else [])]
    untouched = listed and before <= TERMINAL | {Status.PENDING} and status not in before
    return [causes.LISTED_WRONG, *([causes.LISTED_UNTOUCHED] if untouched else [])]


def listed_names(
    j: Judgement, what: str, account: str, ids: tuple[str, ...] | None, *, nothing: bool, raced: bool = False
) -> frozenset[str] | None:
    """The plan's names of the listed ids; an id that is listed twice or is not the account's breaks ALL-03.

    ``raced`` says that other calls ran at the same time: then RCE-03 is broken as well.
    """
    if ids is None:
        return None
    orders = j.case.orders
    names = {order.order_id: name for name, order in orders.items()}
    broken = (*((causes.RACED_LIST,) if raced else ()), causes.LISTED_WRONG)
    if len(set(ids)) != len(ids):
        seen = f"{len(ids)} entries, {len(set(ids))} orders"
        j.breaks(what, "each order once", seen, broken, kind="listed twice")
        return None
    strange = [i for i in ids if i not in names or orders[names[i]].terms.account != account]
    if strange:
        foreign = strange[0] in names
        more = (*((causes.LISTED_FOREIGN,) if foreign else ()), *((causes.NOTHING_ACTIVE,) if nothing else ()))
        j.breaks(
            what,
            "the orders of the account that were active",
            f"{'another account' if foreign else 'a closed or unknown order'}: {strange[0]}",
            (*broken, *more),
            kind="cancel-all lists an order that is not one of the account's active ones",
        )
        return None
    return frozenset(names[i] for i in ids if i in names)


def _could_be(states: tuple[OrderState, ...], statuses: frozenset[Status]) -> bool:
    return any(state.status in statuses for state in states)


def _spread_bulk(j: Judgement, account: str, met: _Met) -> None:
    """A cancel-all was accepted: what it puts on the account's orders and funds, and on all others."""
    for name, order in j.case.orders.items():
        if order.terms.account == account:
            _put_on_met(j, name, met)
        elif _could_be(met.before[name], frozenset(Status) - TERMINAL):
            j.put(causes.BULK_OTHER, order=name)
    if met.nothing:
        j.put_on_funds(causes.BULK_NOTHING, account)
        for name in j.case.live(account):
            j.put(causes.BULK_NOTHING, order=name)
    for other in j.case.accounts:
        if other != account:
            j.put_on_funds(causes.BULK_OTHER, other)


def _put_on_met(j: Judgement, name: str, met: _Met) -> None:
    cause = bulk_cause(met.before[name], met.known[name])
    j.put_with_owner(cause, name)
    if cause in (causes.BULK, causes.BULK_PARTIAL):
        j.change(name, cancelled=True, cancelled_at=met.ended)
        j.become(cancelled_prices=j.case.cancelled_prices | {price_level(j.case.orders[name].terms)})
        if met.many:
            j.put(causes.BULK_MANY, order=name)


def bulk_cause(states: tuple[OrderState, ...], known: Status | None = None) -> Cause:
    """What a cancel-all puts on an order that was in one of ``states`` before it, ``known`` among others."""
    statuses = {state.status for state in states} if known is None else {known}
    executing = statuses == {Status.PENDING} and states[0].terms.type is OrderType.MARKET
    if statuses <= TERMINAL or executing:
        return causes.BULK_UNTOUCHED
    if statuses == {Status.PENDING_CANCEL}:
        return causes.BULK_WHILE_PENDING
    if statuses == {Status.PARTIALLY_FILLED}:
        return causes.BULK_PARTIAL
    return causes.BULK if statuses == {Status.OPEN} else causes.CANCELLED_UNPINNED
