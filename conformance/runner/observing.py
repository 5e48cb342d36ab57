"""Executing and judging reads: single orders, lists, balances, and waiting for what is pending."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from conformance.model.order import ACTIVE, TERMINAL, Status
from conformance.plans import Action, Place, Plan, Read, Settle, Wait
from conformance.requirements import Capability
from conformance.runner.arrival import is_on_its_way, may_be_on_its_way
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.funds import Funds
from conformance.runner.memory import LOOK_AGAIN_AFTER, revived
from conformance.trace import Timing
from fixtures.venue.answers import Answer, AnswerClass, OrderRead, OrderView

SECOND_LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between further looks at balances that do not fit: late funds (FND-01) are told apart from wrong ones."""

FEWER_LOOKS = 3
"""Further looks once balances of this run were seen to stay wrong: the plan is repeated and made small many times."""


WHOLE_PAGES = frozenset({20, 25, 50, 100, 200, 250, 500, 1000})
"""Entries of a list that may be a page of a longer one: an active order that it lacks may be on the next."""

MOST_HISTORIES = 12
"""Times that a lane looks into lists with closed orders, for another account's and for its own: they grow."""


def read(run: RunningPlan, name: str, account: str | None = None) -> None:
    """Read one order and judge it; a foreign read must not be answered (NTF-07)."""
    tracker = run.tracker
    order = tracker.orders.get(name)
    if order is None:
        return
    caller = account or order.terms.account
    run.quiet(run.venue.profile.timing.read_delay)
    for last in _looks(run):
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
        _judge_history(run, name, caller)


def _asked(run: RunningPlan, name: str, caller: str) -> str:
    statuses = sorted({state.status for state in run.tracker.belief.states(name)})
    foreign = caller != run.tracker.orders[name].terms.account
    return f"a read of {'/'.join(statuses)}" + (" by another account" if foreign else "")


def _judge_history(run: RunningPlan, name: str, caller: str) -> None:
    """Look into another account's list with its closed orders for an order that has ended (NTF-07)."""
    if (
        run.broken
        or Capability.LIST not in run.offered
        or run.memory.histories >= MOST_HISTORIES
        or not all(state.status in TERMINAL for state in run.tracker.belief.states(name))
    ):
        return
    run.memory.histories += 1
    result = run.asked(lambda: run.venue.orders(caller, include_closed=True))
    if run.understood(result.answer) is not None and result.views is not None:
        _judge_owners(run, caller, {view.order_id for view in result.views}, f"the list of {caller} with closed orders")


def _judge_owners(run: RunningPlan, account: str, shown: Iterable[str], what: str) -> None:
    """No order of the plan that another account placed is in an account's own list (NTF-07)."""
    names = {order.order_id: name for name, order in run.tracker.orders.items()}
    for name in (names[order_id] for order_id in shown if order_id in names):
        owner = run.tracker.orders[name].terms.account
        if owner != account:
            kind = "another account's order is listed"
            run.tracker.breaks(what, "the account's own orders", f"{name} of {owner}", ("NTF-07",), kind=kind)


def _looks(run: RunningPlan) -> Iterator[bool]:
    """Looks at the same thing, each with whether it is the last: where reads may be late, a misfit is looked at twice.

    The delay lies between them, so the second look shows nothing that is older than the first.
    """
    delay = run.venue.profile.timing.read_delay
    if delay:
        yield False
        time.sleep(delay)
    yield True


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
    _judge_view(run, name, result.view, listed=False)


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


def _judge_view(run: RunningPlan, name: str, view: OrderView, *, listed: bool) -> None:
    order, tracker = run.tracker.orders[name], run.tracker
    before = tracker.belief.states(name)
    if is_on_its_way(run, name, view.status):
        return
    if not tracker.judge_view(name, view, until=run.until(), listed=listed):
        return
    if {state.status for state in before} != {view.status}:
        run.changed()
    if order.cancelled_at is not None and order.settled_at is not None and order.last is not None:
        if order.last.status is Status.CANCELED:
            run.result.timings.append(Timing(answer=0.0, terminal=time.monotonic() - order.cancelled_at))
        order.cancelled_at = None


def list_orders(run: RunningPlan, account: str) -> bool:
    """Read the active orders of an account and judge every order of the plan by it; says whether it could be done."""
    run.quiet(run.venue.profile.timing.read_delay)
    for last in _looks(run):
        result = run.asked(lambda: run.venue.orders(account))
        answer = run.understood(result.answer)
        run.heard("the list of active orders", result.answer)
        if answer is None or result.views is None or run.broken:
            return False
        mark = run.tracker.mark()
        _judge_list(run, account, result.views)
        if last or not run.tracker.take_back(mark):
            return True
    return True


def _judge_list(run: RunningPlan, account: str, views: tuple[OrderView, ...]) -> None:
    tracker = run.tracker
    shown = {view.order_id: view for view in views}
    if len(shown) != len(views):
        tracker.breaks(
            f"the list of {account}",
            "each order once",
            f"{len(views)} entries, {len(shown)} orders",
            ("CXL-08",),
            kind="an order is listed twice",
        )
        return
    ours = {order.order_id for order in tracker.orders.values()}
    for order_id, view in shown.items():
        if order_id not in ours:
            _judge_stranger(run, account, view)
    _judge_owners(run, account, shown, f"the list of {account}")
    for name, order in tracker.orders.items():
        if order.terms.account != account:
            continue
        if order.order_id in shown:
            _judge_view(run, name, shown[order.order_id], listed=True)
        elif not _judge_missing(run, name, len(shown), f"the list of {account}"):
            return


def _judge_missing(run: RunningPlan, name: str, entries: int, what: str) -> bool:
    """Judge that a list of active orders does not show an order; says whether the plan goes on.

    An order that is surely active may be on the next page of the list, or on its way to the book: no finding, then.
    """
    if run.surely_active(name):
        if entries in WHOLE_PAGES:
            run.result.trouble = (
                f"{what} has exactly {entries} entries, without {name}: it may be a page of a longer one. Ask for more "
                "in [operations.list.query], or keep limits.open_orders below a page"
            )
            return False
        if may_be_on_its_way(run, name):
            return False
    return run.tracker.judge_absence(name, until=run.until())


def _judge_stranger(run: RunningPlan, account: str, view: OrderView) -> None:
    """An active order that this plan did not place: one that an earlier plan closed has come back to life (CXL-03)."""
    closed = run.memory.by_id.get(view.order_id)
    if closed is None or view.status not in ACTIVE:
        return
    run.tracker.breaks(
        f"the list of {account}",
        f"no order that was seen {closed.seen.status}",
        f"an order of an earlier plan, {view.status}",
        ("CXL-03",),
        kind="a closed order is active again",
    )
    run.result.suspect = _later(closed.plan)


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
    for look in (_orders, balances, _other_lists):
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


def _other_lists(run: RunningPlan, account: str) -> None:
    """Judge the plan's orders by the account's other lists too, where one of them has ended (CXL-03, CXL-08).

    They are the list with closed orders, and that of the market of the last that ended. An order that is not in the
    former is not judged: nothing says for how long closed ones are kept.
    """
    own = [name for name, order in run.tracker.orders.items() if order.terms.account == account]
    ended = [name for name in own if (last := run.tracker.orders[name].last) is not None and last.status in TERMINAL]
    if Capability.LIST not in run.offered or run.memory.other_lists >= MOST_HISTORIES or not ended:
        return
    run.memory.other_lists += 1
    if run.venue.lists_one_market:
        market = run.tracker.orders[ended[-1]].terms.market
        _other_list(run, account, [name for name in own if run.tracker.orders[name].terms.market == market], market)
    if not run.broken:
        _other_list(run, account, own)


def _other_list(run: RunningPlan, account: str, names: list[str], market: str | None = None) -> None:
    """Judge orders by the list of one market's active ones, or by that of all with closed ones."""
    run.quiet(run.venue.profile.timing.read_delay)
    for last in _looks(run):
        result = run.asked(lambda: run.venue.orders(account, include_closed=market is None, only=market))
        if run.understood(result.answer) is None or result.views is None or run.broken:
            return
        mark = run.tracker.mark()
        shown = {view.order_id: view for view in result.views}
        what = f"the list of {account} with closed orders" if market is None else f"the list of {account} in {market}"
        _judge_owners(run, account, shown, what)
        for name in names:
            if run.broken:
                break
            view = shown.get(run.tracker.orders[name].order_id)
            if view is not None:
                _judge_view(run, name, view, listed=market is not None)
            elif market is not None:
                _judge_missing(run, name, len(shown), what)
        if last or not run.tracker.take_back(mark):
            return


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
            began = time.monotonic()
            read(run, name)
            if run.broken:
                return
            if order.last is not None and order.last.status is Status.PENDING_CANCEL and order.seen_pending:
                since = order.pending_since or run.until()
                if run.until() - since > timing.pending_cancel_deadline:
                    tracker.breaks(
                        f"the pending cancel of {name}",
                        f"an end within {timing.pending_cancel_deadline:g} s",
                        f"still PENDING_CANCEL after {run.until() - since:.1f} s",
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
            run.result.suspect = _later(closed.plan)
            return
        run.tracker.fits(
            what, before, "the same", ("CXL-03",) if closed.seen.status is Status.CANCELED else ("CXL-08",)
        )


def _later(plan: Plan) -> Plan:
    """The plan with a later look at each of its orders: what shows a change that came after the plan had ended."""
    names = [action.order for action in plan.actions if isinstance(action, Place)]
    looks: tuple[Action, ...] = (Settle(), Wait(seconds=1.5 * LOOK_AGAIN_AFTER), *(Read(order=name) for name in names))
    return replace(plan, actions=(*plan.actions, *looks), title=f"{plan.title}, looked at later")
