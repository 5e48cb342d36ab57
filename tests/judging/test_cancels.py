"""Answers to cancels: what each row of the table makes of them, and what they put on later reads."""

from dataclasses import replace

import pytest

from conformance.judging import causes
from conformance.judging.case import LaneKnowledge
from conformance.judging.judge import judge
from conformance.judging.rulings import CellReached, LookAgain
from conformance.judging.seen import CancellingUnknown, MayHaveHappened
from conformance.model.events import Cancel
from conformance.model.lifecycle import CANCEL
from conformance.model.order import ACTIVE, Status
from conformance.model.worlds import Belief
from fixtures.venue.answers import AnswerClass, Cancelled, Unknown
from tests.judging.cases import answer, cancelling, case, exchange, judged, order_seen, profile, view
from tests.model.orders import NOW, known, state, terms

EXECUTED = {Status.PARTIALLY_FILLED: "3", Status.FILLED: "10"}
KNOWN = LaneKnowledge(places_later=True)
"""A lane that waits until each order is in the book, and so need not look whether one is on its way."""

WRONG = {
    # status: an answer that no row has, and the requirement that it breaks
    Status.OPEN: (AnswerClass.CANNOT_CANCEL, "CXL-01"),
    Status.PARTIALLY_FILLED: (AnswerClass.CANNOT_CANCEL, "CXL-02"),
    Status.PENDING_CANCEL: (AnswerClass.NOT_FOUND, "PND-05"),
    Status.FILLED: (AnswerClass.ACCEPTED, "TRM-01"),
    Status.CANCELED: (AnswerClass.ACCEPTED, "TRM-02"),
    Status.PENDING: (AnswerClass.ACCEPTED, "TRM-03"),
    Status.EXPIRED: (AnswerClass.ACCEPTED, "TRM-04"),
    Status.REJECTED: (AnswerClass.NOT_FOUND, "TRM-07"),
}


def being(status: Status) -> Belief:
    """An order that is surely so; a market order where it is executing."""
    one = state(status, EXECUTED.get(status, "0"))
    return known(replace(one, terms=terms(price=None)) if status is Status.PENDING else one)


@pytest.mark.parametrize("status", Status)
def test_an_answer_that_no_row_has_breaks_the_rows_requirement(status: Status) -> None:
    """In each state the wrong answer breaks the requirement of that state's rows, before any other."""
    wrong, requirement = WRONG[status]
    under = judged(case(being(status), known=KNOWN))
    under.see(cancelling(wrong))
    assert under.result.violations[-1].requirements[0] == requirement
    statuses = "CANCELED/PENDING_CANCEL" if status is Status.PENDING_CANCEL else status  # it may have ended by now
    assert under.result.violations[-1].kind == f"cancel of {statuses} answered {wrong}"


@pytest.mark.parametrize("status", Status)
def test_an_answer_of_a_row_is_no_violation(status: Status) -> None:
    """The answer of the first row fits; a refusal exercises its requirement, an accepted cancel is still to be seen."""
    row = CANCEL[status][0]
    accepted = status in ACTIVE or status is Status.PENDING_CANCEL
    under = judged(case(being(status), known=KNOWN))
    under.see(cancelling(AnswerClass.ACCEPTED if accepted else AnswerClass.CANNOT_CANCEL))
    assert under.result.violations == []
    exercised = set() if accepted else {row.requirement}
    assert set(under.result.exercised) == exercised


@pytest.mark.parametrize(
    ("status", "cause"),
    [(Status.OPEN, causes.CANCELLED_OPEN), (Status.PARTIALLY_FILLED, causes.CANCELLED_PARTIAL)],
)
def test_an_accepted_cancel_is_judged_by_the_next_read(status: Status, cause: causes.Cause) -> None:
    """The order, its owner's funds and all that the cancel must not touch are read under it from now on."""
    other = state(Status.OPEN, name="b")
    theirs = state(Status.OPEN, name="x", terms=terms(account="counterparty"))
    under = judged(case(known(state(status, EXECUTED.get(status, "0")), other, theirs)))
    under.see(cancelling(AnswerClass.ACCEPTED))
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [cause], "b": [causes.SIBLING], "x": [causes.OTHER_ACCOUNT]}
    on_funds = {account: [one.cause for one in put] for account, put in under.case.account_causes.items()}
    assert on_funds == {"primary": [cause], "counterparty": [causes.OTHER_ACCOUNT]}
    assert under.case.orders["a"].cancelled
    under.see(order_seen(view(status, EXECUTED.get(status, "0"))))
    assert under.violation.requirements[0] == cause.status[0]


def test_an_accepted_cancel_must_answer_a_status_that_the_profile_names() -> None:
    """An answer that shows another status than the profile's operations.cancel.statuses breaks CXL-06 or the row."""
    under = judged(case(being(Status.OPEN)))
    under.see(cancelling(AnswerClass.ACCEPTED, shows=Status.FILLED))
    assert under.result.violations
    assert under.violation.requirements[0] in ("CXL-01", "CXL-06")


def test_a_word_that_the_profile_does_not_know_accuses_nobody() -> None:
    """An answer whose status word is not in the vocabulary ends the plan without a finding."""
    under = judged(case(being(Status.OPEN)))
    fact = cancelling(AnswerClass.ACCEPTED)
    under.see(replace(fact, result=replace(fact.result, word="resting")))
    assert under.result.violations == []
    assert "`resting` is not in the vocabulary" in (under.result.trouble or "")


def test_a_lost_answer_leaves_both_outcomes_possible() -> None:
    """Without an answer the order may be cancelled, pending or as it was, and nothing is exercised."""
    under = judged(case(being(Status.OPEN)))
    lost = Cancelled(answer=Unknown(reason="the connection broke", sent=True, exchange=exchange(None)))
    under.see(replace(cancelling(AnswerClass.ACCEPTED), result=lost))
    assert {one.status for one in under.case.states("a")} == {Status.OPEN, Status.CANCELED, Status.PENDING_CANCEL}
    assert not under.result.exercised
    assert [one.cause for one in under.case.orders["a"].causes] == [causes.CANCELLED_UNPINNED]


class TestNotOwn:
    """Cancels of another account's order, and of an id that names none."""

    def test_a_foreign_cancel_that_is_not_refused(self) -> None:
        """Accepted: NTF-02 is broken, and nothing else."""
        under = judged(case(being(Status.OPEN)))
        under.see(cancelling(AnswerClass.ACCEPTED, account="counterparty"))
        assert under.violation.requirements == ("NTF-02",)

    def test_a_foreign_cancel_that_is_an_error_of_the_server(self) -> None:
        """ERR-01 says it already: neither NTF-02 nor NTF-03 is accused of it, whatever the words."""
        under = judged(case(being(Status.OPEN)))
        under.see(cancelling(AnswerClass.SERVER_ERROR, account="counterparty"))
        assert under.result.violations == []
        assert "NTF-03" not in under.result.exercised
        assert [one.cause for one in under.case.orders["a"].causes] == [causes.FOREIGN]

    def test_a_foreign_cancel_that_is_refused_puts_itself_on_later_reads(self) -> None:
        """What the owner's order and both accounts' funds show from now on is judged under NTF-02."""
        under = judged(case(being(Status.OPEN)))
        under.see(cancelling(AnswerClass.NOT_FOUND, account="counterparty"))
        assert under.result.exercised["NTF-02"] == 1
        assert [one.cause for one in under.case.orders["a"].causes] == [causes.FOREIGN]
        assert set(under.case.account_causes) == {"primary", "counterparty"}

    @pytest.mark.parametrize(("given", "broken"), [(AnswerClass.NOT_FOUND, False), (AnswerClass.CANNOT_CANCEL, True)])
    def test_an_unknown_order_is_not_found(self, *, given: AnswerClass, broken: bool) -> None:
        """Any other answer than not-found to an id that names no order breaks NTF-01."""
        under = judged(case(being(Status.OPEN)))
        under.see(CancellingUnknown(order_id="x", account="primary", answer=answer(given), at=NOW))
        assert [v.requirements for v in under.result.violations] == ([("NTF-01",)] if broken else [])
        assert under.result.exercised["NTF-01"] == (not broken)
        assert (under.case.known.unknown_id == "x") is not broken

    @pytest.mark.parametrize(("again", "broken"), [("as before", True), ("in other words", False)])
    def test_a_difference_counts_where_the_unknown_order_is_answered_as_before(
        self, *, again: str, broken: bool
    ) -> None:
        """The unknown order is asked for again first: an answer that varies by itself says nothing (NTF-03)."""
        unknown = answer(AnswerClass.NOT_FOUND, body='{"message": "as before"}')
        under = judged(case(being(Status.OPEN)))
        under.see(CancellingUnknown(order_id="x", account="counterparty", answer=unknown, at=NOW))
        told = replace(
            cancelling(AnswerClass.NOT_FOUND, account="counterparty"),
            result=Cancelled(answer=answer(AnswerClass.NOT_FOUND, body='{"message": "not yours"}')),
        )
        before = under.case
        assert under.see(told) == LookAgain(repeat=True)
        assert under.case is before
        anew = answer(AnswerClass.NOT_FOUND, body=f'{{"message": "{again}"}}')
        assert under.see(replace(told, again=anew)) is None
        assert [v.requirements for v in under.result.violations] == ([("NTF-03",)] if broken else [])
        assert bool(under.result.notes) is not broken

    @pytest.mark.parametrize(
        ("order_id", "about_mine", "broken"),
        [
            ("4", '{"code": 404, "at": "2026-12-01T02:57:44.004Z", "id": 4}', False),
            ("404", '{"code": 404, "at": "2026-12-01T02:57:44.404Z", "id": 404}', False),
            ("1796093862", '{"code": 404, "at": "2026-12-01T02:57:44.404Z", "id": 1796093862}', False),
            ("4", '{"code": 404, "at": "2026-12-01T02:57:44.004Z", "id": 5}', True),
            ("4", '{"code": 403, "at": "2026-12-01T02:57:44.004Z", "id": 4}', True),
        ],
    )
    def test_a_short_id_is_no_part_of_other_numbers(self, order_id: str, about_mine: str, *, broken: bool) -> None:
        """Serial ids occur among the digits of times and codes: that makes no difference, and hides none (NTF-03)."""
        body = '{"code": 404, "at": "2026-12-01T02:57:43.123Z", "id": 900000001}'
        unknown = answer(AnswerClass.NOT_FOUND, body=body)
        begun = case(being(Status.OPEN))
        under = judged(replace(begun, orders={"a": replace(begun.orders["a"], order_id=order_id)}))
        under.see(CancellingUnknown(order_id="900000001", account="counterparty", answer=unknown, at=NOW))
        mine = Cancelled(answer=answer(AnswerClass.NOT_FOUND, body=about_mine))
        told = replace(cancelling(AnswerClass.NOT_FOUND, account="counterparty"), result=mine, again=unknown)
        under.see(told)
        assert [v.requirements for v in under.result.violations] == ([("NTF-03",)] if broken else [])


def test_refusals_of_one_state_are_alike() -> None:
    """The second refusal of a FILLED order with another HTTP status breaks TRM-06; the same one exercises it."""
    under = judged(case(being(Status.FILLED)))
    under.see(cancelling(AnswerClass.CANNOT_CANCEL))
    under.see(cancelling(AnswerClass.CANNOT_CANCEL))
    assert under.result.exercised["TRM-06"] == 1
    fact = cancelling(AnswerClass.CANNOT_CANCEL)
    under.see(replace(fact, result=Cancelled(answer=answer(AnswerClass.CANNOT_CANCEL, status=409))))
    assert under.violation.requirements == ("TRM-06",)


def test_a_cell_is_reached_where_the_state_is_sure() -> None:
    """A cancel that met one of two possible states reached neither cell."""
    sure = case(being(Status.OPEN))
    assert CellReached(state=Status.OPEN, event="cancel") in judge(sure, cancelling(AnswerClass.ACCEPTED))[1]
    unsure = case(Belief({0: ((state(Status.OPEN),), (state(Status.CANCELED),))}, {"a": 0}))
    assert not any(isinstance(one, CellReached) for one in judge(unsure, cancelling(AnswerClass.ACCEPTED))[1])


def test_an_accepted_cancel_is_timed_from_its_answer_to_its_end() -> None:
    """INF-01, INF-02: the answer's own time at once, and the time to the end when a read shows it, once."""
    under = judged(case(being(Status.OPEN)))
    under.see(cancelling(AnswerClass.ACCEPTED))
    ended = exchange(200).ended
    assert under.case.orders["a"].cancelled_at == ended
    under.see(order_seen(view(Status.CANCELED, "0"), at=NOW))
    under.see(order_seen(view(Status.CANCELED, "0"), at=NOW + 1))
    assert [(one.answer, one.terminal) for one in under.result.timings] == [(ended, None), (0.0, NOW - ended)]
    assert under.case.orders["a"].cancelled_at is None


def test_a_refused_cancel_touches_no_order() -> None:
    """Its order, all live ones beside it and what meets those later are judged under the refusal (TRM-05)."""
    over, open_one = state(Status.FILLED, "10"), state(Status.OPEN, name="b")
    under = judged(case(known(over, open_one, state(Status.CANCELED, name="c")), known=KNOWN))
    under.see(cancelling(AnswerClass.CANNOT_CANCEL))
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [causes.REFUSED], "b": [causes.REFUSED_ELSEWHERE], "c": []}
    assert [one.cause for one in under.case.account_causes["primary"]] == [causes.REFUSED]
    assert under.case.after_refusals == {"b": {causes.CROSSED_AFTER_REFUSAL}}


def test_a_refused_foreign_cancel_leaves_its_order_in_the_book() -> None:
    """Whatever meets it later, and the funds of both accounts, are judged under it (NTF-02)."""
    under = judged(case(being(Status.OPEN)))
    under.see(cancelling(AnswerClass.NOT_FOUND, account="counterparty"))
    assert under.case.after_refusals == {"a": {causes.CROSSED_AFTER_FOREIGN}}
    on_funds = {account: [one.cause for one in put] for account, put in under.case.account_causes.items()}
    assert on_funds == {"primary": [causes.FOREIGN], "counterparty": [causes.FOREIGN]}


def test_a_cancel_of_an_unknown_order_touches_nothing() -> None:
    """Refused, it is held against whatever changes of the live orders and of the account's funds (TRM-05)."""
    under = judged(case(known(state(Status.OPEN), state(Status.CANCELED, name="c"))))
    under.see(
        CancellingUnknown(order_id="x", account="primary", answer=answer(AnswerClass.NOT_FOUND), at=NOW),
    )
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [causes.UNKNOWN_ID], "c": []}
    assert [one.cause for one in under.case.account_causes["primary"]] == [causes.UNKNOWN_ID]


@pytest.mark.parametrize("account", ["primary", "counterparty"])
def test_a_plan_goes_on_behind_a_wrong_answer(account: str) -> None:
    """What the cancel met is told with it; a foreign one that is accepted tells orders apart as well (NTF-03)."""
    under = judged(case(being(Status.OPEN)))
    under.see(cancelling(AnswerClass.ACCEPTED if account == "counterparty" else AnswerClass.NOT_FOUND, account=account))
    mine = account == "primary"
    assert under.violation.predicted == f"{'accepted' if mine else 'not-found'} (the order is OPEN)"
    assert under.violation.what == "the answer to the cancel of a" + ("" if mine else " by counterparty")
    assert under.violation.also == (() if mine else ("NTF-03",))
    assert not under.violation.ends
    assert under.result.trouble is None


@pytest.mark.parametrize(("shows", "broken"), [(Status.CANCELED, False), (Status.PENDING_CANCEL, True), (None, False)])
def test_the_status_in_an_accepted_answer_is_one_of_the_profile(shows: Status | None, *, broken: bool) -> None:
    """CXL-06: a profile that names CANCELED alone is not answered PENDING_CANCEL; the plan goes on."""
    cancel = {**profile().operations.cancel.model_dump(mode="json", exclude_none=True), "statuses": ["CANCELED"]}
    under = judged(case(being(Status.OPEN), operations={"cancel": cancel}))
    under.see(cancelling(AnswerClass.ACCEPTED, shows=shows))
    assert [found.requirements for found in under.result.violations] == ([("CXL-06",)] if broken else [])
    assert not any(found.ends for found in under.result.violations)


def test_refusals_may_vary_where_the_profile_says_so() -> None:
    """TRM-06 is no matter of a venue that is relaxed so; elsewhere a difference is told, and the plan goes on."""
    for relaxed in (True, False):
        under = judged(case(being(Status.FILLED), relaxations={"refusal_may_vary": relaxed}))
        under.see(cancelling(AnswerClass.CANNOT_CANCEL))
        fact = cancelling(AnswerClass.CANNOT_CANCEL)
        under.see(replace(fact, result=Cancelled(answer=answer(AnswerClass.CANNOT_CANCEL, status=409))))
        assert [found.requirements for found in under.result.violations] == ([] if relaxed else [("TRM-06",)])
        assert not any(found.ends for found in under.result.violations)


def test_what_was_sent_last_may_have_happened() -> None:
    """Requests whose answers nobody waited for: each may have been carried out, or not, and nothing is exercised."""
    both = known(state(Status.OPEN), state(Status.OPEN, name="b"))
    under = judged(case(both))
    events = (Cancel(order="a", account="primary"), Cancel(order="b", account="primary"))
    under.see(MayHaveHappened(events=events, at=NOW))
    for name in ("a", "b"):
        found = {one.status for one in under.case.states(name)}
        assert found == {Status.OPEN, Status.CANCELED, Status.PENDING_CANCEL}
    assert not under.result.exercised
