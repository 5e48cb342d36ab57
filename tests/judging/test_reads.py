"""What reads and lists of orders show: what a fit exercises, what a misfit breaks, and what is withdrawn."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.judging import causes
from conformance.judging.case import LaneKnowledge
from conformance.judging.judge import judge
from conformance.judging.rulings import Fits, LookAgain
from conformance.judging.seen import EarlierOrderSeen, Ended
from conformance.model.order import Status
from conformance.model.worlds import Belief
from conformance.plans import Plan
from fixtures.venue.answers import AnswerClass, OrderRead
from tests.judging.cases import answer, case, judged, list_seen, order_seen, view
from tests.model.orders import NOW, any_of, known, state, terms


def test_a_read_that_fits_exercises_what_would_have_been_broken() -> None:
    """The requirements of every cause are counted once for the read that confirms them, and the causes are used up."""
    under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN))
    assert under.see(order_seen(view(Status.CANCELED, "0"))) is None
    assert under.result.exercised == {"CXL-01": 1, "CXL-06": 1, "CXL-07": 1, "CXL-08": 1}
    assert under.case.orders["a"].causes == ()


def test_cxl_06_speaks_of_active_orders_alone() -> None:
    """An accepted cancel that ends in the wrong terminal word breaks CXL-01, but the answer did not lie (CXL-06)."""
    under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN))
    under.see(order_seen(view(Status.EXPIRED, "0")))
    assert under.violation.requirements == ("CXL-01",)


CONTRADICTIONS = [
    # a read that contradicts itself, whatever else happened: status, executed of 10
    (Status.FILLED, "9"),
    (Status.OPEN, "1"),
    (Status.PARTIALLY_FILLED, "0"),
    (Status.PARTIALLY_FILLED, "10"),
    (Status.CANCELED, "11"),
]


@pytest.mark.parametrize(("status", "executed"), CONTRADICTIONS)
def test_a_read_that_contradicts_itself_breaks_cxl_08(status: Status, executed: str) -> None:
    """The status word must agree with the executed quantity, and no order is executed for more than it is."""
    under = judged(case(known(state(Status.OPEN)), causes.SIBLING))
    under.see(order_seen(view(status, executed)))
    assert "CXL-08" in under.violation.requirements


TERMS: dict[str, dict[str, Any]] = {
    "market": {"market": "N"},
    "side": {"side": "sell"},
    "quantity": {"quantity": Decimal(11)},
    "price": {"price": Decimal("99.9")},
    "client id": {"client_id": "another"},
}


@pytest.mark.parametrize("term", TERMS)
def test_terms_must_not_change(term: str) -> None:
    """A read that shows another term than was agreed breaks CXL-08 and names the term."""
    one = state(Status.OPEN)
    under = judged(case(known(replace(one, terms=replace(one.terms, client_id="mine")))))
    under.see(order_seen(view(Status.OPEN, **TERMS[term])))
    assert under.violation.requirements[0] == "CXL-08"
    assert under.violation.kind == f"terms changed: {term}"


def test_the_moment_of_the_placing_must_not_change() -> None:
    """CXL-08, from a second on: a list may show fewer digits of a moment than a read."""
    under = judged(case(known(state(Status.OPEN))))
    for moment in (1000.0, 1000.9):
        under.see(order_seen(view(Status.OPEN, created_at=moment)))
        assert under.result.violations == []
    under.see(order_seen(view(Status.OPEN, created_at=1001.0)))
    assert under.violation.requirements == ("CXL-08",)
    assert under.violation.kind == "terms changed: moment of the placing"


@pytest.mark.parametrize(("shown_closed", "accused"), [(True, True), (False, False)])
def test_the_average_price_of_a_closed_order_is_not_lost(shown_closed: bool, accused: bool) -> None:
    """CXL-08: shown before the cancel, it is shown after it, where the target shows it of closed orders at all."""
    part = Decimal(100)
    filled = replace(state(Status.FILLED, "10", name="b"))
    under = judged(case(known(state(Status.PARTIALLY_FILLED, "4"), filled)))
    under.see(order_seen(view(Status.PARTIALLY_FILLED, "4", average_price=part)))
    if shown_closed:
        under.see(replace(order_seen(view(Status.FILLED, "10", order="b", average_price=part)), order="b"))
    under = judged(replace(under.case, belief=known(state(Status.CANCELED, "4"), filled)))
    under.see(order_seen(view(Status.CANCELED, "4")))
    assert [found.kind for found in under.result.violations] == (["terms changed: average_price"] if accused else [])


def test_a_list_with_closed_orders_shows_each_once() -> None:
    """CXL-08, as for the list of active ones."""
    under = judged(case(known(state(Status.CANCELED))))
    shown = view(Status.CANCELED)
    under.see(replace(list_seen(shown, shown), closed=True))
    assert under.violation.kind == "an order is listed twice"


def test_a_wrong_fill_without_a_cancel_accuses_nobody() -> None:
    """A fill that does not come as price and time say is the market's business until a cancel was involved: trouble."""
    under = judged(case(known(state(Status.PARTIALLY_FILLED, "4")), causes.FILLED))
    under.see(order_seen(view(Status.OPEN, "0")))
    assert under.result.violations == []
    assert under.result.trouble is not None
    assert "isolated" in under.result.trouble


def test_a_list_that_lacks_an_order_nobody_has_read_asks_for_a_look_at_it() -> None:
    """A limit order may be on its way to the book: one look at it tells, and until then nothing is said of it."""
    under = judged(case(known(state(Status.OPEN))))
    before = under.case
    assert under.see(list_seen()) == LookAgain(orders=("a",))
    assert under.case is before
    on_its_way = replace(list_seen(), looked={"a": view(Status.PENDING)})
    assert under.see(on_its_way) is None
    assert under.case.known.places_later
    assert "each placing waits" in (under.result.trouble or "")
    gone = judged(case(known(state(Status.OPEN))))
    gone.see(replace(list_seen(), looked={"a": None}))
    assert gone.violation.kind == "active order missing from the list"


@pytest.mark.parametrize(
    ("status", "executed", "expected"), [(Status.OPEN, "0", "something executed"), (Status.FILLED, "10", "not all")]
)
def test_a_word_for_a_part_stands_for_a_part(status: Status, executed: str, expected: str) -> None:
    """CXL-08: a word that says that a part was executed is wrong of an order of which nothing was, or all."""
    under = judged(case(known(state(status, executed))))
    under.see(order_seen(view(status, executed, partly=True)))
    assert under.violation.requirements == ("CXL-08",)
    assert under.violation.predicted.startswith(expected)
    assert under.violation.predicted.endswith(status.lower())
    assert under.violation.seen == f"{executed} executed"
    assert under.violation.kind == f"{status} whose word says that a part was executed"


@pytest.mark.parametrize(("since", "broken"), [(5.0, False), (5.5, True)])
def test_a_cancel_is_pending_no_longer_than_the_profile_lets_it(since: float, *, broken: bool) -> None:
    """PND-01, from the deadline on and not at it; counted from the moment at which the read was asked for."""
    begun = case(any_of(state(Status.PENDING_CANCEL, pending_since=NOW - since)))
    under = judged(replace(begun, rules=replace(begun.rules, pending_deadline=5.0)))
    under.see(order_seen(view(Status.PENDING_CANCEL, "0")))
    assert [found.requirements for found in under.result.violations] == ([("PND-01",)] if broken else [])
    if broken:
        assert under.violation.kind == "a pending cancel does not end"
        assert (under.violation.predicted, under.violation.seen[-5:]) == ("an end within 5 s", "5.5 s")


@pytest.mark.parametrize(
    ("shown", "executed", "ids"),
    [(Status.OPEN, "0", causes.PENDING_STAYS), (Status.PENDING_CANCEL, "3", causes.PENDING_FILLED)],
)
def test_an_order_that_was_seen_pending_ends_or_stays_so(shown: Status, executed: str, ids: tuple[str, ...]) -> None:
    """Active again, or with more executed than was traded, it breaks the requirement of a pending cancel."""
    under = judged(case(known(state(Status.PENDING_CANCEL))))
    under.see(order_seen(view(Status.PENDING_CANCEL, "0")))
    under.see(order_seen(view(shown, executed)))
    assert under.violation.requirements[: len(ids)] == ids


class TestForeign:
    """Reads of another account's order."""

    @pytest.mark.parametrize(
        ("given", "shows", "relaxed", "ids"),
        [
            (AnswerClass.NOT_FOUND, False, "", []),
            (AnswerClass.ACCEPTED, True, "", [("NTF-07",)]),
            (AnswerClass.ACCEPTED, False, "", [("NTF-07",)]),
            (AnswerClass.CANNOT_CANCEL, False, "", [("NTF-03",)]),
            (AnswerClass.SERVER_ERROR, False, "", []),
            (AnswerClass.CANNOT_CANCEL, False, "foreign_order_differs", []),
            (AnswerClass.ACCEPTED, True, "foreign_order_readable", []),
        ],
    )
    def test_it_is_answered_as_an_unknown_one(
        self, given: AnswerClass, relaxed: str, ids: list[tuple[str, ...]], *, shows: bool
    ) -> None:
        """Shown, it breaks NTF-07, refused in another way NTF-03; the plan goes on behind either."""
        under = judged(case(known(state(Status.OPEN)), relaxations={relaxed: True} if relaxed else {}))
        read = OrderRead(answer=answer(given), view=view(Status.OPEN) if shows else None)
        under.see(replace(order_seen(view(Status.OPEN)), account="counterparty", result=read))
        assert [found.requirements for found in under.result.violations] == ids
        assert not under.result.ended
        readable = relaxed == "foreign_order_readable" or given is AnswerClass.ACCEPTED
        assert under.result.exercised["NTF-07"] == (not readable)
        assert all("a" in one.what.split() and one.predicted == "not found" for one in under.result.violations)

    def test_it_stands_in_no_list_of_another_account(self) -> None:
        """NTF-07: the list of an account holds its own orders alone, and the plan goes on."""
        theirs = state(Status.OPEN, name="x", terms=terms(account="counterparty"))
        under = judged(case(known(theirs)))
        under.see(list_seen(view(Status.OPEN, order="x"), names=()))
        assert under.violation.requirements == ("NTF-07",)
        assert under.violation.seen == "x of counterparty"
        assert not under.violation.ends


class TestEarlier:
    """Orders that an earlier plan left in a terminal state."""

    EARLIER = Plan(actions=())

    def closed(self, status: Status, executed: str = "0") -> LaneKnowledge:
        """What a lane knows after a plan in which an order was seen to be over, and another to be open."""
        begun = judged(case(known(state(status, executed), state(Status.OPEN, name="b"))))
        begun.see(order_seen(view(status, executed)))
        begun.see(order_seen(view(Status.OPEN, order="b")))
        begun.see(Ended(plan=self.EARLIER, moment=NOW))
        return begun.case.known

    def test_only_orders_that_are_over_are_remembered(self) -> None:
        """An order that was open at the end of its plan may be anything later."""
        found = self.closed(Status.CANCELED, "4")
        assert found.closed_order("id-b") is None
        closed = found.closed_order("id-a")
        assert closed is not None
        assert (closed.name, closed.account, closed.at, closed.plan) == ("a", "primary", NOW, self.EARLIER)
        assert (closed.seen.status, closed.seen.executed) == (Status.CANCELED, Decimal(4))
        assert closed.state.status is Status.CANCELED

    @pytest.mark.parametrize(
        ("was", "now", "executed", "broken"),
        [
            (Status.CANCELED, Status.CANCELED, "0", None),
            (Status.CANCELED, Status.FILLED, "10", ("CXL-03",)),
            (Status.CANCELED, Status.CANCELED, "3", ("CXL-03",)),
            (Status.FILLED, Status.CANCELED, "10", ("CXL-08",)),
        ],
    )
    def test_it_stays_as_it_was(self, was: Status, now: Status, executed: str, broken: tuple[str, ...] | None) -> None:
        """A change breaks CXL-03 of a cancelled order and CXL-08 of another; its own plan is suspected."""
        under = judged(case(known(), known=self.closed(was, "10" if was is Status.FILLED else "0")))
        under.see(EarlierOrderSeen(order_id="id-a", view=view(now, executed), at=NOW))
        if broken is None:
            assert under.result.violations == []
            assert under.result.exercised["CXL-03"] == 1
            return
        assert under.violation.requirements == broken
        assert under.violation.kind == f"{was} became {now} later"
        assert under.violation.seen == f"{now} with {executed} executed"
        assert under.violation.predicted.startswith(f"{was} with ")
        assert under.result.suspect is not None

    def test_what_nobody_remembers_is_not_judged(self) -> None:
        """Another id, and a word that the profile does not know, say nothing."""
        under = judged(case(known(), known=self.closed(Status.CANCELED)))
        under.see(EarlierOrderSeen(order_id="id-z", view=view(Status.OPEN, order="z"), at=NOW))
        under.see(EarlierOrderSeen(order_id="id-a", view=replace(view(Status.OPEN), status=None), at=NOW))
        assert under.result.violations == []
        assert not under.result.exercised

    @pytest.mark.parametrize(("status", "broken"), [(Status.OPEN, True), (Status.CANCELED, False)])
    def test_it_does_not_come_back_to_the_list(self, status: Status, *, broken: bool) -> None:
        """A cancelled order that a list shows active breaks CXL-03, and its own plan is suspected."""
        under = judged(case(known(), known=self.closed(Status.CANCELED)))
        under.see(list_seen(view(status), names=()))
        assert [found.requirements for found in under.result.violations] == ([("CXL-03",)] if broken else [])
        assert (under.result.suspect is not None) is broken


class TestWithdrawn:
    """An observation that may be a late read is withdrawn whole, and taken anew."""

    def test_a_list_that_fits_in_one_order_and_not_in_another_leaves_nothing_behind(self) -> None:
        """Of a look that may be late nothing stays: not what it pruned, not what it exercised, no cause used up."""
        pending = any_of(state(Status.CANCELED, name="a"), state(Status.PENDING_CANCEL, name="a"))
        both = Belief({0: pending.clusters[0], 1: ((state(Status.OPEN, name="b"),),)}, {"a": 0, "b": 1})
        before = case(both, causes.CANCELLED_OPEN)
        pruning = view(Status.PENDING_CANCEL, order="a")
        alone, rulings = judge(before, list_seen(pruning, names=("a",), again=0.1))
        assert alone.states("a") != before.states("a")
        assert any(isinstance(ruling, Fits) and ruling.ids for ruling in rulings)
        misfit = view(Status.PARTIALLY_FILLED, "3", order="b")
        after, rulings = judge(before, list_seen(pruning, misfit, names=("a", "b"), again=0.1))
        assert after is before
        assert rulings[-1] == LookAgain(after=0.1)
        assert [ruling for ruling in rulings if not isinstance(ruling, Fits | LookAgain)] == []
        assert {i for ruling in rulings if isinstance(ruling, Fits) for i in ruling.ids} == set()

    @pytest.mark.parametrize("late", [True, False])
    def test_a_read_is_judged_when_it_cannot_be_late_any_more(self, *, late: bool) -> None:
        """The same read that was withdrawn breaks its requirement where it was asked for after the delay."""
        under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN))
        assert under.see(order_seen(view(Status.OPEN), again=0.1)) == LookAgain(after=0.1)
        assert not under.result.violations
        assert not under.result.exercised
        shown = view(Status.CANCELED) if late else view(Status.OPEN)
        assert under.see(order_seen(shown)) is None
        assert [v.requirements[0] for v in under.result.violations] == ([] if late else ["CXL-01"])
        assert under.result.exercised["CXL-01"] == late
