"""Bringing orders of earlier plans to their end: a lost answer, or a plan that broke off, may leave some open.

Funds are compared with what they were when a plan began; an order that ends meanwhile would look like a wrong release.
"""

from functools import partial

from conformance.model.order import TERMINAL, Status
from conformance.requirements import Capability
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import let_pass, moment
from fixtures.venue.answers import Answer
from fixtures.venue.counter_orders import end_waiting, waits
from fixtures.venue.journal import Leftover

PATIENCE = 0.3
"""Seconds for an order to end after its cancel where it is not seen to be pending; then it is left to the sweep."""


def close_earlier(run: PlanRun) -> None:
    """Cancel what earlier plans of this lane may have left open, and see that it is over; each order is tried once.

    They are waited for together: a target that cancels nothing costs one wait a plan, not one for each order.
    """
    roles = {account.name: role for role, account in run.venue.account_keys.items()}
    waiting: list[tuple[str, str, str]] = []
    for left in run.venue.desk.journal.open_orders():
        role = roles.get(left.account)
        if role is None or left.client_id in run.memory.given_up:
            continue
        run.memory.given_up.add(left.client_id)
        order_id = left.order_id or _found(run, role, left)
        if order_id is not None:
            waiting.append((role, order_id, left.market))
    _end(run, waiting)


def _found(run: PlanRun, role: str, left: Leftover) -> str | None:
    """The id of an order whose answer was lost; an order that does not show did not arrive."""
    journal = run.venue.desk.journal
    if not run.profile.finds_by_client_id:
        if Capability.CANCEL_ALL in run.offered:
            run.answered(run.venue.cancel_all(role).answer)
            run.changed()
            journal.never_placed(left.client_id)
        return None
    let_pass(run.profile.timing.read_delay)
    listed = run.retried(lambda: run.venue.orders(role, include_closed=True))
    for view in listed.views or ():
        if view.client_id == left.client_id:
            journal.placed(left.client_id, view.order_id)
            return view.order_id
    if listed.views is not None:
        journal.never_placed(left.client_id)
    return None


def _end(run: PlanRun, waiting: list[tuple[str, str, str]]) -> None:
    timing = run.profile.timing
    asked: set[str] = set()

    def times() -> tuple[float, float]:
        """Until when to wait for an end that nothing announces, and for a pending one."""
        now = moment() + timing.read_delay
        return now + PATIENCE, now + timing.pending_cancel_deadline

    patience, deadline = times()
    while waiting:
        left: list[tuple[str, str, str]] = []
        pending = False
        for role, order_id, market in waiting:
            read = run.retried(partial(run.venue.order, role, order_id, market=market))
            status = None if read.view is None else read.view.status
            if status in TERMINAL:
                run.changed()
                continue
            if status is Status.PENDING_CANCEL:
                pending = True
            elif read.view is not None and waits(run.profile, market, read.view):
                end_waiting(run.venue, role, order_id, market=market)
                run.changed()
            else:
                answer = run.venue.cancel(role, order_id, market=market).answer
                run.answered(answer)
                run.changed()
                if read.view is not None and status is None:
                    continue  # a word that the profile does not know: nobody can tell when the order is over
                if order_id not in asked or not isinstance(answer, Answer):
                    patience, deadline = times()  # what came before may have taken long: its end is still to be seen
                asked.add(order_id)
            left.append((role, order_id, market))
        waiting = left
        now = moment()
        if now > deadline or (now > patience and not pending):
            return
        if waiting:
            let_pass(timing.poll_interval)
