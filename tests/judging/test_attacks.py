"""Answers to forged requests: what a wrong one breaks, what a right one puts on later reads, and what is only noted."""

from dataclasses import replace

import pytest

from conformance.judging.expectations import expectation_of
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import DisguisedCancel, Forging, Sending, SpelledOtherwise
from conformance.model.order import Status
from conformance.plans import Forge, Send
from fixtures.attacks.files import vector
from fixtures.attacks.vectors import Expectation, attack
from fixtures.profiles import load_profile
from fixtures.venue.answers import Answer, AnswerClass, OrderRead, Unknown
from tests.judging.cases import Judged, answer, case, exchange, judged, order_seen, view
from tests.model.orders import known, state

ACCEPTED, UNAUTHENTICATED, NOT_FOUND = AnswerClass.ACCEPTED, AnswerClass.UNAUTHENTICATED, AnswerClass.NOT_FOUND
LOST = Unknown(reason="the connection broke", sent=True, exchange=exchange(None))


def forging(name: str, said: Answer | Unknown, *, order: str | None = "a", operation: str = "cancel") -> Forging:
    """A request with one flaw was answered; the target is held to what the vector expects."""
    one = attack(vector(name))
    return Forging(
        action=Forge(operation=operation, vectors=(name,), order=order), attack=one, expect=one.expect, answer=said
    )


def begun() -> Judged:
    """A case with one open order."""
    return judged(case(known(state(Status.OPEN))))


@pytest.mark.parametrize(
    ("name", "operation", "said", "ids"),
    [
        ("signature-zero", "cancel", ACCEPTED, ("SIG-04",)),
        ("signature-missing", "cancel", ACCEPTED, ("SIG-03",)),
        ("signature-zero", "cancel_all", ACCEPTED, ("ALL-07",)),
        ("header-key-64k-behind", "cancel", ACCEPTED, ("SIG-09",)),
        ("header-key-wrong-right-wrong", "cancel", ACCEPTED, ("SIG-13",)),
        ("header-key-wrong-right-wrong", "cancel_all", ACCEPTED, ("SIG-13",)),
        ("header-elsewhere-cookie", "cancel", ACCEPTED, ("SIG-14",)),
        ("base64-no-padding", "cancel_all", ACCEPTED, ("SIG-12",)),
        ("payload-other-order", "cancel", ACCEPTED, ("SIG-06",)),
        ("request-method-put", "cancel", ACCEPTED, ("ERR-03",)),
        ("id-cut", "cancel", ACCEPTED, ("NTF-04",)),
    ],
)
def test_a_flaw_that_is_not_refused_as_it_must_be(
    name: str, operation: str, said: AnswerClass, ids: tuple[str, ...]
) -> None:
    """The vector's requirement is broken where a request with its flaw is carried out."""
    under = begun()
    under.see(forging(name, answer(said), operation=operation))
    assert under.violation.requirements == ids


@pytest.mark.parametrize("said", [answer(UNAUTHENTICATED), answer(NOT_FOUND), LOST], ids=["as it", "else", "no answer"])
def test_a_flaw_that_took_effect_all_the_same(said: Answer | Unknown) -> None:
    """Refused, or without an answer, it must have no effect: what a read shows is judged under it."""
    under = begun()
    under.see(forging("signature-zero", said))
    assert under.result.violations == []
    assert bool(under.result.exercised["SIG-04"]) is isinstance(said, Answer)
    under.see(order_seen(view(Status.CANCELED)))
    assert under.violation.requirements[0] == "SIG-04"


def test_what_is_not_judged_is_noted() -> None:
    """A flaw that real servers may accept exercises nothing, whatever is answered."""
    for said in (answer(ACCEPTED), answer(UNAUTHENTICATED)):
        under = begun()
        under.see(forging("pkcs1-missing-null", said))
        assert under.result.violations == []
        assert not under.result.exercised
        assert bool(under.result.notes) is (said.status == 200)


@pytest.mark.parametrize(("again", "broken"), [("it is open", True), ("it varies", False)])
def test_orders_are_not_told_apart_without_credentials(*, again: str, broken: bool) -> None:
    """A difference between two orders counts where both answers stay as they were (SIG-10)."""
    under = begun()
    under.see(
        replace(
            forging("signature-zero", answer(UNAUTHENTICATED)),
            action=Forge(operation="cancel", vectors=("signature-zero",), order_id="unknown"),
        )
    )
    told = forging("signature-zero", answer(UNAUTHENTICATED, body='{"message": "it is open"}'))
    before = under.case
    assert under.see(told) == LookAgain(repeat=True)
    assert under.case is before
    anew = answer(UNAUTHENTICATED, body=f'{{"message": "{again}"}}')
    under.see(replace(told, again=anew, first_again=answer(UNAUTHENTICATED), compared=True))
    assert [found.requirements for found in under.result.violations] == ([("SIG-10",)] if broken else [])
    assert bool(under.result.notes) is not broken


def test_an_id_that_is_a_number_of_the_answer_tells_no_orders_apart() -> None:
    """A serial id may be the same text as the answer's code: equal answers stay equal (SIG-10)."""
    told = answer(UNAUTHENTICATED, body='{"code": 401, "fields": 4}')
    under = begun()
    for order_id in ("401", "4"):
        action = Forge(operation="cancel", vectors=("signature-zero",), order_id=order_id)
        assert under.see(replace(forging("signature-zero", told), action=action)) is None
    assert under.result.violations == []
    assert under.result.exercised["SIG-10"] == 1


@pytest.mark.parametrize(
    ("said", "sure", "ids"),
    [
        (ACCEPTED, True, None),
        (AnswerClass.CANNOT_CANCEL, True, ("SIG-09",)),
        (UNAUTHENTICATED, True, ("SIG-09", "SIG-01")),
        (AnswerClass.CANNOT_CANCEL, False, None),
    ],
)
def test_a_correct_cancel_in_another_guise(*, said: AnswerClass, sure: bool, ids: tuple[str, ...] | None) -> None:
    """It is accepted like any other, unless others may have ended the order meanwhile."""
    one = attack(vector("header-names-lower"))
    action = Forge(operation="cancel", vectors=("header-names-lower",), order="a")
    under = begun()
    under.see(DisguisedCancel(action=action, attack=one, answer=answer(said), sure=sure))
    assert [found.requirements for found in under.result.violations] == ([] if ids is None else [ids])


@pytest.mark.parametrize(
    ("shows", "cancel", "broken"),
    [
        ("a", answer(ACCEPTED), False),
        (None, answer(NOT_FOUND), False),
        ("a", answer(NOT_FOUND), True),
        (None, answer(ACCEPTED), True),
        ("other", None, True),
    ],
    ids=["both", "neither", "read alone", "cancel alone", "another order"],
)
def test_another_spelling_of_an_id(shows: str | None, cancel: Answer | None, *, broken: bool) -> None:
    """It is that order for read and cancel alike, or for neither (NTF-06)."""
    one = attack(vector("id-spelled-upper"))
    action = Forge(operation="cancel", vectors=("id-spelled-upper",), order="a")
    read = OrderRead(
        answer=answer(NOT_FOUND if shows is None else ACCEPTED),
        view=None if shows is None else view(Status.OPEN, order=shows),
    )
    under = begun()
    under.see(SpelledOtherwise(action=action, attack=one, read=read, cancel=cancel, sure=True, broken=False))
    assert [found.requirements for found in under.result.violations] == ([("NTF-06",)] if broken else [])
    assert bool(under.result.exercised["NTF-06"]) is not broken


@pytest.mark.parametrize(("by_read", "by_cancel"), [(500, 404), (404, 500)])
def test_a_5xx_to_a_spelling_that_neither_knows_is_an_error_of_the_server_alone(by_read: int, by_cancel: int) -> None:
    """It is ERR-01, as for any id that names no order: that the other refuses it shows that it agrees."""
    one = attack(vector("id-spelled-upper"))
    action = Forge(operation="cancel", vectors=("id-spelled-upper",), order="a")
    read, cancel = (
        answer(AnswerClass.SERVER_ERROR if status == 500 else NOT_FOUND, status=status)
        for status in (by_read, by_cancel)
    )
    under = begun()
    under.see(
        SpelledOtherwise(
            action=action, attack=one, read=OrderRead(answer=read, view=None), cancel=cancel, sure=True, broken=False
        )
    )
    assert under.result.violations == []
    assert not under.result.exercised["NTF-06"]


def test_an_order_that_others_ended_is_not_cancelled_under_any_spelling() -> None:
    """Where the order may have ended, a refused cancel of one that the read showed is none of the spelling's."""
    one = attack(vector("id-spelled-upper"))
    action = Forge(operation="cancel", vectors=("id-spelled-upper",), order="a")
    read = OrderRead(answer=answer(ACCEPTED), view=view(Status.OPEN))
    refused = answer(AnswerClass.CANNOT_CANCEL)
    for sure, broken in ((True, 1), (False, 0)):
        under = begun()
        under.see(SpelledOtherwise(action=action, attack=one, read=read, cancel=refused, sure=sure, broken=False))
        assert len(under.result.violations) == broken


@pytest.mark.parametrize(
    ("expect", "credentials", "said", "ids"),
    [
        ("wrong-method", ("key", "signature"), answer(AnswerClass.UNEXPECTED, status=405), None),
        ("wrong-method", ("key", "signature"), answer(ACCEPTED), ("ERR-03",)),
        ("unauthenticated", (), answer(ACCEPTED), ("SIG-02",)),
        ("unauthenticated", ("key",), answer(ACCEPTED), ("SIG-03",)),
        ("unauthenticated", ("key",), answer(UNAUTHENTICATED), None),
        ("any", ("key", "signature"), answer(ACCEPTED), None),
    ],
)
def test_a_plain_request(expect: str, credentials: tuple[str, ...], said: Answer, ids: tuple[str, ...] | None) -> None:
    """What a fuzzer found is sent again, and judged by what it was sent for."""
    action = Send(operation="cancel", method="POST", target="/x", credentials=credentials, expect=expect)  # type: ignore[arg-type]  # words of the plan
    under = begun()
    under.see(Sending(action=action, answer=said))
    assert [found.requirements for found in under.result.violations] == ([] if ids is None else [ids])


def test_a_flaw_expects_what_its_vector_says() -> None:
    """The vectors of this file are held to what these tests take for given."""
    assert attack(vector("signature-zero")).expect is Expectation.UNAUTHENTICATED
    assert attack(vector("pkcs1-missing-null")).expect is Expectation.UNJUDGED


@pytest.mark.parametrize(
    ("dialect", "operation", "expected"),
    [
        ("documented", "cancel_all", Expectation.REFUSED),
        ("foreign_margin", "cancel_all", Expectation.UNJUDGED),
        ("foreign_margin", "cancel", Expectation.REFUSED),
        ("foreign_rpc", "cancel_all", Expectation.UNJUDGED),
    ],
)
def test_what_is_not_signed_binds_no_request(dialect: str, operation: str, expected: Expectation) -> None:
    """A request that was altered has a flaw only where it was signed: an honest cancel-all by key alone takes it."""
    found = expectation_of(attack(vector("sent-extra-query")), operation, load_profile(dialect))
    assert found is expected


def spelled(read: OrderRead, cancel: Answer | Unknown | None, *, sure: bool = True, broken: bool = False) -> Judged:
    """An order was read and cancelled under another spelling of its id."""
    action = Forge(operation="cancel", vectors=("id-spelled-upper",), order="a")
    under = begun()
    one = attack(vector("id-spelled-upper"))
    under.see(SpelledOtherwise(action=action, attack=one, read=read, cancel=cancel, sure=sure, broken=broken))
    return under


THERE = OrderRead(answer=answer(ACCEPTED), view=view(Status.OPEN))
NOT_THERE = OrderRead(answer=answer(NOT_FOUND), view=None)


@pytest.mark.parametrize(
    ("read", "cancel", "broken"),
    [
        (THERE, LOST, False),
        (THERE, None, False),
        (OrderRead(answer=LOST, view=None), answer(ACCEPTED), False),
        (NOT_THERE, answer(ACCEPTED), True),
    ],
    ids=["the cancel is lost", "no cancel", "the read is lost", "the order had come to no good"],
)
def test_what_was_not_answered_says_nothing_of_a_spelling(
    read: OrderRead, cancel: Answer | Unknown | None, *, broken: bool
) -> None:
    """NTF-06 is neither broken nor exercised; a hostile request without an answer is noted."""
    under = spelled(read, cancel, broken=broken)
    assert under.result.violations == []
    assert not under.result.exercised
    assert bool(under.result.notes) is (cancel is LOST)


@pytest.mark.parametrize(
    ("read", "cancel", "word"),
    [
        (THERE, answer(NOT_FOUND), "shows the order to a read, cancel is answered 404"),
        (NOT_THERE, answer(ACCEPTED), "hides the order to a read, cancel is accepted"),
        (OrderRead(answer=answer(ACCEPTED), view=view(Status.OPEN, order="z")), None, "reads another order"),
    ],
)
def test_which_half_of_a_spelling_is_wrong(read: OrderRead, cancel: Answer | None, word: str) -> None:
    """Findings are grouped by it."""
    assert spelled(read, cancel).violation.kind == f"another spelling of an id {word}"


@pytest.mark.parametrize(
    ("read", "cancel", "sure", "on_a", "on_others"),
    [
        (THERE, answer(ACCEPTED), True, True, False),
        (NOT_THERE, answer(NOT_FOUND), True, True, True),
        (THERE, answer(AnswerClass.CANNOT_CANCEL), False, False, False),
    ],
    ids=["done", "refused", "it may have ended"],
)
def test_a_spelling_is_followed_by_looks(
    read: OrderRead, cancel: Answer, *, sure: bool, on_a: bool, on_others: bool
) -> None:
    """A cancel that was accepted so must end the order; one that was refused must change nothing of anyone."""
    under = spelled(read, cancel, sure=sure)
    assert bool(under.case.orders["a"].causes) is on_a
    assert bool(under.case.account_causes.get("primary")) is on_a
    assert bool(under.case.account_causes.get("counterparty")) is on_others
    if on_a:
        assert {i for one in under.case.orders["a"].causes for i in one.cause.status} == {"NTF-06"}


def test_a_flaw_is_named_in_full() -> None:
    """What was asked, of which order, and with which flaw; the kind groups by operation and class of flaw."""
    for operation, order, words in (
        ("cancel", "a", "the answer to a cancel of a with a flaw ("),
        ("cancel_all", None, "the answer to a cancel-all with a flaw ("),
    ):
        under = begun()
        under.see(forging("signature-zero", answer(ACCEPTED), order=order, operation=operation))
        assert under.violation.what.startswith(words)
        assert under.violation.predicted == "refused"
        assert under.violation.kind.startswith(f"{operation.replace('_', '-')} with a flaw (")
        assert under.violation.kind.endswith(") is accepted")


def test_a_refusal_by_another_status_is_noted() -> None:
    """Requests without valid credentials may be refused in any way: the profile can say by which."""
    for given, noted in ((UNAUTHENTICATED, False), (NOT_FOUND, True)):
        under = begun()
        under.see(forging("signature-zero", answer(given)))
        assert any("also refused with 404" in note for note in under.result.notes) is noted


def test_a_correct_cancel_in_another_guise_exercises_what_it_asks() -> None:
    """Accepted, it shows that the guise is no matter."""
    one = attack(vector("header-names-lower"))
    under = begun()
    action = Forge(operation="cancel", vectors=("header-names-lower",), order="a")
    under.see(DisguisedCancel(action=action, attack=one, answer=answer(ACCEPTED), sure=True))
    assert set(under.result.exercised) == set(one.requirements)


@pytest.mark.parametrize(
    ("expect", "said", "exercised"),
    [
        ("wrong-method", answer(AnswerClass.UNEXPECTED, status=405), {"ERR-03"}),
        ("unauthenticated", answer(UNAUTHENTICATED), {"SIG-02"}),
        ("any", answer(ACCEPTED), set()),
    ],
)
def test_what_a_plain_request_exercises(expect: str, said: Answer, exercised: set[str]) -> None:
    """What it was sent for, where it was answered as it must be."""
    action = Send(operation="cancel", method="POST", target="/x", credentials=(), expect=expect)  # type: ignore[arg-type]  # words of the plan
    under = begun()
    under.see(Sending(action=action, answer=said))
    assert set(under.result.exercised) == exercised


def test_telling_orders_apart_ends_no_plan() -> None:
    """SIG-10 stands beside what is known of the orders; only requests of one kind are compared."""
    under = begun()
    unknown = Forge(operation="cancel", vectors=("signature-zero",), order_id="unknown")
    under.see(replace(forging("signature-zero", answer(UNAUTHENTICATED)), action=unknown))
    body = answer(UNAUTHENTICATED, body='{"message": "it is open"}')
    assert under.see(forging("signature-missing", body)) is None  # another flaw may be told in other words
    told = replace(forging("signature-zero", body), again=body, first_again=answer(UNAUTHENTICATED), compared=True)
    under.see(told)
    assert not under.violation.ends
    assert under.violation.predicted.startswith("as for an unknown order: HTTP 401")
    assert under.violation.kind == "an unauthenticated caller can tell orders apart"
    assert "of an order (unread)" in under.violation.what
