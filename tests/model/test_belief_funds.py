"""What a read of balances leaves possible, and what is learned from one."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from conformance.model.amounts import NOTHING, Span
from conformance.model.events import Cancel, CancelAll, Place
from conformance.model.lifecycle import Reply
from conformance.model.order import Status
from conformance.model.rules import LockModel, VenueRules
from conformance.model.worlds import MOST_COMBINATIONS, Belief, Conflict, learns_locks
from tests.model.orders import MARKET, NOW, RULES, any_of, happen, immediate, known, shown, state, terms

DELAYED_OR_NOT = {(Status.CANCELED, "0"), (Status.PENDING_CANCEL, "0")}


def cancel(belief: Belief, name: str, *, lost: bool = False, until: float = NOW) -> Belief:
    """The belief after the owner's cancel was accepted, or lost."""
    event = Cancel(order=name, account="primary")
    return happen(belief, event, accepts=lambda o: o.reply is Reply.ACCEPTED, lost=lost, until=until)


def locks(**amounts: str) -> "Fits":
    """Whether an account's locked funds are these."""
    return Fits({asset: Decimal(value) for asset, value in amounts.items()})


class Fits:
    """Compares predicted locks with what was read."""

    def __init__(self, read: Mapping[str, Decimal]) -> None:
        self.read = read

    def __call__(self, locked: Mapping[str, Span], moved: Mapping[str, Span]) -> bool:
        """Whether every asset may be locked so."""
        return all(locked.get(asset, NOTHING).holds(amount) for asset, amount in self.read.items())


class TestFunds:
    """What a read of balances leaves possible."""

    def test_balances_tell_whether_a_cancel_is_confirmed(self) -> None:
        """A lock that is still there shows a pending cancel, one that is gone a confirmed one."""
        belief = cancel(known(state(Status.OPEN)), "a")
        for locked, status in (("1000", Status.PENDING_CANCEL), ("0", Status.CANCELED)):
            after = belief.having_seen_funds("primary", locks(Q=locked), RULES)
            assert isinstance(after, Belief)
            assert {s.status for s in after.states("a")} == {status}

    def test_a_combination_that_fits_alone_settles_several_orders(self) -> None:
        """Of two pending cancels of different size, the locked amount tells which one is confirmed."""
        belief = known(state(Status.OPEN), state(Status.OPEN, name="b", terms=terms("3")))
        belief = cancel(cancel(belief, "a"), "b")
        after = belief.having_seen_funds("primary", locks(Q="300"), RULES)
        assert isinstance(after, Belief)
        assert shown(after, "a") == {(Status.CANCELED, "0")}
        assert shown(after, "b") == {(Status.PENDING_CANCEL, "0")}

    def test_an_amount_between_the_combinations_is_a_conflict(self) -> None:
        """A locked amount that lies within the bounds but belongs to no combination is refused (FND-02)."""
        belief = known(state(Status.OPEN), state(Status.OPEN, name="b", terms=terms("3")))
        belief = cancel(cancel(belief, "a"), "b")
        assert isinstance(belief.having_seen_funds("primary", locks(Q="500"), RULES), Conflict)

    @pytest.mark.parametrize(("locked", "fits"), [("60000", True), ("59500", True), ("60001", False), ("-1", False)])
    def test_many_uncertain_orders_are_judged_by_their_bounds(self, locked: str, fits: bool) -> None:
        """Sixty delayed cancels are 2^60 combinations: what lies between nothing and all of them fits, and no more."""
        orders = [state(Status.OPEN, name=f"o{n}") for n in range(60)]
        assert 2 ** len(orders) > MOST_COMBINATIONS
        belief = happen(known(*orders), CancelAll(account="primary"))
        after = belief.having_seen_funds("primary", locks(Q=locked), RULES)
        assert isinstance(after, Belief) is fits
        if fits:
            assert shown(after, "o7") == DELAYED_OR_NOT  # type: ignore[arg-type]  # a Belief, as it fits

    def test_another_account_s_uncertainty_does_not_matter(self) -> None:
        """The balances of an account are compared with its own orders, whatever others may be."""
        other = state(Status.OPEN, name="x", terms=terms(account="counterparty", side="s"))
        belief = cancel(known(state(Status.OPEN), other), "a")
        assert isinstance(belief.having_seen_funds("counterparty", locks(B="10"), RULES), Belief)
        assert isinstance(belief.having_seen_funds("counterparty", locks(B="0"), RULES), Conflict)

    def test_locks_and_moves_of_a_crossing_hang_together(self) -> None:
        """Funds that would fit the lock of one outcome and the trades of another fit none."""
        belief = cancel(known(state(Status.OPEN)), "a")
        belief = happen(belief, Place(order="t", terms=immediate("4"), arrival=9))

        def traded_but_locked_whole(locked: Mapping[str, Span], moved: Mapping[str, Span]) -> bool:
            base = moved.get("B", NOTHING)
            return base.holds(Decimal(4)) and locked.get("Q", NOTHING).holds(Decimal(1000))

        assert isinstance(belief.having_seen_funds("primary", traded_but_locked_whole, RULES), Conflict)


class TestLearning:
    """Locks that no formula says, and trades whose effect must be seen once."""

    OBSERVED = VenueRules(markets=RULES.markets, lock_model=LockModel.OBSERVED)

    def test_a_learned_lock_is_judged_from_then_on(self) -> None:
        """Once an order was seen to lock so much, it must lock the same share of its rest, and nothing in the end."""
        belief = known(state(Status.OPEN)).having_learned_lock("a", Decimal(77))
        assert belief.locked("primary", self.OBSERVED) == {"Q": Span(Decimal(77), Decimal(77))}
        belief = cancel(belief, "a")
        assert isinstance(belief.having_seen_funds("primary", locks(Q="77"), self.OBSERVED), Belief)
        assert isinstance(belief.having_seen_funds("primary", locks(Q="0"), self.OBSERVED), Belief)
        assert isinstance(belief.having_seen_funds("primary", locks(Q="76"), self.OBSERVED), Conflict)

    @pytest.mark.parametrize(
        ("rules", "status", "changes", "learns"),
        [
            (OBSERVED, Status.OPEN, {}, True),
            (OBSERVED, Status.OPEN, {"reserve": NOTHING}, False),
            (OBSERVED, Status.OPEN, {"terms": immediate()}, False),
            (RULES, Status.OPEN, {}, False),
            (RULES, Status.PENDING, {"terms": terms(price=None)}, True),
        ],
    )
    def test_what_must_be_learned(
        self, rules: VenueRules, status: Status, changes: dict[str, object], learns: bool
    ) -> None:
        """Locks are learned where no formula says them, once, and of orders that stay."""
        assert learns_locks(rules, state(status, **changes)) is learns  # type: ignore[arg-type]  # fields of an order

    def test_trades_without_a_formula_are_booked_once_they_are_certain(self) -> None:
        """Where a trade's effect on the funds was seen, later funds differ by later trades alone."""
        margin = VenueRules(
            markets={"M": MARKET}, lock_model=LockModel.MARGIN, margin_rate=Decimal(1), margin_asset="USD"
        )
        belief = known(state(Status.PARTIALLY_FILLED, "4"))
        assert not belief.moved("primary", margin)["USD"].bounded
        booked = belief.having_booked("primary", margin)
        assert booked is not None
        assert booked.moved("primary", margin) == {}
        assert booked.having_booked("primary", margin) is None

    def test_uncertain_trades_are_not_booked(self) -> None:
        """Where it is not certain how much was executed, nothing is taken for granted."""
        margin = VenueRules(markets={"M": MARKET}, lock_model=LockModel.MARGIN, margin_asset="USD")
        belief = any_of(state(Status.PENDING_CANCEL), state(Status.PENDING_CANCEL, "4"))
        assert belief.having_booked("primary", margin) is None
