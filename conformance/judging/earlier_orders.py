"""Orders that earlier plans have closed: what is seen of them later must be the same (CXL-03, CXL-08)."""

from collections.abc import Iterable

from conformance.judging import causes
from conformance.judging.case import Closed
from conformance.judging.judgement import Judgement
from conformance.judging.seen import EarlierOrderSeen, Ended
from conformance.model.order import ACTIVE, TERMINAL, Status
from conformance.model.worlds import Seen, as_seen
from conformance.plans import looked_at_later
from fixtures.venue.answers import OrderView


def remember_closed(j: Judgement, seen: Ended) -> None:
    """Keep the plan's closed orders: what is seen of them later must be the same."""
    known = j.case.known
    for order in j.case.orders.values():
        states = j.case.states(order.name)
        if order.last is not None and order.last.status in TERMINAL and states:
            known = known.remembering(
                Closed(
                    order_id=order.order_id,
                    name=order.name,
                    account=order.terms.account,
                    seen=order.last,
                    state=states[0],
                    at=seen.moment,
                    plan=seen.plan,
                )
            )
    j.learn(known)


def judge_earlier_order(j: Judgement, seen: EarlierOrderSeen) -> None:
    """Judge a later read of an order that an earlier plan left in a terminal state (CXL-03, CXL-08)."""
    closed, view = j.case.known.closed_order(seen.order_id), seen.view
    if closed is None or view.status is None:
        return
    ids = causes.STAYS_CLOSED if closed.seen.status is Status.CANCELED else causes.CONSISTENT
    what = f"a later read of {closed.name}, an order of an earlier plan"
    before = f"{closed.seen.status} with {closed.seen.executed} executed"
    executed = view.executed if closed.seen.executed is not None else None
    if as_seen(closed.state, Seen(status=view.status, executed=executed), j.case.rules) is not None:
        j.fits(what, before, "the same", ids)
        return
    j.breaks(
        what,
        before,
        f"{view.status} with {view.executed} executed",
        ids,
        kind=f"{closed.seen.status} became {view.status} later",
        suspect=looked_at_later(closed.plan),
    )


def judge_revived(j: Judgement, what: str, views: Iterable[OrderView]) -> None:
    """An active order that this plan did not place: one that an earlier plan closed has come back to life (CXL-03)."""
    ours = {order.order_id for order in j.case.orders.values()}
    for view in views:
        closed = None if view.order_id in ours else j.case.known.closed_order(view.order_id)
        if closed is not None and view.status in ACTIVE:
            j.breaks(
                what,
                f"no order that was seen {closed.seen.status}",
                f"an order of an earlier plan, {view.status}",
                causes.STAYS_CLOSED,
                kind="a closed order is active again",
                suspect=looked_at_later(closed.plan),
            )
