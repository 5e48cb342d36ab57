"""What reads and lists show of orders (CXL, PND, NTF-03, NTF-07): the model is asked, the causes say what it breaks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce

from conformance.judging import causes
from conformance.judging.arrival import is_on_its_way, may_be_on_its_way
from conformance.judging.case import TrackedOrder
from conformance.judging.causes import Aspect, CauseAt, broken, closest, named, reasons
from conformance.judging.earlier_orders import judge_revived
from conformance.judging.expectations import is_refusal
from conformance.judging.judgement import Judgement
from conformance.judging.seen import ListSeen, OrderSeen
from conformance.model.amounts import ZERO, Span
from conformance.model.deviations import Deviations
from conformance.model.lifecycle import OrderState, is_overdue
from conformance.model.order import ACTIVE, TERMINAL, Status, Terms
from conformance.model.worlds import Conflict, Seen, as_seen
from conformance.requirements import Capability
from conformance.trace import Timing
from fixtures.venue.answers import Answer, AnswerClass, OrderView, Unknown

TERMS = ("market", "side", "quantity", "price", "client_id", "type", "time_in_force", "post_only")
"""The terms of an order that a read may show, by the name of their attribute."""

OF_FILLS = ("value", "average_price")
"""What a read may show of an order's fills; of one that has none, many venues show nothing."""

SAME_MOMENT = 1.0
"""Seconds by which two readings of one moment may differ: a list may show fewer digits of it than a read."""

WHOLE_PAGES = frozenset({20, 25, 50, 100, 200, 250, 500, 1000})
"""Entries of a list that may be a page of a longer one: an active order that it lacks may be on the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is common to everything that one look shows: when it was asked for and answered, and how it is called.

    ``listed``: it shows active orders alone.
    """

    asked: float
    at: float
    moment: float
    listed: bool = False

    def of(self, name: str) -> str:
        """The look at one order, in words."""
        return f"{'the list of active orders' if self.listed else 'a read'} of {name}"


# -- one order --------------------------------------------------------------------------------------------------------


def judge_order(j: Judgement, seen: OrderSeen) -> None:
    """Judge the read of one order; one by another account must not be answered (NTF-07)."""
    name, answer, view = seen.order, seen.result.answer, seen.result.view
    if isinstance(answer, Unknown):
        return
    if seen.account != j.case.orders[name].terms.account:
        _judge_foreign_read(j, seen, answer)
    elif view is not None:
        judge_view(j, name, view, Look(asked=seen.asked, at=seen.at, moment=seen.moment))
    elif not answer.is_(AnswerClass.SERVER_ERROR):  # which is judged as an answer already
        judge_vanished(j, name, f"a read of {name}", f"HTTP {answer.status}, no order", at=seen.at)


def judge_vanished(j: Judgement, name: str, what: str, shown: str, *, at: float) -> None:
    """Judge that an order is not shown to its owner any more (CXL-08)."""
    predicted = j.case.allowed(name)
    after = j.case.belief.having_vanished(name, j.case.rules, until=at)
    if isinstance(after, Conflict):
        j.breaks(what, predicted, shown, causes.CONSISTENT, kind=f"an order cannot be read any more: {shown}")
        return
    j.become(belief=after)
    j.change(name, causes=())
    j.fits(what, predicted, f"{shown}: it is over, and is not shown any more")


def _judge_foreign_read(j: Judgement, seen: OrderSeen, answer: Answer) -> None:
    # where orders cannot be read one by one, the list that was looked into is the caller's own and accepted
    answered = answer.is_(AnswerClass.ACCEPTED) and Capability.READ in j.case.target.offered
    judge_foreign_read(j, seen.order, answered or seen.result.view is not None, answer.status)
    told = answer.is_(AnswerClass.NOT_FOUND) or answer.is_(AnswerClass.THROTTLED)
    if not is_refusal(answer) or told or j.case.profile.relaxations.foreign_order_differs:
        return
    what = f"the answer to a read of {seen.order} by another account"
    kind = "a read of a foreign order is answered unlike one of an unknown order"
    j.breaks(what, "not found", f"HTTP {answer.status}", causes.FOREIGN_AS_UNKNOWN, kind=kind, ends=False)


def judge_foreign_read(j: Judgement, name: str, shown: bool, status: int) -> None:
    """Judge the answer to a read of another account's order (NTF-07)."""
    if j.case.profile.relaxations.foreign_order_readable:
        return
    what = f"a read of {name} by another account"
    if shown:
        kind = "a foreign order can be read"
        j.breaks(what, "not found", f"HTTP {status}", causes.OWN_ORDERS_ALONE, kind=kind, ends=False)
    else:
        j.fits(what, "not found", f"HTTP {status}", causes.OWN_ORDERS_ALONE)


def judge_view(j: Judgement, name: str, view: OrderView, look: Look) -> None:
    """Judge what was shown of an order, by a read or a list; what it tells of the end of a cancel is timed."""
    if is_on_its_way(j, name, view.status):
        return
    if view.status is None:
        j.cannot_judge(unknown_word(view.word, look.of(name)))
        return
    if not all(rule(j, name, view, look) for rule in (_keeps_terms, _may_be_listed, _is_explained)):
        return
    order = j.case.orders[name]
    if order.cancelled_at is not None and view.status in TERMINAL:
        if view.status is Status.CANCELED:
            j.measure(Timing(answer=0.0, terminal=look.moment - order.cancelled_at))
        j.change(name, cancelled_at=None)


def _keeps_terms(j: Judgement, name: str, view: OrderView, look: Look) -> bool:
    """CXL-08: none of an order's terms changes, and what was shown of it is shown again."""
    order, what = j.case.orders[name], look.of(name)
    wrong = wrong_terms(order.terms, view) or _lost_term(j, order, view) or _other_moment(j, order, view)
    if wrong is None:
        return True
    if wrong[2] == "price" and _is_repriced(j, order, view):
        j.cannot_judge(
            f"{what}: a post-only order that would trade stands at {view.price}, not at {order.terms.price}. The "
            "venue gives such orders another price instead of rejecting them; then leave out [drivers.reject]."
        )
        return False
    at_work = (*order.causes, *order.standing)
    others = (i for i in named(at_work, Aspect.STATUS) if i == causes.OTHERS_UNTOUCHED)
    ids = (*causes.CONSISTENT, *others)
    j.breaks(what, wrong[0], wrong[1], ids, kind=f"terms changed: {wrong[2]}", because=reasons(at_work))
    return False


def wrong_terms(terms: Terms, view: OrderView) -> tuple[str, str, str] | None:
    """Which of an order's terms a read shows changed: (expected, seen, the term's name); ``None`` if none (CXL-08)."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("market", terms.market, view.market),
        ("side", terms.side, view.side),
        ("quantity", terms.quantity, view.quantity),
        ("price", terms.price, view.price),
        ("client id", terms.client_id, view.client_id),
        ("type", terms.type, view.type),
        ("time in force", terms.time_in_force, view.time_in_force),
        ("post-only", terms.post_only, view.post_only),
    )
    for term, expected, seen in pairs:
        if term == "time in force" and terms.price is None:
            continue  # what a market order is said to be is the venue's own affair
        if seen is not None and expected is not None and seen != expected:
            return f"{term} {expected}", f"{term} {seen}", term
    return None


def _lost_term(j: Judgement, order: TrackedOrder, view: OrderView) -> tuple[str, str, str] | None:
    """A term that was shown of this order is not any more, though the target shows it of closed orders (CXL-08)."""
    terms = (*TERMS, *OF_FILLS) if view.executed else TERMS
    shown = frozenset(term for term in terms if getattr(view, term) is not None)
    known = j.case.known
    if view.status in TERMINAL and not shown <= known.shown_closed:
        known = replace(known, shown_closed=known.shown_closed | shown)
        j.learn(known)
    lost = sorted((order.shown & known.shown_closed & frozenset(terms)) - shown)
    if not shown <= order.shown:
        j.change(order.name, shown=order.shown | shown)
    return (f"{lost[0]} as shown before", f"no {lost[0]}", lost[0]) if lost else None


def _other_moment(j: Judgement, order: TrackedOrder, view: OrderView) -> tuple[str, str, str] | None:
    """The moment of an order's placing, where it is shown to be another than before (CXL-08)."""
    if view.created_at is None:
        return None
    if order.created_at is None:
        j.change(order.name, created_at=view.created_at)
    elif abs(view.created_at - order.created_at) >= SAME_MOMENT:
        term = "moment of the placing"
        return f"{term} as before", f"{view.created_at - order.created_at:+.3f} s", term
    return None


def _is_repriced(j: Judgement, order: TrackedOrder, view: OrderView) -> bool:
    """Whether a post-only order that was to be rejected was given a price at which it rests, on its arrival."""
    return (
        order.terms.post_only
        and order.last is None
        and view.status in ACTIVE
        and any(state.status is Status.REJECTED for state in j.case.states(order.name))
    )


def _may_be_listed(j: Judgement, name: str, view: OrderView, look: Look) -> bool:
    """CXL-03, CXL-08: a list of active orders holds no order that is over."""
    if not look.listed or view.status not in TERMINAL:
        return True
    order = j.case.orders[name]
    found = named((*order.causes, *order.standing), Aspect.LISTED) or causes.CONSISTENT
    more = causes.STAYS_CLOSED if order.cancelled else ()
    kind = f"list of active orders holds {view.status}"
    j.breaks(look.of(name), "active orders alone", f"{name} is {view.status}", (*found, *more), kind=kind)
    return False


def _is_explained(j: Judgement, name: str, view: OrderView, look: Look) -> bool:
    """Whether some possible world shows what was seen; the belief is what is possible from now on."""
    assert view.status is not None
    order, what = j.case.orders[name], look.of(name)
    seen = Seen(status=view.status, executed=view.executed)
    predicted = j.case.allowed(name)
    shown = f"{view.status}" + (f" with {view.executed} executed" if view.executed is not None else "")
    after = j.case.belief.having_seen(name, seen, j.case.rules, until=look.at, asked=look.asked)
    if isinstance(after, Conflict) and _shows_a_deviation(j, order, seen, look, shown):
        after = j.case.belief.having_seen(name, seen, j.case.rules, until=look.at, asked=look.asked)
    if isinstance(after, Conflict):
        _break_view(j, order, seen, after, look, shown)
        return False
    if view.partly and view.executed in (Decimal(0), order.terms.quantity):
        _break_word(j, order, view, what)
        return False
    j.become(belief=after)
    j.fits(what, predicted, shown, _exercised(j, order, seen, look))
    _note_seen(j, name, seen)
    _judge_value(j, order, view, what)
    return True


def _exercised(j: Judgement, order: TrackedOrder, seen: Seen, look: Look) -> tuple[str, ...]:
    """What a read could have shown broken: not what only the known deviations of the target explain."""
    aspects = [Aspect.LISTED if look.listed else Aspect.STATUS]
    if seen.executed is not None and not j.case.rules.deviations.untold:
        aspects.append(Aspect.QUANTITY)
    at_work = (*order.causes, *order.standing)
    exercised = {i for aspect in aspects for i in named(at_work, aspect)}
    if not _against_itself(order, seen):
        exercised.update(causes.CONSISTENT)
    return tuple(sorted(exercised))


def _shows_a_deviation(j: Judgement, order: TrackedOrder, seen: Seen, look: Look, shown: str) -> bool:
    """CXL-08, where a read contradicts itself and no cancel can be to blame: said once, and known from then on."""
    if order.cancelled or order.seen_pending or not _against_itself(order, seen):
        return False
    known = _with_what_it_shows(j.case.rules.deviations, j.case.states(order.name), seen)
    if known is None:
        return False
    kind = f"{seen.status} with an executed quantity that says otherwise"
    j.breaks(look.of(order.name), j.case.allowed(order.name), shown, causes.CONSISTENT, kind=kind, ends=False)
    j.establish(known)
    return True


def _with_what_it_shows(known: Deviations, states: tuple[OrderState, ...], seen: Seen) -> Deviations | None:
    """What is known with what a read that contradicts itself shows; ``None`` where it is no such thing."""
    partly = any(s.status is Status.PARTIALLY_FILLED and s.executed.holds(seen.executed or ZERO) for s in states)
    if seen.status is Status.OPEN and partly:
        return replace(known, open_when_partly=True)
    if any(state.status is seen.status for state in states):
        return replace(known, untold=True)
    return None


def _judge_value(j: Judgement, order: TrackedOrder, view: OrderView, what: str) -> None:
    """CXL-08: the executed value and the average price that are shown are those of the order's fills.

    Of an order that met others, and was not cancelled itself, they tell with which of them it traded.
    """
    known, states = j.case.rules.deviations, j.case.states(order.name)
    if not states or known.untold or known.trades:
        return
    trades = [] if order.cancelled else [one for one in order.causes if one.cause in causes.TRADES]
    ids, because = closest(trades, Aspect.QUANTITY) or causes.CONSISTENT, reasons(trades)
    cost = reduce(Span.hull, (state.cost for state in states))
    executed = reduce(Span.hull, (state.executed for state in states))
    amounts = [("executed value", view.value, cost)]
    if executed.exact and executed.low > 0 and cost.bounded:
        average = Span(cost.low / executed.low, cost.high / executed.low)
        amounts.append(("average price", view.average_price, average))
    for amount, seen, exact in amounts:
        if not _is_rounded(seen, exact):
            kind = f"the {amount} is not that of the fills"
            j.breaks(what, f"{amount} {exact}", f"{amount} {seen}", ids, kind=kind, because=because, ends=False)


def _is_rounded(shown: Decimal | None, exact: Span) -> bool:
    """Whether an amount is one of these, but for the digits that it does not have, or is not shown."""
    if shown is None:
        return True
    exponent = shown.as_tuple().exponent
    unit = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else ZERO
    return exact.low - unit < shown < exact.high + unit


def _break_word(j: Judgement, order: TrackedOrder, view: OrderView, what: str) -> None:
    """CXL-08: a word that says that a part was executed stands where nothing was, or all."""
    expected = "something executed, and not all" if view.executed == 0 else "not all executed"
    j.breaks(
        what,
        f"{expected}: its status is {view.word}",
        f"{view.executed} executed",
        causes.CONSISTENT,
        kind=f"{view.status} whose word says that a part was executed",
        because=reasons((*order.causes, *order.standing)),
    )


def _note_seen(j: Judgement, name: str, seen: Seen) -> None:
    """What stands for later reads, once an order was seen so."""
    order = j.case.orders[name]
    at_work = (*order.standing, *order.causes)
    standing = [CauseAt(cause=cause, step=j.case.step, order=name) for cause in _SEEN.get(seen.status, ())]
    pending = order.seen_pending
    if seen.status is Status.PENDING_CANCEL:
        # what a race did may show only when the cancel is confirmed
        standing = [*(one for one in at_work if one.cause in causes.RACED), *standing]
        pending = True
    hidden = seen.status in ACTIVE and any(s.status is Status.PENDING_CANCEL for s in j.case.states(name))
    if hidden:
        standing = list(at_work)  # its cancel is under way, and no word of the venue says so
    ended = order.seen_pending and seen.status in (Status.CANCELED, Status.FILLED, Status.EXPIRED)
    j.change(name, last=seen, causes=(), standing=tuple(standing), seen_pending=pending and not ended)
    if ended:
        j.exercise(causes.PENDING_ENDED)
        j.put_on_funds(causes.CONFIRMED, order.terms.account, name)


_SEEN = {
    Status.PENDING_CANCEL: (causes.SEEN_PENDING,),
    Status.CANCELED: (causes.SEEN_CANCELED,),
    Status.FILLED: (causes.SEEN_TERMINAL,),
    Status.EXPIRED: (causes.SEEN_TERMINAL,),
    Status.REJECTED: (causes.SEEN_TERMINAL,),
}


# -- what nothing explains --------------------------------------------------------------------------------------------


def _break_view(j: Judgement, order: TrackedOrder, seen: Seen, conflict: Conflict, look: Look, shown: str) -> None:
    states, what = j.case.states(order.name), look.of(order.name)
    if seen.status is Status.PENDING_CANCEL and _is_overdue(j, states, seen, look.asked):
        _break_deadline(j, order, states, look.asked)
        return
    at_work = [*order.causes, *order.standing]
    ids, also = _blamed(order, states, seen, at_work, look)
    if not ids:  # what happened to those that it hangs together with
        at_work += (one for other in conflict.orders - {order.name} for one in j.case.orders[other].causes)
        ids, also = _blamed(order, states, seen, at_work, look)
    if not ids and any(one.cause in (causes.FILLED, causes.PLACED) for one in at_work):
        # may: how orders trade that no cancel touched is the venue's; one that a cancel touched names what it breaks
        j.cannot_judge(
            f"{what}: expected {' or '.join(conflict.allowed)}, seen {shown}; no cancel was involved. The market "
            "may not match by price and time, or others may trade there: see the profile's [[markets]] `isolated`."
        )
        return
    j.breaks(
        what,
        " or ".join(conflict.allowed),
        shown,
        ids or causes.CONSISTENT,
        kind=_kind(order, states, seen),
        because=reasons(at_work),
        also=also,
    )


def _break_deadline(j: Judgement, order: TrackedOrder, states: tuple[OrderState, ...], asked: float) -> None:
    """PND-01: a cancel is pending for longer than the profile lets it."""
    since = min(state.pending_since or asked for state in states)
    j.breaks(
        f"the pending cancel of {order.name}",
        f"an end within {j.case.rules.pending_deadline or 0:g} s",
        f"still PENDING_CANCEL after {asked - since:.1f} s",
        causes.PENDING_ENDS,
        kind="a pending cancel does not end",
    )


def _is_overdue(j: Judgement, states: tuple[OrderState, ...], seen: Seen, asked: float) -> bool:
    """Whether nothing is wrong with what was seen but that the cancel is pending still."""
    return any(
        is_overdue(state, asked, j.case.rules) and as_seen(state, seen, j.case.rules) is not None for state in states
    )


def _blamed(
    order: TrackedOrder, states: tuple[OrderState, ...], seen: Seen, at_work: list[CauseAt], look: Look
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requirements that what was seen breaks, by the part of it that is wrong; and those that follow from it."""
    same_status = any(state.status is seen.status for state in states)
    otherwise = Aspect.LISTED if look.listed else Aspect.STATUS
    aspect = Aspect.QUANTITY if same_status else otherwise
    itself = _against_itself(order, seen)
    also = [*broken(at_work, aspect), *itself]
    if not same_status and _quantity_moved(states, seen):
        also += broken(at_work, Aspect.QUANTITY)
    if order.seen_pending:
        again = [one for one in at_work if one.cause is causes.SECOND_WHILE_PENDING]
        ids = (*closest(again, aspect), *_blamed_while_pending(states, seen, same_status=same_status))
        return ids, tuple(also)
    ids = closest(at_work, aspect)
    if seen.status is Status.REJECTED and any(one.cause is causes.CROSSED_AFTER_CANCEL for one in at_work):
        ids = causes.STAYS_CLOSED  # it traded with nothing: the cancelled order still stands in the book
    return (*_of_status(order, seen, ids), *itself), tuple(also)


def _of_status(order: TrackedOrder, seen: Seen, ids: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements that a status of this kind can break: an answer disagrees with an active order alone."""
    if seen.status not in ACTIVE:
        return tuple(i for i in ids if i not in causes.ANSWER_AGREES)
    revived = order.last is not None and order.last.status is Status.CANCELED
    return (*ids, *causes.STAYS_CLOSED) if revived else ids


def _blamed_while_pending(states: tuple[OrderState, ...], seen: Seen, *, same_status: bool) -> tuple[str, ...]:
    """What is broken where a cancel had been seen pending (PND-01..04)."""
    if same_status:
        return causes.PENDING_FILLED
    if seen.status is Status.PENDING_CANCEL:
        # fills should have completed it; or the released lock told that it had ended, and no read shows it
        completed = any(state.status is Status.FILLED for state in states)
        return causes.PENDING_FILLED if completed else causes.PENDING_RELEASED
    if seen.status in (Status.CANCELED, Status.FILLED):
        return causes.PENDING_ENDS
    return causes.PENDING_STAYS


def _quantity_moved(states: tuple[OrderState, ...], seen: Seen) -> bool:
    return seen.executed is not None and not any(state.executed.holds(seen.executed) for state in states)


def _kind(order: TrackedOrder, states: tuple[OrderState, ...], seen: Seen) -> str:
    if not any(state.status is seen.status for state in states):
        return f"{'/'.join(sorted({s.status for s in states}))} expected, {seen.status} seen"
    fell = order.last is not None and (order.last.executed or 0) > (seen.executed or 0)
    return f"executed quantity of a {seen.status} order {'fell' if fell else 'is wrong'}"


def _against_itself(order: TrackedOrder, seen: Seen) -> tuple[str, ...]:
    """CXL-08 where a read contradicts itself or the order's own history, whatever else happened."""
    quantity, executed = order.terms.quantity, seen.executed
    if executed is None:
        return ()
    before = None if order.last is None else order.last.executed
    agrees = {
        Status.FILLED: executed == quantity,
        Status.OPEN: executed == 0,
        Status.PARTIALLY_FILLED: Decimal(0) < executed < quantity,
    }.get(seen.status, True)
    fell = before is not None and executed < before
    return causes.CONSISTENT if fell or not agrees or executed > quantity else ()


def unknown_word(word: str, what: str) -> str:
    """What is said of a status word that the profile does not know: its gap, and no finding about the target."""
    return (
        f"status `{word}` is not in the vocabulary; seen at {what}. "
        "Add it to the profile's [vocabulary] under the canonical status that it means."
    )


# -- lists ------------------------------------------------------------------------------------------------------------


def judge_list(j: Judgement, seen: ListSeen) -> None:
    """Judge every order of the plan by a list: of the active ones, or with closed ones."""
    what = _called(seen)
    shown = {view.order_id: view for view in seen.views}
    if seen.market is None and len(shown) != len(seen.views):
        entries = f"{len(seen.views)} entries, {len(shown)} orders"
        j.breaks(what, "each order once", entries, causes.CONSISTENT, kind="an order is listed twice")
        return
    if not seen.closed and seen.market is None:
        judge_revived(j, what, seen.views)
    _judge_owners(j, seen.account, shown, what)
    for name in seen.names:
        if not _judge_entry(j, name, shown, what, seen):
            return
        if j.again is not None or (j.ended and (seen.closed or seen.market is not None)):
            return


def _judge_entry(j: Judgement, name: str, shown: Mapping[str, OrderView], what: str, seen: ListSeen) -> bool:
    """Judge what a list shows of an order, or that it does not; says whether its other entries can be judged."""
    view = shown.get(j.case.orders[name].order_id)
    if view is not None:
        # where it shows closed orders too, it is a list of active ones as far as it shows an order to be active
        listed = not seen.closed and (view.status in ACTIVE or not _shows_everything(j))
        judge_view(j, name, view, Look(asked=seen.asked, at=seen.at, moment=seen.moment, listed=listed))
        return True
    return seen.closed or seen.full or _judge_missing(j, name, len(shown), what, seen)


def _shows_everything(j: Judgement) -> bool:
    """Whether the list of an account's orders shows closed ones whatever it is asked for, as the profile says."""
    section = j.case.profile.operations.list
    return section is not None and section.shows == "all"


def _called(seen: ListSeen) -> str:
    if seen.closed:
        return f"the list of {seen.account} with closed orders"
    return f"the list of {seen.account}" + (f" in {seen.market}" if seen.market is not None else "")


def _judge_missing(j: Judgement, name: str, entries: int, what: str, seen: ListSeen) -> bool:
    """Judge that a list of active orders does not show an order; says whether the plan goes on.

    An order that is surely active may be on the next page of the list, or on its way to the book: no finding, then.
    """
    if j.case.is_surely_active(name, seen.at):
        if entries in WHOLE_PAGES:
            # may: it was read as active, or will be; a list that lacks it with other numbers of entries is a finding
            j.cannot_judge(
                f"{what} has exactly {entries} entries, without {name}: it may be a page of a longer one. Ask for more "
                "in [operations.list.query], or keep limits.open_orders below a page"
            )
            return False
        if may_be_on_its_way(j, name, seen.looked):
            return False
    elif _shows_everything(j):
        if entries not in WHOLE_PAGES:
            judge_vanished(j, name, f"{what}, for {name}", "not in the list", at=seen.at)
        return not j.ended
    order, predicted = j.case.orders[name], j.case.allowed(name)
    about = f"the list of active orders, for {name}"
    after = j.case.belief.having_missed(name, j.case.rules, until=seen.at)
    at_work = (*order.causes, *order.standing)
    if isinstance(after, Conflict):
        ids = broken(at_work, Aspect.LISTED) or causes.CONSISTENT
        kind = "active order missing from the list"
        j.breaks(about, predicted, "not in the list", ids, kind=kind, because=reasons(at_work))
        return False
    j.become(belief=after)
    if at_work and order.last is not None:
        left = {i for one in at_work for i in one.cause.listed}
        j.fits(about, predicted, "not in the list", tuple(sorted(left)))
    return True


def _judge_owners(j: Judgement, account: str, shown: Iterable[str], what: str) -> None:
    """No order of the plan that another account placed is in an account's own list (NTF-07)."""
    orders = {order.order_id: order for order in j.case.orders.values()}
    for order in (orders[order_id] for order_id in shown if order_id in orders):
        owner = order.terms.account
        if owner != account:
            kind, seen = "another account's order is listed", f"{order.name} of {owner}"
            j.breaks(what, "the account's own orders", seen, causes.OWN_ORDERS_ALONE, kind=kind, ends=False)
