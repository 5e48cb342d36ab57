"""Sending cancels: of one order, of all, of an id that names none."""

from collections.abc import Callable
from dataclasses import replace

from conformance.judging.bulk_cancels import MANY, bulk_situation
from conformance.judging.cancels import statuses_in_words
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
    met = statuses_in_words(run.case.belief.by_now(asked, run.case.rules).states(name))
    result = _cancelled(run, caller, order) if send is None else send()
    run.changed()
    run.judgeable(result.answer)
    if send is None:
        foreign = caller != order.terms.account
        run.must_answer(f"a cancel of {met}" + (" by another account" if foreign else ""), result.answer)
    seen = Cancelling(order=name, account=caller, result=result, asked=asked, at=now())
    again = submit(run, seen)
    if again is not None and again.repeat:
        unknown = run.venue.cancel(caller, run.case.known.unknown_id, market=order.terms.market)
        run.judgeable(unknown.answer)
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
    run.judgeable(result.answer)
    run.must_answer(f"cancel-all with {situation}", result.answer)
    submit(run, CancellingAll(account=account, result=result, asked=asked, at=now()))


def cancel_unknown(run: PlanRun, order_id: str, account: str) -> None:
    """Cancel an id that names no order (NTF-01)."""
    unknown = unknown_id(run, order_id)
    if unknown is None:
        return
    result = run.venue.cancel(account, unknown, market=run.some_market)
    answer = run.judgeable(result.answer)
    run.must_answer("a cancel of an unknown order", result.answer)
    if answer is not None:
        run.saw(CancellingUnknown(order_id=unknown, account=account, answer=answer, at=now()))


def unknown_id(run: PlanRun, order_id: str) -> str | None:
    """The id itself, or one that stands for it where ids are no UUIDs, always the same for an id.

    That is one of the profile's that name no order, or one of the form of those that the target hands out; ``None``
    where it has handed out none yet.
    """
    known, handed_out = run.profile.order.unknown_ids, run.venue.desk.journal.handed_out
    if known:
        return known[sum(order_id.encode()) % len(known)]
    if run.profile.relaxations.order_id_form == "uuid7" or handed_out.are_uuids:
        return order_id
    return handed_out.unknown(order_id)
