"""What balances show: what wrong ones break where no single cause says it, and how late ones are told apart."""

from dataclasses import replace
from decimal import Decimal

import pytest

from conformance.judging import causes
from conformance.judging.causes import Cause, CauseAt
from conformance.judging.seen import DoubtedFunds
from conformance.model.order import Status
from conformance.model.worlds import Belief
from fixtures.venue.answers import BalanceView
from tests.judging.cases import balances_seen, case, funds, holding, judged, misjudged, start_seen
from tests.model.orders import NOW, known, state


def test_parts_that_do_not_add_up() -> None:
    """available + locked = total is asked of every read (FND-05)."""
    under = misjudged(known(state(Status.OPEN)), funds("90", "5", "100"))
    assert under.violation.requirements[0] == "FND-05"
    assert under.violation.kind == "available + locked is not the total"


def test_a_lock_without_a_live_order() -> None:
    """Where no order of the account is left, anything that is locked is seen to break FND-06: it follows from it."""
    under = misjudged(known(state(Status.CANCELED)), funds("99", "1", "100"), causes.CANCELLED_OPEN)
    assert under.violation.requirements == ("FND-01", "FND-02")
    assert under.violation.also == ("FND-06",)
    assert under.violation.kind == "available too low, locked too high"


def test_a_total_that_moved_without_a_trade() -> None:
    """A total that nobody's trade explains breaks FND-05, whatever else it breaks."""
    under = misjudged(known(state(Status.CANCELED)), funds("101", "0", "101"), causes.REFUSED)
    assert under.violation.requirements == ("FND-04", "TRM-05", "FND-05")


@pytest.mark.parametrize(
    ("freed", "broken"),
    [("400", ("FND-03", "FND-02")), ("600", ("FND-04", "TRM-05"))],
    ids=["what fills had taken", "the rest once more"],
)
def test_the_amount_tells_a_whole_lock_from_one_released_twice(freed: str, broken: tuple[str, ...]) -> None:
    """An order with 4 of 10 executed is cancelled, then refused a second cancel: 400 of 1000 were the executed part."""
    partly = state(Status.CANCELED, "4")
    begun = case(known(partly), causes.CANCELLED_PARTIAL)
    refused = CauseAt(cause=causes.REFUSED, step=2, order="a")
    mine = (*begun.account_causes["primary"], refused)
    under = judged(replace(begun, account_causes={"primary": mine}, step=2))
    under.see(start_seen(holding("0")))
    moved = under.case.belief.moved("primary", under.case.rules)["Q"].low
    under.see(balances_seen(holding(f"-{freed}", str(moved))))
    assert under.violation.requirements == broken
    assert under.case.rules.deviations.frees


@pytest.mark.parametrize(
    ("cause", "late"),
    [(causes.CANCELLED_OPEN, ("FND-01",)), (causes.CONFIRMED, ("PND-04", "FND-01"))],
)
def test_funds_that_were_right_later_are_late_and_not_wrong(cause: Cause, late: tuple[str, ...]) -> None:
    """What a later read found right breaks FND-01 (PND-04 after a pending cancel), and not FND-02."""
    under = judged(case(known(state(Status.CANCELED)), cause))
    under.see(start_seen(funds("100", "0", "100")))
    shown = funds("90", "10", "100")
    again = under.see(balances_seen(shown, looks=(0.05, 0.1)))
    assert again is not None
    assert (again.after, again.doubt) == (0.05, DoubtedFunds(funds=shown, moment=NOW, looks=1))
    assert not under.result.violations
    right = funds("100", "0", "100")
    assert under.see(balances_seen(right, looks=(0.05, 0.1), doubt=again.doubt, moment=NOW + 0.05)) is None
    assert under.violation.requirements == late
    assert under.violation.kind == "funds were released late"
    assert "0.050 s later" in under.violation.seen


def test_funds_that_stay_wrong_are_looked_at_as_often_as_was_said() -> None:
    """After the last of the further looks what was seen first is wrong, and not late."""
    under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN))
    under.see(start_seen(funds("100", "0", "100")))
    shown, looks = funds("90", "10", "100"), (0.05, 0.1)
    doubt, waited = None, []
    while (again := under.see(balances_seen(shown, looks=looks, doubt=doubt))) is not None:
        doubt = again.doubt
        waited.append(again.after)
    assert waited == [0.05, 0.1]
    assert under.violation.requirements == ("FND-01", "FND-02")


def test_a_lock_that_is_still_possible_exercises_nothing_of_its_release() -> None:
    """As long as a pending cancel may hold its lock, a read of it says nothing about the release (PND-04)."""
    pending = Belief({0: ((state(Status.PENDING_CANCEL),), (state(Status.CANCELED),))}, {"a": 0})
    under = judged(case(pending, causes.CANCELLED_OPEN))
    under.see(start_seen(funds("2000", "0", "2000")))
    under.see(balances_seen(funds("1000", "1000", "2000")))
    assert "FND-01" not in under.result.exercised
    under.see(balances_seen(funds("2000", "0", "2000")))
    assert under.result.exercised["FND-01"] == 1
    assert not under.result.violations


@pytest.mark.parametrize(
    ("available", "locked", "broken"), [("90", "10", ("FND-01", "FND-02")), ("85", "10", ("FND-02", "FND-05"))]
)
def test_without_a_total_the_sum_of_the_parts_speaks(available: str, locked: str, broken: tuple[str, ...]) -> None:
    """What stays locked is not missing from the total: only where the sum has moved is it a matter of FND-05."""
    shown = {"Q": BalanceView(available=Decimal(available), locked=Decimal(locked), total=None)}
    begun = {"Q": BalanceView(available=Decimal(100), locked=Decimal(0), total=None)}
    under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN))
    under.see(start_seen(begun))
    under.see(balances_seen(shown))
    assert under.violation.requirements == broken
