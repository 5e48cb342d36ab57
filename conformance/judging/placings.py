"""Placings, executions, expiries: what changes the book, and what it puts on orders that it meets (FND-07, NTF-05)."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from conformance.judging import causes
from conformance.judging.bulk_cancels import MANY
from conformance.judging.cancels import price_level
from conformance.judging.case import Case, TrackedOrder
from conformance.judging.causes import Cause
from conformance.judging.funds import surely_available
from conformance.judging.judgement import Judgement
from conformance.judging.replies import means, said
from conformance.judging.seen import Approached, Driven, LockSeen, Overdue, Placing, Released
from conformance.model.events import Execute, Place
from conformance.model.ledger import lock_of
from conformance.model.lifecycle import OrderState, Reply
from conformance.model.matching import crosses
from conformance.model.order import Status, Terms
from conformance.model.prediction import Outcome
from conformance.model.worlds import Conflict
from conformance.requirements import Capability
from fixtures.venue.answers import Answer, BalanceView

CLIENT_ID_AGAIN = "a client id is used again once its order is over"
"""What a venue may allow or not; the note says how this one answers."""


def incoming(event: Place) -> OrderState:
    """The order that a placing brings, on its arrival."""
    return OrderState(name=event.order, terms=event.terms, status=Status.OPEN, arrival=event.arrival)


def facing(case: Case, order: OrderState) -> list[str]:
    """The orders of the plan whose prices an incoming order meets, whatever their status."""
    return [other for other in case.orders if any(crosses(state, order) for state in case.states(other))]


def may_lack_funds(case: Case, order: OrderState) -> bool:
    """Whether the account may not have what an order needs, so that a venue that keeps such orders may reject it."""
    profile = case.profile
    if Status.REJECTED not in profile.vocabulary.status:
        return False
    if Capability.LOCKS not in case.target.offered:
        return profile.drivers.reject is not None and profile.drivers.reject.how == "insufficient-funds"
    asset, needed = lock_of(order, case.rules)
    there = surely_available(case, order.terms.account, asset)
    if not needed.bounded:
        return there <= 0
    return needed.high * (1 + case.rules.highest_fee(order.terms.market)) > there


def judge_placing(j: Judgement, seen: Placing) -> None:
    """Judge a placing: accepted, refused as foreseen, refused though the funds were released (FND-07)."""
    event = seen.event
    j.become(belief=j.case.belief.by_now(seen.asked, j.case.rules))
    order = incoming(event)
    met = facing(j.case, order)
    if seen.order_id is None:
        assert seen.answer is not None  # a lost placing has an id, or its plan is given up
        _judge_refusal(j, event, order, seen.answer, at=seen.at)
        return
    if _is_answered_with_namesake(j.case, seen):
        j.note(f"{CLIENT_ID_AGAIN}: it is answered with the order that had it")
        return
    after = j.case.belief.after(event, j.case.rules, accepts=lambda o: o.reply is Reply.ACCEPTED, until=seen.at)
    if isinstance(after, Conflict):  # may: an accepted placing is always foreseen; this is for rules to come
        j.cannot_judge(f"placing {event.order} was accepted where {' or '.join(after.allowed)} was expected")
        return
    j.become(belief=after)
    track(j, event, seen.order_id, client_id=seen.client_id)
    j.put(causes.PLACED, order=event.order)
    if event.terms.account in j.case.raced_bulk:
        j.put_with_owner(causes.PLACED_AFTER_BULK, event.order)
    judge_id(j, seen.order_id)
    _exercise_usable(j, order)
    _put_crossing(j, event.order, met)
    j.fits(f"the answer to placing {event.order}", "accepted", "accepted")


def track(j: Judgement, event: Place, order_id: str, *, client_id: str | None) -> None:
    """From now on the plan's order is known by its id."""
    order = TrackedOrder(name=event.order, terms=replace(event.terms, client_id=client_id), order_id=order_id)
    j.become(orders={**j.case.orders, event.order: order})


def _namesakes(case: Case, terms: Terms) -> list[TrackedOrder]:
    """The account's earlier orders of the plan that had the client id of a new one."""
    named = (order for order in case.orders.values() if order.terms.account == terms.account)
    return [order for order in named if terms.client_id is not None and order.terms.client_id == terms.client_id]


def _is_answered_with_namesake(case: Case, seen: Placing) -> bool:
    """Whether a client id that is used again is taken for the same request, sent once more: the venue's choice."""
    return any(order.order_id == seen.order_id for order in _namesakes(case, seen.event.terms))


def _judge_refusal(j: Judgement, event: Place, order: OrderState, answer: Answer, *, at: float) -> None:
    """A placing that was refused: foreseen (post-only), a finding (FND-07), or a reason to give the plan up."""
    case, terms, what = j.case, event.terms, f"the answer to placing {event.order}"
    after = case.belief.after(event, case.rules, accepts=lambda o: o.reply is Reply.REFUSED, until=at)
    if not isinstance(after, Conflict):
        j.become(belief=after)
        j.fits(what, "accepted, or refused", said(answer))
    elif _namesakes(case, terms):
        j.note(f"{CLIENT_ID_AGAIN}: it is refused")  # whether an id may come again is the venue's choice
    elif _may_meet_a_cancelled(case, order):
        met = [other for other in facing(case, order) if case.orders[other].cancelled]
        kind = "a post-only order is refused at the price of a cancelled order"
        predicted = f"accepted: nothing but {', '.join(met)} stood there, cancelled"
        j.breaks(what, predicted, said(answer), causes.STAYS_CLOSED, kind=kind)
    elif _was_released(case, order):
        asset, needed = lock_of(order, case.rules)
        locked = case.belief.locked(terms.account, case.rules).get(asset)
        predicted = f"accepted: {needed} {asset} were released before (now locked: {locked or 0})"
        j.breaks(what, predicted, said(answer), causes.USABLE, kind="released funds are not usable")
    elif len(case.live(terms.account)) >= MANY:  # may: how many orders may be open is the venue's
        j.note(f"an order was refused while {MANY} or more were open")
    else:  # may: which orders a venue takes is its own affair, but for what a cancel released or left in the book
        text = answer.exchange.response_body[:160]
        j.cannot_judge(f"placing {event.order} was refused: {said(answer)}: {text}")


def _may_meet_a_cancelled(case: Case, order: OrderState) -> bool:
    """Whether a post-only order meets cancelled orders alone, and one that meets nothing was taken before (CXL-03)."""
    met, terms = facing(case, order), order.terms
    taken = any(
        other.terms.post_only and (other.terms.account, other.terms.market) == (terms.account, terms.market)
        for other in case.orders.values()
    )
    over = all({state.status for state in case.states(other)} <= {Status.CANCELED} for other in met)
    return terms.post_only and taken and over and any(case.orders[other].cancelled for other in met)


def _was_released(case: Case, order: OrderState) -> bool:
    """Whether the account has what an order needs, and has it only since an order of it was cancelled (FND-07)."""
    account = order.terms.account
    asset, needed = lock_of(order, case.rules)
    lowest = case.lowest.get((account, asset))
    released = any(other.cancelled and other.terms.account == account for other in case.orders.values())
    fees = 1 + case.rules.highest_fee(order.terms.market)  # a venue may want to see them paid, too
    return (
        released
        and lowest is not None
        and needed.exact
        and lowest < needed.low
        and needed.low * fees <= surely_available(case, account, asset)
    )


def _exercise_usable(j: Judgement, order: OrderState) -> None:
    asset, needed = lock_of(order, j.case.rules)
    lowest = j.case.lowest.get((order.terms.account, asset))
    if lowest is not None and needed.exact and needed.low > lowest:
        j.exercise(causes.USABLE)


def judge_id(j: Judgement, order_id: str) -> None:
    """NTF-05: ids are UUID v7, and their time part does not go backwards by more than the clock tolerance."""
    profile, known, what = j.case.profile, j.case.known, "a new order id"
    if profile.relaxations.order_id_form == "opaque":
        return
    compact = order_id.replace("-", "")
    well_formed = len(compact) == 32 and all(c in "0123456789abcdefABCDEF" for c in compact)
    if not well_formed or compact[12] != "7" or compact[16] not in "89abAB":
        kind = "an order id is not a UUID v7"
        j.breaks(what, "a UUID v7 (RFC 9562)", order_id, causes.IDS_IN_ORDER, kind=kind, ends=False)
        return
    milliseconds = int(compact[:12], 16)
    if milliseconds < known.last_id_time - profile.timing.clock_tolerance * 1000:
        kind = "the time part of an order id goes backwards"
        least = f"a time part of at least {known.last_id_time} ms"
        j.breaks(what, least, f"{milliseconds} ms", causes.IDS_IN_ORDER, kind=kind, ends=False)
        return
    j.learn(replace(known, last_id_time=max(known.last_id_time, milliseconds)))
    j.exercise(causes.IDS_IN_ORDER)


def _put_crossing(j: Judgement, name: str, met: Iterable[str]) -> None:
    """What an incoming order puts on the orders that it meets, and on itself."""
    for other in met:
        refused = sorted(j.case.after_refusals.get(other, ()), key=lambda cause: cause.why)
        for cause in (*refused, *_crossed(j.case, other)):
            for member in (other, name):
                j.put_with_owner(cause, member)


def _crossed(case: Case, name: str) -> tuple[Cause, ...]:
    """What an opposite order puts on an order that it meets."""
    order, statuses = case.orders[name], {state.status for state in case.states(name)}
    if statuses <= {Status.CANCELED} and order.cancelled:
        return (causes.CROSSED_AFTER_CANCEL,)
    if order.seen_pending:
        return (causes.FILLED_WHILE_PENDING,)
    if price_level(order.terms) in case.cancelled_prices and not order.cancelled:
        return (causes.QUEUE, causes.FILLED)
    return (causes.FILLED,)


def approached(j: Judgement, seen: Approached) -> None:
    """An event that is no cancel reaches an order."""
    j.become(belief=j.case.belief.by_now(seen.at, j.case.rules))
    j.reach_cell(seen.order, seen.event)


def judge_driven(j: Judgement, seen: Driven) -> None:
    """A control request executed an order, or moved its deadline; a lost answer leaves both possible."""
    event, answer = seen.event, seen.answer

    def accepts(outcome: Outcome) -> bool:
        if not isinstance(event, Execute) or answer is None:
            return True
        return means(answer, Reply.ACCEPTED) is (outcome.reply is Reply.ACCEPTED)

    after = j.case.belief.after(event, j.case.rules, accepts=accepts, until=seen.at, lost=answer is None)
    if isinstance(after, Conflict):
        assert isinstance(event, Execute)  # moving a deadline is always possible
        # may: the driver is the sandbox's own; whether the order can be met is asked with a crossing order elsewhere
        j.cannot_judge(f"the fill driver answered {said(answer) if answer else 'nothing'} for {event.order}")
        return
    j.become(belief=after)
    if isinstance(event, Execute):
        _put_crossing(j, event.order, [event.order])


def overdue(j: Judgement, seen: Overdue) -> None:
    """A late expiry is told, not judged: when an order expires, no requirement on cancels says."""
    j.note("an order was still active after its deadline")


def released(j: Judgement, seen: Released) -> None:
    """The market orders of a market were let go; they may have met whatever rests there."""
    case, event = j.case, seen.event
    resting = [
        name for name in case.live() if name not in seen.executing and case.orders[name].terms.market == event.market
    ]
    after = case.belief.after(event, case.rules, accepts=lambda _: True, until=seen.at)
    assert not isinstance(after, Conflict)  # a release is always possible
    j.become(belief=after)
    for name in seen.executing:
        j.put_with_owner(causes.FILLED, name)
    cancelled = {name: _cancelled_meanwhile(case, name) for name in seen.executing}
    for name, others in cancelled.items():
        _put_crossing(j, name, others)
    for name in resting:
        j.put(causes.FILLED, order=name)
        if any(cancelled.values()):  # what it did not trade, a cancelled order may have
            j.put(causes.CROSSED_AFTER_CANCEL, order=name)


def _cancelled_meanwhile(case: Case, name: str) -> list[str]:
    """The orders that a market order could meet when it came, and that were cancelled while it was held (CXL-04)."""
    met = {other for state in case.states(name) for other in facing(case, state)}
    return [other for other in case.orders if other in met and causes.CROSSED_AFTER_CANCEL in _crossed(case, other)]


def learn_lock(j: Judgement, seen: LockSeen) -> None:
    """Lock model ``observed`` and executing market orders: the difference at placing is what the order locks."""
    state = j.case.belief.state(seen.order)
    if state is None:
        return
    asset, _ = lock_of(state, j.case.rules)
    difference = _difference(seen.before.get(asset), seen.after.get(asset))
    if difference is not None and difference >= 0:
        j.become(belief=j.case.belief.having_learned_lock(seen.order, difference))


def _difference(then: BalanceView | None, now: BalanceView | None) -> Decimal | None:
    if then is None or now is None:
        return None
    if now.locked is not None and then.locked is not None:
        return now.locked - then.locked
    if now.available is not None and then.available is not None:
        return then.available - now.available
    return None
