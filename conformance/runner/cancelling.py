"""Sending cancels: of one order, of all, of an id that names none."""

from collections.abc import Callable
from dataclasses import replace

from conformance.judging.bulk_cancels import MANY, bulk_situation
from conformance.judging.cancels import told
from conformance.judging.case import TrackedOrder
from conformance.judging.seen import Cancelling, CancellingAll, CancellingUnknown
from conformance.model.order import ACTIVE
from conformance.runner.looking import submit
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import now
from fixtures.venue.answers import Cancelled


def cancel(run: PlanRun, name: str, account: str | None, send: Callable[[], Cancelled] | None = None) -> None:
    """Cancel one order as ``account`` (its owner where ``None``), or as ``send`` does it."""
    order = run.case.orders.get(name)
    if order is None:
        return  # its placing was refused or cut out of the plan
    caller, asked = account or order.terms.account, now()
    met = told(run.case.belief.by_now(asked, run.case.rules).states(name))
    result = _cancelled(run, caller, order) if send is None else send()
    run.changed()
    run.understood(result.answer)
    if send is None:
        foreign = caller != order.terms.account
        run.heard(f"a cancel of {met}" + (" by another account" if foreign else ""), result.answer)
    seen = Cancelling(order=name, account=caller, result=result, asked=asked, at=now())
    again = submit(run, seen)
    if again is not None and again.repeat:
        unknown = run.venue.cancel(caller, run.case.known.unknown_id, market=order.terms.market)
        run.understood(unknown.answer)
        submit(run, replace(seen, again=unknown.answer))


def _cancelled(run: PlanRun, caller: str, order: TrackedOrder) -> Cancelled:
    return run.venue.cancel(caller, order.order_id, market=order.terms.market)


def cancel_all(run: PlanRun, account: str) -> None:
    """Cancel all orders of an account."""
    asked = now()
    belief = run.case.belief.by_now(asked, run.case.rules)
    case = replace(run.case, belief=belief)
    active = any(state.status in ACTIVE for name in case.live(account) for state in case.states(name))
    situation = bulk_situation(nothing=not active, many=len(case.active(account)) >= MANY)
    result = run.venue.cancel_all(account)
    run.changed()
    run.understood(result.answer)
    run.heard(f"cancel-all with {situation}", result.answer)
    submit(run, CancellingAll(account=account, result=result, asked=asked, at=now()))


def cancel_unknown(run: PlanRun, order_id: str, account: str) -> None:
    """Cancel an id that names no order (NTF-01); where ids are no UUIDs, one of the profile's own stands for it."""
    order_id = unknown_id(run, order_id)
    result = run.venue.cancel(account, order_id, market=run.some_market)
    answer = run.understood(result.answer)
    run.heard("a cancel of an unknown order", result.answer)
    if answer is not None:
        run.saw(CancellingUnknown(order_id=order_id, account=account, answer=answer, at=now()))


def unknown_id(run: PlanRun, order_id: str) -> str:
    """The id itself, or where the profile has ids that name no order, one of these, always the same for an id."""
    known = run.profile.order.unknown_ids
    return known[sum(order_id.encode()) % len(known)] if known else order_id
