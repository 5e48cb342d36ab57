"""What balances show: what wrong ones break where no single cause says it, and how late ones are told apart."""

from dataclasses import replace
from decimal import Decimal

import pytest

from conformance.judging import causes
from conformance.judging.case import LaneKnowledge
from conformance.judging.causes import Cause, CauseAt
from conformance.judging.funds import surely_available
from conformance.judging.seen import DoubtedFunds, StartSeen
from conformance.model.deviations import NONE, Deviations
from conformance.model.lifecycle import OrderState
from conformance.model.order import Status
from conformance.model.worlds import Belief
from fixtures.venue.answers import BalanceView
from tests.judging.cases import (
    BEFORE,
    Judged,
    balances_seen,
    case,
    funds,
    holding,
    judged,
    misjudged,
    order_seen,
    start_seen,
    view,
)
from tests.model.orders import NOW, any_of, known, state


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


def resting(locked: str, *, places: int | None = None) -> dict[str, BalanceView]:
    """A hundred in all, with so much of it locked; exact to so many places."""
    amount = Decimal(locked)
    return {"Q": BalanceView(available=100 - amount, locked=amount, total=Decimal(100), decimals=places)}


class TestBetweenPlans:
    """FND-04, FND-06: with no order open as much is locked as when the run began."""

    def begun(self, *shown: dict[str, BalanceView], alone: bool = True, deviations: Deviations = NONE) -> Judged:
        """Plans of one lane begin one after the other with these balances; the last of them."""
        lane = LaneKnowledge(deviations=deviations)
        for funds_then in shown:
            under = judged(case(known(), known=lane))
            under.see(replace(start_seen(funds_then), alone=alone))
            lane = under.case.known
        return under

    @pytest.mark.parametrize(
        ("locked", "ids", "kind"),
        [
            ("7", ("FND-06",), "something is locked with no order open"),
            ("3", ("FND-04",), "less than nothing is locked with no order open"),
        ],
    )
    def test_another_amount_is_a_finding(self, locked: str, ids: tuple[str, ...], kind: str) -> None:
        """Told once, and possible from then on; the plan goes on from what is locked now."""
        under = self.begun(resting("5"), resting("5"), resting(locked))
        assert (under.violation.requirements, under.violation.kind) == (ids, kind)
        assert (under.violation.predicted, under.violation.seen) == ("Q locked 5", f"Q locked {locked}")
        assert not under.violation.ends
        known_now = under.case.known.deviations
        assert (known_now.keeps, known_now.frees) == (locked == "7", locked == "3")
        assert under.case.start["primary"] == resting(locked)

    def test_where_it_is_no_finding(self) -> None:
        """Others' orders may be open, the target is known to keep locks, or what is shown is not that exact."""
        assert self.begun(resting("5"), resting("5")).result.violations == []
        assert self.begun(resting("5"), resting("7"), alone=False).result.violations == []
        for deviations in (Deviations(keeps=True), Deviations(frees=True)):
            assert self.begun(resting("5"), resting("7"), deviations=deviations).result.violations == []
        rounded = self.begun(resting("5.00", places=2), resting("5.01", places=2))
        assert rounded.result.violations == []
        assert self.begun(resting("5.00", places=2), resting("5.02", places=2)).result.violations != []

    def test_an_asset_that_was_not_shown_had_nothing_that_is_known(self) -> None:
        """Nothing is said of an asset that is new in the balances, nor of one that shows no lock."""
        fresh = {**resting("5"), "N": BalanceView(available=Decimal(1), locked=Decimal(3), total=Decimal(4))}
        assert self.begun(resting("5"), fresh).result.violations == []
        unshown = {"Q": BalanceView(available=Decimal(95), locked=None, total=Decimal(100))}
        assert self.begun(resting("5"), unshown).result.violations == []


def test_a_plan_needs_the_balances_that_it_begins_with() -> None:
    """Where they cannot be read, the plan ends without a finding."""
    under = judged(case(known()))
    under.see(StartSeen(account="primary", funds=None))
    assert under.result.violations == []
    assert "the balances of primary cannot be read" in (under.result.trouble or "")


def test_a_sum_that_no_state_explains() -> None:
    """Between what an open order locks and nothing lies no amount that is possible."""
    under = judged(case(any_of(state(Status.OPEN), state(Status.CANCELED)), causes.CANCELLED_UNPINNED))
    under.see(start_seen(holding("0")))
    under.see(balances_seen(holding("500")))
    assert under.violation.requirements == ("FND-02",)
    assert under.violation.seen == "Q locked 500"
    assert under.violation.predicted.startswith("Q locked ")
    assert under.violation.kind == "locked too low"


def test_balances_tell_what_may_be_true() -> None:
    """What is locked tells an open order from a cancelled one, and nothing else is possible from then on."""
    for locked, status in (("1000", Status.OPEN), ("0", Status.CANCELED)):
        under = judged(case(any_of(state(Status.OPEN), state(Status.CANCELED)), causes.CANCELLED_UNPINNED))
        under.see(start_seen(holding("0")))
        under.see(balances_seen(holding(locked)))
        assert under.result.violations == []
        assert {one.status for one in under.case.states("a")} == {status}


@pytest.mark.parametrize(("places", "shown", "noted", "broken"), [(0, "1001", True, False), (0, "1002", False, True)])
def test_rounded_balances_are_compared_as_far_as_they_are_exact(
    places: int, shown: str, *, noted: bool, broken: bool
) -> None:
    """One in the last place is no finding, and where that mattered the report says so."""
    under = judged(case(known(state(Status.OPEN)), causes.PLACED))
    under.see(start_seen({"Q": replace(holding("0")["Q"], decimals=places)}))
    under.see(balances_seen({"Q": replace(holding(shown)["Q"], decimals=places)}))
    assert bool(under.result.violations) is broken
    assert any("rounded" in note for note in under.result.notes) is noted


def test_exact_balances_need_no_note() -> None:
    """Rounded ones that fit to the last digit do not, either."""
    for places in (None, 0):
        under = judged(case(known(state(Status.OPEN)), causes.PLACED))
        under.see(start_seen({"Q": replace(holding("0")["Q"], decimals=places)}))
        under.see(balances_seen({"Q": replace(holding("1000")["Q"], decimals=places)}))
        assert not under.result.notes
        assert not under.result.violations


@pytest.mark.parametrize("pending", [True, False])
def test_a_lock_that_is_held_while_a_cancel_is_pending(*, pending: bool) -> None:
    """PND-04 is exercised where the cancel was seen pending; FND-06 where no order of the account is live."""
    status = Status.PENDING_CANCEL if pending else Status.CANCELED
    under = judged(case(known(state(status))))
    under.see(order_seen(view(status, "0")))
    under.see(start_seen(holding("0")))
    under.see(balances_seen(holding("1000" if pending else "0")))
    assert under.result.violations == []
    assert under.result.exercised["PND-04"] == pending
    assert under.result.exercised["FND-06"] == (not pending)
    assert under.result.exercised["FND-05"] == 1


def test_what_is_known_to_be_wrong_exercises_no_lock() -> None:
    """A target that keeps locks shows nothing of them any more; its totals speak all the same."""
    lane = LaneKnowledge(deviations=Deviations(keeps=True))
    under = judged(case(known(state(Status.CANCELED)), causes.CANCELLED_OPEN, known=lane))
    under.see(start_seen(holding("0")))
    under.see(balances_seen(holding("0")))
    assert under.result.exercised["FND-05"] == 1
    assert not {"FND-01", "FND-02", "FND-06"} & set(+under.result.exercised)
    assert under.case.account_causes["primary"] == ()


@pytest.mark.parametrize(
    ("order", "cause", "shown", "ids", "established"),
    [
        (state(Status.OPEN), causes.PLACED, holding("900"), ("FND-02",), Deviations(locks=True)),
        (state(Status.OPEN), causes.PLACED, holding("1000", "-1"), ("FND-05",), Deviations(trades=True)),
        (state(Status.CANCELED), causes.CANCELLED_OPEN, holding("1000"), ("FND-01", "FND-02"), Deviations(keeps=True)),
        (state(Status.CANCELED), causes.CANCELLED_OPEN, holding("-1000"), ("FND-04", "FND-02"), Deviations(frees=True)),
        (state(Status.CANCELED), causes.CANCELLED_OPEN, holding("0", "-1"), ("FND-02", "FND-05"), NONE),
    ],
    ids=["locked otherwise", "moved otherwise", "kept", "freed twice", "moved by a cancel"],
)
def test_what_wrong_funds_show_is_possible_from_then_on(
    order: OrderState, cause: Cause, shown: dict[str, BalanceView], ids: tuple[str, ...], established: Deviations
) -> None:
    """By the direction, and by whether a cancel was involved: told once, and no other fault is covered by it."""
    under = judged(case(known(order), cause))
    under.see(start_seen(holding("0")))
    under.see(balances_seen(shown))
    assert under.violation.requirements == ids
    assert under.violation.ends
    assert under.case.rules.deviations == under.case.known.deviations == established


def test_another_account_is_named_where_nothing_else_was_done() -> None:
    """Its cancel is to blame for funds that moved only where the own account's requests explain nothing."""
    mine = CauseAt(cause=causes.CANCELLED_OPEN, step=1, order="a")
    theirs = CauseAt(cause=causes.OTHER_ACCOUNT, step=1, order="x")
    for put, ids in (((mine, theirs), ("FND-01", "FND-02")), ((theirs,), ("FND-02", "CXL-05"))):
        begun = case(known(state(Status.CANCELED)))
        under = judged(replace(begun, account_causes={"primary": put}))
        under.see(start_seen(holding("0")))
        under.see(balances_seen(holding("300")))
        assert under.violation.requirements == ids
        assert all("step 1" in why for why in under.violation.because)


def test_surely_available_is_what_is_left_in_every_world() -> None:
    """What the plan began with, less all that may be locked or spent; nothing where no balance was read."""
    begun = case(any_of(state(Status.OPEN), state(Status.CANCELED)))
    under = judged(begun)
    assert surely_available(under.case, "primary", "Q") == 0
    under.see(start_seen(holding("0")))
    assert surely_available(under.case, "primary", "Q") == BEFORE - 1000
    assert surely_available(under.case, "counterparty", "Q") == 0
