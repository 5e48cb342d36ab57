"""Executing and judging cancels of one order, an unknown or foreign one among them (CXL, TRM, NTF)."""

import time
from collections.abc import Callable

from conformance.model.events import Cancel
from conformance.model.lifecycle import OrderState, Reply, cancel_steps
from conformance.model.order import Status
from conformance.model.prediction import Outcome
from conformance.model.worlds import Conflict
from conformance.runner import attribution as rules_of
from conformance.runner.arrival import may_be_on_its_way
from conformance.runner.attribution import Rule
from conformance.runner.context import RunningPlan
from conformance.runner.memory import refusal_fingerprint, whole_fingerprint
from conformance.runner.tracker import unknown_word
from conformance.trace import Timing
from fixtures.venue.answers import Answer, AnswerClass, Cancelled

_CLASSES = {
    Reply.ACCEPTED: (AnswerClass.ACCEPTED, AnswerClass.PENDING),
    Reply.CANNOT_CANCEL: (AnswerClass.CANNOT_CANCEL,),
    Reply.NOT_FOUND: (AnswerClass.NOT_FOUND,),
    Reply.REFUSED: (AnswerClass.REJECTED, AnswerClass.CANNOT_CANCEL, AnswerClass.MALFORMED),
}


def means(answer: Answer, reply: Reply) -> bool:
    """Whether an answer can be the model's reply."""
    return any(answer.is_(answer_class) for answer_class in _CLASSES[reply])


def said(answer: Answer) -> str:
    """An answer in a few words."""
    words = "/".join(sorted(answer.classes)) or "unexpected"
    return f"HTTP {answer.status}" + (f" code {answer.code}" if answer.code else "") + f" ({words})"


def cancel(run: RunningPlan, name: str, account: str | None, send: Callable[[], Cancelled] | None = None) -> None:
    """Cancel one order as ``account`` (its owner where ``None``), or as ``send`` does it, and judge the answer."""
    tracker = run.tracker
    order = tracker.orders.get(name)
    if order is None:
        return  # its placing was refused or cut out of the plan
    caller = account or order.terms.account
    tracker.belief = tracker.belief.by_now(run.until(), run.rules)
    before, known = tracker.belief.states(name), tracker.status(name)
    foreign = caller != order.terms.account
    pending = order.seen_pending and any(state.status is Status.PENDING_CANCEL for state in before)
    tracker.cell(name, "cancel by another account" if foreign else "cancel again" if order.cancelled else "cancel")
    result = run.venue.cancel(caller, order.order_id) if send is None else send()
    run.changed()
    answer = run.understood(result.answer)
    if send is None:
        run.heard(f"a cancel of {_told(before)}" + (" by another account" if foreign else ""), result.answer)
    if result.word is not None and result.status is None:
        run.result.trouble = unknown_word(result.word, f"the answer to the cancel of {name}")
        return
    event = Cancel(order=name, account=caller)
    after = tracker.belief.after(
        event, run.rules, accepts=explains(name, answer, result), until=run.until(), lost=answer is None
    )
    what = f"the answer to the cancel of {name}" + (f" by {caller}" if foreign else "")
    expected = sorted({f"{step.reply}" for state in before for step in cancel_steps(state, run.rules)})
    if foreign:
        expected = [Reply.NOT_FOUND]
    if foreign and answer is not None:
        _judge_foreign(run, name, caller, answer, what, before, result)
        return
    if isinstance(after, Conflict):
        assert answer is not None  # a lost answer conflicts with nothing
        if answer.is_(AnswerClass.CANNOT_CANCEL) and may_be_on_its_way(run, name):
            return
        if 400 <= answer.status < 500:
            _judge_sameness(run, before, answer)
        ids = ("PND-05",) if pending else _rows(before, run)
        _break_answer(run, what, expected, answer, ids, before, result, foreign=False)
        return
    tracker.belief = after
    if answer is None:
        tracker.fits(what, " or ".join(expected), "no answer: both outcomes stay possible")
        _spread(run, name, rules_of.CANCELLED_UNPINNED)
        return
    accepted = means(answer, Reply.ACCEPTED)
    pinned = len({state.status for state in before}) == 1
    ids = ("PND-05",) if pending else _rows(before, run) if pinned and not accepted else ()
    tracker.fits(what, " or ".join(expected), said(answer), ids)
    if accepted:
        _judge_status(run, name, result)
        order.cancelled = True
        order.cancelled_at = time.monotonic()
        run.result.timings.append(Timing(answer=answer.exchange.seconds))
        run.cancelled_prices.add((order.terms.market, order.terms.side, order.terms.price))
        _spread(run, name, rules_of.SECOND_WHILE_PENDING if pending else _rule_of(known))
    else:
        _after_refusal(run, name, before, answer, pending=pending)


def _judge_status(run: RunningPlan, name: str, result: Cancelled) -> None:
    """CXL-06: an accepted cancel answers a status that the profile says it may answer, where it answers one."""
    allowed = run.venue.profile.operations.cancel.statuses
    if result.status is not None and result.status not in allowed:
        run.tracker.breaks(
            f"the answer to the cancel of {name}",
            f"accepted, and {' or '.join(allowed)}",
            f"accepted, and {result.status}",
            ("CXL-06",),
            kind=f"an accepted cancel answers {result.status}",
        )


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


def _told(states: tuple[OrderState, ...]) -> str:
    return "/".join(sorted({state.status for state in states}))


def _rows(before: tuple[OrderState, ...], run: RunningPlan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.requirement for s in before for step in cancel_steps(s, run.rules)))


def _break_answer(
    run: RunningPlan,
    what: str,
    expected: list[str],
    answer: Answer,
    ids: tuple[str, ...],
    before: tuple[OrderState, ...],
    result: Cancelled,
    *,
    foreign: bool,
) -> None:
    statuses = _told(before)
    seen = said(answer) + (f", saying {result.status}" if result.status else "")
    owner = "another account's " if foreign else ""
    run.tracker.breaks(
        what,
        f"{' or '.join(expected)} (the order is {statuses})",
        seen,
        ids,
        kind=f"cancel of {owner}{statuses} answered {'/'.join(sorted(answer.classes)) or answer.status}",
    )


def _rule_of(known: Status | None) -> Rule:
    match known:
        case Status.OPEN:
            return rules_of.CANCELLED_OPEN
        case Status.PARTIALLY_FILLED:
            return rules_of.CANCELLED_PARTIAL
        case Status.PENDING_CANCEL:
            return rules_of.SECOND_WHILE_PENDING
        case _:
            return rules_of.CANCELLED_UNPINNED


def _spread(run: RunningPlan, name: str, rule: Rule) -> None:
    """A cancel was accepted: what it puts on its order, its account, and on everything that it must not touch."""
    tracker = run.tracker
    owner = tracker.orders[name].terms.account
    tracker.cause(name, rule)
    tracker.cause_funds(owner, rule, name)
    for other in tracker.live():
        if other != name:
            same = tracker.orders[other].terms.account == owner
            tracker.cause(other, rules_of.SIBLING if same else rules_of.OTHER_ACCOUNT)
    for account in run.accounts:
        if account != owner:
            tracker.cause_funds(account, rules_of.OTHER_ACCOUNT, name)


def _judge_foreign(
    run: RunningPlan,
    name: str,
    caller: str,
    answer: Answer,
    what: str,
    before: tuple[OrderState, ...],
    result: Cancelled,
) -> None:
    """NTF-02: a foreign cancel is refused, in whatever words; NTF-03 asks that they be those for an unknown order."""
    if means(answer, Reply.ACCEPTED) or answer.status >= 500:
        _break_answer(run, what, [Reply.NOT_FOUND], answer, ("NTF-02",), before, result, foreign=True)
        return
    run.tracker.fits(what, Reply.NOT_FOUND, said(answer), ("NTF-02",))
    _after_foreign(run, name, caller, answer)


def _after_foreign(run: RunningPlan, name: str, caller: str, answer: Answer) -> None:
    tracker, order = run.tracker, run.tracker.orders[name]
    tracker.cause(name, rules_of.FOREIGN)
    run.after_refusals.setdefault(name, set()).add(rules_of.CROSSED_AFTER_FOREIGN)
    tracker.cause_funds(order.terms.account, rules_of.FOREIGN, name)
    tracker.cause_funds(caller, rules_of.FOREIGN, name)
    _same_as_unknown(run, caller, answer, order.order_id)


def _same_as_unknown(run: RunningPlan, caller: str, answer: Answer, order_id: str) -> None:
    """NTF-03: a foreign order and an unknown one are answered alike, but for ids and times.

    An answer that varies by itself says nothing: the unknown order is asked for again before any difference is one.
    """
    if run.venue.profile.relaxations.foreign_order_differs:
        return
    unknown = run.memory.fingerprints.get("cancel of an unknown order")
    if unknown is None and answer.is_(AnswerClass.NOT_FOUND):
        return
    unknown = unknown or "the class not-found"
    seen = whole_fingerprint(answer, order_id)
    what = "the answer to a cancel of another account's order"
    if seen == unknown:
        run.tracker.fits(what, "the answer to an unknown order", "the same", ("NTF-03",))
    elif run.memory.unknown_id and _unknown_again(run, caller) != unknown:
        run.result.notes["answers to cancels of an unknown order vary by themselves"] += 1
    else:
        run.tracker.breaks(what, unknown, seen, ("NTF-03",), kind="a foreign order is answered unlike an unknown one")


def _unknown_again(run: RunningPlan, caller: str) -> str | None:
    """How the cancel of the unknown order is answered now; ``None`` where no answer came."""
    answer = run.understood(run.venue.cancel(caller, run.memory.unknown_id).answer)
    return None if answer is None else whole_fingerprint(answer, run.memory.unknown_id)


def _after_refusal(
    run: RunningPlan, name: str, before: tuple[OrderState, ...], answer: Answer, *, pending: bool
) -> None:
    tracker, owner = run.tracker, run.tracker.orders[name].terms.account
    tracker.cause(name, rules_of.SECOND_WHILE_PENDING if pending else rules_of.REFUSED)
    tracker.cause_funds(owner, rules_of.SECOND_WHILE_PENDING if pending else rules_of.REFUSED, name)
    for other in tracker.live():
        if other != name:
            tracker.cause(other, rules_of.REFUSED_ELSEWHERE)
            run.after_refusals.setdefault(other, set()).add(rules_of.CROSSED_AFTER_REFUSAL)
    _judge_sameness(run, before, answer)


def _judge_sameness(run: RunningPlan, before: tuple[OrderState, ...], answer: Answer) -> None:
    statuses = {state.status for state in before}
    if len(statuses) == 1 and not run.venue.profile.relaxations.refusal_may_vary:
        _same_refusal(run, f"cancel of a {next(iter(statuses))} order", answer)


def _same_refusal(run: RunningPlan, question: str, answer: Answer) -> None:
    """TRM-06: the same refusal always has the same HTTP status and error code."""
    first = question not in run.memory.fingerprints
    earlier = run.memory.same_as_before(question, refusal_fingerprint(answer))
    if earlier is not None:
        run.tracker.breaks(
            f"the refusal of a {question}", earlier, refusal_fingerprint(answer), ("TRM-06",), kind="a refusal varies"
        )
    elif not first:
        run.tracker.fits(f"the refusal of a {question}", refusal_fingerprint(answer), "the same", ("TRM-06",))


def cancel_unknown(run: RunningPlan, order_id: str, account: str) -> None:
    """Cancel an id that names no order (NTF-01); where ids are no UUIDs, one of the profile's own stands for it."""
    known = run.venue.profile.order.unknown_ids
    if known:
        order_id = known[sum(order_id.encode()) % len(known)]
    result = run.venue.cancel(account, order_id)
    answer = run.understood(result.answer)
    run.heard("a cancel of an unknown order", result.answer)
    if answer is None:
        return
    tracker = run.tracker
    what = "the answer to the cancel of an unknown order"
    if not answer.is_(AnswerClass.NOT_FOUND):
        tracker.breaks(
            what,
            Reply.NOT_FOUND,
            said(answer),
            ("NTF-01",),
            kind=f"cancel of an unknown order answered {'/'.join(sorted(answer.classes)) or answer.status}",
        )
        return
    tracker.fits(what, Reply.NOT_FOUND, said(answer), ("NTF-01",))
    if "cancel of an unknown order" not in run.memory.fingerprints:
        run.memory.fingerprints["cancel of an unknown order"] = whole_fingerprint(answer, order_id)
        run.memory.unknown_id = order_id
    for name in tracker.live():
        tracker.cause(name, rules_of.UNKNOWN_ID)
    tracker.cause_funds(account, rules_of.UNKNOWN_ID)
