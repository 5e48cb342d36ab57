"""Plans as data: one JSON form that loses nothing, and a clear word on what is wrong in a file."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UserError
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
    Plan,
    Read,
    Send,
    Settle,
    Snapshot,
    Wait,
    from_data,
    from_json,
    to_data,
    to_json,
)

TEXTS = st.text(min_size=1, max_size=12)
AMOUNTS = st.decimals("0.00000001", "1e12", allow_nan=False, allow_infinity=False)
ACCOUNTS = st.sampled_from(["primary", "counterparty", "third"])
MAYBE = st.one_of(st.none(), ACCOUNTS)
PLACES = st.builds(
    Place,
    order=TEXTS,
    market=TEXTS,
    side=st.sampled_from(Side),
    quantity=AMOUNTS,
    price=st.one_of(st.none(), AMOUNTS),
    account=ACCOUNTS,
    type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce),
    client_id_length=st.one_of(st.none(), st.integers(1, 64)),
    post_only=st.booleans(),
)
FILLS = st.builds(Fill, order=TEXTS, quantity=AMOUNTS, by=ACCOUNTS)
CANCELS = st.builds(Cancel, order=TEXTS, account=MAYBE)
BULK = st.builds(CancelAll, account=ACCOUNTS)
READS = st.builds(Read, order=TEXTS, account=MAYBE)
FORGED = st.builds(
    Forge,
    operation=TEXTS,
    vectors=st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
    values=st.lists(st.tuples(TEXTS, TEXTS, st.one_of(st.integers(), TEXTS)), max_size=2).map(tuple),
    order=st.one_of(st.none(), TEXTS),
    order_id=st.one_of(st.none(), TEXTS),
    account=ACCOUNTS,
)
KINDS: dict[type[Any], st.SearchStrategy[Any]] = {
    Place: PLACES,
    Fill: FILLS,
    Expire: st.builds(Expire, order=TEXTS),
    HoldMarket: st.builds(HoldMarket, market=TEXTS, held=st.booleans()),
    Cancel: CANCELS,
    CancelUnknown: st.builds(CancelUnknown, order_id=TEXTS, account=ACCOUNTS),
    CancelAll: BULK,
    Read: READS,
    Snapshot: st.builds(Snapshot),
    Settle: st.builds(Settle),
    Wait: st.builds(Wait, seconds=st.floats(0, 60)),
    Forge: FORGED,
    Send: st.builds(
        Send,
        operation=TEXTS,
        method=TEXTS,
        target=TEXTS,
        headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
        body=TEXTS,
        credentials=st.sampled_from(((), ("key",), ("signature",), ("key", "signature"))),
        expect=st.sampled_from(("any", "wrong-method", "unauthenticated")),
        account=ACCOUNTS,
    ),
    Parallel: st.builds(
        Parallel, calls=st.lists(st.one_of(PLACES, FILLS, CANCELS, BULK, READS), min_size=2, max_size=8).map(tuple)
    ),
}
PLANS = st.builds(Plan, actions=st.lists(st.one_of(*KINDS.values()), max_size=8).map(tuple), title=st.text(max_size=20))


def test_every_kind_of_action_is_drawn_here() -> None:
    """A new kind of action fails this test until the round trip below draws it."""
    assert set(KINDS) == set(get_args(Action))


@given(plan=PLANS)
def test_a_plan_survives_json(plan: Plan) -> None:
    """Every plan comes back from its JSON as it was, to the last digit of each amount."""
    again = from_json(to_json(plan))
    assert again == plan
    assert to_json(again) == to_json(plan)
    assert from_data(json.loads(json.dumps(to_data(plan)))) == plan


@given(plan=PLANS, title=st.text(max_size=9))
def test_a_digest_names_the_content(plan: Plan, title: str) -> None:
    """Plans that do the same have the same digest, whatever they are called; one more action makes another one."""
    assert replace(plan, title=title).digest == plan.digest
    assert replace(plan, actions=(*plan.actions, Settle())).digest != plan.digest


def test_amounts_are_text() -> None:
    """Amounts are written as strings: a number with eighteen decimals would not survive a reader with floats."""
    tiny = Place(order="a", market="M", side=Side.BUY, quantity=Decimal("0.000000000000000001"), price=Decimal("1E+3"))
    (action,) = json.loads(to_json(Plan(actions=(tiny,))))["actions"]
    assert (Decimal(action["quantity"]), action["quantity"][0]) == (tiny.quantity, "0") or "E" in action["quantity"]
    assert isinstance(action["price"], str)


GOOD: dict[str, Any] = {
    "actions": [
        {"do": "place", "order": "a", "market": "M", "side": "buy", "quantity": "1", "price": "10"},
        {"do": "cancel", "order": "a"},
    ]
}


def changed(at: int, **fields: Any) -> dict[str, Any]:
    """The good plan with fields of one action changed; ``None`` leaves a field out."""
    actions = [dict(action) for action in GOOD["actions"]]
    actions[at] = {key: value for key, value in (actions[at] | fields).items() if value is not None}
    return {"actions": actions}


WRONG = [
    # (what the file holds, words that the message must hold)
    ("{", ["the file", "the top level"]),
    ("[]", ["the file"]),
    ({}, ["actions", "required"]),
    (changed(0, side="bid"), ["actions.0.place.side", "'buy' or 'sell'"]),
    (changed(0, quantity="ten"), ["actions.0.place.quantity", "decimal"]),
    (changed(0, order=None), ["actions.0.place.order", "required"]),
    (changed(0, quantiy="2"), ["actions.0.place.quantiy", "keyword"]),
    (changed(0, quantity="NaN"), ["actions.0.place.quantity", "finite"]),
    (changed(0, client_id_length=0), ["actions.0.place.client_id_length", "greater"]),
    ({"actions": [{"do": "wait", "seconds": -1}]}, ["actions.0.wait.seconds", "greater"]),
    (changed(1, do="cancle"), ["actions.1", "cancel"]),
    (changed(1, do=None), ["actions.1", "do"]),
    (changed(1, order=7), ["actions.1.cancel.order", "string"]),
    ({"actions": [{"do": "parallel", "calls": [{"do": "settle"}]}]}, ["actions.0.parallel.calls.0", "settle"]),
]


@pytest.mark.parametrize(("content", "words"), WRONG)
def test_a_wrong_plan_file_is_explained(content: Any, words: list[str]) -> None:
    """A file that is no plan is refused with its name, the place in it and what was expected; no stack trace."""
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(UserError) as refused:
        from_json(text, source="the file x.json")
    message = refused.value.message
    assert message.startswith("the file x.json: ")
    assert message.endswith("Expected a plan as written into evidence files.")
    assert [word for word in words if word not in message] == []
