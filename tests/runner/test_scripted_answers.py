"""Answers of an exchange that are altered on their way: what each breaks, and what breaks nothing."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from conformance.judging.causes import CONTRACT
from conformance.model.order import Side, TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Expire,
    HoldMarket,
    Read,
    Settle,
)
from tests.runner.actions import LOOK, buy, cancelled, fill, sell
from tests.runner.stage import JsonObject, Stage

Open = Callable[..., Stage]
EVERY_STATE: tuple[Action, ...] = (
    buy("a"),
    sell("s"),
    buy("g", time_in_force=TimeInForce.GTD, client_id_length=36),
    LOOK,
    fill("1"),
    LOOK,
    Cancel(order="a"),
    LOOK,
    Settle(),
    LOOK,
    Cancel(order="a"),
    Cancel(order="s", account="primary"),
    Read(order="s", account="primary"),
    CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057"),
    Expire(order="g"),
    Cancel(order="g"),
    HoldMarket(market="BTC-USDT", held=True),
    buy("m", "0.5", None),
    LOOK,
    Cancel(order="m"),
    HoldMarket(market="BTC-USDT", held=False),
    buy("p", price="1010.00", post_only=True),
    Cancel(order="p"),
    buy("b", price="980"),
    CancelAll(),
    LOOK,
    Settle(),
    CancelAll(),
    LOOK,
)


@pytest.mark.parametrize("mode", ["immediate", "delayed", "mixed"])
def test_a_correct_exchange_is_not_accused(stage: Open, mode: str) -> None:
    """A plan through every state finds nothing at a correct exchange, exercises much, and leaves nothing open."""
    result = stage(mode).run(*EVERY_STATE)
    assert (result.violations, result.trouble) == ([], None)
    wanted = {
        "CXL-02",
        "CXL-03",
        "TRM-02",
        "TRM-03",
        "TRM-04",
        "TRM-07",
        "NTF-01",
        "NTF-02",
        "ALL-01",
        "ALL-04",
        "FND-03",
    }
    assert wanted <= set(result.exercised)


def locked(document: JsonObject, asset: str = "USDT") -> JsonObject:
    """The entry of an asset in an answer with balances."""
    entry: JsonObject = next(e for e in document["data"]["balances"] if e["asset"] == asset)
    return entry


def shift(document: JsonObject, amount: str) -> None:
    """Keep so much more locked than there is."""
    entry = locked(document)
    entry["lockedInOrders"] = str(Decimal(entry["lockedInOrders"]) + Decimal(amount))
    entry["available"] = str(Decimal(entry["available"]) - Decimal(amount))


def set_order(**fields: Any) -> Callable[[JsonObject], None]:
    """Show other fields of a buy."""

    def alter(document: JsonObject) -> None:
        order = document["data"]["order"]
        if order["side"] == Side.BUY:
            order.update(fields)

    return alter


def drop_listed(document: JsonObject) -> None:
    """Leave an id out of a cancel-all answer."""
    document["data"]["cancelledOrderIds"] = document["data"]["cancelledOrderIds"][1:]


def double_listed(document: JsonObject) -> None:
    """List every id twice."""
    document["data"]["cancelledOrderIds"] *= 2


def double_orders(document: JsonObject) -> None:
    """List every order twice."""
    document["data"]["orders"] *= 2


SCRIPTS: dict[str, tuple[str, Any, tuple[Action, ...], str]] = {
    # name: (operation, what is done to its answers, plan, the requirement that must be broken first)
    "a cancelled order shows as open": (
        "read",
        set_order(status="submitted", amountFilled="0"),
        (buy(), Cancel(order="a"), Read(order="a")),
        "CXL-01",
    ),
    "a cancelled order shows as rejected": (
        "read",
        set_order(status="rejected"),
        (buy(), Cancel(order="a"), Read(order="a")),
        "CXL-01",
    ),
    "what was executed is forgotten": (
        "read",
        set_order(status="cancelled", amountFilled="0"),
        (buy(), fill("1"), LOOK, Cancel(order="a"), Read(order="a")),
        "CXL-02",
    ),
    "a smallest unit stays locked": (
        "balances",
        lambda d: shift(d, "0.00001"),
        (buy(), LOOK, Cancel(order="a"), LOOK),
        "FND-01",
    ),
    "less is released after a fill": (
        "balances",
        lambda d: shift(d, "990"),
        (buy(), fill("1"), LOOK, Cancel(order="a"), LOOK),
        "FND-03",
    ),
    "cancel-all leaves one out": ("cancel_all", drop_listed, (buy(), buy("b"), CancelAll(), LOOK), "ALL-03"),
    "cancel-all lists twice": ("cancel_all", double_listed, (buy(), CancelAll(), LOOK), "ALL-03"),
    "an order is listed twice": ("list", double_orders, (buy(), LOOK), "CXL-08"),
    "the price is another": ("read", set_order(px="991"), (buy(), Read(order="a")), "CXL-08"),
    "an order id is no UUID v7": (
        "place",
        lambda d: d["data"].update(orderId="9e9ae0a0-6f0b-4c2a-8f0b-0123456789ab"),
        (buy(),),
        "NTF-05",
    ),
}  # fmt: skip
LATER = {"a smallest unit stays locked": 3, "less is released after a fill": 5}
"""From which answer on the script holds, where the first ones must be right: balances before the cancel."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_scripted_answer_breaks_its_requirement(stage: Open, name: str) -> None:
    """An answer that is altered in one way breaks the requirement that this way of being wrong belongs to."""
    operation, alter, plan, requirement = SCRIPTS[name]
    after = LATER.get(name, 1)
    result = stage().alters(operation, alter, when=lambda n: n >= after).run(*plan)
    assert result.trouble is None
    # what merely differs from the contract is recorded beside it
    assert next(v.requirements[0] for v in result.violations if v.requirements != CONTRACT) == requirement


REFUSALS = [
    # (operation, status, document, plan, requirement)
    ("cancel", 400, {"error": {"code": 400, "message": "closed"}}, (buy(), Cancel(order="a")), "CXL-01"),
    ("cancel", 404, {"error": {"code": 404, "message": "unknown"}}, (buy(), Cancel(order="a")), "CXL-01"),
    ("cancel", 500, {"error": {"code": 500, "message": "oh"}}, (buy(), Cancel(order="a")), "ERR-01"),
    ("cancel_all", 400, {"error": {"code": 400, "message": "no"}}, (buy(), CancelAll()), "ALL-01"),
    ("cancel_all", 404, {"error": {"code": 404, "message": "none"}}, (CancelAll(),), "ALL-04"),
    ("read", 404, {"error": {"code": 404, "message": "gone"}}, (buy(), Read(order="a")), "CXL-08"),
    ("balances", 500, {"error": {"code": 500, "message": "oh"}}, (buy(), LOOK), "ERR-01"),
]


@pytest.mark.parametrize(("operation", "status", "document", "plan", "requirement"), REFUSALS)
def test_a_refusal_that_no_state_allows_breaks_its_requirement(
    stage: Open, operation: str, status: int, document: object, plan: tuple[Action, ...], requirement: str
) -> None:
    """A request that must succeed and is refused breaks the requirement that says so; a 5xx always breaks ERR-01."""
    result = stage().answers(operation, status, document).run(*plan)
    assert requirement in {v.requirements[0] for v in result.violations}


class TestLateFunds:
    """Late funds are told apart from wrong ones, by looking again."""

    def test_funds_that_come_late_break_fnd_01_alone(self, stage: Open) -> None:
        """Where the first read after a cancel still shows the lock and the next does not, they were late, not wrong."""
        opened = stage().alters("balances", lambda d: shift(d, "1980"), when=lambda n: n == 3)
        result = opened.run(buy(), LOOK, *cancelled())
        assert [v.requirements for v in result.violations] == [("FND-01",)]
        assert result.violations[0].kind == "funds were released late"

    def test_funds_that_never_come_break_fnd_02_as_well(self, stage: Open) -> None:
        """Where every look shows the lock, what is released is not what was locked."""
        opened = stage().alters("balances", lambda d: shift(d, "1980"), when=lambda n: n >= 3)
        result = opened.run(buy(), LOOK, *cancelled())
        assert {"FND-01", "FND-02"} <= set(result.violations[0].requirements)

    def test_a_delay_that_the_profile_allows_is_waited_for(self, stage: Open) -> None:
        """Funds may be as late as the profile says: nothing is judged before that time."""
        opened = stage(timing={"balance_delay": 0.05}).alters(
            "balances", lambda d: shift(d, "1980"), when=lambda n: n == 3
        )
        result = opened.run(buy(), LOOK, *cancelled())
        assert result.violations == []


class TestUsableFunds:
    """FND-07: what was released can be used at once."""

    BIG = "600"
    """600 x 990 USDT of a million: it fits once, not twice."""

    def test_released_funds_are_usable(self, stage: Open) -> None:
        """A second order of that size is accepted after the first one's cancel, which exercises FND-07."""
        result = stage().run(buy("a", self.BIG), LOOK, *cancelled(), buy("b", self.BIG), LOOK)
        assert (result.violations, result.trouble) == ([], None)
        assert result.exercised["FND-07"] == 1

    def test_released_funds_that_are_not_usable_break_fnd_07(self, stage: Open) -> None:
        """Where the second order is refused though nothing is locked any more, FND-07 is broken."""
        refusal = {"error": {"code": 400, "message": "insufficient funds"}}
        opened = stage().answers("place", 400, refusal, when=lambda n: n == 2)
        result = opened.run(buy("a", self.BIG), LOOK, *cancelled(), buy("b", self.BIG), LOOK)
        assert result.violations[-1].requirements == ("FND-07",)

    def test_a_refusal_that_no_release_explains_is_trouble(self, stage: Open) -> None:
        """An order that is refused before anything was released is a plan that cannot go on, not a finding."""
        opened = stage().answers("place", 400, {"error": {"code": 400, "message": "market closed"}})
        result = opened.run(buy(), LOOK)
        assert [v for v in result.violations if v.ends] == []
        assert result.trouble is not None
        assert "placing a was refused" in result.trouble
        assert "market closed" in result.trouble


def test_an_unknown_status_word_is_a_gap_of_the_profile(stage: Open) -> None:
    """A word that is not in the vocabulary is named with where it was seen and what to do; it accuses nobody."""
    result = stage().alters("read", set_order(status="resting")).run(buy(), Read(order="a"))
    assert {v.requirements for v in result.violations} <= {("ERR-04",)}  # the bundled contract knows no such word
    assert result.trouble == (
        "status `resting` is not in the vocabulary; seen at a read of a. "
        "Add it to the profile's [vocabulary] under the canonical status that it means."
    )


class TestSameRefusals:
    """TRM-06 and NTF-03: refusals that should be alike."""

    def test_a_refusal_that_varies(self, stage: Open) -> None:
        """The second refusal of the same state with another HTTP status breaks TRM-06."""
        other = {"error": {"code": 409, "message": "closed"}}
        opened = stage(answers={"cannot_cancel": {"status": [400, 409]}}).answers(
            "cancel", 409, other, when=lambda n: n == 3
        )
        result = opened.run(buy(), LOOK, *cancelled(), Cancel(order="a"), Cancel(order="a"))
        assert ("TRM-06",) in [v.requirements for v in result.violations]

    def test_a_foreign_order_that_answers_otherwise(self, stage: Open) -> None:
        """A refusal of a foreign cancel that differs from that of an unknown order breaks NTF-03."""
        told = {"error": {"code": 404, "message": "not yours"}, "timestamp": "2026-01-01T00:00:00Z", "requestId": "r"}
        opened = stage().answers("cancel", 404, told, when=lambda n: n == 2)
        unknown = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057")
        result = opened.run(sell(), unknown, Cancel(order="s", account="primary"))
        assert ("NTF-03",) in [v.requirements for v in result.violations]


@pytest.mark.parametrize(
    ("header", "breaks"), [(("Connection", "close"), False), (("Keep-Alive", "max=1"), False), (("X-Owner", "b"), True)]
)
def test_what_a_server_says_of_its_connection_tells_nothing(stage: Open, header: tuple[str, str], breaks: bool) -> None:
    """A connection that ends after its hundredth answer says so, whatever was asked; other headers are compared."""
    opened = stage().heads("cancel", header, when=lambda n: n == 2)
    unknown = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057")
    result = opened.run(sell(), unknown, Cancel(order="s", account="primary"))
    assert (("NTF-03",) in [v.requirements for v in result.violations]) is breaks


def test_a_foreign_order_in_the_list_breaks_ntf_07(stage: Open) -> None:
    """A list that holds another account's order shows what it must not."""
    opened = stage()
    theirs: list[JsonObject] = []

    def show(document: JsonObject) -> None:
        orders = document["data"]["orders"]
        mine = [order for order in orders if order["side"] == Side.BUY]
        theirs.extend(order for order in orders if order["side"] == Side.SELL)
        document["data"]["orders"] = [*mine, *theirs[:1]]

    # the counterparty's list comes after the primary account's: its order is shown in the next snapshot
    opened.alters("list", show)
    result = opened.run(buy(), sell(), LOOK, LOOK)
    assert result.violations[0].requirements == ("NTF-07",)
    assert result.violations[0].kind == "another account's order is listed"


def test_a_market_order_that_executes_may_lock_what_it_wants(stage: Open) -> None:
    """What an executing market buy locks is learned at placing, then judged: a lock that changes meanwhile is wrong."""
    held: tuple[Action, ...] = (
        HoldMarket(market="BTC-USDT", held=True),
        buy("m", "0.5", None),
        LOOK,
    )
    assert stage().run(*held).violations == []
    # balances: two when the plan begins is one account; one before and one after placing; then the snapshot
    opened = stage().alters("balances", lambda d: shift(d, "1"), when=lambda n: n >= 4)
    assert opened.run(*held).violations[0].requirements[0] in ("FND-02", "FND-05")


def test_a_counterparty_s_funds_are_judged_too(stage: Open) -> None:
    """A fill that the other side is not paid for breaks the conservation of funds on that side (FND-05)."""

    def short(document: JsonObject) -> None:
        entry = locked(document)
        for part in ("available", "current"):
            entry[part] = str(Decimal(entry[part]) - 1)

    opened = stage().alters("balances", short, when=lambda n: n >= 4)
    result = opened.run(buy(), LOOK, fill("1"), LOOK)
    assert "FND-05" in result.violations[0].requirements
    assert COUNTERPARTY in {e.account for step in result.steps for e in step.exchanges}


@pytest.mark.parametrize("own", ["requestId", "ref"], ids=["by its name", "by asking again"])
def test_an_id_of_the_answers_own_tells_no_orders_apart(stage: Open, own: str) -> None:
    """Ids of requests may look like anything (ULID, serial number), and are no difference between two orders."""
    numbers = count(1)
    opened = stage().alters("cancel", lambda document: document.update({own: f"01J8-{next(numbers)}"}))
    unknown = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057", account=COUNTERPARTY)
    result = opened.run(buy(), unknown, Cancel(order="a", account=COUNTERPARTY), LOOK)
    assert [v for v in result.violations if "NTF-03" in v.requirements] == []


def test_an_order_that_is_named_in_another_way_is_told_apart(stage: Open) -> None:
    """Where the unknown order is answered as before and the foreign one is not, the difference is one (NTF-03)."""
    opened = stage().alters("cancel", lambda d: d["error"].update(details="somebody else's"), when=lambda n: n == 2)
    unknown = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057", account=COUNTERPARTY)
    result = opened.run(buy(), unknown, Cancel(order="a", account=COUNTERPARTY), LOOK)
    assert result.violations[0].requirements[0] == "NTF-03"


def test_an_immediate_order_that_finds_nobody_may_be_rejected(stage: Open) -> None:
    """The word for an immediate order that traded nothing is the venue's own (CXL-04 is about the cancelled order)."""

    def reject(document: JsonObject) -> None:
        data = document["data"]
        for order in data["orders"] if "orders" in data else [data["order"]]:
            if order["timeInForce"] == "ioc" and order["amountFilled"] == "0":
                order["status"] = "rejected"

    opened = stage().alters("read", reject).alters("list", reject)
    result = opened.run(buy(), LOOK, *cancelled(), fill("1"), LOOK)
    assert (result.violations, result.trouble) == ([], None)
    assert result.exercised["CXL-04"]


def test_a_post_only_order_at_another_price_is_no_finding(stage: Open) -> None:
    """A venue may give a post-only order that would trade another price: what is said then is how to leave it out."""
    opened = stage()
    for operation, orders in (("list", lambda d: d["data"]["orders"]), ("read", lambda d: [d["data"]["order"]])):

        def reprice(document: JsonObject, orders: Callable[[JsonObject], list[JsonObject]] = orders) -> None:
            for order in orders(document):
                if order["postOnly"]:
                    order.update(status="submitted", px="1009.99")

        opened.alters(operation, reprice)
    result = opened.run(sell(), buy("p", price="1010.00", post_only=True), LOOK)
    assert result.violations == []
    assert "leave out [drivers.reject]" in (result.trouble or "")


@pytest.mark.parametrize("named", [True, False], ids=["as the profile says", "without a word of the profile"])
def test_a_cancel_may_answer_the_order_as_it_was(stage: Open, named: bool) -> None:
    """Where the profile names active statuses, an accepted cancel may show one; else that breaks CXL-01."""
    operation: dict[str, Any] = {
        "method": "POST",
        "path": "/api/v1/orders/{order_id}/cancel",
        "status": "/data/status",
        **({"statuses": ["OPEN", "PARTIALLY_FILLED", "CANCELED", "PENDING_CANCEL"]} if named else {}),
    }
    opened = stage(operations={"cancel": operation}, contract=False)
    opened.alters("cancel", lambda d: d["data"].update(status="submitted") if d.get("data") else None)
    result = opened.run(buy(), LOOK, *cancelled())
    assert [v.requirements[0] for v in result.violations] == ([] if named else ["CXL-01"])
