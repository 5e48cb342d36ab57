"""Answers to cancel-all: what they list, what they leave, and what they put on later reads."""

from dataclasses import replace

import pytest

from conformance.judging import causes
from conformance.judging.bulk_cancels import MANY
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import CancellingAll
from conformance.model.lifecycle import OrderState
from conformance.model.order import Status
from fixtures.venue.answers import AnswerClass, CancelledAll
from tests.judging.cases import Judged, answer, case, judged, order_seen, view
from tests.model.orders import NOW, known, state, terms

OPEN, CLOSED = state(Status.OPEN, name="a"), state(Status.CANCELED, name="c")
THEIRS = state(Status.OPEN, name="x", terms=terms(account="counterparty"))


def cancelled_all(*ids: str, answer_class: AnswerClass = AnswerClass.ACCEPTED) -> CancellingAll:
    """A cancel-all of the primary account was answered, listing these ids."""
    return CancellingAll(
        account="primary", result=CancelledAll(answer=answer(answer_class), order_ids=ids), asked=NOW, at=NOW
    )


def begun() -> Judged:
    """A case with an open order that was read, a closed one, and one of the other account."""
    under = judged(case(known(OPEN, CLOSED, THEIRS)))
    under.see(order_seen(view(Status.OPEN, order="a")))
    return under


def test_a_cancel_all_that_lists_what_it_cancels() -> None:
    """It exercises ALL-03, and puts its requirements on every order by what it must make of it."""
    under = begun()
    assert under.see(cancelled_all("id-a")) is None
    assert under.result.violations == []
    assert under.result.exercised["ALL-03"] == 1
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [causes.BULK], "c": [causes.BULK_UNTOUCHED], "x": [causes.BULK_OTHER]}
    under.see(order_seen(view(Status.OPEN, order="a")))
    assert under.violation.requirements[0] == "ALL-01"


@pytest.mark.parametrize(
    ("orders", "ids"),
    [((OPEN,), ("ALL-01",)), ((CLOSED,), ("ALL-04",)), ((), ("ALL-04",))],
    ids=["open", "closed", "none"],
)
def test_a_cancel_all_that_is_refused(orders: tuple[OrderState, ...], ids: tuple[str, ...]) -> None:
    """With something active that is ALL-01, with nothing ALL-04."""
    under = judged(case(known(*orders)))
    under.see(cancelled_all(answer_class=AnswerClass.NOT_FOUND))
    assert under.violation.requirements == ids


def test_a_cancel_all_of_many_that_is_refused() -> None:
    """From fifty active orders on it is ALL-06 as well, and first."""
    under = judged(case(known(*(state(Status.OPEN, name=f"o{n:02}") for n in range(MANY)))))
    under.see(cancelled_all(answer_class=AnswerClass.NOT_FOUND))
    assert under.violation.requirements == ("ALL-06", "ALL-01")


@pytest.mark.parametrize(
    ("listed", "ids"),
    [(("id-a", "id-a"), ("ALL-03",)), (("id-a", "id-x"), ("ALL-03", "ALL-02")), (("id-a", "strange"), ("ALL-03",))],
    ids=["twice", "another account's", "unknown"],
)
def test_ids_that_do_not_belong_into_the_list(listed: tuple[str, ...], ids: tuple[str, ...]) -> None:
    """Each of the account's own active orders is listed, once, and no other one is."""
    under = begun()
    under.see(cancelled_all(*listed))
    assert under.violation.requirements == ids


@pytest.mark.parametrize(
    ("now", "ids", "kind"),
    [
        (Status.OPEN, ("ALL-01",), "cancel-all leaves an active order"),
        (Status.CANCELED, ("ALL-03",), "cancel-all lists other orders than it cancelled"),
    ],
)
def test_a_look_tells_a_wrong_list_from_a_wrong_cancel_all(now: Status, ids: tuple[str, ...], kind: str) -> None:
    """An order that is not listed was left active (ALL-01), or cancelled and not said (ALL-03): it is read first."""
    under = begun()
    before = under.case
    assert under.see(cancelled_all()) == LookAgain(orders=("a",))
    assert under.case is before
    under.see(replace(cancelled_all(), looked={"a": view(now)}))
    assert under.violation.requirements == ids
    assert under.violation.kind == kind


def test_a_closed_order_that_is_listed_breaks_all_05_where_it_changed() -> None:
    """A closed order in the list is wrong (ALL-03), and one that is something else now was touched as well (ALL-05)."""
    for now, ids in ((Status.CANCELED, ("ALL-03",)), (Status.FILLED, ("ALL-03", "ALL-05"))):
        under = judged(case(known(CLOSED)))
        under.see(order_seen(view(Status.CANCELED, order="c")))
        under.see(replace(cancelled_all("id-c"), looked={"c": view(now, order="c")}))
        assert under.violation.requirements == (*ids, "ALL-04")
