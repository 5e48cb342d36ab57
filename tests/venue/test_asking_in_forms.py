"""Forms, the venue's own clock, and fields of the account: what a request may be made of beside JSON."""

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.venue import Answer, Venue
from tests.venue.conftest import ScriptedServer, answer

TIME = {"method": "GET", "path": "/time", "time": "/now"}


def test_a_body_may_be_a_form(venue_at: Callable[..., Any]) -> None:
    """Values are percent-encoded, lists and tables stand as JSON, what has no value is left out."""
    cancel = {"method": "POST", "path": "/cancel", "encoding": "form"}
    body = {"id": "{order_id}", "market": "{symbol}", "more": [1, "x"], "none": "{client_id}", "flag": True}
    venue: Venue = venue_at("http://127.0.0.1:9", operations={"cancel": {**cancel, "body": body}})
    request = venue.prepare("primary", "cancel", order_id="a b/c", market="BTC-USDT")
    assert request.body == b"id=a%20b%2Fc&market=BTC-USDT&more=%5B1%2C%22x%22%5D&flag=true"
    assert request.header("content-type") == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("shown", "unit", "seconds"),
    [(1_700_000_000_123, "ms", 1_700_000_000.123), ("1700000000", "s", 1_700_000_000.0),
     ("2023-11-14T22:13:20.500Z", "iso", 1_700_000_000.5), ("soon", "ms", None)],
)  # fmt: skip
def test_the_clock_is_asked_without_a_key(
    serve: Callable[..., ScriptedServer], venue_at: Callable[..., Any], shown: object, unit: str, seconds: float | None
) -> None:
    """The time is read in its unit; neither key nor signature is sent."""
    server = serve(answer(200, {"now": shown}))
    venue: Venue = venue_at(server.base_url, operations={"time": {**TIME, "unit": unit}})
    got, now = venue.server_time()
    assert isinstance(got, Answer)
    assert now == seconds
    assert b"x-api" not in server.requests[0].lower()


def test_an_operation_may_speak_of_the_account(venue_at: Callable[..., Any], pem: str) -> None:
    """Some venues want an account's number in the path or in the body."""
    read = {"method": "GET", "path": "/accounts/{account.number}/orders/{order_id}", "order": ""}
    account = {"key_id": "k", "private_key": {"inline": pem}, "fields": {"number": "17"}}
    venue: Venue = venue_at(
        "http://127.0.0.1:9", operations={"read": read}, accounts={"primary": account, "counterparty": account}
    )
    assert venue.prepare("primary", "read", order_id="5").target == "/accounts/17/orders/5"
