"""What each honest variant does, on an exchange without HTTP whose clock moves only when told to."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.exchange.requests import Answer, Request

if TYPE_CHECKING:
    from tests.exchange.conftest import Desk

Opening = Callable[..., "Desk"]
ORDERS = "/api/v1/orders"
LATER = 1_700_000_600_000
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def opened(desk: Opening) -> Opening:
    """Opens an exchange of some variants, outside its maintenance windows."""

    def open_one(*variants: str, faults: tuple[str, ...] = ()) -> "Desk":
        return desk(variants=variants, faults=faults).wait(1000)

    return open_one


def answer(desk: "Desk", method: str, target: str, body: Any = None, account: str = "primary") -> Answer:
    """The answer to a request as it is."""
    return desk.service.api.handle(
        Request(
            method=method,
            target=target.encode(),
            headers=((b"x-api-key", account.encode()),),
            body=b"" if body is None else json.dumps(body).encode(),
        )
    )


def refusal(desk: "Desk", **changes: Any) -> str:
    """The code word with which an order is refused."""
    terms = {"symbol": "BTC-USDT", "side": "buy", "orderType": "limit", "qty": "1", "px": "100"} | changes
    found = answer(desk, "POST", ORDERS, {name: value for name, value in terms.items() if value is not None})
    assert found.status == 400
    return str(json.loads(found.body)["error"]["details"]).partition(":")[0]


def order(desk: "Desk", order_id: str, account: str = "primary") -> dict[str, Any]:
    """An order as it is read."""
    view: dict[str, Any] = json.loads(answer(desk, "GET", f"{ORDERS}/{order_id}", account=account).body)["data"][
        "order"
    ]
    return view


def listed(desk: "Desk", query: str = "", path: str = ORDERS) -> list[str]:
    """The ids in a list."""
    return [view["id"] for view in json.loads(answer(desk, "GET", path + query).body)["data"]["orders"]]


def locked(desk: "Desk", asset: str, account: str = "primary") -> Decimal:
    """What an account has locked."""
    return desk.service.engine.ledger.balance(account, asset).locked


@pytest.mark.parametrize(
    ("variant", "terms", "code"),
    [
        ("no-ioc", {"timeInForce": "ioc"}, "INVALID_TIMEINFORCE"),
        ("no-gtd", {"timeInForce": "gtd", "cancelAt": LATER}, "INVALID_TIMEINFORCE"),
        ("no-market-orders", {"orderType": "market", "px": None}, "INVALID_ORDERTYPE"),
        ("no-post-only", {"postOnly": True}, "UNKNOWN_PARAMETER"),
        ("no-client-ids", {"clientOrderId": "mine"}, "UNKNOWN_PARAMETER"),
        ("no-time-in-force", {"timeInForce": "gtc"}, "UNKNOWN_PARAMETER"),
    ],
)
def test_what_a_venue_lacks_is_refused(opened: Opening, variant: str, terms: dict[str, Any], code: str) -> None:
    """The term is refused with 400, nothing is locked for it, and an order without it is taken."""
    desk = opened(variant)
    assert refusal(desk, **terms) == code
    assert locked(desk, "USDT") == 0
    assert order(desk, desk.place())["status"] == "submitted"


@pytest.mark.parametrize(
    ("variant", "method", "target"),
    [
        ("no-list", "GET", ORDERS),
        ("no-read", "GET", f"{ORDERS}/{UNKNOWN}"),
        ("no-cancel-all", "POST", f"{ORDERS}/cancel-all"),
    ],
)
def test_an_operation_that_is_missing_is_an_unknown_path(
    opened: Opening, variant: str, method: str, target: str
) -> None:
    """The path of the missing operation is answered with 404 and UNKNOWN_PATH."""
    found = answer(opened(variant), method, target)
    assert (found.status, b"UNKNOWN_PATH" in found.body) == (404, True)


def test_a_list_of_everything_shows_what_is_over(opened: Opening) -> None:
    """A cancelled order stays in the list."""
    desk = opened("list-of-everything")
    first, second = desk.place(), desk.place()
    desk.cancel(first)
    assert listed(desk) == listed(desk, "?includeClosed=true") == [first, second]


def test_two_lists_share_the_orders_out(opened: Opening) -> None:
    """What is active is in one list, what is over in the other, and neither can be asked for both."""
    desk = opened("two-lists")
    first, second = desk.place(), desk.place()
    desk.cancel(first)
    assert (listed(desk), listed(desk, path=f"{ORDERS}/history")) == ([second], [first])
    assert answer(desk, "GET", f"{ORDERS}?includeClosed=true").status == 400
    assert answer(desk, "POST", f"{ORDERS}/history").status == 405


def test_lists_of_one_market_ask_for_its_name(opened: Opening) -> None:
    """Without a market there is no list; with one there are its orders alone."""
    desk = opened("lists-of-one-market")
    desk.place(symbol="ETH-EUR")
    mine = desk.place()
    assert answer(desk, "GET", ORDERS).status == 400
    assert listed(desk, "?symbol=BTC-USDT") == [mine]


def test_a_list_of_the_newest_shows_twenty(opened: Opening) -> None:
    """Of 25 orders the list shows the newest twenty, newest first."""
    desk = opened("lists-of-the-newest-20")
    orders = [desk.place() for _ in range(25)]
    assert listed(desk) == orders[:4:-1]


def test_pages_show_every_order_once(opened: Opening) -> None:
    """Following the cursor gives all orders, and then no cursor."""
    desk = opened("lists-in-pages")
    orders = [desk.place() for _ in range(45)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = json.loads(answer(desk, "GET", f"{ORDERS}?cursor={cursor}").body)["data"]
        found += [view["id"] for view in data["orders"]]
        cursor = data["nextCursor"]
    assert found == orders[::-1]
    assert answer(desk, "GET", f"{ORDERS}?cursor=none").status == 400


def test_a_list_lags_behind_reads(opened: Opening) -> None:
    """For 100 ms the list does not know of an order, of its fill, of its cancel; reads do."""
    desk = opened("list-lags-behind-reads")
    mine = desk.place()
    assert (listed(desk), order(desk, mine)["status"]) == ([], "submitted")
    desk.wait(100)
    assert listed(desk) == [mine]
    desk.cancel(mine)
    assert (listed(desk), order(desk, mine)["status"]) == ([mine], "cancelled")
    desk.wait(100)
    assert listed(desk) == []


@pytest.mark.parametrize(
    ("variant", "notional"),
    [("trades-at-the-takers-price", "90"), ("trades-at-the-middle-price", "95")],
)
def test_a_trade_has_the_venues_price(opened: Opening, variant: str, notional: str) -> None:
    """A buy at 100 that is met by a sell at 90 trades at the venue's price, and both see it."""
    desk = opened(variant)
    maker = desk.place(px="100")
    taker = desk.place("counterparty", side="sell", px="90")
    assert order(desk, maker)["notionalFilled"] == order(desk, taker, "counterparty")["notionalFilled"] == notional
    assert locked(desk, "USDT") == 0


@pytest.mark.parametrize(("variant", "served"), [("makers-by-account", 1), ("makers-by-price-alone", 2)])
def test_a_queue_has_the_venues_order(opened: Opening, variant: str, served: int) -> None:
    """Of three orders at one price the venue's rule says which is served first."""
    desk = opened(variant)
    accounts = ("third", "primary", "third")
    orders = [desk.place(account) for account in accounts]
    desk.place("counterparty", side="sell")
    states = [order(desk, one, account)["status"] for one, account in zip(orders, accounts, strict=True)]
    assert [number for number, state in enumerate(states) if state == "filled"] == [served]


def test_better_prices_come_first_in_every_queue(opened: Opening) -> None:
    """Whatever the rule at one price is, a better price is served before."""
    desk = opened("makers-by-price-alone")
    better, worse = desk.place(px="101"), desk.place(px="100")
    desk.place("counterparty", side="sell", px="100")
    assert (order(desk, better)["status"], order(desk, worse)["status"]) == ("filled", "submitted")


def test_dust_is_cancelled_by_the_venue(opened: Opening) -> None:
    """A rest of two steps is cancelled after the fill, resting or coming, and the funds are free."""
    desk = opened("dust-is-cancelled")
    rested = desk.place()
    desk.fill(rested, "0.99998")
    assert order(desk, rested)["status"] == "partiallyfilledcancelled"
    desk.place("third", qty="0.99998")
    came = desk.place("counterparty", side="sell")
    assert order(desk, came, "counterparty")["status"] == "partiallyfilledcancelled"
    small = desk.place(qty="0.00002")
    assert order(desk, small)["status"] == "submitted"
    desk.cancel(small)
    assert locked(desk, "USDT") == locked(desk, "BTC", "counterparty") == 0


@pytest.mark.parametrize(
    ("variant", "older", "newer"),
    [("self-trade-ends-the-newer", "submitted", "cancelled"), ("self-trade-ends-the-older", "cancelled", "submitted")],
)
def test_orders_of_one_account_do_not_trade(opened: Opening, variant: str, older: str, newer: str) -> None:
    """Of two orders of one account that meet one ends, nothing trades, and the lock of the one that ends is free."""
    desk = opened(variant)
    first = desk.place(px="100")
    second = desk.place(side="sell", px="90", qty="2")
    assert (order(desk, first)["status"], order(desk, second)["status"]) == (older, newer)
    assert locked(desk, "USDT") == (100 if older == "submitted" else 0)
    assert locked(desk, "BTC") == (2 if newer == "submitted" else 0)


def test_cancelled_orders_without_fills_are_forgotten(opened: Opening) -> None:
    """Read and cancelled again they are not found; one with a fill is kept; the funds are free."""
    desk = opened("cancelled-are-purged")
    empty, part = desk.place(), desk.place()
    desk.fill(part, "0.5").cancel(empty).cancel(part)
    assert answer(desk, "GET", f"{ORDERS}/{empty}").status == 404
    assert answer(desk, "POST", f"{ORDERS}/{empty}/cancel").status == 404
    assert order(desk, part)["status"] == "partiallyfilledcancelled"
    assert listed(desk, "?includeClosed=true") == [part]
    assert locked(desk, "USDT") == 0


def test_binary_amounts_have_their_seventeen_digits(opened: Opening) -> None:
    """Amounts are numbers, and sums of them are a little beside what they should be."""
    desk = opened("binary-floating-point")
    mine = desk.place(qty="0.3")
    desk.fill(mine, "0.1").fill(mine, "0.1")
    assert b'"amountFilled":0.19999999999999998,' in answer(desk, "GET", f"{ORDERS}/{mine}").body
    views = json.loads(answer(desk, "GET", "/api/v1/accounts/balance").body)["data"]["balances"]
    assert all(isinstance(value, float) for view in views for name, value in view.items() if name != "asset")


def test_amounts_are_rounded_to_eight_places(opened: Opening) -> None:
    """A fee of less than half of the eighth decimal is nothing, and one above is rounded up."""
    desk = opened("rounds-to-8-places")
    mine = desk.place(qty="0.00001", px="0.01")
    desk.fill(mine, "0.00001")
    assert order(desk, mine)["feePaid"] == "0"
    other = desk.place(qty="0.00007", px="0.11")
    desk.fill(other, "0.00007")
    assert order(desk, other)["feePaid"] == "0.00000001"


def test_what_remains_is_zero_once_an_order_is_over(opened: Opening) -> None:
    """An order shows what remains of it while it lives, zero afterwards, and never what was executed."""
    desk = opened("remaining-is-zero-when-over")
    mine = desk.place()
    desk.fill(mine, "0.25")
    assert order(desk, mine)["remaining"] == "0.75"
    desk.cancel(mine)
    view = order(desk, mine)
    assert (view["remaining"], view["status"], "amountFilled" in view) == ("0", "partiallyfilledcancelled", False)


def test_serial_ids_count_up(opened: Opening) -> None:
    """Ids are whole numbers over all accounts; another spelling is malformed, a neighbour's is not found."""
    desk = opened("serial-ids")
    assert [desk.place(), desk.place("third"), desk.place()] == ["1", "2", "3"]
    assert answer(desk, "GET", f"{ORDERS}/01").status == 400
    assert answer(desk, "GET", f"{ORDERS}/2").status == 404
    assert answer(desk, "POST", f"{ORDERS}/3/cancel").status == 200


def test_a_fee_reserve_is_locked_and_released(opened: Opening) -> None:
    """A buy locks its fee as well; the cancel frees both."""
    desk = opened("fee-reserve")
    mine = desk.place()
    assert locked(desk, "USDT") == Decimal("100.2")
    desk.cancel(mine)
    assert locked(desk, "USDT") == 0


def test_a_fee_reserve_may_be_of_the_other_asset(opened: Opening) -> None:
    """A sell locks its fee in the quote, less with each fill; the cancel frees both assets."""
    desk = opened("fee-reserve-in-the-other-asset")
    mine = desk.place(side="sell")
    assert (locked(desk, "BTC"), locked(desk, "USDT")) == (Decimal(1), Decimal("0.2"))
    desk.fill(mine, "0.5")
    assert (locked(desk, "BTC"), locked(desk, "USDT")) == (Decimal("0.5"), Decimal("0.1"))
    desk.cancel(mine)
    assert locked(desk, "BTC") == locked(desk, "USDT") == 0


@pytest.mark.parametrize(
    ("variant", "side", "asset", "fee"),
    [
        ("fees-in-the-given-asset", "sell", "BTC", "0.001"),
        ("fees-in-the-given-asset", "buy", "USDT", "0.1"),
        ("fees-in-the-received-asset", "buy", "BTC", "0.001"),
        ("flat-fees", "buy", "USDT", "0.01"),
        ("flat-fees", "sell", "USDT", "0.01"),
    ],
)
def test_a_fee_is_charged_as_the_venue_does(opened: Opening, variant: str, side: str, asset: str, fee: str) -> None:
    """A fill of one whole unit at 100 costs its fee in the venue's asset, and the fee account gets it."""
    desk = opened(variant)
    before = desk.service.engine.ledger.balance("primary", asset).available
    desk.fill(desk.place(side=side), "1")
    moved = {("sell", "BTC"): -1, ("buy", "USDT"): -100, ("buy", "BTC"): 1, ("sell", "USDT"): 100}[side, asset]
    assert desk.service.engine.ledger.balance("primary", asset).available - before == moved - Decimal(fee)
    assert desk.service.engine.ledger.balance("fees", asset).available >= Decimal(fee)


def test_balances_may_come_one_by_one(opened: Opening) -> None:
    """A call shows the asset that it names, and without a name it is refused."""
    desk = opened("balances-one-asset-a-call")
    views = json.loads(answer(desk, "GET", "/api/v1/accounts/balance?asset=BTC").body)["data"]["balances"]
    assert [(view["asset"], view["available"]) for view in views] == [("BTC", "1000")]
    assert answer(desk, "GET", "/api/v1/accounts/balance").status == 400


def test_balances_may_be_one_record(opened: Opening) -> None:
    """What is free and what is locked stand under the names of the assets."""
    desk = opened("balances-as-one-record")
    desk.place()
    record = json.loads(answer(desk, "GET", "/api/v1/accounts/balance").body)["data"]["balances"]
    assert (record["USDT"], record["USDTLocked"], record["BTC"]) == ("999900", "100", "1000")


def test_fills_may_come_late(opened: Opening) -> None:
    """An order that crosses rests for 200 ms and then trades; a cancel before that leaves nothing to trade with."""
    desk = opened("late-fills")
    first = desk.place()
    taker = desk.place("counterparty", side="sell")
    assert order(desk, first)["status"] == order(desk, taker, "counterparty")["status"] == "submitted"
    desk.wait(200)
    assert order(desk, first)["status"] == order(desk, taker, "counterparty")["status"] == "filled"
    second = desk.place()
    late = desk.place("counterparty", side="sell", timeInForce="ioc")
    desk.cancel(second).wait(200)
    assert order(desk, second)["status"] == order(desk, late, "counterparty")["status"] == "cancelled"
    assert locked(desk, "USDT") == locked(desk, "BTC", "counterparty") == 0


def test_market_orders_may_take_their_time(opened: Opening) -> None:
    """A market order is executing for 300 ms, cannot be cancelled meanwhile, and then trades."""
    desk = opened("market-orders-take-300-ms")
    desk.place("counterparty", side="sell")
    mine = desk.place(orderType="market", px=None)
    assert order(desk, mine)["status"] == "pendingsubmit"
    assert answer(desk, "POST", f"{ORDERS}/{mine}/cancel").status == 400
    desk.wait(300)
    assert order(desk, mine)["status"] == "filled"


def test_cancels_may_be_asynchronous(opened: Opening) -> None:
    """A cancel is accepted, again too, and the order is as it was for 100 ms, may be filled, and then is cancelled."""
    desk = opened("async-cancels")
    mine = desk.place()
    assert [answer(desk, "POST", f"{ORDERS}/{mine}/cancel").status for _ in range(2)] == [200, 200]
    assert order(desk, mine)["status"] == "submitted"
    desk.fill(mine, "0.5").wait(100)
    assert order(desk, mine)["status"] == "partiallyfilledcancelled"
    assert locked(desk, "USDT") == 0
    assert answer(desk, "POST", f"{ORDERS}/{mine}/cancel").status == 400


def test_a_pending_cancel_may_be_a_202(opened: Opening) -> None:
    """The first cancel answers 202, a second one meanwhile 200, one afterwards 400."""
    desk = opened("pending-202-then-200")
    mine = desk.place()
    statuses = [answer(desk, "POST", f"{ORDERS}/{mine}/cancel").status for _ in range(2)]
    desk.wait(300)
    assert [*statuses, answer(desk, "POST", f"{ORDERS}/{mine}/cancel").status] == [202, 200, 400]


@pytest.mark.parametrize(
    ("variant", "kind"), [("maintenance-in-json", b"application/json"), ("maintenance-in-html", b"text/html")]
)
def test_a_venue_may_be_under_maintenance(opened: Opening, variant: str, kind: bytes) -> None:
    """In a window everything is a 503 with Retry-After, and nothing is carried out; after it all is as before."""
    desk = opened(variant)
    mine = desk.place()
    desk.wait(4000)
    found = answer(desk, "POST", f"{ORDERS}/{mine}/cancel")
    assert (found.status, found.content_type, dict(found.headers)[b"retry-after"]) == (503, kind, b"1")
    desk.wait(100)
    assert order(desk, mine)["status"] == "submitted"


def test_errors_may_be_told_by_a_code(opened: Opening) -> None:
    """Every answer is a 200; the code says what came of it."""
    desk = opened("errors-in-200-by-code")
    terms = {"symbol": "BTC-USDT", "side": "buy", "orderType": "limit", "qty": "1", "px": "100"}
    placed = json.loads(answer(desk, "POST", ORDERS, terms).body)
    mine = placed["data"]["orderId"]
    found = [answer(desk, "POST", f"{ORDERS}/{name}/cancel") for name in (mine, mine, UNKNOWN, "x")]
    assert {one.status for one in found} == {200}
    assert [json.loads(one.body)["code"] for one in found] == [0, 1002, 1001, 1004]


def test_errors_may_be_told_by_a_flag(opened: Opening) -> None:
    """Every answer is a 200; a truth value says whether it was carried out."""
    desk = opened("errors-in-200-by-flag")
    found = answer(desk, "POST", f"{ORDERS}/{UNKNOWN}/cancel")
    assert (found.status, json.loads(found.body)) == (200, {"ok": False, "reason": "no such order"})
    assert json.loads(answer(desk, "GET", ORDERS).body)["ok"] is True


def test_codes_may_have_ids_in_them(opened: Opening) -> None:
    """The code of a refusal names the order, and its status where that is why."""
    desk = opened("codes-with-ids-and-amounts")
    mine = desk.place()
    desk.cancel(mine)
    found = [answer(desk, "POST", f"{ORDERS}/{name}/cancel") for name in (mine, UNKNOWN)]
    assert [one.status for one in found] == [400, 400]
    codes = [json.loads(one.body)["error"]["code"] for one in found]
    assert codes == [f"ORDER_{mine}_IS_cancelled", f"NO_ORDER_{UNKNOWN}"]


def test_refusals_may_all_look_alike(opened: Opening) -> None:
    """A closed order, an unknown one and an id that is none are refused in the same words."""
    desk = opened("one-code-for-every-refusal")
    mine = desk.place()
    desk.cancel(mine)
    found = [json.loads(answer(desk, "POST", f"{ORDERS}/{name}/cancel").body) for name in (mine, UNKNOWN, "x")]
    assert [one["error"] for one in found] == [found[0]["error"]] * 3
    assert found[0]["error"]["code"] == 400


def test_a_foreign_order_may_be_forbidden(opened: Opening) -> None:
    """Another account's order is a 403 to cancel and to read, and stays as it is; an unknown one is a 404."""
    desk = opened("foreign-order-is-403")
    theirs = desk.place("third")
    assert answer(desk, "POST", f"{ORDERS}/{theirs}/cancel").status == 403
    assert answer(desk, "GET", f"{ORDERS}/{theirs}").status == 403
    assert answer(desk, "POST", f"{ORDERS}/{UNKNOWN}/cancel").status == 404
    assert order(desk, theirs, "third")["status"] == "submitted"


@pytest.mark.parametrize(
    "variant",
    ["async-cancels", "cancelled-are-purged", "fee-reserve-in-the-other-asset", "late-fills", "list-of-everything"],
)
def test_a_fault_in_funds_shows_in_a_variant(opened: Opening, variant: str) -> None:
    """What a cancel leaves locked stays locked, whichever way the venue differs."""
    desk = opened(variant, faults=("lock-never-released",))
    for side, asset in (("buy", "USDT"), ("sell", "BTC")):
        mine = desk.place(side=side, px="100" if side == "buy" else "200")
        desk.cancel(mine).wait(300)
        assert locked(desk, asset) > 0


@pytest.mark.parametrize("variant", ["trades-at-the-takers-price", "makers-by-price-alone", "dust-is-cancelled"])
def test_a_fault_in_matching_shows_in_a_variant(opened: Opening, variant: str) -> None:
    """A cancelled order that still trades does so, whoever trades with whom."""
    desk = opened(variant, faults=("cancelled-still-matches",))
    mine = desk.place()
    desk.cancel(mine).place("counterparty", side="sell", qty="0.5")
    assert order(desk, mine)["amountFilled"] == "0.5"


@pytest.mark.parametrize("variant", ["errors-in-200-by-code", "one-code-for-every-refusal", "maintenance-in-html"])
def test_a_fault_in_cancels_shows_in_a_variant(opened: Opening, variant: str) -> None:
    """The cancel of a cancelled order is accepted, whatever refusals look like."""
    desk = opened(variant, faults=("cancelled-cancel-accepted",))
    terms = {"symbol": "BTC-USDT", "side": "buy", "orderType": "limit", "qty": "1", "px": "100"}
    mine = json.loads(answer(desk, "POST", ORDERS, terms).body)["data"]["orderId"]
    found = [answer(desk, "POST", f"{ORDERS}/{mine}/cancel") for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].status == 200
