"""Judging what a read or a list shows of one order, and looking twice where reads may be late."""

import time
from collections.abc import Iterator

from conformance.model.order import Status
from conformance.runner.arrival import is_on_its_way
from conformance.runner.context import RunningPlan
from conformance.trace import Timing
from fixtures.venue.answers import OrderView


def looks(run: RunningPlan) -> Iterator[bool]:
    """Looks at the same thing, each with whether it is the last: where reads may be late, a misfit is looked at twice.

    The delay lies between them, so the second look shows nothing that is older than the first.
    """
    delay = run.venue.profile.timing.read_delay
    if delay:
        yield False
        time.sleep(delay)
    yield True


def judge_view(run: RunningPlan, name: str, view: OrderView, *, listed: bool) -> None:
    """Judge what was shown of an order, by one read or ``listed``; what it tells of the end of a cancel is timed."""
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
