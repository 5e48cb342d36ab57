"""What reads and lists of orders show: what a fit exercises, what a misfit breaks, and what is withdrawn."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.judging import causes
from conformance.judging.judge import judge
from conformance.judging.rulings import Fits, LookAgain
from conformance.model.order import Status
from conformance.model.worlds import Belief
from tests.judging.cases import case, judged, list_seen, order_seen, view
from tests.model.orders import any_of, known, state


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
