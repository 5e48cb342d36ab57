"""What holds for every answer, whatever was asked: no error of the server (ERR-01), nothing given away (SIG-11)."""

from dataclasses import replace

from conformance.judging.answer_shape import judge_shape
from conformance.judging.causes import (
    ANSWERED,
    CORRECT_SIGNATURE,
    KEY_NEEDED,
    NOTHING_GIVEN_AWAY,
    OF_CHECKS,
    SIGNATURE_NEEDED,
)
from conformance.judging.expectations import by_http_itself, knows_no_such_method, knows_no_such_operation
from conformance.judging.insides import insides
from conformance.judging.judgement import Judgement
from conformance.judging.sameness import whole_fingerprint
from conformance.judging.seen import Answered, Asked, Complained, Proposed
from fixtures.venue.answers import Answer, AnswerClass, Unknown

MOST_FAILURES = 200
"""Different errors of the server that are told apart; what varies with each answer is not remembered for ever."""

UNAUTHENTICATED = frozenset({AnswerClass.UNAUTHENTICATED})


def judge_answer(j: Judgement, seen: Answered) -> None:
    """Judge one answer by what holds for all (ERR-01, ERR-02, ERR-04, SIG-01, SIG-11)."""
    answer = seen.answer
    if isinstance(answer, Unknown):
        return
    _judge_status(j, seen, answer)
    signs = seen.correct and seen.attack is None and j.case.profile.authentication.signs
    if signs and answer.exchange.operation == "cancel" and answer.classes == UNAUTHENTICATED:
        j.breaks(
            f"the answer to a correctly signed cancel by {answer.exchange.account}",
            "anything but unauthenticated",
            f"HTTP {answer.status}",
            CORRECT_SIGNATURE,
            kind="a correctly signed cancel is answered unauthenticated",
        )
    _judge_insides(j, answer)
    judge_shape(j, seen, answer)


def _judge_status(j: Judgement, seen: Answered, answer: Answer) -> None:
    exchange, attack = answer.exchange, seen.attack
    excused = knows_no_such_method(exchange, j.case.target.methods) or (
        attack is not None and by_http_itself(answer, attack)
    )
    if not answer.is_(AnswerClass.SERVER_ERROR) or excused:
        j.exercise(ANSWERED)
        return
    flaw = "" if attack is None else f" with a flaw ({attack.vectors[0].attack_class})"
    known, failure = j.case.rules.deviations, (exchange.operation, whole_fingerprint(answer))
    first = not seen.ids or known.failures.get(failure, seen.ids) == seen.ids
    j.breaks(
        f"the answer to {exchange.operation}" + ("" if attack is None else f" with a flaw ({attack.note})"),
        "any answer below 500",
        f"HTTP {answer.status}",
        (*seen.ids, *ANSWERED) if first else ANSWERED,
        kind=f"{exchange.operation}{flaw} answered 5xx",
        also=seen.ids,
        ends=False,
    )
    if failure not in known.failures and len(known.failures) < MOST_FAILURES:
        j.establish(replace(known, failures={**known.failures, failure: seen.ids}))


def _judge_insides(j: Judgement, answer: Answer) -> None:
    """SIG-11: nothing secret or internal is in an answer; one that holds some tells nothing wrong of the orders."""
    exchange = answer.exchange
    found = insides(exchange)
    if not found and not exchange.leaked:
        j.exercise(NOTHING_GIVEN_AWAY)
        return
    shown = "; ".join(f"{what}: {text[:120]}" for what, text in found)
    j.breaks(
        f"the answer to {exchange.operation}",
        "nothing secret or internal",
        shown or f"HTTP {answer.status} with the {', the '.join(exchange.leaked)}",
        NOTHING_GIVEN_AWAY,
        kind=f"an answer gives away {', '.join(dict.fromkeys((*exchange.leaked, *(what for what, _ in found))))}",
        ends=False,
    )


def judge_silence(j: Judgement, seen: Asked) -> None:
    """ERR-01: a correct request that has no answer in several plans, and never had one, is dropped by the target.

    One that has none now and then is lost on the way.
    """
    known, about, answer = j.case.known, seen.about, seen.answer
    if isinstance(answer, Answer):
        if about not in known.answered:
            j.learn(replace(known, answered=known.answered | {about}))
        return
    if not answer.sent or about in j.case.silent:
        return
    missed = known.missed.get(about, 0) + 1
    j.learn(replace(known, missed={**known.missed, about: missed}))
    j.become(silent=j.case.silent | {about})
    if about not in known.answered and missed >= known.patience:
        shown = f"none in {missed} plans: {answer.reason}"
        j.breaks(about, "an answer", shown, ANSWERED, kind=f"{about} has no answer", ends=False)


def judge_complaint(j: Judgement, seen: Complained) -> None:
    """A fuzzer's complaint of an answer (``OF_CHECKS``), unless it complains of what the requirement allows."""
    answer, exchange = seen.answer, seen.answer.exchange
    names = OF_CHECKS.get(seen.check, ())
    if seen.check == "unsupported_method" and (knows_no_such_operation(answer) or seen.known):
        return
    if seen.check == "not_a_server_error" and knows_no_such_method(exchange, j.case.target.methods):
        return
    if seen.check == "ignored_auth":
        parts = (("key", KEY_NEEDED), ("signature", SIGNATURE_NEEDED))
        names = tuple(name for part, ids in parts if part not in seen.credentials for name in ids)
    if not names:
        return
    shown = f"HTTP {answer.status}: {' '.join(seen.message.split())[:300]}"
    j.breaks(
        f"the answer to {seen.method} {exchange.path}",
        f"no failure of Schemathesis' check {seen.check}",
        "what must not be shown" if exchange.leaked else shown,
        names,
        kind=f"{seen.title} ({seen.method} on the path of {seen.operation})",
        ends=False,
    )


def note_cases(j: Judgement, seen: Proposed) -> None:
    """A reader should know how much a fuzzer tried."""
    j.note("cases of Schemathesis", seen.cases)
