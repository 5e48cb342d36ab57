"""Sending races: calls that start at the same moment, each on a connection of its own (RCE-01..04)."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn, TypeVar

from conformance.judging.replies import said
from conformance.judging.seen import Kind, RaceCall, Raced, Sent
from conformance.model.events import Cancel, CancelAll, Event, Execute, Place
from conformance.model.order import Terms
from conformance.plans import Cancel as CancelAction
from conformance.plans import CancelAll as CancelAllAction
from conformance.plans import Fill as FillAction
from conformance.plans import Parallel
from conformance.plans import Place as PlaceAction
from conformance.plans import Read as ReadAction
from conformance.requirements import Capability
from conformance.runner.looking import read
from conformance.runner.placing import (
    NOT_FOUND_AGAIN,
    arriving,
    asked_terms,
    can_be_placed,
    crossing_terms,
    end_rest,
    found_by_client_id,
    leave_to_clean_up,
    reach_the_book,
)
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import let_pass, moment, now
from fixtures.venue.answers import Answer, AnswerClass, Placed, Unknown
from fixtures.venue.client import Venue

COLD_AFTER = 2.0
"""Seconds of idleness after which a connection is warmed before a race, since servers close those that rest."""

LEAD = 0.001
"""Seconds between the moment when all threads are ready and the start: whoever came last must not run ahead."""

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """One call that is to enter a race: how it is made ready, and how it is sent."""

    label: str
    kind: Kind
    account: str
    event: Event | None
    ready: Callable[[Venue], object]
    send: Callable[[Venue], Sent]
    order: str = ""
    terms: Terms | None = None


def warm(run: PlanRun, count: int) -> None:
    """Open the connections of a race, so that its calls start together and not one handshake after the other."""
    cold = [venue for venue in run.venue.siblings(count) if venue.idle > COLD_AFTER]
    if not cold or Capability.BALANCES not in run.offered:
        return
    for funds in start_together([partial(venue.balances, run.case.accounts[0]) for venue in cold]):
        run.answered(funds.answer)


def race(run: PlanRun, action: Parallel) -> None:
    """Make the calls of ``action`` at the same time; their answers are judged together."""
    asked = now()
    found = entrants(run, action)
    if not found:
        return
    warm(run, len(found))
    calls = _resolved(run, _sent_together(run, found))
    calls = _booked(run, calls)
    if not run.ended:
        calls = [_with_view(run, call) for call in calls]
    run.saw(Raced(calls=tuple(calls), asked=asked, at=now(), judged=not run.ended))
    _end_rests(run, calls)


def _booked(run: PlanRun, calls: list[RaceCall]) -> list[RaceCall]:
    """The calls once their trades are booked, where that takes the venue a while (``timing.fill_delay``).

    Until then an order that was placed may trade, or meet nobody any more: it takes effect between request and booking.
    """
    delay = run.profile.timing.fill_delay
    trading = {call.label for call in calls if call.kind in (Kind.FILL, Kind.PLACE)}
    if not delay or not trading:
        return calls
    let_pass(delay)
    return [replace(call, reached=moment()) if call.label in trading else call for call in calls]


def _end_rests(run: PlanRun, calls: Iterable[RaceCall]) -> None:
    for call in calls:
        rests = call.kind is Kind.FILL and call.terms is not None and not call.terms.is_immediate
        if rests and not run.ended:
            read(run, call.order)
            end_rest(run, call.order)


def start_together(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all ``calls`` at once and wait for the last; results in the order given.

    All threads stand at a barrier before the first one goes. Raises what a call raised, once all have ended: whatever
    the others did has happened by then.
    """
    results: list[Result | BaseException] = [RuntimeError("a call never ran")] * len(calls)
    start = 0.0

    def ready() -> None:
        nonlocal start
        start = moment() + LEAD

    barrier = threading.Barrier(len(calls), action=ready)

    def go(at: int) -> None:
        try:
            barrier.wait()
            let_pass(start - moment())
            results[at] = calls[at]()
        except BaseException as trouble:  # noqa: BLE001  # it is raised again below, in the thread that waits
            results[at] = trouble

    threads = [threading.Thread(target=go, args=(at,), name=f"race-{at}", daemon=True) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done: list[Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


# -- sending ----------------------------------------------------------------------------------------------------------


def _sent_together(run: PlanRun, found: Sequence[Entrant]) -> list[RaceCall]:
    venues = run.venue.siblings(len(found))
    for entrant, venue in zip(found, venues, strict=True):
        entrant.ready(venue)
    sent = start_together([partial(entrant.send, venue) for entrant, venue in zip(found, venues, strict=True)])
    run.changed()
    calls = [
        RaceCall(
            label=entrant.label,
            kind=entrant.kind,
            account=entrant.account,
            event=entrant.event,
            sent=result,
            order=entrant.order,
            terms=entrant.terms,
        )
        for entrant, result in zip(found, sent, strict=True)
    ]
    for call in sorted(calls, key=lambda call: call.answer.exchange.began):
        run.answered(call.answer)
    return calls


def _resolved(run: PlanRun, calls: Iterable[RaceCall]) -> list[RaceCall]:
    """The calls with the ids of the orders that they placed; gives the plan up where a call cannot be judged."""
    resolved = [_with_id(run, call) for call in calls]
    for call in resolved:
        answer = call.answer
        if isinstance(answer, Answer) and answer.is_(AnswerClass.THROTTLED):
            _abandon(run, resolved, f"{call.label} was throttled beyond the profile's allowance")
        if not isinstance(call.sent, Placed) or call.order_id is not None:
            continue
        if isinstance(answer, Unknown):
            lost = "the order is not in the list" if run.profile.finds_by_client_id else NOT_FOUND_AGAIN
            if not run.profile.finds_by_client_id and call.terms is not None:
                leave_to_clean_up(run, call.terms, call.sent.client_id)
            reason = f"{call.label} had no answer, and {lost}: {answer.reason}"
            _abandon(run, resolved, reason)
        elif call.terms is None or not call.terms.post_only:
            text = answer.exchange.response_body[:160]  # may: what it races with may lock what it needs
            _abandon(run, resolved, f"{call.label} was refused: {said(answer)}: {text}")
    return resolved


def _with_id(run: PlanRun, call: RaceCall) -> RaceCall:
    if not isinstance(call.sent, Placed) or call.terms is None:
        return call
    order_id = call.sent.order_id
    if isinstance(call.answer, Unknown) and call.answer.sent and run.profile.finds_by_client_id:
        order_id = found_by_client_id(run, call.account, call.sent.client_id)
    if order_id is None:
        return call
    reach_the_book(run, call.terms, order_id)
    if isinstance(call.event, Place) and call.event.waits:
        run.held_markets.add(call.terms.market)
    reached = moment() if run.case.known.places_later else 0.0
    return replace(call, order_id=order_id, reached=reached)


def _abandon(run: PlanRun, calls: Iterable[RaceCall], reason: str) -> NoReturn:
    """Give the plan up, and leave none of the orders behind that this race placed."""
    for call in calls:
        if call.order_id is not None and call.terms is not None:
            run.venue.cancel(call.account, call.order_id, market=call.terms.market)
    run.abandon(reason)


def _with_view(run: PlanRun, call: RaceCall) -> RaceCall:
    """An immediate order of the race with a read of it: how it ended is final, and settles most of the search.

    What rests of another order may have met the calls that came after it: a read says nothing of its placing.
    """
    if call.kind is not Kind.FILL or call.order_id is None or call.terms is None or not call.terms.is_immediate:
        return call
    run.wait_for_late_reads(run.profile.timing.read_delay)
    result = run.retried(partial(run.venue.order, call.account, call.order_id, market=call.terms.market))
    run.answered(result.answer)
    return replace(call, view=result.view)


# -- what enters ------------------------------------------------------------------------------------------------------


def entrants(run: PlanRun, action: Parallel) -> list[Entrant]:
    """The calls of a plan's race that can be made: what was cut out of the plan, or is not offered, is passed over."""
    found: list[Entrant] = []
    for call in action.calls:
        entrant = _entrant(run, call)
        if entrant is not None and not any(entrant.kind is Kind.PLACE and entrant.order == e.order for e in found):
            found.append(replace(entrant, label=f"#{len(found) + 1} {entrant.label}"))
    return found


def _entrant(
    run: PlanRun, call: CancelAction | CancelAllAction | PlaceAction | FillAction | ReadAction
) -> Entrant | None:
    match call:
        case CancelAction():
            return _cancel(run, call)
        case CancelAllAction():
            return _cancel_all(run, call)
        case PlaceAction():
            return _place(run, call)
        case FillAction():
            return _fill(run, call)
        case ReadAction():
            return _read(run, call)


def _cancel(run: PlanRun, call: CancelAction) -> Entrant | None:
    order = run.case.orders.get(call.order)
    if order is None:
        return None
    caller, order_id, market = call.account or order.terms.account, order.order_id, order.terms.market
    by = f" by {caller}" if caller != order.terms.account else ""
    return Entrant(
        label=f"cancel of {call.order}{by}",
        kind=Kind.CANCEL,
        account=caller,
        order=call.order,
        event=Cancel(order=call.order, account=caller),
        ready=lambda venue: venue.prepare(caller, "cancel", order_id=order_id, market=market),
        send=lambda venue: venue.cancel(caller, order_id, market=market),
    )


def _cancel_all(run: PlanRun, call: CancelAllAction) -> Entrant | None:
    if Capability.CANCEL_ALL not in run.offered:
        return None
    return Entrant(
        label=f"cancel-all of {call.account}",
        kind=Kind.CANCEL_ALL,
        account=call.account,
        event=CancelAll(account=call.account),
        ready=lambda venue: venue.prepare(call.account, "cancel_all"),
        send=lambda venue: venue.cancel_all(call.account),
    )


def _place(run: PlanRun, call: PlaceAction) -> Entrant | None:
    if call.order in run.case.orders:
        return None
    terms = asked_terms(run, call)
    if not can_be_placed(run, terms):
        return None
    return _placing(run, call.order, terms, label=f"placing {call.order}", kind=Kind.PLACE)


def _placing(run: PlanRun, name: str, terms: Terms, *, label: str, kind: Kind) -> Entrant:
    event = arriving(run, name, terms, now())
    # the client id is chosen now, so that the request can be signed before the race begins
    sending = replace(terms, client_id=terms.client_id or run.venue.desk.client_ids.next())
    return Entrant(
        label=label,
        kind=kind,
        account=terms.account,
        order=name,
        terms=terms,
        event=event,
        ready=lambda venue: venue.prepare(terms.account, "place", terms=sending),
        send=lambda venue: venue.place(sending, post_only=terms.post_only or None),
    )


def _fill(run: PlanRun, call: FillAction) -> Entrant | None:
    """An opposite order of another account, or a control request, as the profile says."""
    order, driver = run.case.orders.get(call.order), run.profile.drivers.fill
    if order is None or driver is None or order.terms.price is None:
        return None
    if driver.how == "control":
        order_id = order.order_id
        return Entrant(
            label=f"fill of {call.order}",
            kind=Kind.FILL,
            account=order.terms.account,
            order=call.order,
            event=Execute(order=call.order, quantity=call.quantity),
            ready=lambda _: None,
            send=lambda venue: venue.fill_control(order_id, call.quantity),
        )
    terms = crossing_terms(run, order.terms, call.quantity, call.by)
    name = f"{call.order}.fill{next(run.numbers)}"
    return _placing(run, name, terms, label=f"fill of {call.order} by {name}", kind=Kind.FILL)


def _read(run: PlanRun, call: ReadAction) -> Entrant | None:
    """A read; where reads may be late, one among the calls would say nothing of its place among them."""
    order = run.case.orders.get(call.order)
    if order is None or Capability.READ not in run.offered or run.profile.timing.read_delay:
        return None
    caller, order_id, market = call.account or order.terms.account, order.order_id, order.terms.market
    return Entrant(
        label=f"read of {call.order}" + (f" by {caller}" if caller != order.terms.account else ""),
        kind=Kind.READ,
        account=caller,
        order=call.order,
        event=None,
        ready=lambda venue: venue.prepare(caller, "read", order_id=order_id, market=market),
        send=lambda venue: venue.order(caller, order_id, market=market),
    )
