"""Limit orders that an asynchronous venue has accepted and not yet put into the book: they show as PENDING until then.

Most venues place at once, so nobody waits for it. The first limit order that shows as PENDING ends its plan without a
finding, and from then on the lane waits after each placing until the order is in the book.
"""

import time
from functools import partial

from conformance.model.order import ACTIVE, Status, Terms
from conformance.runner.context import PlanAbandonedError, RunningPlan


def is_on_its_way(run: RunningPlan, name: str, status: Status | None, *, perhaps: bool = False) -> bool:
    """Whether an order that ``status`` was seen of is only on its way to the book; then the plan has ended.

    ``perhaps``: something else was seen of it before, so that it may have arrived meanwhile. The plan is run again with
    each placing waited for: what is wrong shows then, too, and once is enough to know.
    """
    order = run.tracker.orders[name]
    arrived = perhaps and status in ACTIVE and _is_told(run)
    if (status is not Status.PENDING and not arrived) or order.terms.price is None or order.last is not None:
        return False
    run.memory.places_later = True
    run.result.trouble = (
        f"{name} was accepted, and is PENDING before it is in the book: from now on each placing waits for that, "
        "at most timing.place_delay"
    )
    return True


def may_be_on_its_way(run: RunningPlan, name: str) -> bool:
    """The same for an order that something unexpected was seen of before it was ever read: one read tells."""
    order = run.tracker.orders[name]
    if order.terms.price is None or order.last is not None or not _is_told(run):
        return False
    read = run.asked(partial(run.venue.order, order.terms.account, order.order_id))
    run.took(read.answer)
    return is_on_its_way(run, name, None if read.view is None else read.view.status, perhaps=True)


def reach_the_book(run: RunningPlan, terms: Terms, order_id: str) -> None:
    """Wait until a limit order is in the book, or was traded; only where some order was seen to be on its way."""
    if not run.memory.places_later or terms.price is None:
        return
    timing = run.venue.profile.timing
    began = time.monotonic()
    while True:
        run.quiet(timing.read_delay)
        read = run.asked(partial(run.venue.order, terms.account, order_id))
        run.took(read.answer)
        if read.view is None or read.view.status is not Status.PENDING:
            return
        if time.monotonic() - began > timing.place_delay:
            raise PlanAbandonedError(
                f"a limit order is still PENDING {timing.place_delay:g} s after it was accepted; see timing.place_delay"
            )
        time.sleep(timing.poll_interval)


def _is_told(run: RunningPlan) -> bool:
    return Status.PENDING in run.venue.profile.vocabulary.status and not run.memory.places_later
