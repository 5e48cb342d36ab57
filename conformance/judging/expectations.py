"""What a conformant target may answer to an attack, and whether it did."""

from collections.abc import Mapping
from posixpath import normpath
from typing import Final
from urllib.parse import unquote

from conformance.judging.causes import BOUND, CANONICAL_BASE64
from fixtures.attacks.vectors import Attack, Expectation
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass, Exchange

ACCEPTED: Final = frozenset({AnswerClass.ACCEPTED, AnswerClass.PENDING})

REFUSALS: Final = frozenset(
    {
        AnswerClass.CANNOT_CANCEL,
        AnswerClass.NOT_FOUND,
        AnswerClass.UNAUTHENTICATED,
        AnswerClass.MALFORMED,
        AnswerClass.REJECTED,
        AnswerClass.THROTTLED,
    }
)

HTTP_ITSELF: Final = frozenset({501, 505})
"""What an HTTP server answers to a message that it does not implement (RFC 9110, sections 15.6.2 and 15.6.6)."""

WRONG_METHOD: Final = frozenset({404, 405, 501})
"""What may be answered to a method that a path does not have; 501 only where no path has it, or ERR-01 is broken."""

_WORDS: Final[Mapping[Expectation, str]] = {
    Expectation.ACCEPTED: "accepted",
    Expectation.UNAUTHENTICATED: "refused",
    Expectation.REFUSED: "refused",
    Expectation.UNJUDGED: "any answer below 500",
    Expectation.NOT_FOUND: "not-found",
    Expectation.MALFORMED: "malformed",
    Expectation.NOT_FOUND_OR_MALFORMED: "not-found or malformed",
    Expectation.WRONG_METHOD: "405, or 404",
    Expectation.SAME_OR_REFUSED: "the order, or a refusal",
}


def expectation_of(attack: Attack, operation: str, profile: Profile) -> Expectation:
    """What this target is held to: a profile may relax good practice, and ids without a form cannot be malformed.

    Where an operation is not signed, nothing binds its request to what was signed: one that was altered has no flaw.
    """
    relaxations, authentication = profile.relaxations, profile.authentication
    signed = authentication.signs and (operation != "cancel_all" or authentication.cancel_all_signed)
    if not signed and attack.requirements == BOUND:
        return Expectation.UNJUDGED
    if relaxations.lax_base64 and attack.requirements == CANONICAL_BASE64:
        return Expectation.UNJUDGED
    formless = relaxations.order_id_form == "opaque"
    if formless and attack.expect in (Expectation.MALFORMED, Expectation.NOT_FOUND_OR_MALFORMED):
        return Expectation.REFUSED
    return attack.expect


def same_to_a_router(target: str, correct: str) -> bool:
    """Whether two request targets that differ are one to a router that is no stricter than it must be.

    Many routers decode a path, put dot segments and doubled slashes right, drop path parameters, a fragment and a slash
    behind it (RFC 3986, sections 3.3 and 6.2.2), and ignore a query where the operation has none.
    """
    (path, query), (own_path, own_query) = _routed(target), _routed(correct)
    return target != correct and path == own_path and (query == own_query or not own_query)


def _routed(target: str) -> tuple[str, str]:
    path, _, query = target.partition("#")[0].partition("?")
    segments = (segment.partition(";")[0] for segment in path.split("/"))
    return "/" + normpath(unquote("/".join(segments))).strip("/"), query


def in_words(expect: Expectation) -> str:
    """An expectation as a reader of a report wants it."""
    return _WORDS[expect]


def accepted(answer: Answer) -> bool:
    """Whether the request was carried out, as far as the answer tells."""
    return bool(answer.classes & ACCEPTED)


def fits(expect: Expectation, answer: Answer, attack: Attack) -> bool:
    """Whether a conformant target may answer so."""
    if expect in _CLASSES:
        return bool(answer.classes & _CLASSES[expect])
    if expect is Expectation.WRONG_METHOD:
        return knows_no_such_operation(answer)
    if expect in (Expectation.REFUSED, Expectation.UNAUTHENTICATED):
        return refused(answer, attack)
    return answer.status < 500 or refused(answer, attack)  # unjudged, or another spelling of an id


_CLASSES: Mapping[Expectation, frozenset[AnswerClass]] = {
    Expectation.ACCEPTED: ACCEPTED,
    Expectation.NOT_FOUND: frozenset({AnswerClass.NOT_FOUND}),
    Expectation.MALFORMED: frozenset({AnswerClass.MALFORMED}),
    Expectation.NOT_FOUND_OR_MALFORMED: frozenset({AnswerClass.NOT_FOUND, AnswerClass.MALFORMED}),
}
"""The classes of answers that meet an expectation, where a class says it."""


def is_refusal(answer: Answer) -> bool:
    """Whether an answer says that the request was not carried out, in whatever words and with whatever status."""
    return bool(answer.classes & REFUSALS) and not accepted(answer)


def refused(answer: Answer, attack: Attack) -> bool:
    """Whether the target, or the HTTP server before it, refused; one that sends elsewhere has carried out nothing."""
    if is_refusal(answer):
        return True
    if "path" in attack.flags and 300 <= answer.status < 400:
        return True
    return by_http_itself(answer, attack)


def by_http_itself(answer: Answer, attack: Attack) -> bool:
    """Whether an HTTP server answered 501 or 505 to a message that is no proper HTTP."""
    return "http-level" in attack.flags and answer.status in HTTP_ITSELF


def knows_no_such_method(exchange: Exchange, methods: frozenset[str]) -> bool:
    """Whether a server answered 501 to a method that none of its operations has (RFC 9110, section 15.6.2)."""
    return exchange.status == 501 and exchange.method not in methods


def knows_no_such_operation(answer: Answer) -> bool:
    """Whether a method was refused that the path does not have; a venue may refuse everything with a status of success.

    Only a profile can say so of a status: without its word an answer with 2xx is accepted, or nothing that is known.
    """
    return answer.status in WRONG_METHOD or (answer.status < 300 and is_refusal(answer))


def outcome(answer: Answer) -> str:
    """What became of a request, in words that group alike findings."""
    return "is accepted" if accepted(answer) else f"is answered {answer.status}"
