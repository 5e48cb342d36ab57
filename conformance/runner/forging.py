"""Sending forged requests, and plain ones that a fuzzer has found; and looking for effects that they must not have."""

import re
from dataclasses import replace
from typing import Final

from conformance.errors import UserError
from conformance.judging.attacks import READS, attack_ids
from conformance.judging.causes import WELL_FORMED_IDS
from conformance.judging.expectations import accepted, expectation_of, same_to_a_router
from conformance.judging.sameness import comparison
from conformance.judging.seen import DisguisedCancel, Forging, MayHaveHappened, Sending, SpelledOtherwise
from conformance.model.events import Cancel, CancelAll, Event
from conformance.plans import Forge, Send
from conformance.requirements import Capability
from conformance.runner import cancelling, looking
from conformance.runner.placing import reach_the_book
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import now
from fixtures.attacks.files import attack_from_json
from fixtures.attacks.forge import ForgedRequest
from fixtures.attacks.steps import NotApplicable
from fixtures.attacks.vectors import Attack, Expectation, VectorError
from fixtures.venue.answers import Answer, AnswerClass, Cancelled, OrderRead, Unknown
from fixtures.venue.request import PreparedRequest

BADLY_NAMED = frozenset({Expectation.MALFORMED, Expectation.NOT_FOUND_OR_MALFORMED})
"""What is refused for its id. Which fault is named first is open where the signature may not fit what was decoded."""

_NAME: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9._-]*)\}")


def forge(run: PlanRun, action: Forge) -> None:
    """Send one forged request, have its answer judged, and look whether it had an effect."""
    attack = _attack_of(action)
    if getattr(run.profile.operations, action.operation) is None:
        return  # the target has no such operation
    if action.order is not None and action.order not in run.case.orders:
        return  # its placing was refused or cut out of the plan
    if action.operation == "cancel" and attack.expect is Expectation.SAME_OR_REFUSED:
        _other_spelling(run, action, attack)
    elif action.operation == "cancel" and attack.expect is Expectation.ACCEPTED and action.order is not None:
        _disguised_cancel(run, action, attack)
    else:
        _refused(run, action, attack)


def _refused(run: PlanRun, action: Forge, attack: Attack) -> None:
    """Send a request that is to be refused, or whose answer is open."""
    client_id = run.venue.desk.client_ids.next() if action.operation == "place" else None
    forged = _forged(run, action, attack, client_id)
    if forged is None:
        return
    if client_id is not None:
        answer = _placing(run, action, attack, forged, client_id)
    else:
        answer = _sent(run, action, attack, forged)
    _hand_over(run, action, attack, forged, answer)


def _attack_of(action: Forge) -> Attack:
    try:
        return attack_from_json({"vectors": list(action.vectors), "values": [list(value) for value in action.values]})
    except VectorError as error:
        raise UserError(f"The plan forges a request that this version does not know: {error}") from error


def _hand_over(run: PlanRun, action: Forge, attack: Attack, forged: ForgedRequest, answer: Answer | Unknown) -> None:
    expect = _expectation(run, action, attack, forged, answer)
    seen = Forging(action=action, attack=attack, expect=expect, answer=answer)
    if isinstance(answer, Answer):
        if run.ended:
            return
        if answer.is_(AnswerClass.THROTTLED):
            run.abandon(f"{action.operation} was throttled beyond the profile's allowance")
    again = run.saw(seen)
    if again is not None:
        first = run.forged[comparison(seen)]
        seen = replace(seen, first_again=_repeat(run, attack, first), again=_repeat(run, attack, forged), compared=True)
        run.saw(seen)
    elif isinstance(answer, Answer) and expect is Expectation.UNAUTHENTICATED:
        run.forged.setdefault(comparison(seen), forged)
    if not run.ended:
        _look_for_effects(run, action, attack, answer)


def _look_for_effects(run: PlanRun, action: Forge, attack: Attack, answer: Answer | Unknown) -> None:
    """Look at what a refused request must not have touched; one that may rightly have acted leaves both possible."""
    done = isinstance(answer, Answer) and accepted(answer)
    if done or (isinstance(answer, Unknown) and attack.expect is Expectation.UNJUDGED):
        _may_have_happened(run, action)
    if not done:
        _look(run, action)


def _expectation(
    run: PlanRun, action: Forge, attack: Attack, forged: ForgedRequest, answer: Answer | Unknown
) -> Expectation:
    """What this target is held to for this request."""
    expect = expectation_of(attack, action.operation, run.profile)
    if _tells_nothing(run, forged.request, answer):
        return Expectation.UNJUDGED
    if expect is Expectation.WRONG_METHOD and _reads_as_an_id(run, forged.request):
        return Expectation.REFUSED
    if attack.requirements == WELL_FORMED_IDS and _is_rightly_routed(run, action, forged.request):
        return Expectation.UNJUDGED
    if expect in BADLY_NAMED and _is_encoded(forged.request) and _is_unauthenticated(answer):
        return Expectation.REFUSED
    return expect


def _tells_nothing(run: PlanRun, request: PreparedRequest, answer: Answer | Unknown) -> bool:
    """Whether an answer to HEAD, which has no body, may refuse in the body that GET would have had."""
    if request.method != "HEAD" or not isinstance(answer, Answer):
        return False
    return answer.status < 300 and run.profile.answers.refuses_with(answer.status)


def _repeat(run: PlanRun, attack: Attack, forged: ForgedRequest) -> Answer | Unknown:
    """The same forged request once more: an answer that varies by itself says nothing (SIG-10)."""
    answer = _send(run, forged)
    run.answered(answer, attack=attack)
    return answer


# -- making -----------------------------------------------------------------------------------------------------------


def _forged(run: PlanRun, action: Forge, attack: Attack, client_id: str | None = None) -> ForgedRequest | None:
    """The forged request; ``None`` where this target gives no way to make it, or it would be a correct one."""
    venue, orders = run.venue, run.case.orders
    try:
        order_id = orders[action.order].order_id if action.order is not None else _unknown_id(run, action.order_id)
        request = _correct(run, action, order_id, client_id)
        forged = run.memory.workbench.forge(
            venue,
            attack,
            request,
            order_id=order_id if request.operation in ("cancel", "read") else None,
            other=_other(run, action, request, client_id),
        )
    except NotApplicable:
        return None
    return None if _is_another_operation(run, forged.request, action.operation) else forged


def _unknown_id(run: PlanRun, order_id: str | None) -> str | None:
    unknown = None if order_id is None else cancelling.unknown_id(run, order_id)
    if order_id is not None and unknown is None:
        raise NotApplicable("the form of this target's order ids is not known yet")
    return unknown


def _correct(run: PlanRun, action: Forge, order_id: str | None, client_id: str | None) -> PreparedRequest:
    if action.operation != "place":
        market = run.some_market if action.order is None else run.case.orders[action.order].terms.market
        return run.venue.prepare(action.account, action.operation, order_id=order_id, market=market)
    if action.order is None:
        raise NotApplicable("a forged placing repeats the terms of an order of the plan")
    terms = replace(run.case.orders[action.order].terms, account=action.account, client_id=client_id)
    return run.venue.prepare(action.account, "place", terms=terms)


def _other(run: PlanRun, action: Forge, request: PreparedRequest, client_id: str | None) -> PreparedRequest | None:
    """A correct request of the same operation that says something else: another order, other terms."""
    if request.operation == "place" and action.order is not None:
        terms = run.case.orders[action.order].terms
        twice = replace(terms, account=action.account, quantity=2 * terms.quantity, client_id=client_id)
        return run.venue.prepare(action.account, "place", terms=twice)
    if request.operation not in ("cancel", "read", "cancel_all"):
        return None
    operation = "cancel" if request.operation == "cancel_all" else request.operation
    for name, order in run.case.orders.items():
        if name != action.order and order.terms.account == action.account:
            return run.venue.prepare(action.account, operation, order_id=order.order_id, market=order.terms.market)
    return None


def _is_another_operation(run: PlanRun, request: PreparedRequest, operation: str) -> bool:
    """Whether the profile has an operation of this method and path: in some dialects GET reads where DELETE cancels.

    HEAD is no method too many where GET is right: it asks for the same, without the body (RFC 9110, section 9.3.2).
    """
    operations = run.profile.operations
    mine = getattr(operations, operation)
    if request.method == mine.method:
        return False
    method = "GET" if request.method == "HEAD" else request.method
    if method == mine.method:
        return True
    named = (getattr(operations, name) for name in type(operations).model_fields if name != operation)
    return any(one is not None and one.method == method and one.path == mine.path for one in named)


def _reads_as_an_id(run: PlanRun, request: PreparedRequest) -> bool:
    """Whether another operation takes the last part of this path for an order's id, and may refuse it as one.

    ``GET /orders/cancel-all`` is no method too many where ``GET /orders/{order_id}`` reads an order.
    """
    method = "GET" if request.method == "HEAD" else request.method
    return run.profile.operations.may_have(method, request.target)


def _is_rightly_routed(run: PlanRun, action: Forge, request: PreparedRequest) -> bool:
    """Whether the path, ill as its id is written, leads an ordinary router to the very order that it holds."""
    order = run.case.orders.get(action.order or "")
    if order is None:
        return False
    market = order.terms.market
    correct = run.venue.prepare(action.account, action.operation, order_id=order.order_id, market=market)
    return same_to_a_router(request.target, correct.target)


def _is_encoded(request: PreparedRequest) -> bool:
    """Whether a server that decodes the path before it verifies it sees another one than was signed."""
    path = request.target.partition("?")[0]
    return "%" in path or not path.isascii()


def _is_unauthenticated(answer: Answer | Unknown) -> bool:
    return isinstance(answer, Answer) and answer.is_(AnswerClass.UNAUTHENTICATED)


# -- sending ----------------------------------------------------------------------------------------------------------


def _send(run: PlanRun, forged: ForgedRequest) -> Answer | Unknown:
    venue, request = run.venue, forged.request
    if forged.raw:
        wire = request.wire(venue.host)
        return venue.send_raw(wire, account=request.account, operation=request.operation, hostile=True)
    return venue.send(request, hostile=True)


def _sent(run: PlanRun, action: Forge, attack: Attack, forged: ForgedRequest) -> Answer | Unknown:
    answer = _send(run, forged)
    run.answered(answer, attack=attack, ids=attack_ids(action, attack))
    return answer


def _placing(run: PlanRun, action: Forge, attack: Attack, forged: ForgedRequest, client_id: str) -> Answer | Unknown:
    """Send a forged placing; an order that it leaves is in the journal, and cancelled at once."""
    venue = run.venue
    assert action.order is not None
    terms = run.case.orders[action.order].terms
    venue.desk.journal.intent(venue.account_keys[action.account].name, terms.market, client_id)
    answer = _sent(run, action, attack, forged)
    placed = venue.placed(answer, client_id)
    if placed.order_id is not None:
        reach_the_book(run, replace(terms, account=action.account), placed.order_id)
        venue.cancel(action.account, placed.order_id, market=terms.market)
        venue.order(action.account, placed.order_id, market=terms.market)
    return answer


# -- effects ----------------------------------------------------------------------------------------------------------


def _may_have_happened(run: PlanRun, action: Forge) -> None:
    """From here on it is possible that the request was carried out, and that it was not."""
    if action.operation in READS or action.operation == "place":
        return
    event: Event
    if action.operation == "cancel_all":
        event = CancelAll(account=action.account)
    elif action.order is not None:
        event = Cancel(order=action.order, account=action.account)
    else:
        return
    run.changed()
    run.saw(MayHaveHappened(events=(event,), at=now()))


def _look(run: PlanRun, action: Forge) -> None:
    """One cheap read that shows whether the request had an effect on the orders of the account."""
    if action.operation in READS:
        return
    if run.profile.timing.read_delay:
        run.changed()  # a late read would clear the causes before it can show an effect: the plan's snapshot waits
        return
    _look_at_owner(run, action)


def _look_at_owner(run: PlanRun, action: Forge) -> None:
    owner = run.case.orders[action.order].terms.account if action.order is not None else action.account
    if Capability.LIST in run.offered:
        looking.list_orders(run, owner)
    elif action.order is not None:
        looking.read(run, action.order)


def _disguised_cancel(run: PlanRun, action: Forge, attack: Attack) -> None:
    """A correct cancel in another guise: it must be accepted like any other, and do what a cancel does (SIG-01)."""
    assert action.order is not None
    order, sure = run.case.orders[action.order], run.case.is_surely_active(action.order, now())
    forged = _forged(run, action, attack)
    if forged is None:
        return
    answers: list[Answer | Unknown] = []

    def send() -> Cancelled:
        answers.append(_sent(run, action, attack, forged))
        return run.venue.cancelled(answers[0])

    owner = order.terms.account
    cancelling.cancel(run, action.order, action.account if action.account != owner else None, send)
    if answers and isinstance(answers[0], Answer) and action.account == owner:
        run.saw(DisguisedCancel(action=action, attack=attack, answer=answers[0], sure=sure))


def _other_spelling(run: PlanRun, action: Forge, attack: Attack) -> None:
    """Read and cancel an order under another spelling of its id (NTF-06)."""
    if action.order is None or Capability.READ not in run.offered:
        return
    reading = replace(action, operation="read")
    forged, cancel = _forged(run, reading, attack), _forged(run, action, attack)
    if forged is None or cancel is None:
        return
    read = run.venue.read(_sent(run, reading, attack, forged))
    if isinstance(read.answer, Unknown) or read.answer.is_(AnswerClass.THROTTLED) or run.ended:
        return
    sure, answer = run.case.is_surely_active(action.order, now()), _cancel_otherwise(run, action, attack, cancel, read)
    run.saw(
        SpelledOtherwise(action=action, attack=attack, read=read, cancel=answer, sure=sure, broken=run.result.ended)
    )
    if isinstance(answer, Unknown):
        _may_have_happened(run, action)
    elif answer is not None and not run.ended:
        _look_after_spelling(run, action, answer, may_be_over=_shows(run, action, read) and not sure)


def _shows(run: PlanRun, action: Forge, read: OrderRead) -> bool:
    return read.view is not None and read.view.order_id == run.case.orders[action.order or ""].order_id


def _cancel_otherwise(
    run: PlanRun, action: Forge, attack: Attack, forged: ForgedRequest, read: OrderRead
) -> Answer | Unknown | None:
    """Cancel under the other spelling, judged like any cancel where a read knew the order by it.

    ``None``: nothing was sent, as the read showed another order or the plan was over before.
    """
    assert action.order is not None
    answers: list[Answer | Unknown] = []

    def send() -> Cancelled:
        answers.append(_sent(run, action, attack, forged))
        return run.venue.cancelled(answers[0])

    if _shows(run, action, read):
        cancelling.cancel(run, action.order, None, send)
    elif read.view is None:
        send()
    return answers[0] if answers else None


def _look_after_spelling(run: PlanRun, action: Forge, answer: Answer, *, may_be_over: bool) -> None:
    if accepted(answer):
        _look_at_owner(run, action)
    elif not (may_be_over and answer.is_(AnswerClass.CANNOT_CANCEL)):
        _look(run, action)


# -- plain requests ---------------------------------------------------------------------------------------------------


def send_plain(run: PlanRun, action: Send) -> None:
    """Send a request as it stands, with the credentials that it asks for."""
    orders = run.case.orders
    named = _NAME.findall(action.target)
    if any(name not in orders for name in named):
        return  # it names an order whose placing was refused or cut out of the plan
    target = _NAME.sub(lambda found: orders[found[1]].order_id, action.target)
    answer = run.venue.send(_plain(run, action, target), hostile=True)
    run.answered(answer, correct=False)
    if run.ended:
        return
    if isinstance(answer, Answer):
        if answer.is_(AnswerClass.THROTTLED):
            run.abandon(f"{action.operation} was throttled beyond the profile's allowance")
        run.saw(Sending(action=action, answer=answer))
    if isinstance(answer, Unknown) or accepted(answer):
        _plain_may_have_happened(run, action, named)


def _plain(run: PlanRun, action: Send, target: str) -> PreparedRequest:
    plain = PreparedRequest(
        method=action.method,
        target=target,
        headers=action.headers,
        body=action.body.encode("latin-1", "replace"),
        account=action.account,
        operation=action.operation,
    )
    signed = run.venue.signed(plain)
    authentication = run.profile.authentication
    parts = {"key": authentication.key_header.lower(), "signature": (authentication.signature_header or "").lower()}
    left_out = {header for part, header in parts.items() if part not in action.credentials}
    return replace(signed, headers=tuple(pair for pair in signed.headers if pair[0].lower() not in left_out))


def _plain_may_have_happened(run: PlanRun, action: Send, named: list[str]) -> None:
    """From here on the request may have been carried out, for each order that it may have named."""
    events: tuple[Event, ...]
    if action.operation == "cancel_all":
        events = (CancelAll(account=action.account),)
    elif action.operation == "cancel":
        events = tuple(Cancel(order=name, account=action.account) for name in named)
    else:
        return
    run.changed()
    run.saw(MayHaveHappened(events=events, at=now()))
