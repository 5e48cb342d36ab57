"""Actions of a plan in words."""

from dataclasses import asdict
from decimal import Decimal
from typing import get_args

import pytest

from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import (
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Expire,
    Fill,
    Forge,
    HoldMarket,
    Parallel,
    Place,
    Read,
    Send,
    Settle,
    Snapshot,
    Wait,
)
from reports.narration import action_text

BASIC = Place(order="a", market="X-Y", side=Side.BUY, quantity=Decimal("4E+2"), price=Decimal("0.10"))
SAID: tuple[tuple[Action, str], ...] = (
    (BASIC, "place a: buy 400 X-Y at 0.1"),
    (
        Place(
            order="b",
            market="X-Y",
            side=Side.SELL,
            quantity=Decimal(1),
            type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            client_id_length=36,
            post_only=True,
            account="counterparty",
        ),
        "place b: sell 1 X-Y, market order, ioc, post-only, client id of 36 characters as counterparty",
    ),
    (Fill(order="a", quantity=Decimal("0.50")), "make a trade 0.5"),
    (Expire(order="a"), "let a expire"),
    (HoldMarket(market="X-Y", held=True), "hold market orders in X-Y"),
    (HoldMarket(market="X-Y", held=False), "let held market orders execute in X-Y"),
    (Cancel(order="a"), "cancel a"),
    (Cancel(order="a", account="counterparty"), "cancel a as counterparty"),
    (CancelUnknown(order_id="0197"), "cancel an order that does not exist"),
    (CancelAll(account="third"), "cancel all orders of third"),
    (Read(order="a"), "read a"),
    (Snapshot(), "read orders and balances"),
    (Settle(), "wait until no cancel is pending"),
    (Wait(seconds=0.5), "wait 0.5 s"),
    (
        Forge(operation="cancel", vectors=("one", "two"), order="a"),
        "send a flawed cancel of a: one + two",
    ),
    (
        Forge(operation="cancel_all", vectors=("one",), values=(("one", "bit", 7),)),
        "send a flawed cancel-all: one (bit 7)",
    ),
    (
        Send(operation="cancel", method="PUT", target="/orders/{a}", body="{}", credentials=("key",)),
        "send PUT /orders/{a}, without signature, with a body of 2 bytes",
    ),
    (Parallel(calls=(Cancel(order="a"), CancelAll())), "at once: cancel a | cancel all orders"),
)


@pytest.mark.parametrize(("action", "said"), SAID, ids=[said for _, said in SAID])
def test_an_action_is_said_in_words(action: Action, said: str) -> None:
    """Each action of a plan has a sentence with its order, amounts without exponents, and the account if another."""
    assert action_text(asdict(action)) == said


def test_every_action_of_a_plan_has_its_words() -> None:
    """No kind of action is left to be shown by its name alone."""
    assert {type(action) for action, _ in SAID} == set(get_args(Action))


def test_an_unknown_action_is_shown_by_its_name() -> None:
    """A step that is no plan's action, or of a later version, still has a text."""
    assert action_text({"do": "clean-up"}) == "cancel what is still open"
    assert action_text({"do": "something new"}) == "something new"
