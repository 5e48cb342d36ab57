"""Bringing orders of earlier plans to their end: a lost answer, or a plan that broke off, may leave some open.

Funds are compared with what they were when a plan began; an order that ends meanwhile would look like a wrong release.
"""

import time

from conformance.model.order import TERMINAL, Status
from conformance.requirements import Capability
from conformance.runner.context import RunningPlan
from fixtures.venue.answers import Answer
from fixtures.venue.journal import Leftover

PATIENCE = 0.3
"""Seconds for an order to end after its cancel where it is not seen to be pending; then it is left to the sweep."""


def close_earlier(run: RunningPlan) -> None:
    """Cancel what earlier plans of this lane may have left open, and see that it is over; each order is tried once."""
    roles = {account.name: role for role, account in run.venue.account_keys.items()}
    for left in run.venue.desk.journal.open_orders():
        role = roles.get(left.account)
        if role is None or left.client_id in run.memory.given_up:
            continue
        run.memory.given_up.add(left.client_id)
        order_id = left.order_id or _found(run, role, left)
        if order_id is not None:
            _end(run, role, order_id)


def _found(run: RunningPlan, role: str, left: Leftover) -> str | None:
    """The id of an order whose answer was lost; an order that does not show did not arrive."""
    journal = run.venue.desk.journal
    if Capability.LIST not in run.offered:
        if Capability.CANCEL_ALL in run.offered:
            run.took(run.venue.cancel_all(role).answer)
            journal.never_placed(left.client_id)
        return None
    time.sleep(run.venue.profile.timing.read_delay)
    listed = run.asked(lambda: run.venue.orders(role, include_closed=True))
    for view in listed.views or ():
        if view.client_id == left.client_id:
            journal.placed(left.client_id, view.order_id)
            return view.order_id
    if listed.views is not None:
        journal.never_placed(left.client_id)
    return None


def _end(run: RunningPlan, role: str, order_id: str) -> None:
    timing = run.venue.profile.timing
    patience = time.monotonic() + PATIENCE + timing.read_delay
    deadline = time.monotonic() + timing.pending_cancel_deadline + timing.read_delay
    while True:
        read = run.asked(lambda: run.venue.order(role, order_id))
        status = None if read.view is None else read.view.status
        if status in TERMINAL:
            run.changed()
            return
        now = time.monotonic()
        if now > deadline or (now > patience and status is not Status.PENDING_CANCEL):
            return
        if status is not Status.PENDING_CANCEL:
            answer = run.venue.cancel(role, order_id).answer
            run.took(answer)
            if read.view is not None and status is None:
                return  # a word that the profile does not know: nobody can tell when the order is over
            if not isinstance(answer, Answer):
                patience = time.monotonic() + PATIENCE + timing.read_delay
        time.sleep(timing.poll_interval)
