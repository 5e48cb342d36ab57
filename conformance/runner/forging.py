"""Executing and judging forged requests: refused as they must be, without effect (SIG, NTF, ERR, ALL-07)."""

from dataclasses import replace

from conformance.errors import UserError
from conformance.model import events
from conformance.model.worlds import Conflict
from conformance.plans import Forge
from conformance.requirements import Capability
from conformance.runner import attribution as rules_of
from conformance.runner import cancels, lists, observing
from conformance.runner.arrival import reach_the_book
from conformance.runner.cancels import said
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.disclosure import compare_unauthenticated
from conformance.runner.expectations import accepted, expectation_of, fits, in_words, outcome, refused
from fixtures.attacks.files import attack_from_json
from fixtures.attacks.forge import ForgedRequest
from fixtures.attacks.steps import NotApplicable
from fixtures.attacks.vectors import Attack, Expectation, VectorError
from fixtures.venue.answers import Answer, AnswerClass, Cancelled, Unknown
from fixtures.venue.request import PreparedRequest

BADLY_NAMED = frozenset({Expectation.MALFORMED, Expectation.NOT_FOUND_OR_MALFORMED})
"""What is refused for its id. Which fault is named first is open where the signature may not fit what was decoded."""

READS = frozenset({"read", "list", "balances"})
"""Operations that change nothing: a forged one that is accepted has told something, and done nothing."""


def forge(run: RunningPlan, action: Forge) -> None:
    """Send one forged request, judge its answer, and see that it had no effect."""
    attack = _attack_of(action)
    if getattr(run.venue.profile.operations, action.operation) is None:
        return  # the target has no such operation
    if action.order is not None and action.order not in run.tracker.orders:
        return  # its placing was refused or cut out of the plan
    if attack.expect is Expectation.SAME_OR_REFUSED and action.operation == "cancel":
        _other_spelling(run, action, attack)
        return
    if attack.expect is Expectation.ACCEPTED and action.operation == "cancel" and action.order is not None:
        _control_cancel(run, action, attack)
        return
    client_id = run.venue.desk.next_client_id() if action.operation == "place" else None
    forged = _forged(run, action, attack, client_id)
    if forged is None:
        return
    if client_id is not None:
        answer = _placing(run, action, attack, forged, client_id)
    else:
        answer = _sent(run, action, attack, forged)
    _judge(run, action, attack, forged, answer)


def _attack_of(action: Forge) -> Attack:
    try:
        return attack_from_json({"vectors": list(action.vectors), "values": [list(value) for value in action.values]})
    except VectorError as error:
        raise UserError(f"The plan forges a request that this version does not know: {error}") from error


def _forged(run: RunningPlan, action: Forge, attack: Attack, client_id: str | None = None) -> ForgedRequest | None:
    """The forged request; ``None`` where this target gives no way to make it, or it would be a correct one."""
    venue, orders = run.venue, run.tracker.orders
    order_id = orders[action.order].order_id if action.order is not None else _unknown_id(run, action.order_id)
    try:
        request = _correct(run, action, order_id, client_id)
        other = _other(run, action, request, client_id)
        forged = run.memory.workbench.forge(
            venue,
            attack,
            request,
            order_id=order_id if request.operation in ("cancel", "read") else None,
            other=other,
            known_ids=frozenset(order.order_id for order in orders.values()),
        )
    except NotApplicable:
        return None
    return None if _is_another_operation(run, forged.request, action.operation) else forged


def _unknown_id(run: RunningPlan, order_id: str | None) -> str | None:
    known = run.venue.profile.order.unknown_ids
    return known[sum(order_id.encode()) % len(known)] if known and order_id is not None else order_id


def _correct(run: RunningPlan, action: Forge, order_id: str | None, client_id: str | None) -> PreparedRequest:
    venue = run.venue
    if action.operation != "place":
        return venue.prepare(action.account, action.operation, order_id=order_id, market=_market(run, action.order))
    if action.order is None:
        raise NotApplicable("a forged placing repeats the terms of an order of the plan")
    terms = run.tracker.orders[action.order].terms
    return venue.prepare(action.account, "place", terms=replace(terms, account=action.account, client_id=client_id))


def _market(run: RunningPlan, name: str | None) -> str | None:
    return None if name is None else run.tracker.orders[name].terms.market


def _other(run: RunningPlan, action: Forge, request: PreparedRequest, client_id: str | None) -> PreparedRequest | None:
    """A correct request of the same operation that says something else: another order, other terms."""
    if request.operation == "place" and action.order is not None:
        terms = run.tracker.orders[action.order].terms
        twice = replace(terms, account=action.account, quantity=2 * terms.quantity, client_id=client_id)
        return run.venue.prepare(action.account, "place", terms=twice)
    if request.operation not in ("cancel", "read", "cancel_all"):
        return None
    operation = "cancel" if request.operation == "cancel_all" else request.operation
    for name, order in run.tracker.orders.items():
        if name != action.order and order.terms.account == action.account:
            return run.venue.prepare(action.account, operation, order_id=order.order_id, market=order.terms.market)
    return None


def _is_another_operation(run: RunningPlan, request: PreparedRequest, operation: str) -> bool:
    """Whether the profile has an operation of this method and path: in some dialects GET reads where DELETE cancels."""
    operations = run.venue.profile.operations
    mine = getattr(operations, operation)
    if request.method == mine.method:
        return False
    method = "GET" if request.method == "HEAD" else request.method
    named = (getattr(operations, name) for name in type(operations).model_fields if name != operation)
    return any(one is not None and one.method == method and one.path == mine.path for one in named)


def _reads_as_an_id(run: RunningPlan, request: PreparedRequest) -> bool:
    """Whether another operation takes the last part of this path for an order's id, and may refuse it as one.

    ``GET /orders/cancel-all`` is no method too many where ``GET /orders/{order_id}`` reads an order.
    """
    operations = run.venue.profile.operations
    method = "GET" if request.method == "HEAD" else request.method
    return any(
        one is not None and one.method == method and one.may_name(request.target)
        for one in (getattr(operations, name) for name in type(operations).model_fields)
    )


def _is_encoded(request: PreparedRequest) -> bool:
    """Whether a server that decodes the path before it verifies it sees another one than was signed."""
    path = request.target.partition("?")[0]
    return "%" in path or not path.isascii()


def _is_unauthenticated(answer: Answer | Unknown) -> bool:
    return not isinstance(answer, Unknown) and answer.is_(AnswerClass.UNAUTHENTICATED)


def _sent(run: RunningPlan, action: Forge, attack: Attack, forged: ForgedRequest) -> Answer | Unknown:
    """Send it, count it, and judge what holds for every answer."""
    venue, request = run.venue, forged.request
    run.result.attacks[f"{action.operation.replace('_', '-')} {attack.name}"] += 1
    if forged.raw:
        answer = venue.send_raw(
            request.wire(venue.host), account=request.account, operation=request.operation, hostile=True
        )
    else:
        answer = venue.send(request, hostile=True)
    run.took(answer, attack=attack, ids=_ids(action, attack))
    return answer


def _placing(
    run: RunningPlan, action: Forge, attack: Attack, forged: ForgedRequest, client_id: str
) -> Answer | Unknown:
    """Send a forged placing; an order that it leaves is in the journal, and cancelled at once."""
    venue = run.venue
    assert action.order is not None
    market = run.tracker.orders[action.order].terms.market
    venue.desk.journal.intent(venue.account_keys[action.account].name, market, client_id)
    answer = _sent(run, action, attack, forged)
    placed = venue.placed(answer, client_id)
    if placed.order_id is not None:
        terms = run.tracker.orders[action.order].terms
        reach_the_book(run, replace(terms, account=action.account), placed.order_id)
        venue.cancel(action.account, placed.order_id)
        venue.order(action.account, placed.order_id)
    return answer


def _ids(action: Forge, attack: Attack) -> tuple[str, ...]:
    """The requirements that a wrong answer to this attack breaks; those of SIG hold for cancel-all by ALL-07."""
    if action.operation != "cancel_all":
        return attack.requirements
    return tuple(dict.fromkeys("ALL-07" if name.startswith("SIG-") else name for name in attack.requirements))


def _judge(run: RunningPlan, action: Forge, attack: Attack, forged: ForgedRequest, answer: Answer | Unknown) -> None:
    what, ids = _what(action, attack), _ids(action, attack)
    expect = expectation_of(attack, run.venue.profile)
    if expect is Expectation.WRONG_METHOD and _reads_as_an_id(run, forged.request):
        expect = Expectation.REFUSED
    if expect in BADLY_NAMED and _is_encoded(forged.request) and _is_unauthenticated(answer):
        expect = Expectation.REFUSED
    if isinstance(answer, Unknown):
        _unanswered(run, action, attack, answer)
        _no_effect_may_follow(run, action, ids)
        return
    if run.broken:
        return
    if answer.is_(AnswerClass.THROTTLED):
        raise PlanAbandonedError(f"{action.operation} was throttled beyond the profile's allowance")
    if fits(expect, answer, attack):
        run.tracker.fits(what, in_words(expect), said(answer), () if expect is Expectation.UNJUDGED else ids)
        if accepted(answer):
            _accepted(run, action, attack, expect)
        else:
            _no_effect_may_follow(run, action, ids)
            if expect is Expectation.UNAUTHENTICATED:
                compare_unauthenticated(run, action, attack, forged, answer)
        return
    if expect is Expectation.UNAUTHENTICATED and refused(answer, attack) and (action.order or action.order_id):
        ids = (*ids, "SIG-10")  # another refusal than that of credentials tells something of the order
    run.tracker.breaks(what, in_words(expect), said(answer), ids, kind=_kind(action, attack, outcome(answer)))


def _what(action: Forge, attack: Attack) -> str:
    about = f" of {action.order}" if action.order else f" of {action.order_id}" if action.order_id else ""
    word = action.operation.replace("_", "-")
    return f"the answer to a {word}{about} with {'a flaw' if len(attack.vectors) == 1 else 'flaws'} ({attack.note})"


def _kind(action: Forge, attack: Attack, seen: str) -> str:
    classes = " and ".join(dict.fromkeys(vector.attack_class for vector in attack.vectors))
    return f"{action.operation.replace('_', '-')} with a flaw ({classes}) {seen}"


def _unanswered(run: RunningPlan, action: Forge, attack: Attack, answer: Unknown) -> None:
    """A hostile request that draws no answer is told, not judged: whoever stands before the target may drop it."""
    names = " + ".join(vector.id for vector in attack.vectors)
    run.result.notes[f"no answer to a hostile {action.operation.replace('_', '-')} ({names})"] += 1
    run.tracker.fits(_what(action, attack), "a refusal", f"no answer: {answer.reason}")
    if attack.expect is Expectation.UNJUDGED:
        _lost(run, action)


def _accepted(run: RunningPlan, action: Forge, attack: Attack, expect: Expectation) -> None:
    """What may be accepted and was: it may have done what it asked for, and is reported."""
    if expect is Expectation.UNJUDGED:
        names = " + ".join(vector.id for vector in attack.vectors)
        run.result.notes[f"accepted, which is not judged: {names}"] += 1
    _lost(run, action)


def _lost(run: RunningPlan, action: Forge) -> None:
    """Both outcomes of what the request asked for are possible from here on."""
    if action.operation in READS or action.operation == "place":
        return
    event: events.Cancel | events.CancelAll
    if action.operation == "cancel_all":
        event = events.CancelAll(account=action.account)
    elif action.order is not None:
        event = events.Cancel(order=action.order, account=action.account)
    else:
        return
    run.changed()
    tracker = run.tracker
    after = tracker.belief.after(event, run.rules, accepts=lambda _: True, until=run.until(), lost=True)
    assert not isinstance(after, Conflict)  # a lost answer conflicts with nothing
    tracker.belief = after


def _no_effect_may_follow(run: RunningPlan, action: Forge, ids: tuple[str, ...]) -> None:
    """Whatever is seen of any order or balance from here on is judged under the refusal; one list is read at once."""
    tracker = run.tracker
    rule = rules_of.everywhere("a forged request was refused", *ids)
    for name in tracker.orders:
        tracker.cause(name, rule)
    for account in run.accounts:
        tracker.cause_funds(account, rule)
    if action.operation in READS:
        return
    if run.venue.profile.timing.read_delay:
        run.changed()  # a late read would clear the causes before it can show an effect: the plan's snapshot waits
        return
    _look(run, action)


def _look(run: RunningPlan, action: Forge) -> None:
    """One cheap read that shows whether the request had an effect on the orders of the account."""
    owner = run.tracker.orders[action.order].terms.account if action.order is not None else action.account
    if Capability.LIST in run.offered:
        lists.list_orders(run, owner)
    elif action.order is not None:
        observing.read(run, action.order)


def _control_cancel(run: RunningPlan, action: Forge, attack: Attack) -> None:
    """A correct cancel in another guise: it must be accepted like any other, and do what a cancel does (SIG-01)."""
    assert action.order is not None
    tracker, order = run.tracker, run.tracker.orders[action.order]
    sure = run.surely_active(action.order)
    answers: list[Answer | Unknown] = []
    forged = _forged(run, action, attack)
    if forged is None:
        return

    def send() -> Cancelled:
        answers.append(_sent(run, action, attack, forged))
        return run.venue.cancelled(answers[0])

    cancels.cancel(run, action.order, action.account if action.account != order.terms.account else None, send)
    if not answers or isinstance(answers[0], Unknown) or action.account != order.terms.account:
        return
    answer, what = answers[0], f"the answer to a correct cancel of {action.order} ({attack.note})"
    if accepted(answer):
        tracker.fits(what, "accepted", said(answer), attack.requirements)
    elif sure:
        kind = f"a correct cancel ({attack.vectors[0].attack_class}) {outcome(answer)}"
        more = ("SIG-01",) if answer.is_(AnswerClass.UNAUTHENTICATED) else ()
        tracker.breaks(what, "accepted", said(answer), (*attack.requirements, *more), kind=kind)


def _other_spelling(run: RunningPlan, action: Forge, attack: Attack) -> None:
    """NTF-06: another spelling of an order's id is that order for read and cancel alike, or neither."""
    if action.order is None or Capability.READ not in run.offered:
        return
    tracker, order = run.tracker, run.tracker.orders[action.order]
    reading = replace(action, operation="read")
    forged = _forged(run, reading, attack)
    cancelling = _forged(run, action, attack)
    if forged is None or cancelling is None:
        return
    read = run.venue.read(_sent(run, reading, attack, forged))
    if isinstance(read.answer, Unknown) or read.answer.is_(AnswerClass.THROTTLED) or run.broken:
        return
    shown = read.view is not None and read.view.order_id == order.order_id
    what = f"a read and a cancel of {action.order} under another spelling of its id ({attack.note})"
    kind = "another spelling of an id"
    if read.view is not None and not shown:
        tracker.breaks(
            what, "the order, or a refusal", "another order", attack.requirements, kind=f"{kind} reads another order"
        )
        return
    answers: list[Answer | Unknown] = []
    sure = run.surely_active(action.order)

    def send() -> Cancelled:
        answers.append(_sent(run, action, attack, cancelling))
        return run.venue.cancelled(answers[0])

    rule = rules_of.everywhere("it was cancelled under another spelling of its id", *attack.requirements)
    if shown:
        cancels.cancel(run, action.order, None, send)
    else:
        send()
    answer = answers[0]
    if isinstance(answer, Unknown):
        _unanswered(run, action, attack, answer)
        _lost(run, action)
        return
    done = accepted(answer)
    told = f"read: {said(read.answer)}; cancel: {said(answer)}"
    if run.broken and not shown:
        return
    if shown and not sure and not run.result.ended and answer.is_(AnswerClass.CANNOT_CANCEL):
        tracker.fits(what, "the order for both, or a 4xx for both", told, attack.requirements)
        return  # the cancel reached the order, which may have ended
    if shown != done or not (shown or _refused(read.answer)) or not (done or _refused(answer)):
        both = f"{'shows' if shown else 'hides'} the order to a read, cancel {outcome(answer)}"
        tracker.breaks(what, "the order for both, or a 4xx for both", told, attack.requirements, kind=f"{kind} {both}")
        return
    tracker.fits(what, "the order for both, or a 4xx for both", told, attack.requirements)
    if done:
        tracker.cause(action.order, rule)
        tracker.cause_funds(order.terms.account, rule, action.order)
        _look(run, action)
    else:
        _no_effect_may_follow(run, action, attack.requirements)


def _refused(answer: Answer) -> bool:
    return 400 <= answer.status < 500
