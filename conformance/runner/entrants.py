"""The calls of a race: how each is made ready and sent, and what its answer says in the words of a history."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.model.events import Cancel, CancelAll, Event, Execute, Place
from conformance.model.history import Call, Look
from conformance.model.lifecycle import OrderState, Reply
from conformance.model.order import TERMINAL, Status, Terms, TimeInForce
from conformance.model.prediction import Outcome
from conformance.model.worlds import Seen
from conformance.plans import COUNTERPARTY, PRIMARY, Parallel
from conformance.plans import Cancel as CancelAction
from conformance.plans import CancelAll as CancelAllAction
from conformance.plans import Fill as FillAction
from conformance.plans import Place as PlaceAction
from conformance.plans import Read as ReadAction
from conformance.requirements import Capability
from conformance.runner.cancels import explains, means, said
from conformance.runner.context import RunningPlan
from conformance.runner.placing import arriving
from conformance.runner.terms import terms_of
from fixtures.venue.answers import Answer, Cancelled, CancelledAll, OrderRead, OrderView, Placed, Unknown
from fixtures.venue.client import Venue

Sent = Placed | Cancelled | CancelledAll | OrderRead | Answer | Unknown


class Kind(StrEnum):
    """What a call of a race does."""

    CANCEL = "cancel"
    CANCEL_ALL = "cancel-all"
    PLACE = "place"
    FILL = "fill"
    READ = "read"


@dataclass(kw_only=True, slots=True)
class Entrant:
    """One call of a race; ``sent`` and what follows are filled in when the race is over.

    ``order`` is the order that the call names (the new one, for a placing); ``account`` who calls. ``view`` is what a
    read after the race showed of an immediate order, which is final. ``reached``: the monotonic time at which an order
    was surely in the book, at a venue that places later than it answers.
    """

    label: str
    kind: Kind
    account: str
    event: Event | None
    ready: Callable[[Venue], object]
    send: Callable[[Venue], Sent]
    order: str = ""
    terms: Terms | None = None
    sent: Sent | None = None
    order_id: str | None = None
    view: OrderView | None = None
    reached: float = 0.0

    @property
    def answer(self) -> Answer | Unknown:
        """What came back."""
        if self.sent is None:
            raise RuntimeError(f"{self.label} was never sent")
        return self.sent if isinstance(self.sent, Answer | Unknown) else self.sent.answer

    @property
    def accepted(self) -> bool:
        """Whether the call was answered, and accepted."""
        return isinstance(self.answer, Answer) and means(self.answer, Reply.ACCEPTED)

    def words(self, start: float) -> str:
        """The call in words: when it ran, in milliseconds since ``start``, and what it was answered."""
        exchange, answer = self.answer.exchange, self.answer
        heard = "no answer" if isinstance(answer, Unknown) else said(answer)
        if isinstance(self.sent, OrderRead) and self.sent.view is not None:
            heard = f"{self.sent.view.status or self.sent.view.word} with {self.sent.view.executed} executed"
        elif self.view is not None:
            heard += f", later read {self.view.status} with {self.view.executed} executed"
        elif isinstance(self.sent, CancelledAll) and self.sent.order_ids is not None:
            heard += f", listing {len(self.sent.order_ids)}"
        return f"{self.label} [{(exchange.began - start) * 1e3:.1f} to {(exchange.ended - start) * 1e3:.1f} ms] {heard}"


def entrants(run: RunningPlan, action: Parallel) -> list[Entrant]:
    """The calls of a plan's race that can be made: what was cut out of the plan, or is not offered, is passed over."""
    found: list[Entrant] = []
    for call in action.calls:
        match call:
            case CancelAction():
                entrant = _cancel(run, call)
            case CancelAllAction():
                entrant = _cancel_all(run, call)
            case PlaceAction():
                entrant = _place(run, call)
            case FillAction():
                entrant = _fill(run, call)
            case ReadAction():
                entrant = _read(run, call)
        if entrant is not None and not any(entrant.kind is Kind.PLACE and entrant.order == e.order for e in found):
            entrant.label = f"#{len(found) + 1} {entrant.label}"
            found.append(entrant)
    return found


def _cancel(run: RunningPlan, call: CancelAction) -> Entrant | None:
    order = run.tracker.orders.get(call.order)
    if order is None:
        return None
    caller, order_id = call.account or order.terms.account, order.order_id
    by = f" by {caller}" if caller != order.terms.account else ""
    return Entrant(
        label=f"cancel of {call.order}{by}",
        kind=Kind.CANCEL,
        account=caller,
        order=call.order,
        event=Cancel(order=call.order, account=caller),
        ready=lambda venue: venue.prepare(caller, "cancel", order_id=order_id),
        send=lambda venue: venue.cancel(caller, order_id),
    )


def _cancel_all(run: RunningPlan, call: CancelAllAction) -> Entrant | None:
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


def _place(run: RunningPlan, call: PlaceAction) -> Entrant | None:
    if call.order in run.tracker.orders:
        return None
    terms = terms_of(call, run.market(call.market), run.plan, run.venue.profile, run.venue.desk.run)
    return _placing(run, call.order, terms, label=f"placing {call.order}", kind=Kind.PLACE)


def _placing(run: RunningPlan, name: str, terms: Terms, *, label: str, kind: Kind) -> Entrant:
    run.arrivals += 1
    event = arriving(run, OrderState(name=name, terms=terms, status=Status.OPEN, arrival=run.arrivals))
    # the client id is chosen now, so that the request can be signed before the race begins
    sending = replace(terms, client_id=terms.client_id or run.venue.desk.next_client_id())
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


def _fill(run: RunningPlan, call: FillAction) -> Entrant | None:
    """An opposite order of another account, or a control request, as the profile says."""
    order, driver = run.tracker.orders.get(call.order), run.venue.profile.drivers.fill
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
    filler = call.by if call.by != order.terms.account else (COUNTERPARTY if call.by == PRIMARY else PRIMARY)
    run.counter += 1
    terms = Terms(
        account=filler,
        market=order.terms.market,
        side=order.terms.side.opposite,
        quantity=max(call.quantity, run.venue.profile.markets[order.terms.market].smallest_order),
        price=order.terms.price,
        time_in_force=TimeInForce.IOC,
    )
    name = f"{call.order}.fill{run.counter}"
    return _placing(run, name, terms, label=f"fill of {call.order} by {name}", kind=Kind.FILL)


def _read(run: RunningPlan, call: ReadAction) -> Entrant | None:
    """A read; where reads may be late, one among the calls would say nothing of its place among them."""
    order = run.tracker.orders.get(call.order)
    if order is None or Capability.READ not in run.offered or run.venue.profile.timing.read_delay:
        return None
    caller, order_id = call.account or order.terms.account, order.order_id
    return Entrant(
        label=f"read of {call.order}" + (f" by {caller}" if caller != order.terms.account else ""),
        kind=Kind.READ,
        account=caller,
        order=call.order,
        event=None,
        ready=lambda venue: venue.prepare(caller, "read", order_id=order_id),
        send=lambda venue: venue.order(caller, order_id),
    )


# -- as calls of a history --------------------------------------------------------------------------------------------


def call_of(entrant: Entrant, listed: set[str] | None) -> Call | None:
    """The entrant as a call of a history; ``None`` where it changed nothing and says nothing.

    ``listed`` are the orders that a cancel-all's answer named (``None``: it names none).
    """
    answer, exchange = entrant.answer, entrant.answer.exchange
    lost = isinstance(answer, Unknown)
    if isinstance(answer, Unknown) and not answer.sent:
        return None
    event, accepts, told = _told(entrant, listed)
    if event is None:
        return None
    found_again = lost and isinstance(entrant.sent, Placed)
    return Call(
        label=entrant.label,
        event=event,
        began=exchange.began,
        ended=None if lost else max(exchange.ended, entrant.reached),
        accepts=accepts,
        answer=told,
        lost=lost and not found_again,
    )


Accepts = Callable[[Outcome], bool]


def _told(entrant: Entrant, listed: set[str] | None) -> tuple[Event | Look | None, Accepts, str]:
    """The event, how its answer is recognised among the outcomes, and a word that equal answers share."""
    answer, sent = entrant.answer, entrant.sent
    match entrant.event:
        case None:
            view = sent.view if isinstance(sent, OrderRead) else None
            if view is None or view.status is None:
                return None, _anything, ""
            return Look(order=entrant.order, seen=Seen(status=view.status, executed=view.executed)), _anything, ""
        case Cancel():
            if not isinstance(answer, Answer) or not isinstance(sent, Cancelled):
                return entrant.event, _anything, "lost"
            told = ",".join(sorted(answer.classes)) + (sent.status or "")
            return entrant.event, explains(entrant.order, answer, sent), told
        case CancelAll():
            return entrant.event, _listing(listed), "" if listed is None else ",".join(sorted(listed))
        case Place():
            return entrant.event, _placed(entrant), ""
        case _:
            done = entrant.accepted
            return entrant.event, (lambda outcome: (outcome.reply is Reply.ACCEPTED) is done), str(done)


def _anything(_: Outcome) -> bool:
    return True


def _listing(listed: set[str] | None) -> Accepts:
    def recognises(outcome: Outcome) -> bool:
        if listed is None:
            return True
        here = {state.name for state in outcome.world} & listed
        return outcome.listed <= here and here <= outcome.listed | outcome.may_list

    return recognises


def _placed(entrant: Entrant) -> Accepts:
    """A placing that was accepted, and whose immediate order ended as the read after the race said."""
    seen: Seen | None = None
    if entrant.view is not None and entrant.view.status in TERMINAL:
        seen = Seen(status=entrant.view.status, executed=entrant.view.executed)

    def recognises(outcome: Outcome) -> bool:
        if entrant.order_id is None:
            return outcome.reply is Reply.REFUSED
        if outcome.reply is not Reply.ACCEPTED:
            return False
        return seen is None or _ended(outcome.world, entrant.order, seen)

    return recognises


def _ended(world: Iterable[OrderState], name: str, seen: Seen) -> bool:
    return any(state.name == name and _fits(state, seen) for state in world)


def _fits(state: OrderState, seen: Seen) -> bool:
    return state.status is seen.status and (seen.executed is None or state.executed.holds(seen.executed))


def overlap(one: Entrant, other: Entrant) -> bool:
    """Whether two calls ran at the same time, as far as the client's clock tells."""
    mine, theirs = one.answer.exchange, other.answer.exchange
    return max(mine.began, theirs.began) <= min(mine.ended, theirs.ended)


def earliest(found: Iterable[Entrant]) -> float:
    """When the first of them began, in seconds of the monotonic clock."""
    return min((entrant.answer.exchange.began for entrant in found), default=math.inf)
