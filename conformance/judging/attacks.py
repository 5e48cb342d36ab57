"""Answers to forged and plain requests: refused, without effect (SIG, NTF-04, NTF-06, ERR-03, ALL-07)."""

from conformance.judging import causes
from conformance.judging.expectations import accepted, fits, in_words, is_refusal, knows_no_such_operation, outcome
from conformance.judging.judgement import Judgement
from conformance.judging.replies import said
from conformance.judging.sameness import judge_unauthenticated
from conformance.judging.seen import DisguisedCancel, Forging, Sending, SpelledOtherwise
from conformance.plans import Forge
from fixtures.attacks.vectors import Attack, Expectation
from fixtures.venue.answers import Answer, AnswerClass, Unknown

READS = frozenset({"read", "list", "balances"})
"""Operations that change nothing: a forged one that is accepted has shown something, and changed nothing."""


def attack_ids(action: Forge, attack: Attack) -> tuple[str, ...]:
    """The requirements that a wrong answer to this attack breaks; a MUST of SIG holds for cancel-all by ALL-07."""
    if action.operation != "cancel_all":
        return attack.requirements
    return tuple(dict.fromkeys(causes.BULK_SIGNED if _bulk(name) else name for name in attack.requirements))


def _bulk(name: str) -> bool:
    return name.startswith(causes.SIGNED) and name not in causes.SIGNED_BY_GOOD_PRACTICE


def judge_forged(j: Judgement, seen: Forging) -> None:
    """Judge the answer to a forged request; what it may have done, or must not have done, later reads show."""
    action, attack, answer = seen.action, seen.attack, seen.answer
    what, ids = _called(action, attack), attack_ids(action, attack)
    if isinstance(answer, Unknown):
        note_silence(j, action, attack, answer)
        put_no_effect(j, ids)
        return
    if not fits(seen.expect, answer, attack):
        _break_expectation(j, seen, answer, what, ids)
        return
    unjudged = seen.expect is Expectation.UNJUDGED
    j.fits(what, in_words(seen.expect), said(answer), () if unjudged else ids)
    if accepted(answer):
        if unjudged:  # may: the vector says that both are right; what it did is judged as any request's effect is
            j.note(f"accepted, which is not judged: {_names(attack)}")
        return
    put_no_effect(j, ids)
    if seen.expect is Expectation.UNAUTHENTICATED:
        if not answer.is_(AnswerClass.UNAUTHENTICATED):  # may: it is refused; by which status is the profile's to say
            j.note(f"requests without valid credentials are also refused with {answer.status}: answers.unauthenticated")
        judge_unauthenticated(j, seen, answer)


def _break_expectation(j: Judgement, seen: Forging, answer: Answer, what: str, ids: tuple[str, ...]) -> None:
    action, attack = seen.action, seen.attack
    classes = " and ".join(dict.fromkeys(vector.attack_class for vector in attack.vectors))
    kind = f"{action.operation.replace('_', '-')} with a flaw ({classes}) {outcome(answer)}"
    j.breaks(what, in_words(seen.expect), said(answer), ids, kind=kind)


def _called(action: Forge, attack: Attack) -> str:
    about = f" of {action.order}" if action.order else f" of {action.order_id}" if action.order_id else ""
    word = action.operation.replace("_", "-")
    return f"the answer to a {word}{about} with {'a flaw' if len(attack.vectors) == 1 else 'flaws'} ({attack.note})"


def _names(attack: Attack) -> str:
    return " + ".join(vector.id for vector in attack.vectors)


def note_silence(j: Judgement, action: Forge, attack: Attack, answer: Unknown) -> None:
    """A hostile request that draws no answer is noted, not judged: a proxy before the target may drop it."""
    j.note(f"no answer to a hostile {action.operation.replace('_', '-')} ({_names(attack)})")
    j.fits(_called(action, attack), "a refusal", f"no answer: {answer.reason}")


def put_no_effect(j: Judgement, ids: tuple[str, ...]) -> None:
    """Whatever is seen of any order or balance from here on is judged under the refusal."""
    cause = causes.everywhere("a forged request was refused", *ids)
    for name in j.case.orders:
        j.put(cause, order=name)
    for account in j.case.accounts:
        j.put_on_funds(cause, account)


def judge_disguised(j: Judgement, seen: DisguisedCancel) -> None:
    """A correct cancel in another guise must be accepted like any other (SIG-01, SIG-09)."""
    attack, answer = seen.attack, seen.answer
    what = f"the answer to a correct cancel of {seen.action.order} ({attack.note})"
    if accepted(answer):
        j.fits(what, "accepted", said(answer), attack.requirements)
    elif seen.sure:
        kind = f"a correct cancel ({attack.vectors[0].attack_class}) {outcome(answer)}"
        more = causes.CORRECT_SIGNATURE if answer.is_(AnswerClass.UNAUTHENTICATED) else ()
        j.breaks(what, "accepted", said(answer), (*attack.requirements, *more), kind=kind)


def judge_spelling(j: Judgement, seen: SpelledOtherwise) -> None:
    """NTF-06: another spelling of an order's id is that order for read and cancel alike, or neither."""
    action, attack, read, answer = seen.action, seen.attack, seen.read, seen.cancel
    assert action.order is not None
    order, kind = j.case.orders[action.order], "another spelling of an id"
    shown = read.view is not None and read.view.order_id == order.order_id
    what = f"a read and a cancel of {action.order} under another spelling of its id ({attack.note})"
    if read.view is not None and not shown:
        kind = f"{kind} reads another order"
        j.breaks(what, "the order, or a refusal", "another order", attack.requirements, kind=kind)
        return
    if isinstance(answer, Unknown):
        note_silence(j, action, attack, answer)
        return
    if answer is None or isinstance(read.answer, Unknown) or (seen.broken and not shown):
        return
    done, predicted = accepted(answer), "the order for both, or a refusal for both"
    if not shown and not done and _one_erred(read.answer, answer):
        j.note(f"{what}: known to neither")  # may: the 5xx is judged by itself, as that of any request (ERR-01)
        return
    told = f"read: {said(read.answer)}; cancel: {said(answer)}"
    ended = shown and _may_have_ended(seen, answer)
    if not ended and not _agree(shown, done, read.answer, answer):
        both = f"{'shows' if shown else 'hides'} the order to a read, cancel {outcome(answer)}"
        j.breaks(what, predicted, told, attack.requirements, kind=f"{kind} {both}")
        return
    j.fits(what, predicted, told, attack.requirements)
    if done:
        cause = causes.everywhere("it was cancelled under another spelling of its id", *attack.requirements)
        j.put_with_owner(cause, action.order)
    elif not ended:  # the cancel may have reached an order that had ended
        put_no_effect(j, attack.requirements)


def _may_have_ended(seen: SpelledOtherwise, cancel: Answer) -> bool:
    """Whether a cancel was refused because its order had ended, as it may have."""
    return not seen.sure and not seen.broken and cancel.is_(AnswerClass.CANNOT_CANCEL)


def _one_erred(read: Answer, cancel: Answer) -> bool:
    """Whether one of two requests drew a 5xx, and the other did not."""
    return (read.status >= 500) != (cancel.status >= 500)


def _agree(shown: bool, done: bool, read: Answer, cancel: Answer) -> bool:
    """Whether read and cancel both name the order, or both refuse the spelling."""
    return shown == done and (shown or is_refusal(read)) and (done or is_refusal(cancel))


def judge_sent(j: Judgement, seen: Sending) -> None:
    """Judge the answer to a plain request of a plan: what a fuzzer has found is sent again so."""
    action, answer = seen.action, seen.answer
    what = f"the answer to {action.method} {action.target}"
    if action.expect == "wrong-method":
        predicted, ids, right = "405, or 404", causes.OWN_METHODS, knows_no_such_operation(answer)
        kind = f"another method on the path of {action.operation} is answered {answer.status}"
    elif action.expect == "unauthenticated":
        ids = causes.KEY_NEEDED if "key" not in action.credentials else causes.SIGNATURE_NEEDED
        predicted, right = "refused", is_refusal(answer)
        kind = f"{action.operation} without credentials is answered {answer.status}"
    else:
        j.fits(what, "any answer below 500", said(answer))
        return
    if right:
        j.fits(what, predicted, said(answer), ids)
    else:
        j.breaks(what, predicted, said(answer), ids, kind=kind)
