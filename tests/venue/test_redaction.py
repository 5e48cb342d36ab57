"""Nothing that is kept of an exchange can be used to sign in again."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fixtures.venue import Exchange
from fixtures.venue.redaction import KEPT_TEXT

ORDER = "0190b6f0-0000-7000-8000-000000000001"


def _text(exchange: Exchange) -> str:
    return json.dumps(exchange.to_json()) + repr(exchange)


def test_headers_show_neither_key_nor_signature(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Key id and signature are replaced by their kind and length; harmless headers stay."""
    venue = venue_at(serve(reply(200, {})).base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    exchange = venue.send(request).exchange
    assert ("X-API-Signature", "[signature, 344 characters, redacted]") in exchange.request_headers
    assert ("X-API-Key", "[key id, 14 characters, redacted]") in exchange.request_headers
    assert ("Accept", "application/json") in exchange.request_headers
    assert request.header("X-API-Signature") not in _text(exchange)
    assert "key-of-primary" not in _text(exchange)


def test_an_answer_that_echoes_secrets_is_kept_without_them_and_named(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], pem: str
) -> None:
    """A target that gives back signature or key material is found out, and the copy that is kept holds neither."""
    venue = venue_at("http://127.0.0.1:9")
    signature = venue.prepare("primary", "cancel", order_id=ORDER).header("X-API-Signature")
    body = {"got": signature, "by": "key-of-primary"}
    venue = venue_at(serve(reply(200, body, f"X-Echo: {signature}"), reply(500, {"trace": pem})).base_url)
    exchange = venue.cancel("primary", ORDER).answer.exchange
    assert signature not in _text(exchange)
    assert "key-of-primary" not in _text(exchange)
    assert exchange.leaked == ("signature",)
    trace = venue.cancel("primary", ORDER).answer.exchange
    assert trace.leaked == ("private key",)
    assert pem.splitlines()[5] not in _text(trace)


def test_forged_requests_are_redacted_too(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A signature under another case of the header name, doubled, in the path or in a raw request is not kept."""
    venue = venue_at(serve(reply(401, {})).base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    signature = request.header("X-API-Signature")
    forged = replace(
        request,
        headers=(("x-api-SIGNATURE", signature), ("X-API-Signature", "other" * 4), ("X-Copy", "key-of-primary")),
        target=f"/{signature}",
    )
    texts = [
        _text(venue.send(forged).exchange),
        _text(venue.send_raw(forged.wire("h")).exchange),
        _text(venue.send_raw(request.wire("h").replace(b"X-API-Signature:", b"X-API-Signature :")).exchange),
    ]
    for text in texts:
        assert signature not in text
        assert "key-of-primary" not in text


def test_prepared_requests_and_accounts_do_not_show_their_secrets(venue_at: Callable[..., Any], pem: str) -> None:
    """No repr of a request, an account or a profile holds a key, a signature or a key id."""
    venue = venue_at("http://127.0.0.1:9")
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    shown = repr(request) + repr(venue.account_keys) + repr(venue.profile) + str(venue.profile.without_secrets())
    assert request.header("X-API-Signature") not in shown
    assert "key-of-primary" not in shown
    assert pem.splitlines()[5] not in shown


def test_long_bodies_are_cut_in_what_is_kept(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Of a body of 100,000 characters 64 KiB are kept, with a note; the answer itself is whole."""
    answer = (
        venue_at(serve(reply(200, {"data": "x" * 100_000, "error": False})).base_url).cancel("primary", ORDER).answer
    )
    assert len(answer.exchange.response_body) == KEPT_TEXT
    assert "65536 are kept" in (answer.exchange.note or "")
    assert len(answer.body["data"]) == 100_000


@pytest.mark.parametrize("word", ["Authorization", "Cookie", "Proxy-Authorization"])
def test_usual_credential_headers_are_always_redacted(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], word: str
) -> None:
    """Headers that carry credentials by custom are redacted even if the profile does not name them."""
    venue = venue_at(serve(reply(401, {})).base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    exchange = venue.send(replace(request, headers=((word, "a secret value"),))).exchange
    assert "a secret value" not in _text(exchange)


def test_a_hostile_header_is_kept_short(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Of a header of 64 KiB the evidence keeps the beginning and the length."""
    venue = venue_at(serve(reply(400, {})).base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    exchange = venue.send(replace(request, headers=(("X-Long", "a" * 65_536),)), hostile=True).exchange
    assert dict(exchange.request_headers)["X-Long"] == "a" * 1024 + "... [65536 characters]"


@pytest.mark.parametrize("name", ["X_API_Signature", "XAPISignature", "X-API-Signatur", "X-X-API-Signature"])
def test_a_signature_under_another_name_is_not_kept(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], name: str
) -> None:
    """A right signature under a misspelt header could be used again: neither it nor its echo is kept."""
    signature = venue_at("http://127.0.0.1:9").prepare("primary", "cancel", order_id=ORDER).header("X-API-Signature")
    venue = venue_at(serve(reply(401, {"got": signature})).base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    forged = replace(request, headers=((name, signature), ("X-Long", "A" * 300)))
    exchange = venue.send_raw(forged.wire(venue.host)).exchange
    assert signature not in _text(exchange)
    assert signature[20:60] not in _text(exchange)
    assert exchange.leaked == ("signature",)
    assert ("X-Long", "A" * 300) in exchange.request_headers
