"""Placings and what drives orders: ids, refusals, funds that a cancel gave back, and what opposite orders meet."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.judging import causes
from conformance.judging.bulk_cancels import MANY
from conformance.judging.case import LaneKnowledge
from conformance.judging.placings import may_lack_funds
from conformance.judging.seen import Approached, Driven, LockSeen, Placing, Released
from conformance.model.events import Execute, Place, Release
from conformance.model.order import Status, Terms
from fixtures.venue.answers import AnswerClass, BalanceView
from tests.judging.cases import Judged, answer, balances_seen, cancelling, case, funds, judged, profile, start_seen
from tests.model.orders import NOW, known, state, terms

ID = "0190163d-8694-739b-aea5-966c26f8ad91"
LATER, EARLIER, RANDOM = ID.replace("8694", "8695"), "018f163d-8694-739b-aea5-966c26f8ad91", ID.replace("-7", "-4")


def placing(name: str, order_id: str | None = ID, given: Terms | None = None) -> Placing:
    """A placing was answered: accepted with an id, or refused."""
    event = Place(order=name, terms=given or terms(), arrival=9)
    said = answer(
        AnswerClass.REJECTED if order_id is None else AnswerClass.ACCEPTED, status=422 if order_id is None else 200
    )
    return Placing(event=event, answer=said, order_id=order_id, client_id="mine", asked=NOW, at=NOW)


def test_an_order_that_was_accepted_is_tracked_from_then_on() -> None:
    """It is known by its id and its client id, and open."""
    under = judged(case(known()))
    under.see(placing("p"))
    order = under.case.orders["p"]
    assert (order.order_id, order.terms.client_id) == (ID, "mine")
    assert {one.status for one in under.case.states("p")} == {Status.OPEN}
    assert under.result.exercised["NTF-05"] == 1


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ((ID, LATER), None),
        ((ID, ID.upper().replace("91", "92")), None),
        ((ID, EARLIER), "the time part of an order id goes backwards"),
        ((RANDOM,), "an order id is not a UUID v7"),
        (("12345",), "an order id is not a UUID v7"),
    ],
)
def test_ids_are_of_version_7_and_in_order(ids: tuple[str, ...], kind: str | None) -> None:
    """NTF-05, for as long as the profile does not say that ids are opaque."""
    under = judged(case(known()))
    for number, order_id in enumerate(ids):
        under.see(placing(f"p{number}", order_id))
    assert [found.kind for found in under.result.violations] == ([] if kind is None else [kind])
    opaque = judged(case(known(), relaxations={"order_id_form": "opaque"}))
    for number, order_id in enumerate(ids):
        opaque.see(placing(f"p{number}", order_id))
    assert opaque.result.violations == []


class TestUsableFunds:
    """FND-07: what a cancel released can be used at once."""

    def released(self, *, cancel: bool = True) -> Judged:
        """An account whose funds were all locked by an order, which is then cancelled and seen released."""
        under = judged(case(known(state(Status.OPEN)), known=LaneKnowledge(places_later=True)))
        under.see(start_seen(funds("1010", "0", "1010")))
        under.see(balances_seen(funds("10", "1000", "1010")))
        if cancel:
            under.see(cancelling(AnswerClass.ACCEPTED))
            under.see(balances_seen(funds("1010", "0", "1010")))
        return under

    def test_a_refusal_of_what_was_released_breaks_it(self) -> None:
        """The next order needs what was locked before, and the target refuses it."""
        under = self.released()
        under.see(placing("p", None))
        assert under.violation.requirements == ("FND-07",)

    def test_an_order_of_what_was_released_exercises_it(self) -> None:
        """The next order needs what was locked before, and the target takes it."""
        under = self.released()
        under.see(placing("p"))
        assert under.result.exercised["FND-07"] == 1

    def test_a_refusal_before_any_release_accuses_nobody(self) -> None:
        """Where nothing was cancelled, a refusal is the venue's own affair, and the plan cannot go on."""
        under = self.released(cancel=False)
        under.see(placing("p", None))
        assert under.result.violations == []
        assert "placing p was refused" in (under.result.trouble or "")


def test_an_opposite_order_puts_itself_on_what_it_meets() -> None:
    """A cancelled order that it would have met must not trade (CXL-04), and an open one is filled by it."""
    gone, there = state(Status.CANCELED), state(Status.OPEN, name="b")
    begun = case(known(gone, there))
    under = judged(replace(begun, orders={**begun.orders, "a": replace(begun.orders["a"], cancelled=True)}))
    under.see(placing("s", given=terms(side="s", account="counterparty")))
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put["a"] == [causes.CROSSED_AFTER_CANCEL]
    assert put["b"] == [causes.FILLED]
    assert put["s"] == [causes.PLACED, causes.CROSSED_AFTER_CANCEL, causes.FILLED]


class TestPostOnly:
    """CXL-03: a cancelled order that stands in nobody's way lets a post-only order rest at its price."""

    def cancelled(self, *, taken: bool) -> Judged:
        """An order was cancelled; ``taken``: a post-only order of the other account was accepted before."""
        passive = terms(side="s", price="200", account="counterparty", post_only=True)
        far = replace(state(Status.OPEN, name="b"), terms=passive)
        begun = case(known(state(Status.CANCELED), *([far] if taken else [])))
        gone = replace(begun.orders["a"], cancelled=True)
        return judged(replace(begun, orders={**begun.orders, "a": gone}))

    def test_its_refusal_at_the_price_of_a_cancelled_order_is_a_finding(self) -> None:
        """Such orders are taken, nothing else stands there, and the target refuses this one."""
        under = self.cancelled(taken=True)
        under.see(placing("p", None, terms(side="s", account="counterparty", post_only=True)))
        assert under.violation.requirements == ("CXL-03",)

    @pytest.mark.parametrize(("taken", "post_only"), [(False, True), (True, False)])
    def test_other_refusals_accuse_nobody(self, taken: bool, post_only: bool) -> None:
        """A venue may take no post-only orders at all, and an order of another kind may be refused for any reason."""
        under = self.cancelled(taken=taken)
        under.see(placing("p", None, terms(side="s", account="counterparty", post_only=post_only)))
        assert under.result.violations == []


class TestClientIdAgain:
    """Whether a client id may come again once its order is over is the venue's choice."""

    def over(self) -> Judged:
        """An order of a client id was cancelled."""
        begun = case(known(replace(state(Status.CANCELED), terms=terms(client_id="mine"))))
        return judged(replace(begun, orders={"a": replace(begun.orders["a"], order_id=ID, cancelled=True)}))

    @pytest.mark.parametrize(("answered", "word"), [(None, "it is refused"), (ID, "with the order that had it")])
    def test_a_refusal_and_the_first_order_again_are_noted(self, answered: str | None, word: str) -> None:
        """Neither is a finding, nor an order of the plan; and the plan goes on."""
        under = self.over()
        under.see(placing("p", answered, terms(client_id="mine")))
        assert (under.result.violations, under.result.trouble) == ([], None)
        assert "p" not in under.case.orders
        assert any(word in note for note in under.result.notes)

    def test_a_new_order_under_it_is_judged_like_any_other(self) -> None:
        """Where the venue takes it, it has an id of its own and is tracked."""
        under = self.over()
        under.see(placing("p", LATER, terms(client_id="mine")))
        assert under.case.orders["p"].order_id == LATER


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_held_market_order_must_not_trade_with_what_was_cancelled_meanwhile(cancelled: bool) -> None:
    """CXL-04: once it executes, orders that were cancelled while it was held are met by it, and it by them."""
    held = replace(state(Status.PENDING, name="t"), terms=terms(side="s", price=None, account="counterparty"))
    gone, there = state(Status.CANCELED if cancelled else Status.OPEN), state(Status.OPEN, name="b")
    begun = case(known(gone, there, held))
    under = judged(replace(begun, orders={**begun.orders, "a": replace(begun.orders["a"], cancelled=cancelled)}))
    under.see(Released(event=Release(market="M"), executing=("t",), at=NOW))
    put = {name: {one.cause for one in order.causes} for name, order in under.case.orders.items()}
    assert [causes.CROSSED_AFTER_CANCEL in put[name] for name in "abt"] == [cancelled] * 3


def test_a_lock_is_learned_from_the_balances_before_and_after() -> None:
    """What an executing market order locks stands in no formula: it is the difference."""
    executing = replace(state(Status.PENDING), terms=terms(price=None))
    under = judged(case(known(executing)))
    under.see(LockSeen(order="a", before=funds("1000", "0", "1000"), after=funds("400", "600", "1000")))
    assert under.case.belief.locked("primary", under.case.rules)["Q"].low == Decimal(600)


@pytest.mark.parametrize(("given", "executed"), [(AnswerClass.ACCEPTED, {"4"}), (None, {"0", "4"})])
def test_an_execution_by_control(given: AnswerClass | None, executed: set[str]) -> None:
    """An accepted one has happened; one whose answer was lost has happened, or has not."""
    under = judged(case(known(state(Status.OPEN))))
    said = None if given is None else answer(given)
    under.see(Driven(event=Execute(order="a", quantity=Decimal(4)), answer=said, before=NOW, at=NOW))
    assert {str(one.executed) for one in under.case.states("a")} == executed
    assert under.result.trouble is None


def test_an_execution_that_the_target_refuses_ends_the_plan() -> None:
    """A driver that does not drive accuses nobody."""
    under = judged(case(known(state(Status.OPEN))))
    refused = answer(AnswerClass.REJECTED, status=422)
    under.see(Driven(event=Execute(order="a", quantity=Decimal(4)), answer=refused, before=NOW, at=NOW))
    assert under.result.violations == []
    assert "the fill driver answered" in (under.result.trouble or "")


class TestMayLackFunds:
    """Whether a venue that keeps rejected orders may have rejected one for want of funds."""

    def lacks(self, available: str, *, quantity: str = "10", price: str | None = "100", **tables: Any) -> bool:
        """Whether an order of ten at a hundred may lack funds in an account that began with so much."""
        under = judged(case(known(), **tables))
        under.see(start_seen(funds(available, "0", available)))
        order = replace(state(Status.OPEN), terms=terms(quantity, price))
        return may_lack_funds(under.case, order)

    @pytest.mark.parametrize(("available", "lacks"), [("1002", False), ("1001.9", True), ("5000", False), ("0", True)])
    def test_with_the_fees_that_it_may_cost(self, available: str, *, lacks: bool) -> None:
        """The account has at least what the order locks, and the highest fee on it, or it may lack them."""
        assert self.lacks(available) is lacks

    @pytest.mark.parametrize(("available", "lacks"), [("0", True), ("1", False)])
    def test_an_order_of_any_amount_lacks_funds_where_there_are_none(self, available: str, *, lacks: bool) -> None:
        """What a market order locks has no bound."""
        assert self.lacks(available, price=None) is lacks

    def test_a_venue_without_a_word_for_it_rejects_nothing(self) -> None:
        """An order that is refused has no id there."""
        words = {name: one for name, one in profile().vocabulary.status.items() if name is not Status.REJECTED}
        assert not self.lacks("0", vocabulary={"status": words})


def test_an_event_that_reaches_an_order_is_a_cell() -> None:
    """Where the state is known; a pending cancel may have ended by the time."""
    under = judged(case(known(state(Status.OPEN))))
    under.see(Approached(order="a", event="fill", at=NOW))
    assert under.result.cells == {(Status.OPEN, "fill"): 1}


def parts(available: str | None, locked: str | None) -> dict[str, BalanceView]:
    """Balances in the quote asset that show no total."""
    left, held = (None if one is None else Decimal(one) for one in (available, locked))
    return {"Q": BalanceView(available=left, locked=held, total=None)}


@pytest.mark.parametrize(
    ("before", "after", "learned"),
    [
        ((None, None), (None, None), None),
        (("1000", None), ("400", None), "600"),
        (("400", None), ("1000", None), None),
        (("1000", "5"), ("1000", "25"), "20"),
        (("1000", "5"), ("400", None), "600"),
        ((None, "5"), (None, "5"), "0"),
    ],
)
def test_what_tells_of_a_lock(
    before: tuple[str | None, str | None], after: tuple[str | None, str | None], learned: str | None
) -> None:
    """What is locked more, or else what is available less; nothing where neither was shown twice, or it fell."""
    executing = replace(state(Status.PENDING), terms=terms(price=None))
    under = judged(case(known(executing)))
    under.see(LockSeen(order="a", before=parts(*before), after=parts(*after)))
    found = under.case.belief.locked("primary", under.case.rules)["Q"]
    assert (str(found.low) if found.exact else None) == learned


def test_orders_that_rest_in_a_market_may_have_been_met_by_what_was_let_go() -> None:
    """Resting orders are read under a fill, those of other markets and those that are over are not."""
    held = replace(state(Status.PENDING, name="t"), terms=terms(side="s", price=None, account="counterparty"))
    begun = case(known(state(Status.OPEN), held, state(Status.CANCELED, name="c")))
    under = judged(begun)
    under.see(Released(event=Release(market="M"), executing=("t",), at=NOW))
    put = {name: [one.cause for one in order.causes] for name, order in under.case.orders.items()}
    assert put == {"a": [causes.FILLED], "t": [causes.FILLED], "c": []}


def test_a_limit_of_open_orders_is_the_venues() -> None:
    """A refusal with fifty orders open is noted, and the plan goes on; with fewer it is trouble."""
    for number in (MANY - 1, MANY):
        open_orders = (state(Status.OPEN, name=f"o{n:02}") for n in range(number))
        under = judged(case(known(*open_orders)))
        under.see(placing("p", None))
        assert under.result.violations == []
        assert bool(under.result.notes) is (number == MANY)
        assert (under.result.trouble is None) is (number == MANY)
