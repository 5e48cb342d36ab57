"""Signatures: what is signed, byte for byte, and that a verifier of another make accepts it."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from conformance.model.order import Side, Terms
from fixtures.signing.filters import sorted_pairs
from fixtures.signing.material import Material
from fixtures.signing.registry import SCHEMES
from fixtures.venue import PreparedRequest, Venue
from fixtures.venue.signing import Draft, Signer

ORDER = "0190b6f0-0000-7000-8000-000000000001"
URL = "http://127.0.0.1:9"


def _verify(key: RSAPrivateKey, request: PreparedRequest, payload: str) -> None:
    signature = b64decode(request.header("x-api-signature") or "", validate=True)
    key.public_key().verify(signature, payload.encode(), PKCS1v15(), SHA256())


def test_a_cancel_is_signed_over_method_and_path(venue_at: Callable[..., Any], private_key: RSAPrivateKey) -> None:
    """The payload of the source document: POST, colon, path; no body part."""
    request = venue_at(URL).prepare("primary", "cancel", order_id=ORDER)
    assert (request.method, request.target, request.body) == ("POST", f"/api/v1/orders/{ORDER}/cancel", b"")
    assert request.header("X-API-Key") == "key-of-primary"
    _verify(private_key, request, f"POST:/api/v1/orders/{ORDER}/cancel")


def test_a_query_is_signed_as_sent(venue_at: Callable[..., Any], private_key: RSAPrivateKey) -> None:
    """The payload of a list call holds the query exactly as it stands in the request."""
    request = venue_at(URL).prepare("primary", "list", include_closed=True)
    assert request.target == "/api/v1/orders?instType=spot&includeClosed=true"
    _verify(private_key, request, "GET:/api/v1/orders?instType=spot&includeClosed=true")


def test_a_body_is_signed_as_sorted_pairs(venue_at: Callable[..., Any], private_key: RSAPrivateKey) -> None:
    """The payload of a place ends with the parameters by key; those without a value are in neither body nor payload."""
    terms = Terms(
        account="primary", market="BTC-USDT", side=Side.SELL, quantity=Decimal("1E+1"), price=Decimal("100.50"),
        client_id="mine",
    )  # fmt: skip
    request = venue_at(URL).prepare("primary", "place", terms=terms)
    body = json.loads(request.body)
    assert body == {
        "symbol": "BTC-USDT", "instType": "spot", "side": "sell", "orderType": "limit", "qty": "10", "px": "100.50",
        "timeInForce": "gtc", "clientOrderId": "mine",
    }  # fmt: skip
    pairs = (
        "clientOrderId=mine&instType=spot&orderType=limit&px=100.50&qty=10&side=sell&symbol=BTC-USDT&timeInForce=gtc"
    )
    _verify(private_key, request, f"POST:/api/v1/orders:{pairs}")


def test_a_prefix_of_the_base_url_is_part_of_the_signed_path(
    venue_at: Callable[..., Any], private_key: RSAPrivateKey
) -> None:
    """What is signed is the path as the target sees it, with the base URL's own path before it."""
    request = venue_at(f"{URL}/gateway/").prepare("primary", "cancel", order_id=ORDER)
    assert request.target == f"/gateway/api/v1/orders/{ORDER}/cancel"
    _verify(private_key, request, f"POST:/gateway/api/v1/orders/{ORDER}/cancel")


def test_a_hostile_id_stays_one_segment_and_is_signed_as_sent(
    venue_at: Callable[..., Any], private_key: RSAPrivateKey
) -> None:
    """An id with slashes, dots and blanks cannot become another path; the signature covers its encoded form."""
    request = venue_at(URL).prepare("primary", "cancel", order_id="../a b/\u00e9?x")
    assert request.target == "/api/v1/orders/..%2Fa%20b%2F%C3%A9%3Fx/cancel"
    _verify(private_key, request, f"POST:{request.target}")


def test_the_same_payload_is_signed_once(venue_at: Callable[..., Any]) -> None:
    """PKCS#1 v1.5 is deterministic, so a second request of the same payload reuses the signature."""
    signer: Signer = venue_at(URL).signers["primary"]
    first = signer.prove(Draft(method="POST", target="/x"))
    assert signer.prove(Draft(method="POST", target="/x")) == first
    assert signer._remembered.cache_info().hits == 1
    assert signer.prove(Draft(method="POST", target="/y")).headers != first.headers


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        pytest.param(b'{"b":"2","a":"1"}', "a=1&b=2", id="sorted by key"),
        pytest.param(b'{"a":null,"b":true,"c":false}', "b=true&c=false", id="nulls left out, booleans as words"),
        pytest.param(b'{"n":1.50,"m":10,"x":1e3}', "m=10&n=1.50&x=1e3", id="numbers as written"),
        pytest.param(b'{"o":{"k":[1,"two",null]},"p":[]}', 'o={"k":[1,"two",null]}&p=[]', id="nested as compact JSON"),
        pytest.param('{"t":"\u00e9=&"}'.encode(), "t=\u00e9=&", id="texts without quoting"),
        pytest.param(b"[1,2]", "[1,2]", id="not an object"),
        pytest.param(b"{broken", "{broken", id="not JSON"),
    ],
)
def test_sorted_pairs(body: bytes, pairs: str) -> None:
    """The canonical form of a JSON body."""
    assert sorted_pairs(body) == pairs


def test_a_known_answer() -> None:
    """A fixed key and payload give the signature that any implementation of RFC 8017 gives: s = EM^d mod n."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.private_numbers()
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"POST:/x").digest()
    encoded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest_info)) + b"\x00" + digest_info
    expected = pow(int.from_bytes(encoded), numbers.d, numbers.public_numbers.n).to_bytes(256)
    assert SCHEMES["rsa-pkcs1v15-sha256"].sign(Material(private=key), b"POST:/x") == expected


def test_cancel_all_is_unsigned_where_the_profile_says_so(venue_at: Callable[..., Any]) -> None:
    """A dialect whose cancel-all needs a key only gets no signature there, and everywhere else one."""
    venue: Venue = venue_at(URL, authentication={"cancel_all_signed": False})
    assert venue.prepare("primary", "cancel_all").header("X-API-Signature") is None
    assert venue.prepare("primary", "cancel_all").header("X-API-Key") == "key-of-primary"
    assert venue.prepare("primary", "cancel", order_id=ORDER).header("X-API-Signature") is not None


def test_other_payloads_and_headers_are_a_matter_of_the_profile(
    venue_at: Callable[..., Any], private_key: RSAPrivateKey
) -> None:
    """A dialect that signs a timestamp, the path, the query and a digest of the body in headers of its own names."""
    authentication = {
        "key_header": "Authorization",
        "key_value": "Key {key_id}",
        "signature_header": "X-Sig",
        "signature_value": "v1={signature}",
        "extra_headers": {"X-Time": "{timestamp_ms}"},
        "payload": "{timestamp_ms}\n{method}\n{path}\n{query}",
        "payload_with_body": "{timestamp_ms}\n{method}\n{path}\n{query}\n{body}",
        "body_form": "sha256-hex",
    }
    venue: Venue = venue_at(URL, authentication=authentication)
    request = venue.prepare("primary", "list")
    moment = request.header("X-Time")
    assert request.header("Authorization") == "Key key-of-primary"
    signature = (request.header("X-Sig") or "").removeprefix("v1=")
    payload = f"{moment}\nGET\n/api/v1/orders\ninstType=spot"
    private_key.public_key().verify(b64decode(signature), payload.encode(), PKCS1v15(), SHA256())


def test_an_altered_request_can_be_signed_again(venue_at: Callable[..., Any], private_key: RSAPrivateKey) -> None:
    """Re-signing replaces the authentication headers and keeps the others."""
    venue: Venue = venue_at(URL)
    request = replace(venue.prepare("primary", "cancel", order_id=ORDER), target="/other", method="PUT")
    again = venue.signed(request)
    _verify(private_key, again, "PUT:/other")
    assert [name for name, _ in again.headers].count("X-API-Signature") == 1
    assert again.header("Accept") == "application/json"
