"""Market orders that an empty book keeps executing: predicted, ended by counter-orders, and never left behind."""

from collections.abc import Callable

import pytest

from conformance.model.order import Side, Status, Terms
from conformance.plans import COUNTERPARTY, Action, Cancel, CancelAll, HoldMarket, Place, Read
from conformance.trace import PlanResult
from fixtures.venue.sweep import close_open
from tests.runner.actions import LOOK, buy, cancelled, fill, sell
from tests.runner.stage import JsonObject, Stage

Open = Callable[..., Stage]
HOLD = HoldMarket(market="BTC-USDT", held=True)
LET_GO = HoldMarket(market="BTC-USDT", held=False)
WORDS = {"buy": Side.BUY, "sell": Side.SELL}


def market(order: str = "m", quantity: str = "0.1", **changes: object) -> Place:
    """A market buy of the primary account."""
    return buy(order, quantity, None, **changes)


def clean(result: PlanResult) -> bool:
    """Whether a plan was judged to its end and found nothing."""
    return not result.violations and result.trouble is None


def counters(opened: Stage) -> list[str]:
    """The status words of the counterparty's orders."""
    return [order.status.value for order in opened.service.engine.orders_of(COUNTERPARTY)]


@pytest.mark.parametrize("mode", ["immediate", "delayed", "mixed"])
@pytest.mark.parametrize("side", ["buy", "sell"])
class TestJudging:
    """What a waiting order, its counter-order and both accounts' funds are, is predicted to the last unit."""

    def test_its_cancel_is_refused(self, stage: Open, mode: str, side: str) -> None:
        """TRM-03 and ALL-05 are exercised; at the end a counter-order of the same size ends it, and is over itself."""
        opened = stage(mode, waits=True)
        result = opened.run(HOLD, market(side=WORDS[side]), LOOK, Cancel(order="m"), LOOK, CancelAll(), LOOK)
        assert clean(result)
        assert result.exercised["TRM-03"]
        assert result.exercised["ALL-05"]
        assert result.cells[Status.PENDING, "cancel"] == 1
        assert counters(opened) == ["filled"]
        assert opened.live_orders() == 0
        assert not any("hold" in operation for operation in opened.sent)

    def test_it_is_let_go_within_a_plan(self, stage: Open, mode: str, side: str) -> None:
        """Several are ended in turn, and the plan goes on with the market as it was before."""
        held = (HOLD, market(side=WORDS[side]), market("n", "0.3", side=WORDS[side]), LOOK)
        after = (LET_GO, LOOK, market("o", side=WORDS[side]), LOOK, Cancel(order="o"), LOOK)
        opened = stage(mode, waits=True)
        assert clean(opened.run(*held, *after))
        assert counters(opened) == ["filled"] * 3
        assert opened.live_orders() == 0


PLANS: dict[str, tuple[Action, ...]] = {
    "a market order that nobody said to hold": (market(), LOOK, Cancel(order="m"), LOOK),
    "an order that faces it rests": (sell("s", "2"), HOLD, market(), LOOK),
    "an order that faces it is too small": (sell("s", "0.05"), HOLD, market(), LOOK, Cancel(order="m"), LOOK),
    "an order that faces it is being cancelled": (sell("s", "2"), LOOK, Cancel(order="s"), HOLD, market(), LOOK),
    "an order that faces it comes": (HOLD, market(), LOOK, sell("s", "2"), LOOK, *cancelled("s")),
    "a fill at its side of the book": (buy(), HOLD, market(), LOOK, fill("1"), LOOK, *cancelled()),
    "orders at the price of its counter-order": (buy("a", "1", "1000.00"), HOLD, market(), LOOK, LET_GO, LOOK),
    "the whole market is let go though nothing waits": (HOLD, LET_GO, HOLD, LOOK, LET_GO),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["immediate", "delayed"])
@pytest.mark.parametrize("plan", PLANS)
def test_whatever_a_plan_does_is_predicted(stage: Open, mode: str, plan: str) -> None:
    """Hand-written and minimised plans may mix held market orders with anything; an honest exchange is not accused."""
    opened = stage(mode, waits=True)
    for _ in range(3):
        assert clean(opened.run(*PLANS[plan])), plan
    assert opened.live_orders() == 0


@pytest.mark.parametrize(
    "tables",
    [
        {"lock": {"model": "observed"}},
        {"lock": {"model": "observed"}, "fees": {"charged": "unknown"}},
        {"timing": {"read_delay": 0.01, "balance_delay": 0.01}},
        {"operations": {"balances": False}},
        {"drivers": {"hold_market": {"how": "empty-book", "market": "BTC-USDT"}, "expire": False, "control": False}},
    ],
    ids=["observed locks", "unknown fees", "late reads", "no balances", "one market and no control"],
)
def test_a_profile_that_shows_less(stage: Open, tables: JsonObject) -> None:
    """What is not known is learned or left open, and the rest is judged as ever."""
    opened = stage("mixed", waits=True, **tables)
    result = opened.run(buy(), HOLD, market(), LOOK, Cancel(order="m"), LOOK, LET_GO, LOOK, *cancelled())
    assert clean(result)
    assert result.exercised["TRM-03"] == 1


def test_only_the_named_market_holds(stage: Open) -> None:
    """Elsewhere a market order in an empty book is an ordinary one, and ends: one that waits does not fit."""
    tables = {"drivers": {"hold_market": {"how": "empty-book", "market": "ETH-EUR"}}}
    assert not clean(stage(waits=True, **tables).run(HOLD, market(), Read(order="m")))


def test_a_lock_that_changes_while_it_waits_is_wrong(stage: Open) -> None:
    """What the order was seen to lock is judged until it is let go, as where a control request holds it."""
    opened = stage(waits=True)

    def less(document: JsonObject) -> None:
        for entry in document["data"]["balances"]:
            if entry["asset"] == "USDT" and entry["lockedInOrders"] != "0":
                entry.update(available="999999", lockedInOrders="1")

    opened.alters("balances", less, when=lambda n: n > 5)
    assert opened.run(HOLD, market(), LOOK, LOOK, Cancel(order="m"), LOOK).violations


class TestNothingIsLeft:
    """However a plan ends, neither the market order nor its counter-order stays open."""

    HELD = (buy(), HOLD, market(), market("n", side=Side.BUY))

    def test_after_a_violation(self, stage: Open) -> None:
        """A plan that ends with a finding."""
        opened = stage("delayed", waits=True).alters("read", lambda d: d["data"]["order"].update(symbol="?"))
        assert opened.run(*self.HELD, Read(order="m")).violations
        opened.run(LOOK)
        assert opened.live_orders() == 0

    def test_after_trouble(self, stage: Open) -> None:
        """A plan that is abandoned."""
        opened = stage(waits=True).answers(
            "place", 400, {"error": {"code": 400, "message": "no"}}, when=lambda n: n == 4
        )
        assert opened.run(*self.HELD, buy("d"), LOOK).trouble is not None
        assert opened.live_orders() == 0

    def test_after_a_counter_order_that_was_refused(self, stage: Open) -> None:
        """The plan is abandoned, and a second counter-order ends what waits."""
        opened = stage(waits=True).answers(
            "place", 400, {"error": {"code": 400, "message": "no"}}, when=lambda n: n == 4
        )
        assert "counter" in (opened.run(*self.HELD, LOOK).trouble or "")
        assert opened.live_orders() == 0

    @pytest.mark.parametrize("arrives", [True, False])
    @pytest.mark.parametrize("lost", [2, 3, 4])
    def test_after_a_lost_answer(self, stage: Open, lost: int, arrives: bool) -> None:
        """The market order's placing or its counter-order's had no answer: the next plan ends what did arrive."""
        opened = stage(waits=True).loses("place", arrives=arrives, when=lambda n: n == lost)
        assert opened.run(*self.HELD, LOOK).violations == []
        assert clean(opened.run(LOOK))
        assert opened.live_orders() == 0

    def test_after_an_interrupt(self, stage: Open) -> None:
        """Ctrl-C in the middle of a plan is passed on when everything is over."""
        opened = stage(waits=True)

        def interrupt(document: JsonObject) -> None:
            raise KeyboardInterrupt

        opened.alters("read", interrupt, when=lambda n: n == 1)
        with pytest.raises(KeyboardInterrupt):
            opened.run(*self.HELD, Read(order="m"))
        assert opened.live_orders() == 0

    @pytest.mark.parametrize(
        "fault", ["executing-cancel-accepted", "executing-cancel-not-found", "executing-cancel-takes-effect"]
    )
    def test_where_the_venue_is_wrong(self, stage: Open, fault: str) -> None:
        """A seeded fault of TRM-03 is caught, and leaves nothing open."""
        opened = stage("mixed", waits=True, faults=(fault,))
        result = opened.run(HOLD, market(), LOOK, Cancel(order="m"), LOOK)
        assert result.breaks("TRM-03")
        assert opened.live_orders() == 0

    def test_at_the_end_of_a_run(self, stage: Open) -> None:
        """What a plan could not end, the end of the run ends, by a counter-order as well."""
        opened = stage(waits=True)
        opened.venue.place(_terms(opened))
        assert opened.live_orders() == 1
        assert close_open(opened.desk, (opened.venue,)) == ()
        assert opened.live_orders() == 0


def _terms(opened: Stage) -> Terms:
    """The terms of a market order that waits."""
    action = market()
    return Terms(
        account=action.account,
        market=action.market,
        side=action.side,
        quantity=action.quantity,
        price=None,
        type=action.type,
    )
