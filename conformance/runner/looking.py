"""Looks at a target: reads of orders, lists and balances, looks at all of a plan, and waiting for what is pending."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conformance.judging.rulings import LookAgain
from conformance.judging.seen import (
    BalancesSeen,
    Cancelling,
    CancellingAll,
    DoubtedFunds,
    EarlierOrderSeen,
    ListSeen,
    OrderSeen,
)
from conformance.model.order import TERMINAL, Status
from conformance.requirements import Capability
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import let_pass, moment, now
from fixtures.venue.answers import OrderList, OrderView

FURTHER_LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between further looks at balances that do not fit: late funds (FND-01) are told apart from wrong ones."""

FEWER_LOOKS = 3
"""Further looks once balances of this run were seen to stay wrong: the plan is repeated and made small many times."""

MOST_HISTORIES = 12
"""Times that a lane looks into lists with closed orders, for another account's and for its own: they grow."""


def read(run: PlanRun, name: str, account: str | None = None) -> None:
    """Read one order; a foreign read must not be answered (NTF-07). A misfit that may be late is read anew."""
    order = run.case.orders.get(name)
    if order is None:
        return
    caller = account or order.terms.account
    late = run.profile.timing.read_delay
    run.wait_for_late_reads(late)
    for again in (late, 0.0) if late else (0.0,):
        asked = now() - late
        result = run.retried(lambda: run.venue.order(caller, order.order_id, market=order.terms.market))
        answer = run.judgeable(result.answer)
        run.must_answer(_about_read(run, name, caller), result.answer)
        if answer is None or run.ended:
            return
        seen = OrderSeen(order=name, account=caller, result=result, asked=asked, at=now(), moment=moment(), again=again)
        if _shown(run, seen, (name,)) is None:
            break
        let_pass(late)
    if caller != order.terms.account:
        _look_into_history(run, name, caller)


def _about_read(run: PlanRun, name: str, caller: str) -> str:
    statuses = "/".join(sorted({state.status for state in run.case.states(name)}))
    foreign = caller != run.case.orders[name].terms.account
    return f"a read of {statuses}" + (" by another account" if foreign else "")


def _shown(run: PlanRun, seen: OrderSeen | ListSeen, names: tuple[str, ...]) -> LookAgain | None:
    """Have a look judged; where it told that an order's status has moved, later reads may miss that change."""
    before = {name: ({s.status for s in run.case.states(name)}, run.case.orders[name].last) for name in names}
    again = submit(run, seen)
    for name, (statuses, last) in before.items():
        shown = run.case.orders[name].last
        if shown is not None and shown is not last and statuses != {shown.status}:
            run.changed()
    return again


def submit(run: PlanRun, seen: Cancelling | CancellingAll | ListSeen | OrderSeen) -> LookAgain | None:
    """Hand over what was seen; where the judge asks for a look at single orders first, take it and submit anew."""
    again = run.saw(seen)
    while again is not None and again.orders and not isinstance(seen, OrderSeen):
        run.wait_for_late_reads(run.profile.timing.read_delay)
        looked = {name: _looked_at(run, name) for name in again.orders}
        seen = replace(seen, looked={**seen.looked, **looked})
        again = run.saw(seen)
    return again


def _looked_at(run: PlanRun, name: str) -> OrderView | None:
    order = run.case.orders[name]
    result = run.retried(lambda: run.venue.order(order.terms.account, order.order_id, market=order.terms.market))
    run.answered(result.answer)
    return result.view


# -- lists ------------------------------------------------------------------------------------------------------------


def list_orders(run: PlanRun, account: str) -> bool:
    """List the active orders of an account, and have every order of the plan judged by it; says whether it was done."""
    names = tuple(name for name, order in run.case.orders.items() if order.terms.account == account)
    return _listed(run, account, names, lambda: run.venue.orders(account), about="the list of active orders")


def _listed(
    run: PlanRun,
    account: str,
    names: tuple[str, ...],
    ask: Callable[[], OrderList],
    *,
    about: str = "",
    closed: bool = False,
    market: str | None = None,
) -> bool:
    late = max(run.profile.timing.read_delay, run.profile.timing.list_delay)
    run.wait_for_late_reads(late)
    for again in (late, 0.0) if late else (0.0,):
        asked = now() - late
        result = run.retried(ask)
        answer = run.judgeable(result.answer)
        if about:
            run.must_answer(about, result.answer)
        if answer is None or result.views is None or run.ended:
            return False
        seen = ListSeen(
            account=account,
            views=result.views,
            names=names,
            asked=asked,
            at=now(),
            moment=moment(),
            closed=closed,
            full=result.full,
            market=market,
            again=again,
        )
        if _shown(run, seen, names) is None:
            return True
        let_pass(late)
    return True


def other_lists(run: PlanRun, account: str) -> None:
    """Look into the account's other lists too, where one of its orders has ended (CXL-03, CXL-08).

    They are the list with closed orders, and that of the market of the last that ended. An order that is not in the
    former is not judged: nothing says for how long closed ones are kept.
    """
    orders = run.case.orders
    own = tuple(name for name, order in orders.items() if order.terms.account == account)
    ended = [name for name in own if (last := orders[name].last) is not None and last.status in TERMINAL]
    if Capability.LIST not in run.offered or run.memory.other_lists >= MOST_HISTORIES or not ended:
        return
    run.memory.other_lists += 1
    if run.venue.lists_one_market:
        market = orders[ended[-1]].terms.market
        there = tuple(name for name in own if orders[name].terms.market == market)
        _listed(run, account, there, lambda: run.venue.orders(account, only=market), market=market)
    if not run.ended and not _shows_everything(run):
        _listed(run, account, own, lambda: run.venue.orders(account, include_closed=True), closed=True)


def _shows_everything(run: PlanRun) -> bool:
    """Whether the list that every look takes has the closed orders in it already."""
    section = run.profile.operations.list
    return section is not None and section.shows == "all" and run.profile.operations.history is None


def _look_into_history(run: PlanRun, name: str, caller: str) -> None:
    """Look into another account's list with its closed orders for an order that has ended (NTF-07)."""
    if (
        run.ended
        or Capability.LIST not in run.offered
        or run.memory.histories >= MOST_HISTORIES
        or not all(state.status in TERMINAL for state in run.case.states(name))
    ):
        return
    run.memory.histories += 1
    result = run.retried(lambda: run.venue.orders(caller, include_closed=True))
    if run.judgeable(result.answer) is not None and result.views is not None:
        run.saw(
            ListSeen(account=caller, views=result.views, names=(), asked=now(), at=now(), moment=moment(), closed=True)
        )


# -- balances ---------------------------------------------------------------------------------------------------------


def balances(run: PlanRun, account: str) -> None:
    """Read the balances of an account; what does not fit is looked at again, as the judge asks for it."""
    if Capability.BALANCES not in run.offered:
        return
    late = max(run.profile.timing.balance_delay, run.profile.timing.read_delay)
    run.wait_for_late_reads(late)
    further = FURTHER_LOOKS[: FEWER_LOOKS if run.memory.wrong_funds else None]
    again, doubt = late, None
    while True:
        result = run.retried(lambda: run.venue.balances(account))
        if doubt is None:
            answer = run.judgeable(result.answer)
            run.must_answer("the balances", result.answer)
            if answer is None or result.balances is None or run.ended:
                return
        else:
            run.answered(result.answer)
        seen = BalancesSeen(
            account=account,
            funds=result.balances,
            at=now(),
            moment=moment(),
            again=again,
            looks=further,
            doubt=doubt,
        )
        ruling = run.saw(seen)
        if ruling is None:
            break
        again, doubt = 0.0, ruling.doubt if isinstance(ruling.doubt, DoubtedFunds) else None
        let_pass(ruling.after)
    if doubt is not None and doubt.looks == len(further):
        run.memory.wrong_funds = True


# -- looks at all of a plan -------------------------------------------------------------------------------------------


def snapshot(run: PlanRun) -> None:
    """Look at the accounts of the plan: active orders, single orders that something happened to, balances.

    An account that nothing concerns is left for the plan's last look, which leaves out none; and nothing is asked
    again where nothing was sent since the last look, and no time was let pass.
    """
    looks, accounts = run.looks, run.case.accounts
    if looks.requests == run.result.requests:
        due = looks.left_out if looks.at_the_end else ()
    else:
        concerned = {account for account in accounts if run.case.concerns(account)} | looks.touched
        due = tuple(account for account in accounts if looks.at_the_end or account in concerned)
        looks.left_out = tuple(account for account in accounts if account not in due)
    looks.touched.clear()
    looks.unanswered = False
    for look in (_orders, balances, other_lists):
        for account in due:
            if run.ended:
                return
            look(run, account)
    looks.requests = None if looks.unanswered else run.result.requests


def _orders(run: PlanRun, account: str) -> None:
    """Look at an account's orders by the list of active ones, and by reads of those that something happened to."""
    if Capability.LIST in run.offered:
        list_orders(run, account)
    for name in run.case.unread(account):
        if run.ended:
            return
        read(run, name)


def settle(run: PlanRun) -> None:
    """Wait until no cancel is pending any more; the judge knows for how long one may be (PND-01)."""
    timing = run.profile.timing
    looked = run.looks.requests == run.result.requests  # just now, and nothing was sent since
    while not run.ended and (waiting := _pending(run)):
        if looked:
            let_pass(timing.poll_interval)
        looked = True
        for name in waiting:
            began = moment()
            read(run, name)
            if run.ended:
                return
            if run.case.orders[name].last is None and moment() - began > timing.pending_cancel_deadline:
                run.abandon(f"{name} cannot be read")  # may: that reads are answered is ERR-01's, judged with each


def _pending(run: PlanRun) -> list[str]:
    return [
        name
        for name, order in run.case.orders.items()
        # where the funds told that it has ended, a read must say so too
        if order.seen_pending or any(state.status is Status.PENDING_CANCEL for state in run.case.states(name))
    ]


def look_again(run: PlanRun, most: int) -> None:
    """Read orders that earlier plans left in a terminal state once more (CXL-03)."""
    for closed in run.memory.due(most):
        result = run.retried(
            partial(run.venue.order, closed.account, closed.order_id, market=closed.state.terms.market)
        )
        answer = run.judgeable(result.answer)
        if answer is None or result.view is None or result.view.status is None:
            # may: reads showed it after its end; for how long a venue keeps such orders is its own affair
            run.result.notes["an order of an earlier plan could not be read again"] += 1
            continue
        run.saw(EarlierOrderSeen(order_id=closed.order_id, view=result.view, at=now()))
        if run.ended:
            return
