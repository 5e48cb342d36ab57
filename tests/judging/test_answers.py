"""What holds for every answer, whatever was asked: errors of the server, secrets, credentials, and silence."""

from dataclasses import replace

import pytest

from conformance.judging.case import LaneKnowledge
from conformance.judging.seen import Asked, Complained, Overdue, Proposed
from conformance.model.order import Status
from fixtures.attacks.files import vector
from fixtures.attacks.vectors import attack
from fixtures.venue.answers import Answer, AnswerClass, Unknown
from tests.judging.cases import answer, answered, case, exchange, judged, order_seen, view
from tests.model.orders import known, state


def broken(given: Answer, name: str | None = None) -> list[tuple[str, ...]]:
    """What an answer breaks, to a correct request or to one with a flaw, apart from its shape."""
    under = judged(case(known()))
    under.see(answered(given, None if name is None else attack(vector(name))))
    shapes = {"ERR-02", "ERR-04"}
    return [found.requirements for found in under.result.violations if not set(found.requirements) & shapes]


def test_an_error_of_the_server_breaks_err_01() -> None:
    """Any 5xx does, but for a method that no operation of the target has (501)."""
    assert broken(answer(AnswerClass.SERVER_ERROR)) == [("ERR-01",)]
    assert broken(answer(AnswerClass.NOT_FOUND)) == []
    unheard_of = answer(AnswerClass.SERVER_ERROR, status=501)
    assert broken(unheard_of) == [("ERR-01",)]
    assert broken(replace(unheard_of, exchange=exchange(501, method="BREW"))) == []


def test_a_correct_cancel_that_is_not_authenticated_breaks_sig_01() -> None:
    """Only a request without a flaw: one with a flaw must be refused so."""
    refused = answer(AnswerClass.UNAUTHENTICATED)
    assert broken(refused) == [("SIG-01",)]
    assert broken(refused, "signature-zero") == []
    assert broken(replace(refused, exchange=exchange(401, operation="read"))) == []


@pytest.mark.parametrize("leaked", [(), ("signature",)])
def test_an_answer_that_gives_something_away_breaks_sig_11_and_ends_nothing(leaked: tuple[str, ...]) -> None:
    """Insides of the server, or a secret that the client has taken out: the plan goes on."""
    body = "{}" if leaked else '{"error": "at /srv/venue/auth.py:88"}'
    given = replace(answer(AnswerClass.NOT_FOUND), exchange=exchange(404, body, leaked=leaked))
    under = judged(case(known()))
    under.see(answered(given))
    found = [violation for violation in under.result.violations if violation.requirements == ("SIG-11",)]
    assert len(found) == 1
    assert not found[0].ends
    assert not under.result.exercised["SIG-11"]


def test_every_answer_is_counted_with_its_flaw() -> None:
    """A request of a forged operation stands in the result's attacks, and each in its step's exchanges."""
    under = judged(case(known()))
    under.see(answered(answer(AnswerClass.UNAUTHENTICATED), attack(vector("signature-zero"))))
    under.see(answered(answer(AnswerClass.NOT_FOUND)))
    assert under.result.attacks == {"cancel signature-zero": 1}
    assert (under.result.requests, len(under.result.steps[0].exchanges)) == (2, 2)


class TestSilence:
    """A correct request that is never answered (ERR-01)."""

    LOST = Unknown(reason="the connection broke", sent=True, exchange=exchange(None))

    def plans(self, number: int, *, patience: int = 5, first: Answer | None = None, sent: bool = True) -> list[bool]:
        """Whether each of so many plans in turn is accused, all of which miss the same answer."""
        knowledge, accused = LaneKnowledge(patience=patience), []
        for _ in range(number):
            under = judged(case(known(), known=knowledge))
            if first is not None:
                under.see(Asked(about="a read", answer=first))
            for _ in range(2):
                under.see(Asked(about="a read", answer=replace(self.LOST, sent=sent)))
            knowledge = under.case.known
            accused.append([one.requirements for one in under.result.violations] == [("ERR-01",)])
        return accused

    def test_it_is_dropped_by_the_target_when_so_many_plans_had_no_answer(self) -> None:
        """Each plan counts once, however often it asks."""
        assert self.plans(4, patience=3) == [False, False, True, True]

    def test_what_was_ever_answered_is_lost_on_the_way(self) -> None:
        """One answer tells that the target does not drop it."""
        assert self.plans(4, patience=3, first=answer(AnswerClass.ACCEPTED)) == [False] * 4

    def test_what_was_not_sent_counts_for_nothing(self) -> None:
        """Where the connection was refused, nothing reached the target."""
        assert self.plans(4, patience=3, sent=False) == [False] * 4


@pytest.mark.parametrize(
    ("check", "status", "credentials", "method", "ids"),
    [
        ("not_a_server_error", 500, ("key", "signature"), "POST", ("ERR-01",)),
        ("not_a_server_error", 501, ("key", "signature"), "BREW", None),
        ("response_schema_conformance", 200, ("key", "signature"), "POST", ("ERR-04",)),
        ("unsupported_method", 200, ("key", "signature"), "PUT", ("ERR-03",)),
        ("unsupported_method", 405, ("key", "signature"), "PUT", None),
        ("ignored_auth", 200, (), "POST", ("SIG-02", "SIG-03")),
        ("ignored_auth", 200, ("key",), "POST", ("SIG-03",)),
        ("ignored_auth", 200, ("key", "signature"), "POST", None),
        ("use_after_free", 200, (), "POST", None),
    ],
)
def test_a_complaint_of_a_fuzzer(
    check: str, status: int, credentials: tuple[str, ...], method: str, ids: tuple[str, ...] | None
) -> None:
    """What a check of Schemathesis finds is a violation where a requirement says the same, and nothing else is."""
    given = replace(answer(AnswerClass.UNEXPECTED, status=status), exchange=exchange(status, method=method))
    under = judged(case(known()))
    complaint = Complained(
        check=check,
        title="Title",
        message="a\n  message",
        answer=given,
        method=method,
        operation="cancel",
        credentials=credentials,
        known=False,
    )
    under.see(complaint)
    found = next(iter(under.result.violations), None)
    assert (None if found is None else found.requirements) == ids
    assert found is None or (found.seen, found.ends) == (f"HTTP {status}: a message", False)


def test_a_late_expiry_and_a_fuzzers_cases_are_told_and_not_judged() -> None:
    """A reader learns of both, and how often; neither breaks anything."""
    under = judged(case(known()))
    under.see(Overdue(order="a"))
    under.see(Proposed(cases=12))
    assert under.result.notes == {"an order was still active after its deadline": 1, "cases of Schemathesis": 12}
    assert not under.result.violations


def test_what_an_answer_exercises() -> None:
    """Every answer could have been an error of the server, and could have given something away."""
    under = judged(case(known()))
    under.see(answered(answer(AnswerClass.NOT_FOUND)))
    assert under.result.exercised["ERR-01"] == under.result.exercised["SIG-11"] == 1


def test_an_error_of_the_server_is_told_once_with_what_it_answered() -> None:
    """The requirements of the request that showed it first stand before ERR-01; the plan goes on behind it."""
    under = judged(case(known()))
    fact = answered(answer(AnswerClass.SERVER_ERROR))
    under.see(replace(fact, ids=("NTF-04",)))
    assert under.result.violations[0].requirements == ("NTF-04", "ERR-01")
    assert not under.result.violations[0].ends
    assert list(under.case.rules.deviations.failures.values()) == [("NTF-04",)]
    again = judged(under.case)
    again.see(replace(fact, ids=("CXL-01",)))
    found = again.result.violations[0]
    assert (found.requirements, found.also) == (("ERR-01",), ("CXL-01",))
    assert list(again.case.rules.deviations.failures.values()) == [("NTF-04",)]


@pytest.mark.parametrize(
    ("before", "status", "ends"),
    [(False, Status.PENDING, True), (True, Status.PENDING, False), (False, Status.OPEN, False)],
)
def test_an_order_that_is_on_its_way_ends_its_plan_once(before: bool, status: Status, ends: bool) -> None:
    """From then on the lane waits until orders are in the book, and the status is judged like any other."""
    under = judged(case(known(state(Status.OPEN)), known=LaneKnowledge(places_later=before)))
    under.see(order_seen(view(status, "0")))
    assert (under.result.trouble is not None and "before it is in the book" in under.result.trouble) is ends
    assert under.case.known.places_later is (before or ends)
