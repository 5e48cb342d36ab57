"""The life of one order at the honest exchange, over real HTTP."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor


@pytest.mark.parametrize(
    ("filled", "ending", "word"),
    [
        ("0", None, "submitted"),
        ("0.4", None, "partiallyfilled"),
        ("1", None, "filled"),
        ("0", "cancel", "cancelled"),
        ("0.4", "cancel", "partiallyfilledcancelled"),
        ("0", "cancel-all", "cancelled"),
        ("0.4", "cancel-all", "partiallyfilledcancelled"),
        ("0", "expire", "expired"),
        ("0.4", "expire", "expired"),
    ],
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_every_end_has_its_word(floor: "Floor", side: str, filled: str, ending: str | None, word: str) -> None:
    """What was executed and how the order ended decide its status word, on both sides."""
    order = floor.primary.place(side=side)
    if filled != "0":
        floor.control.fill(order, Decimal(filled))
    if ending == "cancel":
        assert floor.primary.cancel(order) == 200
    elif ending == "cancel-all":
        assert floor.primary.cancel_all() == [order]
    elif ending == "expire":
        floor.control.expire(order)
    view = floor.primary.order(order)
    assert (view["status"], view["amountFilled"]) == (word, filled)
    assert (order in floor.primary.listed()) == (word in ("submitted", "partiallyfilled"))
    assert order in floor.primary.listed("instType=spot&includeClosed=true")


@pytest.mark.parametrize("state", ["filled", "cancelled", "partiallyfilledcancelled", "expired", "rejected"])
def test_a_closed_order_cannot_be_cancelled(floor: "Floor", state: str) -> None:
    """Every closed state refuses a cancel with 400, as often as it is asked, and nothing changes."""
    if state == "rejected":
        floor.counterparty.place(side="sell", px="90")
    order = floor.primary.place(postOnly=state == "rejected")
    if state == "filled":
        floor.control.fill(order, Decimal(1))
    elif state == "expired":
        floor.control.expire(order)
    elif state != "rejected":
        if state == "partiallyfilledcancelled":
            floor.control.fill(order, Decimal("0.3"))
        floor.primary.cancel(order)
    before = floor.primary.order(order), floor.primary.balance("USDT")
    assert before[0]["status"] == state
    for _ in range(3):
        status, document = floor.primary.call("POST", f"/api/v1/orders/{order}/cancel")
        assert (status, document["error"]["details"]) == (400, f"CANNOT_CANCEL: the order is {state}")
    assert (floor.primary.order(order), floor.primary.balance("USDT")) == before


def test_orders_match_by_price_then_time_at_the_makers_price(floor: "Floor") -> None:
    """The best price trades first, then the earliest order, always at the resting order's price."""
    late_best = floor.primary.place(px="101")
    first, second = floor.primary.place(px="100"), floor.third.place(px="100")
    taker = floor.counterparty.place(side="sell", qty="2.5", px="99")
    assert floor.counterparty.order(taker)["notionalFilled"] == "251"
    assert floor.primary.status(late_best) == floor.primary.status(first) == "filled"
    assert floor.third.order(second)["amountFilled"] == "0.5"
    assert floor.counterparty.status(taker) == "filled"


def test_own_orders_never_trade_with_each_other(floor: "Floor") -> None:
    """A crossing order of the same account rests, and the next account behind is served."""
    own, other = floor.primary.place(px="100"), floor.third.place(px="99")
    taker = floor.primary.place(side="sell", px="98")
    assert floor.primary.status(own) == "submitted"
    assert floor.third.status(other) == "filled"
    assert floor.primary.order(taker)["notionalFilled"] == "99"


def test_an_immediate_or_cancel_order_never_rests(floor: "Floor") -> None:
    """What it cannot trade ends cancelled at once, with nothing locked."""
    floor.counterparty.place(side="sell", qty="0.4", px="100")
    part, none = floor.primary.place(timeInForce="ioc"), floor.primary.place(timeInForce="ioc")
    assert floor.primary.status(part) == "partiallyfilledcancelled"
    assert floor.primary.status(none) == "cancelled"
    assert floor.primary.balance("USDT")[1] == 0
    assert floor.primary.listed() == []


def test_a_market_order_takes_what_the_book_has(floor: "Floor") -> None:
    """It trades through the levels, and its remainder ends cancelled."""
    floor.counterparty.place(side="sell", qty="0.4", px="100")
    floor.counterparty.place(side="sell", qty="0.4", px="110")
    order = floor.primary.place(orderType="market", px=None, timeInForce=None)
    view = floor.primary.order(order)
    assert (view["status"], view["amountFilled"], view["notionalFilled"]) == ("partiallyfilledcancelled", "0.8", "84")
    assert view["px"] is None


def test_a_held_market_order_executes_on_release(floor: "Floor") -> None:
    """While held it is pendingsubmit, locks a constant, cannot be cancelled and is left alone by cancel-all."""
    floor.control.hold("BTC-USDT", held=True)
    buy = floor.primary.place(orderType="market", px=None, timeInForce=None)
    sell = floor.primary.place(orderType="market", px=None, timeInForce=None, side="sell", qty="2")
    locked = floor.primary.balance("USDT")[1]
    assert locked > 0
    assert floor.primary.balance("BTC")[1] == 2
    resting = floor.counterparty.place(side="sell", px="120")
    assert floor.primary.cancel(buy) == 400
    assert floor.primary.cancel_all() == []
    assert floor.primary.listed() == []
    assert floor.primary.balance("USDT")[1] == locked
    assert floor.primary.status(buy) == floor.primary.status(sell) == "pendingsubmit"
    floor.control.hold("BTC-USDT", held=False)
    assert floor.primary.status(buy) == floor.counterparty.status(resting) == "filled"
    assert floor.primary.status(sell) == "cancelled"
    assert floor.primary.balance("USDT")[1] == floor.primary.balance("BTC")[1] == 0


WAITING = {"orderType": "market", "px": None, "timeInForce": None}


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_market_order_waits_for_a_counter_order(floor: "Floor", side: str) -> None:
    """Where it may wait, it is pendingsubmit in an empty book, cannot be cancelled, and trades with whoever comes."""
    floor.control.reset(market_orders_wait=True, maker_fee="0.0010", taker_fee="0.0020")
    before = floor.totals()
    order = floor.primary.place(side=side, **WAITING)
    assert floor.primary.status(order) == "pendingsubmit"
    assert floor.primary.balance("USDT" if side == "buy" else "BTC")[1] == (50_000 if side == "buy" else 1)
    assert (floor.primary.cancel(order), floor.primary.cancel_all(), floor.primary.listed()) == (400, [], [])
    floor.primary.place(side="sell" if side == "buy" else "buy", px="100", timeInForce="ioc")  # nobody meets himself
    assert floor.primary.status(order) == "pendingsubmit"
    counter = floor.counterparty.place(side="sell" if side == "buy" else "buy", px="120", qty="1.5")
    view = floor.primary.order(order)
    assert (view["status"], view["notionalFilled"], view["feePaid"]) == ("filled", "120", "0.24")
    assert floor.counterparty.order(counter)["amountFilled"] == "1"
    assert floor.primary.balance("USDT")[1] == floor.primary.balance("BTC")[1] == 0
    assert floor.totals() == before


def test_waiting_market_orders_are_served_in_turn(floor: "Floor") -> None:
    """First come, first served, before what rests at a price; what a small counter-order leaves goes on waiting."""
    floor.control.reset(market_orders_wait=True)
    first, second = (floor.primary.place(**WAITING) for _ in range(2))
    resting = floor.primary.place(px="130")
    floor.counterparty.place(side="sell", qty="1.25", px="120")
    assert floor.primary.status(first) == "filled"
    view = floor.primary.order(second)
    assert (view["status"], view["amountFilled"]) == ("pendingsubmit", "0.25")
    assert floor.primary.status(resting) == "submitted"
    assert floor.primary.balance("USDT")[1] == 130 + Decimal("0.75") * 50_000
    floor.counterparty.place(side="sell", qty="0.75", px="120")
    assert floor.primary.status(second) == "filled"
    assert floor.primary.balance("USDT")[1] == 130


def test_a_waiting_market_order_ends_where_its_funds_do(floor: "Floor") -> None:
    """A counter-order that is too dear is taken as far as the funds reach, and the remainder is cancelled."""
    floor.control.reset(market_orders_wait=True)
    order = floor.primary.place(**WAITING | {"qty": "19"})
    floor.counterparty.place(side="sell", qty="19", px="100000")
    assert floor.primary.status(order) == "partiallyfilledcancelled"
    assert floor.primary.balance("USDT")[1] == 0


def test_an_order_expires_at_its_time(floor: "Floor") -> None:
    """A gtd order is active before cancelAt, expired after, by the clock alone; its lock is released."""
    soon = time.time_ns() // 1_000_000 + 150
    order = floor.primary.place(timeInForce="gtd", cancelAt=soon)
    assert floor.primary.status(order) == "submitted"
    assert floor.primary.balance("USDT")[1] == 100
    time.sleep(0.2)
    assert floor.control.state()["orders"] == {"expired": 1}
    assert floor.primary.status(order) == "expired"
    assert floor.primary.balance("USDT")[1] == 0
    assert floor.primary.refused(timeInForce="gtd", cancelAt=soon) == (400, "CANCEL_AT_PASSED")


def test_cancel_all_takes_every_active_order_of_the_account_only(floor: "Floor") -> None:
    """Both sides, all markets, sixty orders; the answer lists exactly them, and repeating it lists nothing."""
    mine = [floor.primary.place(px=str(100 + number), qty="0.01") for number in range(30)]
    mine += [floor.primary.place(symbol="ETH-EUR", side="sell", px="5000", qty="0.1") for _ in range(30)]
    foreign = floor.third.place()
    done = floor.primary.place()
    floor.primary.cancel(done)
    assert sorted(floor.primary.cancel_all()) == sorted(mine)
    assert {floor.primary.status(order) for order in mine} == {"cancelled"}
    assert floor.third.status(foreign) == "submitted"
    assert floor.primary.cancel_all() == []


def test_ids_are_version_7_and_never_go_backwards(floor: "Floor") -> None:
    """Order ids are UUIDs of version 7 with the time of placing, in rising order."""
    before = time.time_ns() // 1_000_000
    ids = [floor.primary.place(qty="0.001") for _ in range(50)]
    assert ids == sorted(ids)
    assert {UUID(order).version for order in ids} == {7}
    assert all(before - 5 <= UUID(order).int >> 80 <= time.time_ns() // 1_000_000 + 50 for order in ids)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"px": "100.001"}, "INVALID_PX"),
        ({"px": "0"}, "INVALID_PX"),
        ({"px": None}, "INVALID_PX"),
        ({"px": 100}, "INVALID_PX"),
        ({"px": "1e2"}, "INVALID_PX"),
        ({"orderType": "market"}, "INVALID_PX"),
        ({"orderType": "stop"}, "INVALID_ORDERTYPE"),
        ({"qty": "0.000001"}, "INVALID_QTY"),
        ({"qty": "0"}, "INVALID_QTY"),
        ({"qty": "-1"}, "INVALID_QTY"),
        ({"qty": "1001"}, "INVALID_QTY"),
        ({"side": "BUY"}, "INVALID_SIDE"),
        ({"symbol": "XRP-USDT"}, "UNKNOWN_MARKET"),
        ({"instType": "perp"}, "UNKNOWN_MARKET"),
        ({"timeInForce": "gtd"}, "INVALID_CANCEL_AT"),
        ({"cancelAt": 9_999_999_999_999}, "INVALID_CANCEL_AT"),
        ({"timeInForce": "gtd", "cancelAt": "soon"}, "INVALID_CANCEL_AT"),
        ({"timeInForce": "gtd", "cancelAt": 1}, "CANCEL_AT_PASSED"),
        ({"clientOrderId": ""}, "INVALID_CLIENT_ORDER_ID"),
        ({"clientOrderId": "x" * 129}, "INVALID_CLIENT_ORDER_ID"),
        ({"postOnly": "yes"}, "INVALID_POST_ONLY"),
        ({"postOnly": True, "timeInForce": "ioc"}, "INVALID_POST_ONLY"),
        ({"leverage": "5"}, "UNKNOWN_PARAMETER"),
        ({"qty": "1000", "px": "1000.01"}, "INSUFFICIENT_FUNDS"),
    ],
)
def test_a_ticket_that_breaks_a_rule_is_refused(floor: "Floor", changes: dict[str, Any], code: str) -> None:
    """Each rule of the market answers 400 with its own code, and no order and no lock comes of it."""
    assert floor.primary.refused(**changes) == (400, code)
    assert floor.primary.listed("includeClosed=true") == []
    assert floor.primary.balance("USDT") == (1_000_000, 0, 1_000_000)


def test_terms_are_shown_as_they_were_asked_for(floor: "Floor") -> None:
    """A read shows side, price, quantity, market, client id and expiry as placed."""
    later = time.time_ns() // 1_000_000 + 60_000
    order = floor.primary.place(
        symbol="ETH-EUR", side="sell", qty="1.2345", px="2500.123", timeInForce="gtd", cancelAt=later,
        clientOrderId="a client id of more than thirty characters", postOnly=True,
    )  # fmt: skip
    view = floor.primary.order(order)
    assert (view["symbol"], view["side"], view["qty"], view["px"]) == ("ETH-EUR", "sell", "1.2345", "2500.123")
    assert (view["timeInForce"], view["cancelAt"], view["postOnly"]) == ("gtd", later, True)
    assert view["clientOrderId"] == "a client id of more than thirty characters"


@pytest.mark.parametrize(("kept", "answer"), [("none", 400), ("post-only", 400), ("all", 200)])
def test_what_becomes_of_an_order_without_funds(floor: "Floor", kept: str, answer: int) -> None:
    """Refused with 400 and no id, or created as rejected where the exchange is set so; never locking anything."""
    floor.control.reset(rejected_orders=kept)
    status, document = floor.primary.call("POST", "/api/v1/orders", floor.primary.ticket(qty="1000", px="1000.01"))
    assert status == answer
    if answer == 200:
        assert floor.primary.status(document["data"]["orderId"]) == "rejected"
    assert floor.primary.balance("USDT") == (1_000_000, 0, 1_000_000)
    assert floor.primary.listed() == []


def test_list_filters_by_market(floor: "Floor") -> None:
    """The list shows the market asked for."""
    bitcoin, ether = floor.primary.place(), floor.primary.place(symbol="ETH-EUR")
    assert floor.primary.listed("instType=spot&symbol=ETH-EUR") == [ether]
    assert floor.primary.listed() == [bitcoin, ether]
    assert floor.primary.listed("instType=margin") == []
