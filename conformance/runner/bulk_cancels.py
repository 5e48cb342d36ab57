"""Executing and judging cancel-all: which orders it cancels, lists, and leaves alone (ALL)."""

import time
from functools import partial

from conformance.model.events import CancelAll
from conformance.model.lifecycle import OrderState, Reply
from conformance.model.order import ACTIVE, TERMINAL, OrderType, Status
from conformance.model.prediction import Outcome
from conformance.model.worlds import Conflict
from conformance.runner import attribution as rules_of
from conformance.runner.arrival import is_on_its_way
from conformance.runner.attribution import Rule
from conformance.runner.cancels import means, said
from conformance.runner.context import RunningPlan

MANY = 50
"""Active orders from which a cancel-all counts as one of many (ALL-06)."""


def cancel_all(run: RunningPlan, account: str) -> None:
    """Cancel all orders of an account and judge the answer and what it lists."""
    tracker = run.tracker
    tracker.belief = tracker.belief.by_now(run.until(), run.rules)
    before = {name: tracker.belief.states(name) for name in tracker.orders}
    active = tracker.surely_active(account)
    known = {name: tracker.status(name) for name in tracker.orders}
    nothing = not [name for name in tracker.live(account) if _could_be(before[name], ACTIVE)]
    for name, order in tracker.orders.items():
        own = order.terms.account == account
        tracker.cell(name, "cancel-all" if own else "cancel-all by another account")
    result = run.venue.cancel_all(account)
    run.changed()
    answer = run.understood(result.answer)
    state = "nothing active" if nothing else "many orders active" if len(active) >= MANY else "orders active"
    run.heard(f"cancel-all with {state}", result.answer)
    what = f"the answer to cancel-all of {account}"
    if answer is not None and not means(answer, Reply.ACCEPTED):
        ids = ("ALL-04",) if nothing else ("ALL-06", "ALL-01") if len(active) >= MANY else ("ALL-01",)
        tracker.breaks(what, "accepted", said(answer), ids, kind=f"cancel-all with {state} answered {answer.status}")
        return
    named = listed_names(run, what, account, result.order_ids, nothing=nothing) if answer is not None else None
    if run.broken:
        return

    def accepts(outcome: Outcome) -> bool:
        if named is None:
            return True
        here = {state.name for state in outcome.world} & named
        return outcome.listed <= here and here <= outcome.listed | outcome.may_list

    after = tracker.belief.after(
        CancelAll(account=account), run.rules, accepts=accepts, until=run.until(), lost=answer is None
    )
    if isinstance(after, Conflict):
        _break_listing(run, what, account, after, before, named or set(), many=len(active) >= MANY, nothing=nothing)
        return
    tracker.belief = after
    exercised = () if answer is None or named is None else ("ALL-03", "ALL-04") if nothing else ("ALL-03",)
    tracker.fits(what, "accepted", "no answer" if answer is None else f"listing {len(named or ())} orders", exercised)
    _spread_bulk(run, account, before, many=len(active) >= MANY, nothing=nothing, known=known)


def _break_listing(
    run: RunningPlan,
    what: str,
    account: str,
    conflict: Conflict,
    before: dict[str, tuple[OrderState, ...]],
    named: set[str],
    *,
    many: bool,
    nothing: bool,
) -> None:
    """The answer lists other orders than it should: a look at them tells a wrong list from a wrong cancel-all."""
    run.quiet(run.venue.profile.timing.read_delay)
    ids: list[str] = []
    seen = []
    for name in sorted(conflict.orders):
        order_id = run.tracker.orders[name].order_id
        view = run.asked(partial(run.venue.order, account, order_id)).view
        status = None if view is None else view.status
        if is_on_its_way(run, name, status, perhaps=name not in named):
            return
        statuses = {state.status for state in before[name]}
        seen.append(f"{name} is {'listed' if name in named else 'not listed'} and now {status}")
        if name not in named and status in ACTIVE:
            ids += ["ALL-01", *(["ALL-06"] if many else [])]
            continue
        ids.append("ALL-03")
        if name in named and statuses <= TERMINAL | {Status.PENDING} and status not in statuses:
            ids.append("ALL-05")
    more = ("ALL-06",) if many else ("ALL-04",) if nothing else ()
    run.tracker.breaks(
        f"{what}, for {', '.join(sorted(conflict.orders))}",
        " or ".join(conflict.allowed),
        "; ".join(seen),
        (*ids, *more),
        kind="cancel-all leaves an active order"
        if "ALL-01" in ids
        else "cancel-all lists other orders than it cancelled",
    )


def listed_names(
    run: RunningPlan, what: str, account: str, ids: tuple[str, ...] | None, *, nothing: bool, raced: bool = False
) -> set[str] | None:
    """The plan's names of the listed ids; an id that is listed twice or is not the account's breaks ALL-03.

    ``raced`` says that other calls ran at the same time: then RCE-03 is broken as well.
    """
    if ids is None:
        return None
    tracker = run.tracker
    names = {order.order_id: name for name, order in tracker.orders.items()}
    broken = ("RCE-03", "ALL-03") if raced else ("ALL-03",)
    if len(set(ids)) != len(ids):
        seen = f"{len(ids)} entries, {len(set(ids))} orders"
        tracker.breaks(what, "each order once", seen, broken, kind="listed twice")
        return None
    strange = [i for i in ids if i not in names or tracker.orders[names[i]].terms.account != account]
    if strange:
        foreign = strange[0] in names
        tracker.breaks(
            what,
            "the orders of the account that were active",
            f"{'another account' if foreign else 'a closed or unknown order'}: {strange[0]}",
            (*broken, *(("ALL-02",) if foreign else ()), *(("ALL-04",) if nothing else ())),
            kind="cancel-all lists an order that is not one of the account's active ones",
        )
        return None
    return {names[i] for i in ids if i in names}


def _could_be(states: tuple[OrderState, ...], statuses: frozenset[Status]) -> bool:
    return any(state.status in statuses for state in states)


def _spread_bulk(
    run: RunningPlan,
    account: str,
    before: dict[str, tuple[OrderState, ...]],
    *,
    many: bool,
    nothing: bool,
    known: dict[str, Status | None],
) -> None:
    tracker = run.tracker
    for name, order in tracker.orders.items():
        states = before[name]
        if order.terms.account != account:
            if _could_be(states, frozenset(Status) - TERMINAL):
                tracker.cause(name, rules_of.BULK_OTHER)
            continue
        rule = bulk_rule(states, known[name])
        tracker.cause(name, rule)
        tracker.cause_funds(account, rule, name)
        if rule in (rules_of.BULK, rules_of.BULK_PARTIAL):
            order.cancelled = True
            order.cancelled_at = time.monotonic()
            run.cancelled_prices.add((order.terms.market, order.terms.side, order.terms.price))
            if many:
                tracker.cause(name, rules_of.BULK_MANY)
    if nothing:
        tracker.cause_funds(account, rules_of.BULK_NOTHING)
        for name in tracker.live(account):
            tracker.cause(name, rules_of.BULK_NOTHING)
    for other in run.accounts:
        if other != account:
            tracker.cause_funds(other, rules_of.BULK_OTHER)


def bulk_rule(states: tuple[OrderState, ...], known: Status | None = None) -> Rule:
    """What a cancel-all puts on an order that was in one of ``states`` before it, ``known`` among others."""
    statuses = {state.status for state in states} if known is None else {known}
    executing = statuses == {Status.PENDING} and states[0].terms.type is OrderType.MARKET
    if statuses <= TERMINAL or executing:
        return rules_of.BULK_UNTOUCHED
    if statuses == {Status.PENDING_CANCEL}:
        return rules_of.BULK_WHILE_PENDING
    if statuses == {Status.PARTIALLY_FILLED}:
        return rules_of.BULK_PARTIAL
    return rules_of.BULK if statuses == {Status.OPEN} else rules_of.CANCELLED_UNPINNED
