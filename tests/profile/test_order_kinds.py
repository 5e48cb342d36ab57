"""What a profile's placing can ask for: only what it has a place for, and a word."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.model.order import OrderType, Side, Terms, TimeInForce
from conformance.requirements import Capability
from fixtures.profiles import Profile, load_profile, profile_from_data

GTC, IOC, GTD = TimeInForce
ORDER = Terms(account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal(1), price=Decimal(2))


def profile(*, without: tuple[str, ...] = (), words: dict[str, Any] | None = None, **tables: Any) -> Profile:
    """The embedded exchange's profile, with fields of its placing left out and other words."""
    place = load_profile("embedded").operations.place.model_dump(mode="json", exclude_none=True)
    place["body"] = {name: value for name, value in place["body"].items() if name not in without}
    accounts = {name: {"private_key": {"inline": name}} for name in ("primary", "counterparty")}
    return profile_from_data(
        {
            "extends": "embedded",
            "accounts": accounts,
            "operations": {"place": place},
            "vocabulary": words or {},
            **tables,
        }
    )


@pytest.mark.parametrize(
    ("without", "words", "times"),
    [
        ((), {}, {GTC, IOC, GTD}),
        (("cancelAt",), {}, {GTC, IOC}),
        (("timeInForce",), {}, {GTC, GTD}),
        (("timeInForce", "cancelAt"), {}, {GTC}),
    ],
)
def test_times_in_force(without: tuple[str, ...], words: dict[str, Any], times: set[TimeInForce]) -> None:
    """Without a place for the time in force every order rests; a deadline needs one of its own."""
    assert profile(without=without, words=words).order_kinds.times_in_force == times


def test_what_lacks_costs_the_capability() -> None:
    """Expiries, held market orders and rejected post-only orders are offered only where such orders can be placed."""
    whole = profile().capabilities()
    assert {Capability.EXPIRE, Capability.HOLD_MARKET, Capability.REJECTED_ORDERS} <= whole
    assert whole - profile(without=("cancelAt",)).capabilities() == {Capability.EXPIRE}
    assert whole - profile(without=("orderType",)).capabilities() == {Capability.HOLD_MARKET}
    assert whole - profile(without=("postOnly",)).capabilities() == {Capability.REJECTED_ORDERS}


def test_lost_orders_are_found_by_a_client_id_that_is_sent_and_shown() -> None:
    """One without the other finds nothing."""
    assert profile().finds_by_client_id
    assert not profile(without=("clientOrderId",)).finds_by_client_id
    assert not profile(order={"client_id": False}).finds_by_client_id


def test_what_an_order_lacks_is_named() -> None:
    """A reader of a report learns which kind of order was left out; a market order's time in force is of no matter."""
    bare = profile(without=("timeInForce", "cancelAt", "orderType", "postOnly")).order_kinds
    assert bare.lacking(ORDER) is None
    assert bare.lacking(replace(ORDER, time_in_force=IOC)) == "an ioc order"
    assert bare.lacking(replace(ORDER, type=OrderType.MARKET, price=None)) == "a market order"
    assert bare.lacking(replace(ORDER, post_only=True)) == "a post-only order"
    assert (
        profile(without=("timeInForce",)).order_kinds.lacking(
            replace(ORDER, type=OrderType.MARKET, price=None, time_in_force=IOC)
        )
        is None
    )
