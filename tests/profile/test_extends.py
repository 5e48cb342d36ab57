"""Inheritance of profiles, the bundled ones, and the schema for editors."""

import json
import tomllib
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types, and one call needs none

from conformance.errors import UserError
from conformance.model.order import Side, Status
from conformance.requirements import Capability
from fixtures.profiles import PROVIDED_BY, Profile, bundled_profiles, json_schema, load_profile, profile_from_data
from fixtures.profiles.trading import TICKS_BELOW

ACCOUNT = {"key_id": "k", "private_key": {"env": "KEY"}}
MARKET = {
    "base": "B", "quote": "Q", "tick": "0.01", "step": "0.1", "min_quantity": "0.1", "max_quantity": "5",
    "rest_price": "10", "extra": {"instType": "spot"},
}  # fmt: skip


HOLD = {"how": "control", "request": {"method": "POST", "path": "/hold", "body": {"held": "{held}"}}}


def _profile(**tables: Any) -> Profile:
    return profile_from_data({"extends": "documented", **tables})


def test_tables_are_merged_and_values_replaced() -> None:
    """A file that changes one key of a table keeps the others; lists are replaced."""
    profile = _profile(
        target={"environment": "sandbox"},
        authentication={"key_header": "Api-Key"},
        answers={"malformed": {"status": [400, 422]}},
    )
    assert profile.target.name == "documented dialect"
    assert (profile.authentication.key_header, profile.authentication.signature_header) == (
        "Api-Key",
        "X-API-Signature",
    )
    assert profile.answers.malformed.status == (400, 422)
    assert profile.answers.not_found.status == (404,)


def test_an_operation_is_restated_whole() -> None:
    """Nothing of the inherited request is left in an operation that a file names."""
    profile = _profile(operations={"cancel": {"method": "DELETE", "path": "/o", "query": {"id": "{order_id}"}}})
    cancel = profile.operations.cancel
    assert (cancel.method, cancel.path, cancel.query, cancel.body) == ("DELETE", "/o", {"id": "{order_id}"}, None)
    assert profile.operations.read is not None


def test_false_removes_what_is_inherited() -> None:
    """A dialect without cancel-all, list, client ids and expiry says so with ``false``."""
    profile = _profile(
        operations={"cancel_all": False, "list": False},
        order={"client_id": False},
        drivers={"expire": False},
        authentication={"cancel_all_signed": False},
    )
    assert profile.operations.cancel_all is None
    assert profile.operations.list is None
    assert profile.order.client_id is None
    assert profile.authentication.cancel_all_signed is False
    lost = {Capability.CANCEL_ALL, Capability.LIST, Capability.EXPIRE, Capability.SIGNED_CANCEL_ALL}
    assert lost & load_profile("documented").capabilities() == lost
    assert not lost & profile.capabilities()


@pytest.mark.parametrize(
    ("tables", "capability"),
    [
        ({"markets": {"M": MARKET}}, Capability.PLACE),
        ({"accounts": {"primary": ACCOUNT, "counterparty": ACCOUNT}}, Capability.SECOND_ACCOUNT),
        ({"accounts": {"primary": ACCOUNT, "counterparty": ACCOUNT}}, Capability.FILL),
        ({"drivers": {"hold_market": HOLD}}, Capability.HOLD_MARKET),
    ],
)
def test_capabilities_come_with_their_tables(tables: dict[str, Any], capability: Capability) -> None:
    """Adding what a capability needs adds the capability."""
    assert capability not in load_profile("documented").capabilities()
    assert capability in _profile(**tables).capabilities()


@pytest.mark.parametrize(
    ("tables", "capability"),
    [
        ({"operations": {"balances": False}}, Capability.BALANCES),
        ({"operations": {"read": False}}, Capability.READ),
        ({"contract": False}, Capability.OPENAPI),
        ({"limits": {"in_flight": 1}}, Capability.PARALLEL),
        ({"vocabulary": {"status": {"OPEN": ["o"], "FILLED": ["f"], "CANCELED": ["c"]}}}, Capability.DELAYED_CANCEL),
        (
            {"authentication": {
                "scheme": "api-key", "signature_header": False, "payload": False, "payload_with_body": False,
            }},
            Capability.SIGNATURES,
        ),
    ],
)  # fmt: skip
def test_capabilities_go_with_their_tables(tables: dict[str, Any], capability: Capability) -> None:
    """Taking away what a capability needs takes away the capability, and nothing fails."""
    assert capability in load_profile("documented").capabilities()
    assert capability not in _profile(**tables).capabilities()


@pytest.mark.parametrize(
    ("accounts", "reject", "offered"),
    [
        (("primary", "counterparty"), {"how": "post-only-crossing"}, True),
        (("primary", "counterparty"), False, False),
        (("primary",), {"how": "post-only-crossing"}, False),
        (("primary",), {"how": "insufficient-funds"}, True),
    ],
)
def test_orders_are_rejected_by_crossing_somebody_or_by_asking_too_much(
    accounts: tuple[str, ...], reject: Any, offered: bool
) -> None:
    """A post-only order needs another account's order to cross; one that cannot be paid needs nobody."""
    profile = _profile(accounts=dict.fromkeys(accounts, ACCOUNT), drivers={"reject": reject})
    assert (Capability.REJECTED_ORDERS in profile.capabilities()) is offered


SHARED = {**MARKET, "isolated": False, "rest_price_sell": "20"}


@pytest.mark.parametrize(
    ("accounts", "markets", "only", "waits_in"),
    [
        (("primary", "counterparty"), {"M": MARKET, "N": MARKET}, None, {"M", "N"}),
        (("primary", "counterparty"), {"M": MARKET, "N": SHARED}, None, {"M"}),
        (("primary", "counterparty"), {"M": MARKET, "N": MARKET}, "N", {"N"}),
        (("primary", "counterparty"), {"M": MARKET, "M2": {**MARKET, "lane": 2, "like": "M"}}, "M", {"M", "M2"}),
        (("primary", "counterparty"), {"N": SHARED}, None, set()),
        (("primary",), {"M": MARKET}, None, set()),
    ],
)
def test_an_empty_book_holds_where_nobody_else_trades_and_a_second_account_can_end_it(
    accounts: tuple[str, ...], markets: dict[str, Any], only: str | None, waits_in: set[str]
) -> None:
    """Without an isolated market or a counterparty HOLD_MARKET is missing, and the remedy names both."""
    hold = {"how": "empty-book"} | ({} if only is None else {"market": only})
    profile = _profile(
        accounts=dict.fromkeys(accounts, ACCOUNT), markets=markets, drivers={"hold_market": hold, "fill": False}
    )
    assert {name for name in profile.markets if profile.waits_in(name)} == waits_in
    assert (Capability.HOLD_MARKET in profile.capabilities()) is bool(waits_in)
    assert "[accounts.counterparty]" in PROVIDED_BY[Capability.HOLD_MARKET]
    assert "isolated" in PROVIDED_BY[Capability.HOLD_MARKET]


@pytest.mark.parametrize("fill", [False, {"how": "crossing"}])
def test_a_lane_needs_the_account_that_lets_market_orders_go(fill: Any) -> None:
    """A lane without a counterparty is none where market orders wait for its counter-orders."""
    second = {**ACCOUNT, "role": "primary", "lane": 2}
    profile = _profile(
        accounts={"primary": ACCOUNT, "counterparty": ACCOUNT, "more": second},
        markets={"M": MARKET, "M2": {**MARKET, "lane": 2, "like": "M"}},
        drivers={"hold_market": {"how": "empty-book"}, "fill": fill},
    )
    assert profile.lanes == (1,)


def test_one_account_is_enough_without_fills() -> None:
    """A target with one account is no mistake: what needs the second is a missing capability with a known remedy."""
    alone = _profile(accounts={"primary": ACCOUNT}).capabilities()
    assert {Capability.FILL, Capability.REJECTED_ORDERS} & alone == set()
    assert set(PROVIDED_BY) == set(Capability)


def test_roles_and_lanes() -> None:
    """Tables may be named freely with role and lane; a lane counts where it has all that fills need."""
    accounts = {
        "primary": ACCOUNT,
        "counterparty": ACCOUNT,
        "a2": {**ACCOUNT, "role": "primary", "lane": 2},
        "b2": {**ACCOUNT, "role": "counterparty", "lane": 2},
        "a3": {**ACCOUNT, "role": "primary", "lane": 3},
    }
    profile = _profile(accounts=accounts)
    assert profile.lanes == (1, 2)
    assert {role: name for role, (name, _) in profile.lane(2).items()} == {"primary": "a2", "counterparty": "b2"}
    assert _profile(accounts=accounts, drivers={"fill": False}).lanes == (1, 2, 3)


def test_fees_of_a_market_come_before_the_profiles() -> None:
    """A market's own fees are used where it has any."""
    profile = _profile(fees={"maker": "0.001"}, markets={"M": MARKET, "N": {**MARKET, "fees": {"maker": "0.002"}}})
    assert [str(profile.fees_of(name).maker) for name in ("M", "N")] == ["0.001", "0.002"]


def test_a_shared_market_has_a_price_for_each_side() -> None:
    """In an isolated market one price rests for both sides; in a shared one each has its own."""
    shared = {**MARKET, "isolated": False, "rest_price_sell": "90"}
    profile = _profile(markets={"M": MARKET, "N": shared})
    prices = [str(profile.markets[name].resting_price(side)) for name in ("M", "N") for side in Side]
    assert prices == ["10", "10", "10", "90"]


def test_a_smallest_notional_is_a_smallest_order() -> None:
    """At every price that plans use the smallest order is worth the smallest notional; without one it is as it says."""
    market = {**MARKET, "tick": "0.01", "step": "0.1", "min_quantity": "0.1", "rest_price": "10", "min_notional": "20"}
    smallest = _profile(markets={"M": market}).markets["M"].smallest_order
    assert smallest % Decimal("0.1") == 0
    assert smallest * (10 - TICKS_BELOW * Decimal("0.01")) >= 20 > (smallest - Decimal("0.1")) * Decimal("9.36")
    assert str(_profile(markets={"M": MARKET}).markets["M"].smallest_order) == MARKET["min_quantity"]


def test_decimals_are_taken_as_written() -> None:
    """Text and TOML numbers both become exact decimals."""
    market = {**MARKET, "tick": 0.1, "step": 1, "min_quantity": 1, "rest_price": 0.3}
    read = _profile(markets={"M": market}).markets["M"]
    assert (str(read.tick), str(read.step), str(read.rest_price)) == ("0.1", "1", "0.3")


def test_the_documented_vocabulary() -> None:
    """Every word but one stands for a canonical status; the undefined one is left out on purpose."""
    meanings = load_profile("documented").vocabulary.meanings()
    assert meanings["partiallyfilledcancelled"] == {Status.CANCELED}
    assert {status for statuses in meanings.values() for status in statuses} == set(Status)
    assert "inactive" not in meanings


@pytest.mark.parametrize("name", bundled_profiles())
def test_bundled_profiles_load_and_fit_the_schema(name: str) -> None:
    """Each bundled file is a valid profile and valid against the schema that editors get."""
    assert load_profile(name).warnings() == ()
    text = files("fixtures.profiles").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    validator = Draft202012Validator(json_schema())
    assert [error.message for error in validator.iter_errors(json.loads(json.dumps(tomllib.loads(text))))] == []


def test_the_schema_finds_typos_and_allows_removals() -> None:
    """An unknown key is an error in the editor too; a removed table is not."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert not validator.is_valid({"target": {"nmae": "x"}})
    assert not validator.is_valid({"limits": {"in_flight": "many"}})
    assert validator.is_valid({"extends": "documented", "operations": {"cancel_all": False}})


def test_what_is_reported_of_a_profile_holds_no_account_data() -> None:
    """The form that goes into reports names roles and lanes, and neither keys nor control headers."""
    profile = _profile(
        accounts={"primary": {"key_id": "secret-id", "private_key": {"inline": "secret-pem"}}},
        drivers={"control": {"headers": {"T": "secret-header"}}},
    )
    shown = json.dumps(profile.without_secrets())
    assert "secret" not in shown
    assert json.loads(shown)["accounts"] == {"primary": {"role": "primary", "lane": 1}}
    assert "secret" not in repr(profile).replace("secret-header", "")
    (warning,) = profile.warnings()
    assert warning.startswith("the profile: accounts.primary.private_key holds a secret inline; move it to a file")


def test_a_maker_may_be_paid() -> None:
    """A negative maker rate is a rebate; a taker always pays."""
    assert _profile(fees={"maker": "-0.0002"}).fees.maker < 0
    with pytest.raises(UserError, match=r"fees\.taker"):
        _profile(fees={"taker": "-0.0002"})
