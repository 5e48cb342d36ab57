"""What a race makes of lost answers, calls that did not overlap, searches given up, and what no order explains."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from conformance.judging import races as judging
from conformance.model.history import Undecided
from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, Action, Cancel, CancelAll, Fill, Parallel, Place, Plan, Read, Snapshot
from conformance.runner import racing
from conformance.trace import PlanResult
from fixtures.venue.answers import Cancelled, Placed, Unknown

if TYPE_CHECKING:
    from tests.races.conftest import Arena

MARKET = "BTC-USDT"


def order(name: str, **changes: Any) -> Place:
    """A resting buy of one."""
    terms = {"market": MARKET, "side": Side.BUY, "quantity": Decimal(1), "price": Decimal(900)}
    return Place(**{"order": name, **terms, **changes})


def plan(*actions: Action) -> Plan:
    """A plan of these actions and a last look."""
    return Plan(actions=(*actions, Snapshot()))


MOST_RUNS = 100
"""How often calls are sent together until they meet: they do so at once, but for a machine with other work."""

TWO_CANCELS = Parallel(calls=(Cancel(order="a"), Cancel(order="a")))


def raced_honestly(run: Callable[[Plan], PlanResult], one: Plan, requirement: str) -> PlanResult:
    """The first run of a plan whose calls met; neither it nor those before it may accuse."""
    for _ in range(MOST_RUNS):
        result = run(one)
        assert (result.violations, result.trouble) == ([], None)
        if result.exercised[requirement]:
            return result
    pytest.fail(f"{requirement} was never exercised")


def test_a_lost_answer_leaves_both_outcomes_to_later_reads(arena: "Arena", monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel whose answer is lost may have happened: the other one's refusal fits, and the read after it decides."""
    run = arena.afresh()
    sibling = arena.venue.siblings(1)[0]
    cancel = sibling.cancel

    def losing(account: str, order_id: str, *, market: str | None = None) -> Cancelled:
        done = cancel(account, order_id, market=market)
        return Cancelled(answer=Unknown(reason="the connection broke", sent=True, exchange=done.answer.exchange))

    monkeypatch.setattr(sibling, "cancel", losing)
    raced_honestly(run, plan(order("a"), TWO_CANCELS), "RCE-01")


def test_a_lost_placing_is_found_by_its_client_id(arena: "Arena", monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose placing had no answer is looked up, judged like the others, and cancelled in the end."""
    run = arena.afresh()
    sibling = arena.venue.siblings(1)[0]
    place = sibling.place

    def losing(*args: Any, **options: Any) -> Placed:
        done = place(*args, **options)
        lost = Unknown(reason="the connection broke", sent=True, exchange=done.answer.exchange)
        return Placed(answer=lost, order_id=None, client_id=done.client_id)

    monkeypatch.setattr(sibling, "place", losing)
    raced_honestly(run, plan(order("a"), Parallel(calls=(order("p"), CancelAll()))), "RCE-03")
    assert arena.open_orders() == []


def test_a_placing_that_is_refused_abandons_the_plan(arena: "Arena") -> None:
    """A venue may refuse an order: that is no nonconformity, the plan ends there, and nothing stays open."""
    run = arena.afresh()
    much = order("p", quantity=Decimal("99999999"))
    result = run(plan(order("a"), Parallel(calls=(much, order("q"), Cancel(order="a")))))
    assert result.violations == []
    assert result.trouble is not None
    assert "placing p was refused: HTTP 400" in result.trouble
    assert arena.open_orders() == []


def test_a_search_that_is_given_up_is_no_pass(arena: "Arena", monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan's trouble says how far the search came; the race has exercised nothing, and nothing stays open."""
    run = arena.afresh()
    monkeypatch.setattr(judging, "explain", lambda *_, **__: Undecided(size=30_001))
    result = run(plan(order("a"), order("b"), Parallel(calls=(Cancel(order="a"), Cancel(order="a"), order("p")))))
    assert result.violations == []
    assert result.trouble is not None
    assert "within 30001 states" in result.trouble
    assert not result.exercised["RCE-01"]
    assert arena.open_orders() == []


def test_calls_one_after_the_other_exercise_no_race(arena: "Arena", monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that a client could only send in turn are judged, but they do not count as a race."""
    run = arena.afresh()
    monkeypatch.setattr(racing, "start_together", lambda calls: [call() for call in calls])
    result = run(plan(order("a"), TWO_CANCELS))
    assert result.violations == []
    assert not result.exercised["RCE-01"]
    assert result.notes["the calls of a race did not run at the same time"] == 1


def test_calls_of_orders_that_were_cut_out_are_passed_over(arena: "Arena") -> None:
    """A plan that was made smaller still runs: calls that name an order which is no longer placed are left out."""
    run = arena.afresh()
    calls = (Cancel(order="gone"), Read(order="gone"), Fill(order="gone", quantity=Decimal(1)), Cancel(order="a"))
    result = run(plan(order("a"), Parallel(calls=calls)))
    assert (result.violations, result.trouble) == ([], None)
    race = result.steps[2]
    assert [exchange.operation for exchange in race.exchanges] == ["cancel"]


def test_both_sides_of_a_raced_fill_are_judged(arena: "Arena") -> None:
    """The immediate order is read once, at once, and the funds of both accounts are judged under the race's rules."""
    run = arena.afresh()
    calls = (Cancel(order="a"), Fill(order="a", quantity=Decimal("0.4")), Fill(order="a", quantity=Decimal("0.5")))
    result = raced_honestly(run, plan(order("a"), Parallel(calls=calls)), "RCE-02")
    race = result.steps[2]
    assert [exchange.operation for exchange in race.exchanges].count("read") == 2
    funds = [o.what for step in result.steps for o in step.observations if o.what.startswith("the balances of")]
    assert "the balances of counterparty" in funds
    assert result.exercised["RCE-02"] > 1


def test_another_accounts_cancel_among_the_calls_is_not_found(arena: "Arena") -> None:
    """A foreign cancel in a race is judged as it is alone, and does not count as a cancel of the order."""
    run = arena.afresh()
    calls = (Cancel(order="a", account=COUNTERPARTY), Read(order="a", account=COUNTERPARTY), Cancel(order="a"))
    result = run(plan(order("a"), Parallel(calls=calls)))
    assert (result.violations, result.trouble) == ([], None)
    assert result.exercised["NTF-07"] == 1
    assert not result.exercised["RCE-01"]


def test_what_no_order_explains_is_told_as_a_proof(arena: "Arena") -> None:
    """The violation names every call with its interval and answer, how far an order went, and what had to come next."""
    run = arena.afresh("quick-second-cancel-not-found")
    four = plan(order("a"), Snapshot(), Parallel(calls=(Cancel(order="a"),) * 4))
    violation = next(v for _ in range(MOST_RUNS) for v in run(four).violations)
    assert violation.requirements == ("RCE-01",)
    assert violation.kind == "no order of the calls explains their answers: cancel at once"
    assert violation.seen.count("cancel of a [") == 4
    assert "(not-found)" in violation.seen
    assert " ms] HTTP " in violation.seen
    assert violation.because[0].startswith("explained as far as: #")
    assert "cannot-cancel" in violation.because[2]
