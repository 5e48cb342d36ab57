"""The shape of answers: JSON that says what it is (ERR-02), as the profile's OpenAPI document has it (ERR-04).

Nothing found here ends a plan: an answer of a wrong shape has been understood all the same, and hides nothing of what
comes next.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from conformance.judging.case import ErrorShape, Target
from conformance.judging.causes import CONTRACT, SHAPE
from conformance.judging.expectations import accepted, is_refusal, knows_no_such_method
from conformance.judging.judgement import Judgement
from conformance.judging.seen import Answered
from fixtures.attacks.vectors import Attack
from fixtures.profiles import Profile
from fixtures.venue.answers import Answer, AnswerClass, Exchange

_OWN_ANSWERS: Final = frozenset({400, 404, 405, 408, 411, 413, 414, 417, 431, 500, 501, 502, 505})
"""What HTTP servers and proxies answer by themselves to messages that they do not hand on."""

_NOTHING: Final[tuple[object, ...]] = (None, False, 0, "", [], {})
"""What stands in the place of an error's code or message where there is no error."""


def judge_shape(j: Judgement, seen: Answered, answer: Answer) -> None:
    """Judge one answer's shape, unless it was given by something before the target, or has no body by its nature."""
    exchange, attack, target = answer.exchange, seen.attack, j.case.target
    if exchange.operation.startswith("control.") or answer.is_(AnswerClass.THROTTLED) or answer.cut:
        return
    if (
        exchange.method == "HEAD"
        or answer.status == 204
        or answer.is_(AnswerClass.SERVER_ERROR)  # which breaks ERR-01: what a failure looks like follows from it
        or 300 <= answer.status < 400
        or _not_the_target(answer, attack)
        or knows_no_such_method(exchange, target.methods)
    ):
        return
    about = f"the answer to {exchange.operation.replace('_', '-')}"
    problems = [*_problems(target, answer), *_request_id(j, answer)]
    for what, expected, shown in problems:
        shown = "what must not be shown" if exchange.leaked else shown
        j.breaks(about, expected, f"HTTP {answer.status}: {shown}", SHAPE, kind=what, ends=False)
    if not problems:
        j.exercise(SHAPE)
    if not _elsewhere(attack):
        _judge_contract(j, answer, about)


def _judge_contract(j: Judgement, answer: Answer, about: str) -> None:
    exchange, contract = answer.exchange, j.case.target.contract
    if contract is None or not contract.covers(exchange.operation, exchange.method):
        return
    misfit = contract.misfit(exchange.operation, answer.status, _media(exchange), answer.body)
    if misfit is None:
        j.exercise(CONTRACT)
        return
    shown = "what must not be shown" if exchange.leaked else misfit.seen
    j.breaks(about, misfit.expected, f"HTTP {answer.status}: {shown}", CONTRACT, kind=misfit.rule, ends=False)


def _media(exchange: Exchange) -> str:
    return next((value for name, value in exchange.response_headers if name.lower() == "content-type"), "")


def _problems(target: Target, answer: Answer) -> Iterator[tuple[str, str, str]]:
    """What is wrong with an answer: (in general words, expected, seen)."""
    exchange = answer.exchange
    media = _media(exchange)
    kind = media.partition(";")[0].strip().lower()
    if not exchange.response_body.strip():
        yield "no body", "a JSON document", "an empty body"
        return
    if kind != "application/json" and not kind.endswith("+json"):
        yield "its media type is not JSON", "application/json", media or "no media type"
    if answer.body is None and exchange.response_body.strip() != "null":
        yield "its body is not JSON", "a JSON document", exchange.response_body[:80]
        return
    if answer.status >= 400:
        yield from _error(target.profile, target.errors, answer)
    elif exchange.operation == "read" and answer.is_(AnswerClass.NOT_FOUND) and not _tells_an_error(target, answer):
        return  # nothing stands where the order would: it is not there, and that is no error
    elif is_refusal(answer) and target.profile.answers.refuses_with(answer.status):
        yield from _error(
            target.profile, target.errors, answer
        )  # the profile says that this venue refuses with a status of success
    elif answer.code is not None and not accepted(answer):
        yield "an error with a status of success", f"a status that says so (code {answer.code})", str(answer.status)
    elif answer.is_(AnswerClass.UNEXPECTED) and answer.status < 300:
        yield "a success of another shape", "what the profile says of accepted answers", exchange.response_body[:80]


def _error(profile: Profile, shape: ErrorShape, answer: Answer) -> Iterator[tuple[str, str, str]]:
    body = answer.body
    if shape.code and answer.code is None:
        yield "an error without a code", f"a code at {' or '.join(c.source for c in shape.code)}", "none"
    elif shape.code_is_status and answer.code != str(answer.status):
        yield "an error whose code is not its status", f"code {answer.status}", f"code {answer.code}"
    told = any(_says_something(where.find(body)) for where in shape.message)
    if shape.message and not told and not (_is_of_a_framework(profile, answer.exchange) and _speaks(body)):
        yield "an error without a message", f"a text at {' or '.join(m.source for m in shape.message)}", "none"
    if shape.time is not None and not _is_older(shape, answer):
        moment = shape.time.find(body)
        if not _is_iso_8601(moment):
            yield "an error without an ISO 8601 time", f"one at {shape.time.source}", repr(moment)[:60]


def _tells_an_error(target: Target, answer: Answer) -> bool:
    """Whether an answer has anything in one of the places of an error document, be it as it should or not."""
    return any(where.find(answer.body) not in _NOTHING for where in (*target.errors.code, *target.errors.message))


def _says_something(found: object) -> bool:
    """Whether a message tells what is wrong: a text, or where several things are, a list or an object of them."""
    return bool(found.strip()) if isinstance(found, str) else isinstance(found, list | dict) and bool(found)


def _is_of_a_framework(profile: Profile, exchange: Exchange) -> bool:
    """Whether no operation of the venue was asked, but another method or path: errors of those have their own shape."""
    return not profile.operations.may_have(exchange.method, exchange.path)


def _speaks(body: JsonValue) -> bool:
    """Whether some text of an error is one of several words: codes, times and ids are single ones."""
    if isinstance(body, str):
        return len(body.split()) > 1
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return any(_speaks(value) for value in inner)


def _is_older(shape: ErrorShape, answer: Answer) -> bool:
    """Whether it has the older form of authentication errors: the code elsewhere, neither time nor request id."""
    found = [where.find(answer.body) for where in shape.code]
    bare = len(found) > 1 and not _is_code(found[0]) and any(_is_code(code) for code in found[1:])
    return bare and answer.is_(AnswerClass.UNAUTHENTICATED)


def _request_id(j: Judgement, answer: Answer) -> Iterator[tuple[str, str, str]]:
    """An error has a request id of its own; the lane remembers those that it has met."""
    where = j.case.target.errors.request_id
    if where is None or answer.status < 400 or answer.body is None or _is_older(j.case.target.errors, answer):
        return
    found = where.find(answer.body)
    if not isinstance(found, str | int) or isinstance(found, bool) or not str(found):
        yield "an error without a request id", f"one at {where.source}", repr(found)[:60]
        return
    name = str(found)
    if any(name == value for _, value in answer.exchange.request_headers):
        return  # the target gives back what it was sent
    known = j.case.known.having_met(name)
    if known is None:
        yield "a request id that another answer had", "an id of its own", f"{name} again"
        return
    j.learn(known)


def _not_the_target(answer: Answer, attack: Attack | None) -> bool:
    return attack is not None and bool(attack.flags & {"http-level", "long"}) and answer.status in _OWN_ANSWERS


def _elsewhere(attack: Attack | None) -> bool:
    """Whether the request may have reached another path than that of its operation."""
    return attack is not None and bool(attack.flags & {"path", "http-level"})


def _is_code(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_iso_8601(value: object) -> bool:
    if not isinstance(value, str) or "-" not in value:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
