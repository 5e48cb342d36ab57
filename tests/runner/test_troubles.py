"""What is no finding: lost answers, throttling, plans that cannot go on; and that nothing is left behind."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from conformance.judging.case import PLANS_WITHOUT_ANSWER, LaneKnowledge
from conformance.model.order import OrderType, Side, Status, TimeInForce
from conformance.plans import Cancel, CancelAll, Expire, HoldMarket, Place, Read, Settle, Wait
from conformance.runner import execute, lane_memory, leftovers
from conformance.trace import PlanResult
from fixtures.venue.answers import Cancelled
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import Lost, Received
from fixtures.venue.trouble import BudgetSpent, TargetUnavailable, VenueTrouble
from tests.runner.actions import LOOK, buy, cancelled, fill, sell
from tests.runner.stage import JsonObject, Stage

Open = Callable[..., Stage]
TOO_LITTLE: JsonObject = {
    "error": {"code": 400, "message": "refused", "details": ""},
    "timestamp": "2026-03-01T08:00:00Z",
    "requestId": "0190163d-8694-739b-aea5-966c26f8ad91",
}
TOO_MANY: JsonObject = {"error": {"code": 429, "message": "slow down"}}


def clean(result: PlanResult) -> bool:
    """Whether a plan was judged to its end and found nothing."""
    return not result.violations and result.trouble is None


def left_behind(opened: Stage) -> Stage:
    """A stage on which the order of a plan was lost from sight: it is open, and the next plan has to end it."""
    opened.loses("place", arrives=True, when=lambda n: n == 1).loses("list", arrives=True, when=lambda n: n in (1, 2))
    assert opened.run(buy()).trouble is not None
    assert opened.live_orders() == 1
    return opened


def timed(opened: Stage, monkeypatch: pytest.MonkeyPatch, slow: Mapping[str, float] | None = None) -> dict[str, float]:
    """When the first request of each operation is sent from now on; the first of a ``slow`` one so much later."""
    send, times = opened.send, dict[str, float]()

    def noted(request: PreparedRequest) -> Received | Lost:
        if request.operation not in times:
            time.sleep((slow or {}).get(request.operation, 0))
        times.setdefault(request.operation, time.monotonic())
        return send(request)

    monkeypatch.setattr(opened, "send", noted)
    return times


class TestLostAnswers:
    """A lost answer leaves both outcomes possible; reads tell which it was."""

    @pytest.mark.parametrize("mode", ["immediate", "delayed"])
    @pytest.mark.parametrize("arrives", [True, False], ids=["carried out", "never arrived"])
    def test_a_lost_cancel(self, stage: Open, mode: str, arrives: bool) -> None:
        """Whether the cancel arrived or not, the plan goes on and is judged; the cancel is never sent again."""
        opened = stage(mode).loses("cancel", arrives=arrives, when=lambda n: n == 1)
        result = opened.run(buy(), LOOK, Cancel(order="a"), LOOK)
        assert clean(result)
        assert opened.asked["cancel"] == (1 if arrives else 2)  # the second one is the plan's own clean-up
        assert opened.live_orders() == 0

    @pytest.mark.parametrize("arrives", [True, False], ids=["carried out", "never arrived"])
    def test_a_lost_cancel_all(self, stage: Open, arrives: bool) -> None:
        """Each order is cancelled or not, and a read tells."""
        opened = stage().loses("cancel_all", arrives=arrives)
        assert clean(opened.run(buy(), buy("b"), LOOK, CancelAll(), LOOK))
        assert opened.live_orders() == 0

    def test_a_lost_cancel_exercises_nothing_by_its_answer(self, stage: Open) -> None:
        """Where no answer came, none was right: CXL-06 is not exercised by the cancel itself."""
        opened = stage().loses("cancel", arrives=False)
        result = opened.run(buy(), LOOK, Cancel(order="a"))
        assert "CXL-01" not in result.exercised

    def test_a_lost_placing_is_found_by_its_client_id(self, stage: Open) -> None:
        """An order whose answer was lost is looked up by its client id, never placed again, and the plan goes on."""
        opened = stage().loses("place", arrives=True, when=lambda n: n == 1)
        result = opened.run(buy(), LOOK, *cancelled())
        assert clean(result)
        assert opened.asked["place"] == 1
        assert result.exercised["CXL-01"]

    def test_a_lost_placing_that_never_arrived_ends_the_plan(self, stage: Open) -> None:
        """Where the order is not in the list the plan cannot be judged; that is trouble, and accuses nobody."""
        opened = stage().loses("place", arrives=False)
        result = opened.run(buy(), LOOK)
        assert result.violations == []
        assert result.trouble is not None
        assert "not in the list" in result.trouble

    def test_what_an_abandoned_plan_cancels_is_not_read_too_early(self, stage: Open) -> None:
        """The next plan waits for late reads from when the last order was cancelled, not from when the plan ended."""
        opened = stage().loses("place", arrives=False, when=lambda n: n == 2)
        cancel, ends = opened.venue.cancel, []

        def slow(account: str, order_id: str, *, market: str | None = None) -> Cancelled:
            answer = cancel(account, order_id, market=market)
            ends.append(time.monotonic())
            return answer

        opened.venue.cancel = slow  # type: ignore[method-assign]  # when it ended is what counts
        assert opened.run(buy(), LOOK, buy("b"), LOOK).trouble is not None
        assert opened.live_orders() == 0
        assert ends
        assert opened.memory.changed_at >= max(ends)

    def test_balances_wait_for_an_order_of_an_earlier_plan_that_ended_slowly(
        self, stage: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the patience for its end ran out with the cancel, a plan's first balances still come no sooner."""
        delay = 0.1
        opened = left_behind(stage(timing={"balance_delay": delay}))
        monkeypatch.setattr(leftovers, "PATIENCE", -1.0)
        times = timed(opened, monkeypatch)
        assert clean(opened.run(LOOK))
        assert times["balances"] - times["cancel"] >= delay

    def test_a_pending_cancel_of_an_earlier_order_is_waited_for_after_a_slow_answer(
        self, stage: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However long the requests before it took, the end of an earlier plan's order is waited for from its cancel.

        Otherwise its lock would be part of the first balances, and its release accuse whatever the plan cancels.
        """
        opened = left_behind(stage("delayed", delay_ms=(250, 250)))
        times = timed(opened, monkeypatch, slow={"read": 1.5 * leftovers.PATIENCE})
        assert clean(opened.run(buy(), *cancelled()))
        assert times["balances"] - times["cancel"] >= 0.25

    @pytest.mark.parametrize("operation", ["read", "list", "balances"])
    def test_a_lost_read_is_made_again(self, stage: Open, operation: str) -> None:
        """A read whose answer was lost is repeated: unlike a cancel it changes nothing."""
        opened = stage().loses(operation, arrives=True, when=lambda n: n in (2, 3))
        assert clean(opened.run(buy(), Read(order="a"), LOOK, *cancelled(), Read(order="a")))

    def test_a_lost_fill_by_control_keeps_both_outcomes(self, stage: Open) -> None:
        """Where a sandbox's answer to a fill is lost, the order has traded or has not, and a read tells."""
        drivers = {
            "fill": {
                "how": "control",
                "request": {
                    "method": "POST",
                    "path": "/_control/fill",
                    "body": {"orderId": "{order_id}", "qty": "{quantity}"},
                },
            }
        }
        for arrives in (True, False):
            opened = stage(drivers=drivers).loses("control.fill", arrives=arrives)
            assert clean(opened.run(buy(), LOOK, fill("1"), LOOK, *cancelled()))

    def test_a_lost_change_of_a_deadline_keeps_both_outcomes(self, stage: Open) -> None:
        """Where a sandbox's answer to an expiry is lost, the order expires or does not, and neither is accused."""
        for arrives in (True, False):
            opened = stage().loses("control.expire", arrives=arrives)
            assert clean(opened.run(buy(time_in_force=TimeInForce.GTD), LOOK, Expire(order="a"), LOOK))


def test_a_pending_cancel_is_as_old_as_the_request_that_shows_it(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that was long on its way tells of when it was asked for, not of when it came (PND-01)."""
    opened = stage("delayed", delay_ms=(60, 60), timing={"pending_cancel_deadline": 0.3})
    send, answered = opened.send, Counter[str]()

    def slow(request: PreparedRequest) -> Received | Lost:
        outcome = send(request)
        answered[request.operation] += 1
        if request.operation == "read" and answered["read"] == 2:
            time.sleep(0.5)
        return outcome

    monkeypatch.setattr(opened, "send", slow)
    result = opened.run(buy(), Cancel(order="a"), Read(order="a"), Settle(), LOOK)
    assert answered["read"] > 2
    assert clean(result)


class TestThrottling:
    """429 is obeyed, and is neither a pass nor a failure."""

    def test_a_throttled_cancel_is_asked_again(self, stage: Open) -> None:
        """A target that throttles once gets the request again, and the plan is judged to its end."""
        opened = stage().answers("cancel", 429, TOO_MANY, when=lambda n: n == 1)
        assert clean(opened.run(buy(), LOOK, *cancelled()))
        assert opened.asked["cancel"] == 2

    @pytest.mark.parametrize("operation", ["cancel", "cancel_all", "read"])
    def test_a_target_that_only_throttles_is_inconclusive(self, stage: Open, operation: str) -> None:
        """Beyond the profile's allowance a throttled plan is abandoned as trouble, and accuses nobody."""
        opened = stage(limits={"throttled_seconds": 0.0}).answers(operation, 429, TOO_MANY)
        result = opened.run(buy(), Cancel(order="a"), CancelAll(), Read(order="a"))
        assert result.violations == []
        assert result.trouble == f"{operation} was throttled beyond the profile's allowance"

    def test_a_throttled_look_at_an_earlier_order_is_trouble_of_this_plan(
        self, stage: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When the look at an earlier plan's order is throttled, the plan ends with trouble, not with an exception."""
        monkeypatch.setattr(lane_memory, "LOOK_AGAIN_AFTER", 0.0)
        opened = stage(limits={"throttled_seconds": 0.0})
        assert clean(opened.run(buy(), *cancelled(), look_again=0))
        before = opened.asked["read"]
        opened.answers("read", 429, TOO_MANY, when=lambda n: n > before)
        result = opened.run(LOOK)
        assert result.trouble == "read was throttled beyond the profile's allowance"


class TestEarlierOrders:
    """Closed orders are remembered, and looked at once more later."""

    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lane_memory, "LOOK_AGAIN_AFTER", 0.0)

    def test_an_order_that_stayed_closed(self, stage: Open) -> None:
        """A later look that shows the same exercises CXL-03."""
        opened = stage()
        opened.run(buy(), *cancelled(), look_again=0)
        assert opened.run(LOOK).exercised["CXL-03"] == 1

    @pytest.mark.parametrize(
        ("before", "word", "requirement"),
        [
            ((Cancel(order="a"), Read(order="a")), "submitted", "CXL-03"),
            ((fill("2"), Read(order="a")), "cancelled", "CXL-08"),
        ],
        ids=["a canceled order revives", "a filled order turns canceled"],
    )
    def test_an_order_that_changed_after_its_end(
        self, stage: Open, before: tuple[Cancel | Read, ...], word: str, requirement: str
    ) -> None:
        """A later look that shows another state breaks CXL-03 or CXL-08, and the earlier plan is the one to repeat."""
        opened = stage()
        opened.run(buy(), *before, look_again=0)
        seen = opened.asked["read"]
        opened.alters("read", lambda d: d["data"]["order"].update(status=word), when=lambda n: n > seen)
        result = opened.run(LOOK, look_again=9)
        assert result.violations[-1].requirements == (requirement,)
        assert result.suspect is not None
        assert result.suspect.actions[0] == buy()
        assert result.suspect.actions[-1] == Read(order="a")

    def test_a_revived_order_in_a_later_list(self, stage: Open) -> None:
        """An order of an earlier plan that is in the list of active orders again breaks CXL-03."""
        opened = stage()
        opened.run(buy(), LOOK, *cancelled(), look_again=0)
        (order,) = [o for o in opened.service.engine.orders.values() if o.ticket.is_buy]
        shown = {"id": order.id, "status": "submitted", "side": "buy", "symbol": "BTC-USDT", "qty": "2", "px": "990.00"}
        opened.alters("list", lambda d: d["data"]["orders"].append(shown | {"amountFilled": "0"}))
        result = opened.run(buy("b"), LOOK)
        assert ("CXL-03",) in [v.requirements for v in result.violations]


class TestNothingIsLeft:
    """On every way out the plan's orders are cancelled."""

    RESTING = (buy("a"), buy("b", price="980"), sell("s"))

    def test_after_its_end(self, stage: Open) -> None:
        """A plan that leaves orders open has them cancelled, and that is judged like any other cancel."""
        opened = stage("mixed")
        result = opened.run(*self.RESTING)
        assert clean(result)
        assert opened.live_orders() == 0
        assert result.exercised["CXL-01"]

    def test_after_a_violation(self, stage: Open) -> None:
        """A plan that ends with a finding leaves nothing open."""
        opened = stage().alters("read", lambda d: d["data"]["order"].update(side="sell"))
        result = opened.run(*self.RESTING, Read(order="a"), LOOK)
        assert result.violations
        assert opened.live_orders() == 0

    def test_after_trouble(self, stage: Open) -> None:
        """A plan that is abandoned leaves nothing open."""
        opened = stage().answers("place", 400, {"error": {"code": 400, "message": "no"}}, when=lambda n: n == 4)
        result = opened.run(*self.RESTING, buy("d"), LOOK)
        assert result.trouble is not None
        assert opened.live_orders() == 0

    def test_after_an_interrupt(self, stage: Open) -> None:
        """Ctrl-C in the middle of a plan is passed on when the plan's orders are cancelled."""
        opened = stage()

        def interrupt(document: JsonObject) -> None:
            raise KeyboardInterrupt

        opened.alters("read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            opened.run(*self.RESTING, Read(order="a"))
        assert opened.live_orders() == 0

    def test_a_held_market_is_let_go(self, stage: Open) -> None:
        """A market that the plan held goes on, whatever ended the plan."""
        market = Place(order="m", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.1"), type=OrderType.MARKET)
        held = (sell(), HoldMarket(market="BTC-USDT", held=True), market)
        opened = stage().alters("read", lambda d: d["data"]["order"].update(qty="7"))
        assert opened.run(*held, Read(order="s")).violations
        assert opened.live_orders() == 0
        assert not opened.service.engine._held

    def test_what_a_broken_plan_left_pending_does_not_accuse_the_next_one(self, stage: Open) -> None:
        """Cancels of a plan that broke off are seen to their end before the next plan takes its balances for given."""
        opened = stage("delayed").alters("read", lambda d: d["data"]["order"].update(px="7"), when=lambda n: n == 1)
        assert opened.run(*self.RESTING, Read(order="a")).violations
        assert clean(opened.run(LOOK, Wait(seconds=0.04), LOOK))


class TestTargetGone:
    """The target cannot be asked any more."""

    def test_a_target_that_is_away_ends_the_run(self, stage: Open) -> None:
        """After so many requests without an answer the trouble is passed on: no further plan makes sense."""
        opened = stage(limits={"transport_failures": 3}).loses("list", arrives=True)
        with pytest.raises(TargetUnavailable, match="3 requests in a row"):
            opened.run(buy(), LOOK)

    def test_a_finding_survives_the_target_s_end(self, stage: Open) -> None:
        """What was found before the target went away is returned with the trouble, not lost with it."""
        opened = stage(limits={"transport_failures": 2})
        opened.alters("read", lambda d: d["data"]["order"].update(side="sell")).loses("cancel", arrives=True)
        result = opened.run(buy(), buy("b"), buy("c"), Read(order="a"))
        assert any("CXL-08" in v.requirements for v in result.violations)

    def test_a_finding_that_ends_no_plan_survives_too(self, stage: Open) -> None:
        """An answer of a wrong shape is kept when the plan cannot go on after it."""
        opened = stage(limits={"transport_failures": 2})
        opened.alters("place", lambda d: d.update(error="no")).loses("list", arrives=True)
        result = opened.run(buy(), LOOK)
        assert result.trouble is not None
        assert {v.requirements[0] for v in result.violations} <= {"ERR-02", "ERR-04"}
        assert result.violations

    def test_a_spent_budget_is_a_trouble_of_its_own(self, stage: Open) -> None:
        """A limit of the profile that is reached names itself."""
        with pytest.raises(BudgetSpent, match="All 5 requests"):
            stage(limits={"total_requests": 5}).run(buy(), LOOK, *cancelled())

    @pytest.mark.parametrize(
        ("limits", "words"), [({"open_orders": 1}, "1 orders of this run"), ({"order_notional": "1"}, "notional")]
    )
    def test_a_plan_that_is_too_large_ends_alone(self, stage: Open, limits: JsonObject, words: str) -> None:
        """A bound on orders ends the plan that would pass it, leaves nothing open, and the next plan may be run."""
        opened = stage(limits=limits)
        result = opened.run(buy("a", "0.001"), buy("b"), LOOK)
        assert result.violations == []
        assert words in (result.trouble or "")
        assert opened.live_orders() == 0
        assert clean(opened.run(buy("a", "0.001"), LOOK, *cancelled()))

    def test_a_refused_order_is_no_crash_where_balances_are_not_shown(self, stage: Open) -> None:
        """What nobody shows is not available for certain; the refusal ends the plan like any other."""
        opened = stage(operations={"balances": False}).answers("place", 400, TOO_LITTLE)
        assert "was refused" in (opened.run(buy(), LOOK).trouble or "")

    def test_a_refusal_beyond_the_most_orders_is_told(self, stage: Open) -> None:
        """A venue that takes fifty orders and no more may refuse the next; the plan goes on without it (ALL-06)."""
        opened = stage().answers("place", 400, TOO_LITTLE, when=lambda number: number == 51)
        result = opened.run(*(buy(f"b{n}", "0.001") for n in range(52)), LOOK, CancelAll(), LOOK)
        assert clean(result)
        assert result.notes["an order was refused while 50 or more were open"] == 1
        assert result.exercised["ALL-06"]

    def test_troubles_are_one_family(self) -> None:
        """Whoever runs plans has one exception to expect."""
        assert issubclass(TargetUnavailable, VenueTrouble)
        assert issubclass(BudgetSpent, VenueTrouble)


def test_a_plan_too_large_to_judge_is_trouble(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much is possible at once, the plan is inconclusive with the number, and leaves nothing open."""
    monkeypatch.setattr("conformance.model.prediction.MOST_WORLDS", 3)
    opened = stage("delayed")
    pair = (buy("a"), buy("b", price="990.00"), LOOK, Cancel(order="a"), Cancel(order="b"))
    result = opened.run(*pair, fill("1"), LOOK)
    assert result.violations == []
    assert result.trouble is not None
    assert "possible worlds" in result.trouble


def test_a_plan_is_more_than_its_actions(stage: Open) -> None:
    """A plan that looks at nothing is still settled, looked at, cleaned up and looked at again."""
    result = stage().run(buy())
    done = [step.action["do"] for step in result.steps]
    assert done == ["begin", "place", "settle", "snapshot", "clean-up", "settle", "snapshot"]
    assert result.exercised["FND-06"]


def test_many_live_orders_are_cleaned_up_by_cancel_all(stage: Open) -> None:
    """From so many live orders on, one cancel-all ends them, which exercises it in passing."""
    opened = stage()
    orders = [buy(f"o{n}", quantity="0.1", price=f"{990 - n}") for n in range(execute.BULK_CLEAN_UP)]
    result = opened.run(*orders)
    assert clean(result)
    assert (opened.asked["cancel_all"], opened.asked["cancel"]) == (1, 0)


def test_names_that_nothing_was_placed_under_are_passed_over(stage: Open) -> None:
    """A minimised plan may refer to orders that are no longer in it: nothing happens, and nothing is accused."""
    result = stage().run(Cancel(order="x"), Read(order="x"), fill("1", "x"), Expire(order="x"), Settle(), LOOK)
    assert clean(result)


def test_states_are_counted_where_a_read_pinned_them(stage: Open) -> None:
    """A cell is reached where the state before the event was certain; an unread cancel makes none."""
    opened = stage("delayed", delay_ms=(400, 400))
    result = opened.run(buy(), LOOK, Cancel(order="a"), LOOK, Cancel(order="a"), Settle(), Cancel(order="a"))
    assert result.cells[Status.OPEN, "cancel"] == 1
    assert result.cells[Status.PENDING_CANCEL, "cancel again"] == 1
    assert result.cells[Status.CANCELED, "cancel again"] == 1


def test_what_a_broken_target_leaves_open_costs_one_wait(stage: Open) -> None:
    """Orders that a target does not cancel are waited for together before the next plan, and only once."""
    opened = stage().alters("read", lambda d: d["data"]["order"].update(px="7"), when=lambda n: n == 1)
    opened.answers("cancel", 200, {"data": {"success": True}, "error": False})
    assert opened.run(*(buy(f"o{n}", "0.1") for n in range(8)), Read(order="o0")).violations
    began = time.monotonic()
    opened.run(LOOK)
    assert time.monotonic() - began < 4 * leftovers.PATIENCE
    assert opened.live_orders() == 8
    asked = opened.asked["cancel"]
    opened.run(LOOK)
    assert opened.asked["cancel"] == asked


def silent_plans(theatre: Stage, number: int) -> list[list[tuple[str, ...]]]:
    """What each of so many plans breaks in which a filled order is cancelled twice."""
    plan = (buy(), LOOK, fill("2"), LOOK, Cancel(order="a"), Cancel(order="a"), LOOK)
    return [[violation.requirements for violation in theatre.run(*plan).violations] for _ in range(number)]


def test_a_request_that_never_has_an_answer_is_dropped_by_the_target(stage: Open) -> None:
    """From the fifth plan on a cancel that was never answered in its situation breaks ERR-01, and nothing else."""
    theatre = stage().loses("cancel", arrives=False)
    assert silent_plans(theatre, PLANS_WITHOUT_ANSWER + 1) == [*[[]] * (PLANS_WITHOUT_ANSWER - 1), *[[("ERR-01",)]] * 2]


def test_an_answer_that_is_lost_now_and_then_is_the_networks_doing(stage: Open) -> None:
    """A situation in which the target answered once is never said to have no answer."""
    theatre = stage().loses("cancel", arrives=False, when=lambda number: number > 1)
    assert silent_plans(theatre, PLANS_WITHOUT_ANSWER + 2) == [[]] * (PLANS_WITHOUT_ANSWER + 2)


def test_a_whole_page_of_a_list_accuses_nobody(stage: Open) -> None:
    """A list of exactly twenty may be a page: an order that it lacks is no finding, but a list of nineteen has none."""
    orders = [buy(f"o{number}", "0.01") for number in range(24)]
    for entries, accused in ((20, False), (19, True)):

        def cut(document: JsonObject, entries: int = entries) -> None:
            del document["data"]["orders"][entries:]

        result = stage().alters("list", cut).run(*orders, LOOK)
        assert bool(result.violations) is accused
        assert (result.trouble is not None and "limits.open_orders" in result.trouble) is not accused


def test_whoever_knows_no_earlier_plan_still_looks_less_often_at_wrong_balances() -> None:
    """A memory of nothing that the target has shown keeps what only saves time: a plan is made small in many runs."""
    shown = LaneKnowledge(fingerprints={"a": "b"})
    known = lane_memory.LaneMemory(wrong_funds=True, known=shown, given_up={"c"}, changed_at=3.0)
    empty = known.by_itself()
    assert (empty.wrong_funds, empty.given_up, empty.changed_at) == (True, {"c"}, 3.0)
    assert not empty.known.fingerprints
