"""What a target may answer to an attack: which paths an ordinary router takes for one."""

from dataclasses import replace

import pytest

from conformance.judging.expectations import expectation_of, fits, refused, same_to_a_router
from fixtures.attacks.files import vector
from fixtures.attacks.vectors import Expectation, attack
from fixtures.venue.answers import AnswerClass
from tests.judging.cases import STATUS_OF, answer, case
from tests.model.orders import known

CANCEL = "/api/v1/orders/42/cancel"


@pytest.mark.parametrize(
    ("target", "correct", "same"),
    [
        ("/orders/42/", "/orders/42", True),
        ("/orders/42%2F", "/orders/42", True),
        ("/api/v1/orders/42//cancel", CANCEL, True),
        ("/api/v1/orders/x/../42/cancel", CANCEL, True),
        ("/orders/42;a=1", "/orders/42", True),
        ("/orders/42?a=1", "/orders/42", True),
        ("/orders/42#a", "/orders/42", True),
        ("/cancel?id=42", "/cancel?id=42", False),
        ("/cancel?id=42/", "/cancel?id=42", False),
        ("/api/v1/orders/42?a=1/cancel", CANCEL, False),
        ("/orders/42%20", "/orders/42", False),
        ("/orders/42%252F", "/orders/42", False),
        ("/orders/42,43", "/orders/42", False),
        ("/rpc", "/rpc", False),
    ],
)
def test_what_an_ordinary_router_takes_for_one_path(target: str, correct: str, same: bool) -> None:
    """Slashes, dot segments, path parameters and queries that nobody reads make no other path; ids with more in do."""
    assert same_to_a_router(target, correct) is same


@pytest.mark.parametrize(
    ("flag", "status", "right"),
    [("path", 299, False), ("path", 300, True), ("path", 399, True), ("path", 400, False), ("common", 301, False)],
)
def test_who_sends_elsewhere_has_carried_out_nothing(flag: str, status: int, *, right: bool) -> None:
    """A redirection answers a path that is written in another way, and no other flaw."""
    given = attack(replace(vector("signature-zero"), flags=frozenset({flag})))
    said = answer(AnswerClass.UNEXPECTED, status=status)
    assert refused(said, given) is right
    assert fits(Expectation.REFUSED, said, given) is right


@pytest.mark.parametrize(
    ("expect", "answers"),
    [
        (Expectation.ACCEPTED, {200, 202}),
        (Expectation.NOT_FOUND, {404}),
        (Expectation.UNAUTHENTICATED, {400, 401, 404}),
        (Expectation.REFUSED, {400, 401, 404}),
        (Expectation.UNJUDGED, {200, 202, 400, 401, 404}),
        (Expectation.WRONG_METHOD, {404}),
    ],
)
def test_which_answers_meet_an_expectation(expect: Expectation, answers: set[int]) -> None:
    """Of one answer of each class; an error of the server meets none."""
    given = attack(vector("signature-zero"))
    assert {status for one, status in STATUS_OF.items() if fits(expect, answer(one), given)} == answers


@pytest.mark.parametrize(
    ("form", "name", "expected"),
    [
        ("uuid7", "id-cut", Expectation.NOT_FOUND_OR_MALFORMED),
        ("opaque", "id-cut", Expectation.REFUSED),
        ("opaque", "signature-zero", Expectation.UNAUTHENTICATED),
    ],
)
def test_ids_without_a_form_cannot_be_malformed(form: str, name: str, expected: Expectation) -> None:
    """They are refused in whatever way; what is no matter of ids stays as it is."""
    given = attack(vector(name))
    about = case(known(), relaxations={"order_id_form": form}).profile
    assert expectation_of(given, "cancel", about) is (given.expect if form != "opaque" else expected)
