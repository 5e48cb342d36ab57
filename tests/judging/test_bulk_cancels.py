"""Answers to cancel-all: what they list, what they leave, and what they put on later reads."""

from dataclasses import replace

import pytest

from conformance.judging import causes
from conformance.judging.bulk_cancels import MANY, bulk_cause, bulk_situation
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


def test_what_an_accepted_cancel_all_leaves_to_later_looks() -> None:
    """Its orders are cancelled, at its answer's end; their price level is one of a cancel; all funds are under it."""
    under = begun()
    under.see(cancelled_all("id-a"))
    orders = under.case.orders
    assert {name: order.cancelled for name, order in orders.items()} == {"a": True, "c": False, "x": False}
    assert orders["a"].cancelled_at == cancelled_all().result.answer.exchange.ended
    assert under.case.cancelled_prices == {("M", orders["a"].terms.side, orders["a"].terms.price)}
    on_funds = {account: {one.cause for one in put} for account, put in under.case.account_causes.items()}
    assert on_funds == {"primary": {causes.BULK, causes.BULK_UNTOUCHED}, "counterparty": {causes.BULK_OTHER}}


def test_which_orders_a_cancel_all_reached() -> None:
    """A cell of each order, by whose cancel-all it was."""
    under = begun()
    under.see(cancelled_all("id-a"))
    assert under.result.cells == {
        (Status.OPEN, "cancel-all"): 1,
        (Status.CANCELED, "cancel-all"): 1,
        (Status.OPEN, "cancel-all by another account"): 1,
    }


def test_a_cancel_all_with_nothing_active() -> None:
    """An empty list exercises ALL-04; the account's funds, and what may still be live of it, are judged under it."""
    held = replace(state(Status.PENDING, name="p"), terms=terms(price=None))
    under = judged(case(known(CLOSED, held)))
    under.see(cancelled_all())
    assert under.result.violations == []
    assert under.result.exercised["ALL-04"] == 1
    assert causes.BULK_NOTHING in {one.cause for one in under.case.account_causes["primary"]}
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"c": [causes.BULK_UNTOUCHED], "p": [causes.BULK_UNTOUCHED, causes.BULK_NOTHING]}


@pytest.mark.parametrize(
    ("states", "cause"),
    [
        ((state(Status.OPEN),), causes.BULK),
        ((state(Status.PARTIALLY_FILLED, "3"),), causes.BULK_PARTIAL),
        ((state(Status.PENDING_CANCEL),), causes.BULK_WHILE_PENDING),
        ((state(Status.FILLED, "10"), state(Status.CANCELED)), causes.BULK_UNTOUCHED),
        ((replace(state(Status.PENDING), terms=terms(price=None)),), causes.BULK_UNTOUCHED),
        ((state(Status.PENDING),), causes.CANCELLED_UNPINNED),
        ((replace(state(Status.OPEN), terms=terms(price=None)),), causes.BULK),
        ((state(Status.OPEN), state(Status.PARTIALLY_FILLED, "3")), causes.CANCELLED_UNPINNED),
        ((state(Status.OPEN), state(Status.CANCELED)), causes.CANCELLED_UNPINNED),
    ],
)
def test_what_a_cancel_all_puts_on_an_order(states: tuple[OrderState, ...], cause: causes.Cause) -> None:
    """By what the order may have been, unless what it was is known."""
    assert bulk_cause(states) is cause
    assert bulk_cause((*states, state(Status.CANCELED)), Status.OPEN) is causes.BULK


@pytest.mark.parametrize(
    ("nothing", "many", "words"),
    [(True, False, "nothing active"), (False, True, "many orders active"), (False, False, "orders active")],
)
def test_a_situation_in_words(*, nothing: bool, many: bool, words: str) -> None:
    """Findings of one kind are grouped by it."""
    assert bulk_situation(nothing=nothing, many=many) == words


def test_a_cancel_all_of_another_account_is_met_by_no_order_of_ones_own() -> None:
    """The other account's list is empty though an order of this one is open."""
    under = begun()
    theirs = replace(cancelled_all("id-x"), account="counterparty")
    under.see(theirs)
    assert under.result.violations == []
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [causes.BULK_OTHER], "c": [], "x": [causes.BULK]}
