"""The relay: who sends through it never sees a key, and nothing goes out that the run would not send."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from conformance.model.order import Side, Terms
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from fixtures.fuzzing.relay import KEY, SIGNATURE, Relayed, relay
from fixtures.venue import Answer, Unknown, Venue
from fixtures.venue.redaction import KEPT_TEXT
from fixtures.venue.request import PreparedRequest

ORDER = "01890a5d-ac96-774b-bcce-b302099a8057"
CANCEL = f"/api/v1/orders/{ORDER}/cancel"
TERMS = Terms(account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.001"), price=Decimal("1000.00"))


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """A client of an exchange of its own."""
    with embedded_target(ExchangeSettings()) as (profile, _), Venue(profile) as opened:
        yield opened


def test_placeholders_become_the_right_credentials(venue: Venue) -> None:
    """A request with both placeholders is signed; its answer comes back as it was, and is heard by its name."""
    heard: list[Relayed] = []
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        answer = httpx.post(url + CANCEL, headers={**headers, "X-Schemathesis-TestCaseId": "case-7"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == 404
    (one,) = heard
    assert one.case == "case-7"
    assert one.credentials == {"key", "signature"}
    assert one.known
    assert one.request.operation == "cancel"
    assert not any(value in (KEY, SIGNATURE) for _, value in one.request.headers)
    assert isinstance(one.answer, Answer)
    assert one.answer.status == 404


@pytest.mark.parametrize("left", ["key", "signature"])
def test_what_is_left_out_stays_out(venue: Venue, left: str) -> None:
    """A tool that leaves out a part of the credentials, or makes one up, is refused by the target."""
    heard: list[Relayed] = []
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        value = {"key": KEY, "signature": SIGNATURE}[left]
        kept = {name: given for name, given in headers.items() if given != value}
        changed = {name: "made up" if given == value else given for name, given in headers.items()}
        assert httpx.post(url + CANCEL, headers=kept).status_code == 401
        assert httpx.post(url + CANCEL, headers=changed).status_code == 401
    assert [left in one.credentials for one in heard] == [False, False]


def test_probes_of_the_tool_are_not_handed_on(venue: Venue) -> None:
    """What the tool tries out of HTTP itself is answered here: a server's own answer to it is none of the target."""
    heard: list[Relayed] = []
    sent = venue.desk.limits.requests
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        probe = {**headers, "X-Schemathesis-Probe": "Supports NULL byte in headers"}
        assert httpx.get(url + "/", headers=probe).status_code == 400
    assert heard == []
    assert venue.desk.limits.requests == sent


def test_nothing_is_placed_through_it(venue: Venue) -> None:
    """A placing is answered 405 without being sent."""
    heard: list[Relayed] = []
    sent = venue.desk.limits.requests
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        assert httpx.post(url + "/api/v1/orders", headers=headers, json={"symbol": "BTC-USDT"}).status_code == 405
    assert heard == []
    assert venue.desk.limits.requests == sent


def test_other_methods_go_through(venue: Venue) -> None:
    """A method that the path does not have reaches the target, and is known as such; a HEAD has no body."""
    heard: list[Relayed] = []
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        assert httpx.put(url + CANCEL, headers=headers).status_code == 405
        assert httpx.head(url + CANCEL, headers=headers).content == b""
        assert httpx.get(url + "/api/v1/orders?includeClosed=true", headers=headers).status_code == 200
    assert [(one.request.method, one.request.operation, one.known) for one in heard] == [
        ("PUT", "cancel", False),
        ("HEAD", "cancel", False),
        ("GET", "list", True),
    ]


def test_a_long_body_comes_back_whole(venue: Venue) -> None:
    """What is kept of a body for evidence is short; the tool that judges the answer is handed all of it."""
    padded = "x" * 40
    for number in range(200):
        venue.place(replace(TERMS, client_id=f"{padded}-{number}"))
    heard: list[Relayed] = []
    with relay(venue, "primary", heard.append, lambda: False) as (url, headers):
        listed = httpx.get(url + "/api/v1/orders?instType=spot", headers=headers)
    (one,) = heard
    assert len(listed.content) > len(one.answer.exchange.response_body) == KEPT_TEXT
    assert len(listed.json()["data"]["orders"]) == 200


def test_a_compressed_body_comes_back_decoded(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that compresses without being asked is handed on decoded, and says so no longer."""
    send = venue.send

    def compressed(request: PreparedRequest, **how: Any) -> Answer | Unknown:
        answer = send(request, **how)
        headers = (*answer.exchange.response_headers, ("Content-Encoding", "gzip"))
        return replace(answer, exchange=replace(answer.exchange, response_headers=headers))

    monkeypatch.setattr(venue, "send", compressed)
    with relay(venue, "primary", lambda _: None, lambda: False) as (url, headers):
        answer = httpx.post(url + CANCEL, headers=headers)
    assert answer.json()["error"]["code"] == 404


def test_a_run_that_stops_sends_nothing_more(venue: Venue) -> None:
    """Once the run is to stop, everything is answered 503 and nothing goes out."""
    heard: list[Relayed] = []
    with relay(venue, "primary", heard.append, lambda: True) as (url, headers):
        assert httpx.post(url + CANCEL, headers=headers).status_code == 503
    assert heard == []
