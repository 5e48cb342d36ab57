"""Which requirement a misfit breaks: every cause, by aspect, on a scripted read that nothing explains."""

import pytest

from conformance.judging import causes
from conformance.judging.case import LaneKnowledge
from conformance.judging.causes import Aspect, Cause, CauseAt, broken, closest, closest_by_order, named, reasons
from conformance.model.order import Status
from conformance.requirements import catalogue
from conformance.trace import Violation
from tests.judging.cases import case, funds, judged, list_seen, misjudged, order_seen, view
from tests.model.orders import known, state

FOUND = {name: cause for name, cause in vars(causes).items() if isinstance(cause, Cause)}

FIRST = {
    # the requirement that a cause stands for, by hand: the first that a wrong status (or else wrong funds) breaks
    "CANCELLED_OPEN": "CXL-01",
    "CANCELLED_PARTIAL": "CXL-02",
    "CANCELLED_UNPINNED": "CXL-06",
    "SEEN_CANCELED": "CXL-03",
    "SEEN_TERMINAL": "CXL-08",
    "CROSSED_AFTER_CANCEL": "CXL-04",
    "QUEUE": "CXL-05",
    "SIBLING": "CXL-05",
    "OTHER_ACCOUNT": "CXL-05",
    "BULK": "ALL-01",
    "BULK_PARTIAL": "ALL-01",
    "BULK_MANY": "ALL-06",
    "BULK_OTHER": "ALL-02",
    "BULK_UNTOUCHED": "ALL-05",
    "ACCEPTED_WRONGLY": "FND-04",
    "BULK_NOTHING": "ALL-04",
    "REFUSED": "TRM-05",
    "REFUSED_ELSEWHERE": "TRM-05",
    "CROSSED_AFTER_REFUSAL": "TRM-05",
    "CROSSED_AFTER_FOREIGN": "NTF-02",
    "FOREIGN": "NTF-02",
    "UNKNOWN_ID": "TRM-05",
    "SEEN_PENDING": "PND-03",
    "CONFIRMED": "PND-04",
    "FILLED_WHILE_PENDING": "PND-02",
    "BULK_WHILE_PENDING": "PND-03",
    "SECOND_WHILE_PENDING": "PND-05",
    "PLACED_AFTER_BULK": "RCE-03",
}
SILENT = {"PLACED", "FILLED"}
"""Causes that say where a doubt comes from; no requirement of cancelling follows from them."""


def misread(aspect: Aspect, cause: Cause) -> Violation:
    """The violation that a misfit in one aspect gives, with one cause at work."""
    match aspect:
        case Aspect.STATUS:
            under = judged(case(known(state(Status.CANCELED)), cause))
            under.see(order_seen(view(Status.OPEN)))
        case Aspect.QUANTITY:
            under = judged(case(known(state(Status.CANCELED, "3")), cause))
            under.see(order_seen(view(Status.CANCELED, "4")))
        case Aspect.LISTED:
            # a lane that has seen orders on their way to the book waits for each; it asks for no look before
            under = judged(case(known(state(Status.OPEN)), cause, known=LaneKnowledge(places_later=True)))
            under.see(list_seen())
        case Aspect.KEPT:
            under = misjudged(known(state(Status.CANCELED)), funds("95", "5", "100"), cause)
        case Aspect.FREED:
            under = misjudged(known(state(Status.CANCELED)), funds("105", "-5", "100"), cause)
        case Aspect.TOTAL:
            under = misjudged(known(state(Status.CANCELED)), funds("101", "0", "101"), cause)
    return under.violation


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("name", FOUND)
def test_a_misfit_breaks_what_the_cause_names(name: str, aspect: Aspect) -> None:
    """A misfit in an aspect that a cause speaks of breaks its requirements, in its order and before any other.

    What else it breaks follows from it, and is not told as if it stood for itself.
    """
    ids = FOUND[name].ids(aspect)
    if not ids:
        return
    violation = misread(aspect, FOUND[name])
    assert violation.requirements[: len(set(ids))] == tuple(dict.fromkeys(ids))
    assert violation.because == (f"step 1: {FOUND[name].why} (a)",)
    assert not set(violation.also) & set(violation.requirements)


@pytest.mark.parametrize("name", sorted(set(FOUND) - SILENT))
def test_every_cause_stands_for_a_requirement(name: str) -> None:
    """What is broken first is the requirement that the cause was written for, in this table as in the code."""
    cause = FOUND[name]
    first = next(ids[0] for aspect in Aspect if (ids := cause.ids(aspect)))
    assert first == FIRST.get(name, first)
    assert name in FIRST or name.startswith("RACED")


def test_causes_name_requirements_of_the_catalogue() -> None:
    """No cause names an id that the catalogue does not have."""
    ids = {
        i
        for cause in FOUND.values()
        for i in (*(x for aspect in Aspect for x in cause.ids(aspect)), *cause.broken_by_amount, *cause.broken_by_lock)
    }
    assert ids <= set(catalogue())


def test_the_latest_cause_is_named_first() -> None:
    """Of two things that happened to an order, what happened last is the closest reason; each id comes once."""
    met = [
        CauseAt(cause=causes.CANCELLED_OPEN, step=2, order="a"),
        CauseAt(cause=causes.REFUSED, step=5, order="a"),
    ]
    assert named(met, Aspect.KEPT) == ("FND-01", "FND-02")
    assert named(met, Aspect.FREED) == ("FND-04", "TRM-05", "FND-02")
    assert named(met, Aspect.STATUS) == ("TRM-05", "CXL-01", "CXL-06")
    assert reasons(reversed(met)) == (
        "step 2: its cancel was accepted while it was OPEN (a)",
        "step 5: a cancel of it was refused (a)",
    )


def test_a_suspect_is_broken_by_a_misfit_and_not_exercised_by_a_fit() -> None:
    """A fill that may have been lost while pending is suspected by a wrong quantity, but a right one proves nothing."""
    met = [CauseAt(cause=causes.SEEN_PENDING, step=1, order="a")]
    assert "PND-02" in broken(met, Aspect.QUANTITY)
    assert "PND-02" not in named(met, Aspect.QUANTITY)


class TestClosest:
    """Which of several causes is to blame, where one misfit has one cause."""

    def test_what_happened_last_is_to_blame(self) -> None:
        """A refusal after an accepted cancel is blamed for a wrong status, and the cancel is not."""
        met = [
            CauseAt(cause=causes.CANCELLED_OPEN, step=2, order="a"),
            CauseAt(cause=causes.REFUSED, step=5, order="a"),
        ]
        assert closest(met, Aspect.STATUS) == ("TRM-05",)
        assert broken(met, Aspect.STATUS) == ("TRM-05", "CXL-01", "CXL-06")

    def test_what_was_kept_is_not_blamed_on_a_refusal(self) -> None:
        """A refused cancel releases nothing and keeps nothing: a lock that stayed is the accepted cancel's."""
        met = [
            CauseAt(cause=causes.CANCELLED_OPEN, step=2, order="a"),
            CauseAt(cause=causes.REFUSED, step=5, order="a"),
        ]
        assert closest(met, Aspect.KEPT) == ("FND-01", "FND-02")
        assert closest(met, Aspect.FREED) == ("FND-04", "TRM-05")

    def test_what_happened_to_the_order_itself_comes_before_what_happened_beside_it(self) -> None:
        """A later refusal of another order's cancel is not to blame where the order itself was cancelled."""
        met = [
            CauseAt(cause=causes.CANCELLED_OPEN, step=2, order="a"),
            CauseAt(cause=causes.REFUSED_ELSEWHERE, step=5, order="a"),
        ]
        assert closest(met, Aspect.STATUS) == ("CXL-01", "CXL-06")
        assert closest(met[1:], Aspect.STATUS) == ("TRM-05",)

    def test_each_order_has_its_own(self) -> None:
        """Where an amount is nobody's, what happened last to each order may be to blame."""
        met = [
            CauseAt(cause=causes.CANCELLED_OPEN, step=2, order="a"),
            CauseAt(cause=causes.BULK_MANY, step=5, order="b"),
        ]
        assert closest_by_order(met, Aspect.KEPT) == ("FND-01", "FND-02", "ALL-06")
        assert closest(met, Aspect.KEPT) == ("ALL-06",)
