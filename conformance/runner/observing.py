"""Executing and judging reads of orders and balances, looks at all of a plan, and waiting for what is pending."""

import time
from functools import partial

from conformance.model.order import Status
from conformance.requirements import Capability
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.funds import Funds
from conformance.runner.lists import judge_history, list_orders, other_lists
from conformance.runner.memory import looked_at_later, revived
from conformance.runner.views import judge_view, looks
from fixtures.venue.answers import Answer, AnswerClass, OrderRead

SECOND_LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between further looks at balances that do not fit: late funds (FND-01) are told apart from wrong ones."""

FEWER_LOOKS = 3
"""Further looks once balances of this run were seen to stay wrong: the plan is repeated and made small many times."""


def read(run: RunningPlan, name: str, account: str | None = None) -> None:
    """Read one order and judge it; a foreign read must not be answered (NTF-07)."""
    tracker = run.tracker
    order = tracker.orders.get(name)
    if order is None:
        return
    caller = account or order.terms.account
    run.quiet(run.venue.profile.timing.read_delay)
    for last in looks(run):
        result = run.asked(lambda: run.venue.order(caller, order.order_id))
        answer = run.understood(result.answer)
        run.heard(_asked(run, name, caller), result.answer)
        if answer is None or run.broken:
            return
        mark = tracker.mark()
        _judge_read(run, name, caller, result, answer)
        if last or not tracker.take_back(mark):
            break
    if caller != order.terms.account:
        judge_history(run, name, caller)


def _asked(run: RunningPlan, name: str, caller: str) -> str:
    statuses = sorted({state.status for state in run.tracker.belief.states(name)})
    foreign = caller != run.tracker.orders[name].terms.account
    return f"a read of {'/'.join(statuses)}" + (" by another account" if foreign else "")


def _judge_read(run: RunningPlan, name: str, caller: str, result: OrderRead, answer: Answer) -> None:
    order, tracker = run.tracker.orders[name], run.tracker
    if caller != order.terms.account:
        # where orders cannot be read one by one, the list that was looked into is the caller's own and accepted
        answered = answer.is_(AnswerClass.ACCEPTED) and Capability.READ in run.offered
        judge_foreign_read(run, name, answered or result.view is not None, answer.status)
        told = answer.is_(AnswerClass.NOT_FOUND) or answer.is_(AnswerClass.THROTTLED)
        if 400 <= answer.status < 500 and not told:
            _judge_foreign_refusal(run, name, answer.status)
        return
    if result.view is None:
        if answer.is_(AnswerClass.SERVER_ERROR):
            return  # recorded as ERR-01 already
        tracker.breaks(
            f"a read of {name}",
            tracker.allowed(name),
            f"HTTP {answer.status}, no order",
            ("CXL-08",),
            kind=f"an order cannot be read any more: {answer.status}",
        )
        return
    judge_view(run, name, result.view, listed=False)


def judge_foreign_read(run: RunningPlan, name: str, shown: bool, status: int) -> None:
    """Judge the answer to a read of another account's order (NTF-07)."""
    if run.venue.profile.relaxations.foreign_order_readable:
        return
    what = f"a read of {name} by another account"
    if shown:
        run.tracker.breaks(what, "not found", f"HTTP {status}", ("NTF-07",), kind="a foreign order can be read")
    else:
        run.tracker.fits(what, "not found", f"HTTP {status}", ("NTF-07",))


def _judge_foreign_refusal(run: RunningPlan, name: str, status: int) -> None:
    """A read of another account's order is refused, but not as one of an unknown order is (NTF-03)."""
    if run.venue.profile.relaxations.foreign_order_differs:
        return
    what = f"the answer to a read of {name} by another account"
    kind = "a read of a foreign order is answered unlike one of an unknown order"
    run.tracker.breaks(what, "not found", f"HTTP {status}", ("NTF-03",), kind=kind)


def balances(run: RunningPlan, account: str) -> None:
    """Read the balances of an account and judge them; a misfit is looked at again before it is recorded."""
    if Capability.BALANCES not in run.offered:
        return
    delay = max(run.venue.profile.timing.balance_delay, run.venue.profile.timing.read_delay)
    run.quiet(delay)
    first: Funds = {}
    for pause in (0.0, delay) if delay else (0.0,):
        if pause:
            time.sleep(pause)  # even a sleep of nothing gives the processor away
        result = run.asked(lambda: run.venue.balances(account))
        answer = run.understood(result.answer)
        run.heard("the balances", result.answer)
        if answer is None or result.balances is None or run.broken:
            return
        first = result.balances
        if run.funds.judge(account, first, until=run.until()):
            return
    began = time.monotonic()
    for pause in SECOND_LOOKS[: FEWER_LOOKS if run.memory.wrong_funds else None]:
        time.sleep(pause)
        again = run.asked(lambda: run.venue.balances(account))
        run.took(again.answer)
        if again.balances is not None and not run.funds.misfit(account, again.balances, until=run.until()):
            run.funds.record(account, first, settled_after=time.monotonic() - began)
            return
    run.memory.wrong_funds = True
    run.funds.record(account, first, settled_after=None)


def snapshot(run: RunningPlan) -> None:
    """Observe the accounts of the plan: active orders, single orders that something happened to, balances.

    An account that nothing concerns is left for the plan's last look, which leaves out none; and nothing is asked
    again where nothing was sent since the last look, and no time was let pass.
    """
    if run.looked == run.result.requests:
        due = run.left_out if run.ending else ()
    else:
        concerned = {account for account in run.accounts if run.tracker.concerned(account)} | run.stirred
        due = tuple(account for account in run.accounts if run.ending or account in concerned)
        run.left_out = tuple(account for account in run.accounts if account not in due)
    run.stirred.clear()
    run.missed = False
    for look in (_orders, balances, other_lists):
        for account in due:
            if run.broken:
                return
            look(run, account)
    run.looked = None if run.missed else run.result.requests


def _orders(run: RunningPlan, account: str) -> None:
    """Judge an account's orders by the list of active ones, and by reads of those that something happened to."""
    if Capability.LIST in run.offered:
        list_orders(run, account)
    for name in run.tracker.unread(account):
        if run.broken:
            return
        read(run, name)


def settle(run: RunningPlan) -> None:
    """Wait until no cancel is pending any more, within the profile's deadline (PND-01)."""
    timing = run.venue.profile.timing
    tracker = run.tracker
    looked = run.looked == run.result.requests  # just now, and nothing was sent since
    while not run.broken:
        waiting = [
            name
            for name, order in tracker.orders.items()
            # where the funds told that it has ended, a read must say so too
            if order.seen_pending or any(s.status is Status.PENDING_CANCEL for s in tracker.belief.states(name))
        ]
        if not waiting:
            return
        if looked:
            time.sleep(timing.poll_interval)
        looked = True
        for name in waiting:
            order = tracker.orders[name]
            began, shown_from = time.monotonic(), run.until() - timing.read_delay  # an answer may be long on its way
            read(run, name)
            if run.broken:
                return
            if order.last is not None and order.last.status is Status.PENDING_CANCEL and order.seen_pending:
                pending = shown_from - (order.pending_since or shown_from)
                if pending > timing.pending_cancel_deadline:
                    tracker.breaks(
                        f"the pending cancel of {name}",
                        f"an end within {timing.pending_cancel_deadline:g} s",
                        f"still PENDING_CANCEL after {pending:.1f} s",
                        ("PND-01",),
                        kind="a pending cancel does not end",
                    )
                    return
            elif order.last is None and time.monotonic() - began > timing.pending_cancel_deadline:
                raise PlanAbandonedError(f"{name} cannot be read")


def look_again(run: RunningPlan, most: int) -> None:
    """Read orders that earlier plans left in a terminal state once more (CXL-03)."""
    for closed in run.memory.due(most):
        result = run.asked(partial(run.venue.order, closed.account, closed.order_id))
        answer = run.understood(result.answer)
        if answer is None or result.view is None or result.view.status is None:
            continue
        view = result.view
        what = f"a later read of {closed.name}, an order of an earlier plan"
        before = f"{closed.seen.status} with {closed.seen.executed} executed"
        if revived(closed, view.status, view.executed):
            run.tracker.breaks(
                what,
                before,
                f"{view.status} with {view.executed} executed",
                ("CXL-03",) if closed.seen.status is Status.CANCELED else ("CXL-08",),
                kind=f"{closed.seen.status} became {view.status} later",
            )
            run.result.suspect = looked_at_later(closed.plan)
            return
        run.tracker.fits(
            what, before, "the same", ("CXL-03",) if closed.seen.status is Status.CANCELED else ("CXL-08",)
        )
