"""The shape of answers: what breaks ERR-02 and ERR-04, what is nobody's fault, and what has no shape to judge."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.judging.causes import SHAPE
from fixtures.attacks.files import vector
from fixtures.attacks.vectors import attack
from fixtures.venue.answers import Answer, AnswerClass, Headers
from tests.judging.cases import Judged, answered, case, exchange, judged
from tests.model.orders import known

JsonObject = dict[str, Any]


def begun() -> Judged:
    """A case of no orders, at a target whose profile says what errors look like."""
    return judged(case(known()))


def wrong(under: Judged, given: Answer) -> list[str]:
    """What is newly found wrong with the shape of an answer, apart from the contract's own document."""
    before = len(under.result.violations)
    under.see(answered(given))
    return [found.kind for found in under.result.violations[before:] if found.requirements == SHAPE]


def answer(status: int, body: Any, text: str = "{}", media: str = "application/json", **changes: Any) -> Answer:
    """An answer to a cancel as a client reads it."""
    headers: Headers = (("Content-Type", media),) if media else ()
    sent, method = changes.get("sent", ()), changes.get("method", "POST")
    path = "/api/v1/orders/1/cancel"
    made = exchange(status, text, headers=headers, method=method, path=path, request_headers=sent)
    classes = frozenset({changes.get("answer_class", AnswerClass.NOT_FOUND if status >= 400 else AnswerClass.ACCEPTED)})
    return Answer(status=status, classes=classes, code=changes.get("code"), body=body, exchange=made)


def error(**changes: Any) -> JsonObject:
    """An error document as documented."""
    whole = {
        "error": {"code": 404, "message": "no", "details": "x"},
        "timestamp": "2026-03-01T08:00:00.5Z",
        "requestId": "r",
    }
    return whole | changes


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (answer(404, error(), code="404"), None),
        (answer(200, {"data": {}, "error": False}), None),
        (answer(401, {"error": 401, "message": "no"}, code="401", answer_class=AnswerClass.UNAUTHENTICATED), None),
        (answer(404, error(), media="application/problem+json; charset=utf-8", code="404"), None),
        (answer(404, error(), media="text/plain", code="404"), "its media type is not JSON"),
        (answer(404, error(), media="", code="404"), "its media type is not JSON"),
        (answer(404, None, text="<html>"), "its body is not JSON"),
        (answer(404, None, text=" "), "no body"),
        (answer(404, error(), code="400"), "an error whose code is not its status"),
        (answer(404, error(error={"message": "no"})), "an error without a code"),
        (answer(404, error(error={"code": 404, "message": " "}), code="404"), "an error without a message"),
        (answer(404, error(error={"code": 404, "details": "no such order"}), code="404"), "an error without a message"),
        (answer(405, error(error={"code": 405, "details": "no such method"}), code="405", method="PUT"), None),
        (
            answer(405, error(error={"code": 405, "details": "x"}), code="405", method="PUT"),
            "an error without a message",
        ),
        (answer(404, error(timestamp=1772352000000), code="404"), "an error without an ISO 8601 time"),
        (answer(404, error(timestamp="Mon Jan 02 15:04:05 2006"), code="404"), "an error without an ISO 8601 time"),
        (answer(404, error(requestId=""), code="404"), "an error without a request id"),
        (answer(404, {"error": 404, "message": "no"}, code="404"), "an error without an ISO 8601 time"),
        (answer(200, error(), code="404", answer_class=AnswerClass.UNEXPECTED), "an error with a status of success"),
        (answer(200, {"ok": 1}, answer_class=AnswerClass.UNEXPECTED), "a success of another shape"),
    ],
)
def test_the_shape_of_an_answer(given: Answer, problem: str | None) -> None:
    """JSON that says it is, with a code that is the status, a message, a time, a request id; older 401s have less."""
    found = wrong(begun(), given)
    assert (problem in found) if problem else found == []


def test_request_ids_are_of_their_own() -> None:
    """A request id that another answer had is told, unless the request had sent it."""
    under = begun()
    assert wrong(under, answer(404, error(), code="404")) == []
    assert wrong(under, answer(404, error(), code="404")) == ["a request id that another answer had"]
    assert wrong(under, answer(404, error(), code="404", sent=(("X-Request-Id", "r"),))) == []


def test_answers_of_something_before_the_target_are_nobodys_fault() -> None:
    """A proxy's page for a very long header is no answer of the target; the target's own error to an odd id is one."""
    page = answer(431, None, text="<html>", media="text/html", answer_class=AnswerClass.REJECTED)
    under = begun()
    under.see(answered(page, attack(vector("header-key-64k"))))
    assert under.result.violations == []
    under.see(answered(page, attack(vector("id-cut"))))
    assert {violation.requirements for violation in under.result.violations} == {("ERR-02",), ("ERR-04",)}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"data": {"orders": []}, "error": False}, None),
        ({"data": {"order": None}}, None),
        ({"error": {"message": "no such order"}}, "an error without a code"),
        ({"error": {"code": "", "message": "no such order"}}, "an error without a code"),
        ({"error": {"code": 404}}, "an error without a message"),
    ],
)
def test_a_read_of_nothing_is_no_error_document_and_an_error_is_one(body: JsonObject, problem: str | None) -> None:
    """Where a venue refuses with 200, an empty read needs no code; an error document that lacks one is found."""
    answers = {"read": {"not_found": {"status": [200], "absent": ["/data/order"]}}}
    under = judged(case(known(), answers=answers))
    code = body["error"].get("code") if isinstance(body.get("error"), dict) else None
    given = answer(200, body, method="GET", answer_class=AnswerClass.NOT_FOUND, code=str(code) if code else None)
    exchange_of_a_read = replace(given.exchange, operation="read")
    found = wrong(under, replace(given, exchange=exchange_of_a_read))
    assert (problem in found) if problem else not found


def test_a_body_too_long_to_be_read_has_no_shape() -> None:
    """Where the client stopped reading, what is missing is not the target's doing."""
    under = begun()
    whole = answer(200, None, text='{"data":{"orders":[', answer_class=AnswerClass.UNEXPECTED)
    under.see(answered(replace(whole, cut=True)))
    assert under.result.violations == []
    under.see(answered(whole))
    assert {violation.requirements for violation in under.result.violations} == {("ERR-02",), ("ERR-04",)}


def test_heads_redirects_and_throttling_have_no_shape() -> None:
    """An answer without a body by its nature, and one that only throttles, are not judged."""
    under = begun()
    for given in (
        answer(405, None, text="", method="HEAD"),
        answer(204, None, text=""),
        answer(302, None, text="", answer_class=AnswerClass.UNEXPECTED),
        answer(429, None, text="slow down", media="text/plain", answer_class=AnswerClass.THROTTLED),
    ):
        under.see(answered(given))
    assert under.result.violations == []
    assert {"ERR-02", "ERR-04"} & set(under.result.exercised) == set()
