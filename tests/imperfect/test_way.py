"""Each imperfection does what it says, and only that."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from conformance.model.order import Side, Status, Terms, TimeInForce
from fixtures.exchange import CancelMode, Imperfections
from fixtures.venue import Answer, Unknown, Venue

if TYPE_CHECKING:
    from tests.imperfect.conftest import Behind

RESTING = Terms(
    account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.5"), price=Decimal("1000.00"),
    time_in_force=TimeInForce.GTC,
)  # fmt: skip


def open_orders(venue: Venue) -> int:
    """How many active orders the primary account is shown to have; lost reads are made again."""
    for _ in range(50):
        views = venue.orders("primary").views
        if views is not None:
            return len(views)
    raise AssertionError("no list came through")


def test_lag_is_added_to_every_round_trip(behind: "Behind") -> None:
    """No answer comes before the lag is over, and it is not waited for twice."""
    with behind(lag_ms=60) as venue:
        began = time.monotonic()
        answer = venue.balances("primary").answer
        assert isinstance(answer, Answer)
        assert 0.06 <= time.monotonic() - began < 0.5


def test_a_lost_answer_is_of_a_request_that_was_carried_out(behind: "Behind") -> None:
    """Some placings have no answer; every one of them left an order."""
    with behind(lost_answers=0.3, tables={"limits": {"transport_failures": 1000}}) as venue:
        answers = [venue.place(RESTING).answer for _ in range(40)]
        lost = [answer for answer in answers if isinstance(answer, Unknown)]
        assert 2 <= len(lost) <= 30
        assert all(answer.sent for answer in lost)
        assert open_orders(venue) == 40


def test_a_reset_is_of_a_request_that_was_not_carried_out(behind: "Behind") -> None:
    """Some placings are broken off; none of them left an order, and nobody can tell them from lost answers."""
    with behind(resets=0.3, tables={"limits": {"transport_failures": 1000}}) as venue:
        answers = [venue.place(RESTING).answer for _ in range(40)]
        broken = [answer for answer in answers if isinstance(answer, Unknown)]
        assert 2 <= len(broken) <= 30
        assert all(answer.sent for answer in broken)
        assert open_orders(venue) == 40 - len(broken)


def test_throttling_is_obeyed_without_losing_an_order(behind: "Behind") -> None:
    """Requests are refused with 429 or 503 now and then; each is made again, and every order arrives once."""
    with behind(throttled=0.3) as venue:
        assert all(venue.place(RESTING).order_id is not None for _ in range(20))
        assert venue.desk.limits.throttled >= 2
        assert open_orders(venue) == 20


def test_a_late_read_shows_what_was_true_a_moment_ago(behind: "Behind") -> None:
    """Right after a cancel some reads still show the order open; once the delay has passed none does."""
    with behind(mode=CancelMode.IMMEDIATE, stale_reads_ms=150) as venue:
        order_id = venue.place(RESTING).order_id
        assert order_id is not None
        time.sleep(0.2)
        venue.cancel("primary", order_id)
        seen = {view.status for _ in range(12) if (view := venue.order("primary", order_id).view) is not None}
        time.sleep(0.2)
        later = {view.status for _ in range(12) if (view := venue.order("primary", order_id).view) is not None}
        assert Status.OPEN in seen
        assert later == {Status.CANCELED}


def test_late_balances_and_lists_are_of_one_past(behind: "Behind") -> None:
    """A new order is missing from a list and from what is locked for at most as long as reads may be late."""
    with behind(stale_reads_ms=150) as venue:
        placed = venue.place(RESTING)
        listed = [len(venue.orders("primary").views or ()) for _ in range(8)]
        time.sleep(0.2)
        balances = venue.balances("primary").balances
        assert placed.order_id is not None
        assert 0 in listed
        assert open_orders(venue) == 1
        assert balances is not None
        assert balances["USDT"].locked == 500


def test_other_participants_trade_with_resting_orders(behind: "Behind") -> None:
    """Orders that nobody of ours crosses are filled all the same, in steps of the market."""
    with behind(other_participants=200) as venue:
        order_id = venue.place(RESTING).order_id
        assert order_id is not None
        deadline = time.monotonic() + 5
        executed = Decimal(0)
        while not executed and time.monotonic() < deadline:
            view = venue.order("primary", order_id).view
            executed = (view.executed if view is not None else None) or Decimal(0)
        assert executed > 0
        assert executed % Decimal("0.00001") == 0


def test_impossible_shares_are_refused() -> None:
    """Shares that leave nothing to be answered, and negative ones, are said to be wrong."""
    with pytest.raises(ValueError, match="together below 1"):
        Imperfections(lost_answers=0.6, resets=0.5)
    with pytest.raises(ValueError, match="negative"):
        Imperfections(lag_ms=-1)
