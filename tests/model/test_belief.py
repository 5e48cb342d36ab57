"""What could be true now: how requests and reads widen it, narrow it, and keep together what hangs together."""

from decimal import Decimal

import pytest

from conformance.model.amounts import Span
from conformance.model.events import Cancel, CancelAll, Expire, Place
from conformance.model.lifecycle import Reply
from conformance.model.matching import TooManyWorldsError
from conformance.model.order import Side, Status, TimeInForce
from conformance.model.prediction import Outcome
from conformance.model.worlds import Belief, Conflict
from tests.model.orders import NOW, RULES, any_of, happen, immediate, known, placed, seen, shown, state, terms

DELAYED_OR_NOT = {(Status.CANCELED, "0"), (Status.PENDING_CANCEL, "0")}


def cancel(belief: Belief, name: str, *, lost: bool = False, until: float = NOW) -> Belief:
    """The belief after the owner's cancel was accepted, or lost."""
    event = Cancel(order=name, account="primary")
    return happen(belief, event, accepts=lambda o: o.reply is Reply.ACCEPTED, lost=lost, until=until)


class TestRequests:
    """What a request's answer leaves possible."""

    def test_an_accepted_cancel_is_immediate_or_delayed(self) -> None:
        """Until a read tells, an accepted cancel leaves the order CANCELED or PENDING_CANCEL."""
        assert shown(cancel(known(state(Status.OPEN)), "a"), "a") == DELAYED_OR_NOT

    def test_an_answer_that_no_state_allows_is_a_conflict(self) -> None:
        """A refused cancel of an open order conflicts; what is allowed is said, of which order, and by which row."""
        event = Cancel(order="a", account="primary")
        refused = known(state(Status.OPEN), state(Status.OPEN, name="b")).after(
            event, RULES, accepts=lambda o: o.reply is Reply.CANNOT_CANCEL, until=NOW
        )
        assert refused == Conflict(allowed=("accepted",), orders=frozenset({"a"}), requirements=("CXL-01",))

    def test_an_answer_tells_states_apart(self) -> None:
        """A cancel that is refused tells that the first one, whose answer was lost, had arrived."""
        belief = cancel(known(state(Status.OPEN)), "a", lost=True)
        assert shown(belief, "a") == DELAYED_OR_NOT | {(Status.OPEN, "0")}
        belief = happen(belief, Cancel(order="a", account="primary"), accepts=lambda o: o.reply is Reply.CANNOT_CANCEL)
        assert shown(belief, "a") == DELAYED_OR_NOT

    def test_a_lost_cancel_all_may_have_reached_each_order_or_none(self) -> None:
        """Where the answer to cancel-all was lost, each order is cancelled at once, with a delay, or untouched."""
        belief = happen(
            known(state(Status.OPEN), state(Status.OPEN, name="b")), CancelAll(account="primary"), lost=True
        )
        assert shown(belief, "a") == shown(belief, "b") == DELAYED_OR_NOT | {(Status.OPEN, "0")}

    def test_a_lost_change_of_a_deadline_may_have_taken_effect(self) -> None:
        """Where the answer to moving a deadline was lost, the order may expire and may just as well stay open."""
        belief = happen(known(state(Status.OPEN)), Expire(order="a", at=NOW), lost=True)
        assert isinstance(seen(belief, "a", Status.EXPIRED, "0"), Belief)
        assert isinstance(seen(belief, "a", Status.OPEN, "0"), Belief)

    @pytest.mark.parametrize(("listed", "fits"), [("ab", True), ("a", False), ("b", False), ("", False)])
    def test_a_cancel_all_lists_exactly_what_it_cancelled(self, listed: str, fits: bool) -> None:
        """Of two active orders, both are listed; an answer that leaves one out conflicts (ALL-03)."""
        belief = known(state(Status.OPEN), state(Status.OPEN, name="b"), state(Status.FILLED, "10", name="f"))

        def accepts(outcome: Outcome) -> bool:
            here = {s.name for s in outcome.world} & set(listed)
            return outcome.listed <= here <= outcome.listed | outcome.may_list

        after = belief.after(CancelAll(account="primary"), RULES, accepts=accepts, until=NOW)
        assert isinstance(after, Belief) is fits


class TestClusters:
    """What hangs together is kept together, and what does not is not."""

    def test_orders_of_their_own_have_clusters_of_their_own(self) -> None:
        """Three uncertain orders that have nothing to do with each other are 3 x 2 worlds, not 2 x 2 x 2."""
        belief = known(*(state(Status.OPEN, name=name) for name in "abc"))
        for name in "abc":
            belief = cancel(belief, name)
        assert [len(worlds) for worlds in belief.clusters.values()] == [2, 2, 2]
        assert belief.companions("a") == {"a"}

    def test_a_crossing_joins_the_orders_that_it_makes_uncertain(self) -> None:
        """An order that may or may not have traded and the one that it may have met share their worlds."""
        belief = cancel(known(state(Status.OPEN), state(Status.OPEN, name="far", terms=terms(price="50"))), "a")
        belief = happen(belief, Place(order="t", terms=immediate("4"), arrival=9))
        assert belief.companions("a") == {"a", "t"}
        assert belief.companions("far") == {"far"}

    def test_a_read_of_one_order_tells_of_its_companions(self) -> None:
        """Once the incoming order is seen to have traded, the one that it met has traded as well."""
        belief = cancel(known(state(Status.OPEN)), "a")
        belief = happen(belief, Place(order="t", terms=immediate("4"), arrival=9))
        after = seen(belief, "t", Status.FILLED, "4")
        assert isinstance(after, Belief)
        assert shown(after, "a") == {(Status.PENDING_CANCEL, "4"), (Status.CANCELED, "4")}

    def test_what_has_become_certain_gets_a_cluster_of_its_own(self) -> None:
        """When a read has settled everything, no order has companions left."""
        belief = cancel(known(state(Status.OPEN)), "a")
        belief = happen(belief, Place(order="t", terms=immediate("4"), arrival=9))
        after = seen(belief, "t", Status.CANCELED, "0")
        assert isinstance(after, Belief)
        after = seen(after, "a", Status.CANCELED, "0")
        assert isinstance(after, Belief)
        assert after.companions("a") == {"a"}
        assert [len(worlds) for worlds in after.clusters.values()] == [1, 1]

    def test_two_fees_are_two_worlds(self) -> None:
        """Whether an order traded as the taker or as the maker is not forgotten because its quantity is the same."""
        maker, taker = (state(Status.FILLED, "10", fee=Span(Decimal(fee), Decimal(fee))) for fee in ("1", "2"))
        belief = any_of(maker, taker).by_now(NOW, RULES).replaced(["a"], [(maker,), (taker,)])
        assert {str(s.fee) for s in belief.states("a")} == {"1", "2"}

    def test_changes_make_a_new_belief(self) -> None:
        """A belief never changes: what was possible before a cancel can still be asked after it."""
        before = known(state(Status.OPEN))
        cancel(before, "a")
        assert shown(before, "a") == {(Status.OPEN, "0")}

    def test_an_unknown_order_has_no_state(self) -> None:
        """Of an order that was never placed nothing is possible, and asking is no error."""
        belief = Belief.empty()
        assert (belief.states("a"), belief.state("a"), list(belief.names())) == ((), None, [])


class TestReads:
    """What a read leaves possible."""

    def test_a_read_prunes(self) -> None:
        """A read of PENDING_CANCEL rules out that the cancel was immediate; later it may have been confirmed."""
        after = seen(cancel(known(state(Status.OPEN)), "a"), "a", Status.PENDING_CANCEL, "0")
        assert isinstance(after, Belief)
        assert shown(after, "a") == {(Status.PENDING_CANCEL, "0")}
        assert shown(after.by_now(NOW, RULES), "a") == DELAYED_OR_NOT

    def test_a_read_without_a_quantity_judges_the_status_alone(self) -> None:
        """Where a target does not show what was executed, any quantity of the right status stays possible."""
        parts = any_of(state(Status.PARTIALLY_FILLED, "3"), state(Status.PARTIALLY_FILLED, "4"), state(Status.OPEN))
        after = seen(parts, "a", Status.PARTIALLY_FILLED)
        assert isinstance(after, Belief)
        assert shown(after, "a") == {(Status.PARTIALLY_FILLED, "3"), (Status.PARTIALLY_FILLED, "4")}

    def test_a_conflict_says_what_would_have_been_allowed(self) -> None:
        """A read that no world explains names every state that would have been, in words."""
        conflict = seen(cancel(known(state(Status.OPEN)), "a"), "a", Status.OPEN, "0")
        assert conflict == Conflict(
            allowed=("CANCELED with 0 of 10 executed", "PENDING_CANCEL with 0 of 10 executed"),
            orders=frozenset({"a"}),
        )

    @pytest.mark.parametrize("status", Status)
    def test_absence_from_the_list_of_active_orders(self, status: Status) -> None:
        """Only an active order must be listed; whether one being cancelled is, the source leaves open (CXL-03)."""
        missed = known(state(status, terms=terms(price=None))).having_missed("a", RULES, until=NOW)
        assert isinstance(missed, Conflict) is (status in (Status.OPEN, Status.PARTIALLY_FILLED))

    def test_absence_from_the_list_prunes(self) -> None:
        """An order that may be open or cancelled and is not listed is not open."""
        belief = cancel(known(state(Status.OPEN)), "a", lost=True)
        after = belief.having_missed("a", RULES, until=NOW)
        assert isinstance(after, Belief)
        assert shown(after, "a") == DELAYED_OR_NOT

    @pytest.mark.parametrize(
        ("seconds", "possible"),
        [
            (-1.5, {Status.OPEN}),
            (-1.0, {Status.OPEN, Status.EXPIRED}),
            (0.0, {Status.OPEN, Status.EXPIRED}),
            (1.0, {Status.OPEN, Status.EXPIRED}),
        ],
    )
    def test_an_expiry_is_possible_within_the_clock_tolerance(self, seconds: float, possible: set[Status]) -> None:
        """Earlier than a second before its deadline an order may not have expired; from then on it may (TRM-04)."""
        order = state(Status.OPEN, terms=terms(time_in_force=TimeInForce.GTD, expires_at=NOW))
        belief = known(order).by_now(NOW + seconds, RULES)
        assert {s.status for s in belief.states("a")} == possible

    def test_a_pending_cancel_that_reaches_its_deadline_may_end_either_way(self) -> None:
        """An order whose deadline passes while its cancel is pending ends CANCELED or EXPIRED (PND-03)."""
        order = state(Status.PENDING_CANCEL, terms=terms(time_in_force=TimeInForce.GTD, expires_at=NOW))
        for status in (Status.CANCELED, Status.EXPIRED):
            assert isinstance(seen(known(order), "a", status, "0"), Belief)
        assert isinstance(seen(known(order), "a", Status.FILLED, "10"), Conflict)


def test_too_many_worlds_are_said_to_be_too_many() -> None:
    """A cluster that cannot be enumerated ends the judgement with its size, and no verdict (never a pass)."""
    orders = [state(Status.PENDING_CANCEL, name=f"p{n}", arrival=n) for n in range(13)]
    with pytest.raises(TooManyWorldsError, match=r"\d+ possible worlds in one cluster; at most 4096"):
        happen(known(*orders), Place(order="t", terms=immediate("130"), arrival=99))


def test_a_plan_of_sixty_uncertain_orders_stays_small() -> None:
    """Cancelling sixty orders one by one, with every answer lost, keeps sixty small clusters."""
    belief = placed([(f"o{n}", terms(price=str(100 - n))) for n in range(60)])
    for n in range(60):
        belief = cancel(belief, f"o{n}", lost=True)
    assert max(len(worlds) for worlds in belief.clusters.values()) == 3
    assert belief.locked("primary", RULES)["Q"].low == 0
    assert {Side.BUY} == {s.terms.side for n in range(60) for s in belief.states(f"o{n}")}
