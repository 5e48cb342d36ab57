"""Answers to cancels: of an order, another account's, an unknown one (CXL, TRM, PND-05, NTF-01..03).

The rows of the model's table say what may be answered; what an accepted or refused cancel puts on the orders that later
reads show is said here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from conformance.judging import causes
from conformance.judging.arrival import may_be_on_its_way
from conformance.judging.case import PriceLevel
from conformance.judging.causes import Cause
from conformance.judging.expectations import is_refusal
from conformance.judging.judgement import Judgement
from conformance.judging.reads import unknown_word
from conformance.judging.replies import classes_of, means, reply_of, said
from conformance.judging.sameness import (
    UNKNOWN_ORDER,
    judge_same_as_unknown,
    judge_same_refusal,
    remember,
    whole_fingerprint,
)
from conformance.judging.seen import Cancelling, CancellingUnknown, MayHaveHappened
from conformance.model.events import Cancel
from conformance.model.lifecycle import CANCEL, NotOwn, OrderState, Reply, Step, cancel_steps
from conformance.model.order import Status, Terms
from conformance.model.prediction import Outcome
from conformance.model.worlds import Belief, Conflict
from conformance.trace import Timing
from fixtures.venue.answers import Answer, AnswerClass, Cancelled


def judge_cancel(j: Judgement, seen: Cancelling) -> None:
    """Judge the answer to a cancel of an order of the plan, by its owner or by another account."""
    name, result, answer = seen.order, seen.result, seen.result.answer
    j.become(belief=j.case.belief.by_now(seen.asked, j.case.rules))
    met = _met(j, seen)
    again = " again" if j.case.orders[name].cancelled else ""
    j.reach_cell(name, "cancel by another account" if met.foreign else f"cancel{again}")
    if result.word is not None and result.status is None:
        j.cannot_judge(unknown_word(result.word, met.what))
        return
    heard = answer if isinstance(answer, Answer) else None
    after = _possible_after(j, seen, heard)
    predicted = _predicted(j, met.before, foreign=met.foreign)
    if isinstance(after, Conflict):
        assert heard is not None  # a lost answer conflicts with nothing
        _break_answer(j, seen, heard, after, met)
        return
    j.become(belief=after)
    if heard is None:
        j.fits(met.what, predicted, "no answer: both outcomes stay possible")
        spread_cancel(j, name, causes.CANCELLED_UNPINNED)
        return
    j.fits(met.what, predicted, said(heard), _exercised(j, met, heard))
    _after(j, seen, heard, met)


def _after(j: Judgement, seen: Cancelling, answer: Answer, met: "_Met") -> None:
    """What an answer that fits puts on later reads."""
    if met.foreign:
        _after_foreign(j, seen, answer)
    elif means(answer, Reply.ACCEPTED):
        _after_acceptance(j, seen, answer, met)
    else:
        _after_refusal(j, seen, answer, met)


def _possible_after(j: Judgement, seen: Cancelling, answer: Answer | None) -> Belief | Conflict:
    return j.case.belief.after(
        Cancel(order=seen.order, account=seen.account),
        j.case.rules,
        accepts=explains(seen.order, answer, seen.result),
        until=seen.at,
        lost=answer is None,
    )


def _met(j: Judgement, seen: Cancelling) -> "_Met":
    order, before = j.case.orders[seen.order], j.case.states(seen.order)
    foreign = seen.account != order.terms.account
    return _Met(
        what=f"the answer to the cancel of {seen.order}" + (f" by {seen.account}" if foreign else ""),
        before=before,
        known=j.case.status(seen.order),
        foreign=foreign,
        pending=order.seen_pending and any(state.status is Status.PENDING_CANCEL for state in before),
    )


def _exercised(j: Judgement, met: "_Met", answer: Answer) -> tuple[str, ...]:
    """The requirements that the answer alone exercises: an accepted cancel is still to be seen done.

    None where only what the target is known to do wrong explains it.
    """
    pinned = len({state.status for state in met.before}) == 1
    steps: tuple[Step, ...] = ()
    if met.foreign:
        steps = CANCEL[NotOwn.FOREIGN]
    elif met.pending:
        steps = CANCEL[Status.PENDING_CANCEL]
    elif pinned and not means(answer, Reply.ACCEPTED):
        steps = tuple(step for state in met.before for step in cancel_steps(state, j.case.rules))
    return rows_of(steps) if any(means(answer, step.reply) for step in steps) else ()


def explains(name: str, answer: Answer | None, result: Cancelled) -> Callable[[Outcome], bool]:
    """Which outcomes of a cancel its answer recognises; one that tells the order's new status tells them apart."""

    def recognises(outcome: Outcome) -> bool:
        if answer is None or not means(answer, outcome.reply):
            return False
        if result.status is None or outcome.reply is not Reply.ACCEPTED:
            return True
        now = next(state.status for state in outcome.world if state.name == name)
        return now is result.status or (now is Status.PENDING_CANCEL and result.status is Status.CANCELED)

    return recognises


def rows_of(steps: Iterable[Step]) -> tuple[str, ...]:
    """The requirements of rows of a transition table, each once."""
    return tuple(dict.fromkeys(step.requirement for step in steps))


def _predicted(j: Judgement, before: tuple[OrderState, ...], *, foreign: bool) -> str:
    if foreign:
        return Reply.NOT_FOUND
    return " or ".join(sorted({step.reply for state in before for step in cancel_steps(state, j.case.rules)}))


def statuses_in_words(states: tuple[OrderState, ...]) -> str:
    """The statuses that an order may have, in words."""
    return "/".join(sorted({state.status for state in states}))


def _break_answer(j: Judgement, seen: Cancelling, answer: Answer, conflict: Conflict, met: "_Met") -> None:
    """No row of the table has this answer."""
    if not met.foreign:
        if answer.is_(AnswerClass.CANNOT_CANCEL) and may_be_on_its_way(j, seen.order, seen.looked):
            return
        if is_refusal(answer):
            judge_same_refusal(j, met.before, answer)
    statuses = statuses_in_words(met.before)
    owner = "another account's " if met.foreign else ""
    j.breaks(
        met.what,
        f"{_predicted(j, met.before, foreign=met.foreign)} (the order is {statuses})",
        said(answer) + (f", saying {seen.result.status}" if seen.result.status else ""),
        rows_of(CANCEL[Status.PENDING_CANCEL]) if met.pending else conflict.requirements,
        kind=f"cancel of {owner}{statuses} answered {classes_of(answer) or answer.status}",
        also=causes.FOREIGN_AS_UNKNOWN if met.foreign else (),
        ends=False,
    )
    _go_on(j, seen, answer, met)


def _go_on(j: Judgement, seen: Cancelling, answer: Answer, met: "_Met") -> None:
    """The plan goes on: what a cancel was answered so may have done is judged by what is seen next.

    A reply that the table does have was not wrong itself: what it told of the order was, and is not to be trusted.
    """
    known = j.case.rules.deviations
    if met.foreign:
        known = known.answering(NotOwn.FOREIGN, reply_of(answer))
    elif not any(means(answer, step.reply) for state in met.before for step in cancel_steps(state, j.case.rules)):
        for state in met.before:
            known = known.answering(state.status, reply_of(answer))
    j.establish(known)
    after = _possible_after(j, replace(seen, result=replace(seen.result, status=None)), answer)
    if isinstance(after, Conflict):
        # may: the answer is a finding already; only what the order may be now is not known
        j.cannot_judge(f"{met.what} is none that the model has a word for")
        return
    j.become(belief=after)
    if means(answer, Reply.ACCEPTED):
        j.change(seen.order, cancelled=True)
        j.put_with_owner(causes.ACCEPTED_WRONGLY, seen.order)
    elif met.foreign:
        _after_foreign(j, seen, answer)
    else:
        j.put_with_owner(causes.REFUSED, seen.order)


def _after_acceptance(j: Judgement, seen: Cancelling, answer: Answer, met: "_Met") -> None:
    order = j.case.orders[seen.order]
    allowed, status = j.case.profile.operations.cancel.statuses, seen.result.status
    if status is not None and status not in allowed:
        j.breaks(
            met.what,
            f"accepted, and {' or '.join(allowed)}",
            f"accepted, and {status}",
            causes.ANSWER_AGREES,
            kind=f"an accepted cancel answers {status}",
            ends=False,
        )
    j.change(seen.order, cancelled=True, cancelled_at=answer.exchange.ended)
    j.measure(Timing(answer=answer.exchange.seconds))
    j.become(cancelled_prices=j.case.cancelled_prices | {price_level(order.terms)})
    spread_cancel(j, seen.order, causes.SECOND_WHILE_PENDING if met.pending else _CAUSES.get(met.known, _UNPINNED))


_UNPINNED = causes.CANCELLED_UNPINNED

_CAUSES: Mapping[Status | None, Cause] = {
    Status.OPEN: causes.CANCELLED_OPEN,
    Status.PARTIALLY_FILLED: causes.CANCELLED_PARTIAL,
    Status.PENDING_CANCEL: causes.SECOND_WHILE_PENDING,
}
"""What an accepted cancel puts on an order, by the status that it surely had; any other: unpinned."""


def price_level(terms: Terms) -> PriceLevel:
    """The price level at which an order queues."""
    return (terms.market, terms.side, terms.price)


def spread_cancel(j: Judgement, name: str, cause: Cause) -> None:
    """A cancel was accepted: what it puts on its order, its account, and on everything that it must not touch."""
    owner = j.case.orders[name].terms.account
    j.put(cause, order=name, account=owner)
    for other in j.case.live():
        if other != name:
            same = j.case.orders[other].terms.account == owner
            j.put(causes.SIBLING if same else causes.OTHER_ACCOUNT, order=other)
    for account in j.case.accounts:
        if account != owner:
            j.put_on_funds(causes.OTHER_ACCOUNT, account, name)


def _after_refusal(j: Judgement, seen: Cancelling, answer: Answer, met: "_Met") -> None:
    j.put_with_owner(causes.SECOND_WHILE_PENDING if met.pending else causes.REFUSED, seen.order)
    for other in j.case.live():
        if other != seen.order:
            j.put(causes.REFUSED_ELSEWHERE, order=other)
            _expect_after_refusal(j, other, causes.CROSSED_AFTER_REFUSAL)
    judge_same_refusal(j, met.before, answer)


def _after_foreign(j: Judgement, seen: Cancelling, answer: Answer) -> None:
    _expect_after_refusal(j, seen.order, causes.CROSSED_AFTER_FOREIGN)
    j.put_with_owner(causes.FOREIGN, seen.order)
    j.put_on_funds(causes.FOREIGN, seen.account, seen.order)
    taken = (NotOwn.FOREIGN, Reply.ACCEPTED) in j.case.rules.deviations.answers
    # whoever takes foreign cancels answers them as an owner's; of an error of the server ERR-01 speaks
    if means(answer, Reply.DENIED) and not taken:
        judge_same_as_unknown(j, seen, answer)


def _expect_after_refusal(j: Judgement, name: str, cause: Cause) -> None:
    """An opposite order that meets it later must find it in the book."""
    after = j.case.after_refusals
    j.become(after_refusals={**after, name: after.get(name, frozenset()) | {cause}})


def judge_unknown_cancel(j: Judgement, seen: CancellingUnknown) -> None:
    """Judge the answer to a cancel of an id that names no order (NTF-01)."""
    answer, what = seen.answer, "the answer to the cancel of an unknown order"
    event = Cancel(order=seen.order_id, account=seen.account)
    after = j.case.belief.after(event, j.case.rules, accepts=lambda o: means(answer, o.reply), until=seen.at)
    if isinstance(after, Conflict):
        kind = f"cancel of an unknown order answered {classes_of(answer) or answer.status}"
        j.breaks(what, " or ".join(after.allowed), said(answer), after.requirements, kind=kind, ends=False)
        return
    j.fits(what, Reply.NOT_FOUND, said(answer), rows_of(CANCEL[NotOwn.UNKNOWN]))
    if UNKNOWN_ORDER not in j.case.known.fingerprints:
        remember(j, UNKNOWN_ORDER, whole_fingerprint(answer, seen.order_id))
        j.learn(replace(j.case.known, unknown_id=seen.order_id))
    for name in j.case.live():
        j.put(causes.UNKNOWN_ID, order=name)
    j.put_on_funds(causes.UNKNOWN_ID, seen.account)


def may_have_happened(j: Judgement, seen: MayHaveHappened) -> None:
    """From here on it is possible that the requests were carried out, and that they were not."""
    for event in seen.events:
        after = j.case.belief.after(event, j.case.rules, accepts=lambda _: True, until=seen.at, lost=True)
        assert not isinstance(after, Conflict)  # a lost answer conflicts with nothing
        j.become(belief=after)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Met:
    """What a cancel met: the states that its order may have been in, the sure one; who asked; pending already."""

    what: str
    before: tuple[OrderState, ...]
    known: Status | None
    foreign: bool
    pending: bool
