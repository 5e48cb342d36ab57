"""Races: what their answers say together, what each says for itself, and what a race puts on later reads."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.judging import causes
from conformance.judging.seen import Kind, RaceCall, Raced
from conformance.model.events import Cancel, CancelAll, Execute
from conformance.model.order import Status
from fixtures.venue.answers import Answer, AnswerClass, Cancelled, CancelledAll, OrderRead, Unknown
from tests.judging.cases import Judged, answer, case, exchange, judged, order_seen, view
from tests.model.orders import NOW, known, state, terms

ACCEPTED, REFUSED, NOT_FOUND = AnswerClass.ACCEPTED, AnswerClass.CANNOT_CANCEL, AnswerClass.NOT_FOUND


def at(given: Answer, began: float, ended: float) -> Answer:
    """An answer to a request that ran in this time, in seconds."""
    return replace(given, exchange=replace(given.exchange, began=began, ended=ended))


def cancel(number: int, said: AnswerClass | None, order: str = "a", **changes: Any) -> RaceCall:
    """A cancel among the calls; all run at the same time unless it is said otherwise."""
    began, ended = changes.pop("began", 0.0), changes.pop("ended", 1.0)
    account = changes.pop("account", "primary")
    lost = Unknown(reason="broke", sent=True, exchange=exchange(None, began=began, ended=ended))
    return RaceCall(
        label=f"#{number} cancel of {order}",
        kind=Kind.CANCEL,
        account=account,
        event=Cancel(order=order, account=account),
        sent=Cancelled(answer=lost if said is None else at(answer(said), began, ended)),
        order=order,
    )


def fill(number: int, began: float = 0.0, ended: float = 1.0) -> RaceCall:
    """A fill of a unit of order ``a`` among the calls, by a control request, which was carried out."""
    return RaceCall(
        label=f"#{number} fill of a",
        kind=Kind.FILL,
        account="primary",
        event=Execute(order="a", quantity=Decimal(1)),
        sent=at(answer(ACCEPTED), began, ended),
        order="a",
    )


def cancel_all(number: int, *ids: str, said: AnswerClass = ACCEPTED) -> RaceCall:
    """A cancel-all among the calls, which lists these ids."""
    return RaceCall(
        label=f"#{number} cancel-all",
        kind=Kind.CANCEL_ALL,
        account="primary",
        event=CancelAll(account="primary"),
        sent=CancelledAll(answer=at(answer(said), 0.0, 1.0), order_ids=ids),
    )


def read(number: int, status: Status | None, account: str = "primary") -> RaceCall:
    """A read of order ``a`` among the calls; without a status it finds nothing."""
    shown = None if status is None else view(status)
    said = at(answer(NOT_FOUND if status is None else ACCEPTED), 0.0, 1.0)
    sent = OrderRead(answer=said, view=shown)
    return RaceCall(label=f"#{number} read", kind=Kind.READ, account=account, event=None, sent=sent, order="a")


def raced(
    *calls: RaceCall, orders: Iterable[Any] = (state(Status.OPEN),), judged_too: bool = True, delayed: bool = True
) -> Judged:
    """A case in which these calls were made at once; ``delayed``: cancels may be pending at this venue."""
    begun = case(known(*orders))
    under = judged(replace(begun, rules=replace(begun.rules, delays_cancels=delayed)))
    under.see(Raced(calls=calls, asked=NOW, at=NOW, judged=judged_too))
    return under


@pytest.mark.parametrize(("delayed", "broken"), [(True, []), (False, [("RCE-01",)])])
def test_both_of_two_cancels_are_accepted_where_the_first_may_be_pending(
    *, delayed: bool, broken: list[tuple[str, ...]]
) -> None:
    """Where cancels are never pending, the order is over for the second one: RCE-01 is broken."""
    under = raced(cancel(1, ACCEPTED), cancel(2, ACCEPTED), delayed=delayed)
    assert [violation.requirements for violation in under.result.violations] == broken


def test_one_cancel_too_many_is_that_alone_whatever_else_ran() -> None:
    """Two accepted cancels beside a fill: with any other answer to one of them the fill is explained (no RCE-02)."""
    under = raced(cancel(1, ACCEPTED), cancel(2, ACCEPTED), fill(3), delayed=False)
    assert [violation.requirements for violation in under.result.violations] == [("RCE-01",)]


def test_a_fill_of_a_cancelled_order_is_not_explained_by_another_answer_to_a_cancel() -> None:
    """Two accepted cancels before a fill that was accepted: then it is the fill, too."""
    late = fill(3, began=2.0, ended=3.0)
    under = raced(cancel(1, ACCEPTED), cancel(2, ACCEPTED), late, delayed=False)
    (violation,) = under.result.violations
    assert "RCE-02" in violation.requirements


def test_one_of_two_cancels_is_accepted() -> None:
    """Some order of the calls explains it, RCE-01 is exercised, and stands over the next read."""
    under = raced(cancel(1, ACCEPTED), cancel(2, REFUSED))
    assert under.result.violations == []
    assert under.result.exercised["RCE-01"] == 1
    assert causes.RACED_CANCELS in [one.cause for one in under.case.orders["a"].causes]
    under.see(order_seen(view(Status.OPEN)))
    assert under.violation.requirements[0] == "RCE-01"


def test_answers_that_no_order_of_the_calls_explains() -> None:
    """Both refused, though the order was open: RCE-01 is broken, with how far an explanation went."""
    under = raced(cancel(1, REFUSED), cancel(2, REFUSED))
    assert under.violation.requirements == ("RCE-01",)
    assert under.violation.kind == "no order of the calls explains their answers: cancel at once"
    assert under.violation.because[0].startswith("explained as far as:")
    assert "#1 cancel of a [0.0 to 1000.0 ms]" in under.violation.seen


def test_calls_one_after_the_other_exercise_no_race() -> None:
    """Calls that did not run at the same time are judged, and noted."""
    under = raced(cancel(1, ACCEPTED), cancel(2, REFUSED, began=2.0, ended=3.0))
    assert not under.result.exercised["RCE-01"]
    assert under.result.notes["the calls of a race did not run at the same time"] == 1
    wrong = raced(cancel(1, REFUSED), cancel(2, ACCEPTED, began=2.0, ended=3.0))
    assert wrong.result.violations


def test_a_lost_answer_leaves_both_outcomes_open() -> None:
    """A refusal beside a cancel without an answer is explained by that one, whichever was first."""
    under = raced(cancel(1, None), cancel(2, REFUSED))
    assert under.result.violations == []
    assert {one.status for one in under.case.states("a")} == {Status.CANCELED, Status.PENDING_CANCEL}


def test_different_orders_at_once() -> None:
    """Cancels of two orders are RCE-04, and not RCE-01: no order is cancelled twice."""
    under = raced(
        cancel(1, ACCEPTED), cancel(2, ACCEPTED, "b"), orders=(state(Status.OPEN), state(Status.OPEN, name="b"))
    )
    assert (under.result.exercised["RCE-04"], under.result.exercised["RCE-01"]) == (1, 0)


def test_a_foreign_cancel_among_the_calls_is_refused() -> None:
    """Accepted, it breaks NTF-02; refused, it is no cancel of the order."""
    accepted = raced(cancel(1, ACCEPTED, account="counterparty"), cancel(2, ACCEPTED))
    assert "NTF-02" in accepted.violation.requirements
    refused = raced(cancel(1, NOT_FOUND, account="counterparty"), cancel(2, ACCEPTED))
    assert refused.result.violations == []
    assert not refused.result.exercised["RCE-01"]


class TestCancelAll:
    """A cancel-all among the calls (RCE-03)."""

    def test_it_lists_what_it_took_and_not_what_another_call_took(self) -> None:
        """Either the cancel was first, and is not listed, or cancel-all was, and the cancel is refused."""
        assert raced(cancel(1, ACCEPTED), cancel_all(2)).result.exercised["RCE-03"] == 1
        assert raced(cancel(1, REFUSED), cancel_all(2, "id-a")).result.violations == []

    def test_a_wrong_list_breaks_all_03(self) -> None:
        """Where the answers alone are explained, what is listed is wrong."""
        under = raced(cancel(1, REFUSED), cancel_all(2))
        assert under.violation.requirements[0] == "RCE-03"
        assert "ALL-03" in under.violation.requirements

    @pytest.mark.parametrize(
        ("call", "ids"),
        [
            (cancel_all(2, said=AnswerClass.SERVER_ERROR), ("RCE-03", "ALL-01")),
            (cancel_all(2, "id-a", "id-a"), ("RCE-03", "ALL-03")),
            (cancel_all(2, "id-x"), ("RCE-03", "ALL-03", "ALL-02")),
        ],
    )
    def test_what_is_wrong_by_itself(self, call: RaceCall, ids: tuple[str, ...]) -> None:
        """Refused, listing twice, or listing another account's: no order of the calls is looked for."""
        theirs = state(Status.OPEN, name="x", terms=terms(account="counterparty"))
        assert raced(cancel(1, ACCEPTED), call, orders=(state(Status.OPEN), theirs)).violation.requirements == ids


class TestReads:
    """A read among the calls says something for itself, and has its place among them."""

    def test_it_shows_the_order_before_or_after(self) -> None:
        """Either status is explained; one that no moment had is not."""
        for status in (Status.OPEN, Status.CANCELED):
            assert raced(cancel(1, ACCEPTED), read(2, status)).result.violations == []
        assert raced(cancel(1, ACCEPTED), read(2, Status.EXPIRED)).result.violations

    def test_an_order_that_cannot_be_read(self) -> None:
        """Its owner must see it (CXL-08), another account must not (NTF-07)."""
        assert raced(cancel(1, ACCEPTED), read(2, None)).violation.requirements == ("CXL-08",)
        assert raced(cancel(1, ACCEPTED), read(2, None, "counterparty")).result.exercised["NTF-07"] == 1
        assert raced(cancel(1, ACCEPTED), read(2, Status.OPEN, "counterparty")).violation.requirements == ("NTF-07",)


def test_a_race_of_a_plan_that_had_ended_is_not_judged() -> None:
    """Where one of the answers ended the plan, nothing is said of the others."""
    under = raced(cancel(1, REFUSED), cancel(2, REFUSED), judged_too=False)
    assert under.result.violations == []
    assert not under.result.exercised
