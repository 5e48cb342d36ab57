"""No scheme leaves anything in the evidence that could be used again: a target that shows all it was sent proves it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

import pytest

from fixtures.profiles import Profile
from fixtures.signing.registry import SCHEMES
from fixtures.venue import Venue
from fixtures.venue.signing import Draft, Proof, Signer
from tests.signing.conftest import Echo

IN_QUERY = {
    "signature_header": None, "signature_parameter": "signature", "payload": "{query}", "parameters_in": "query",
    "parameters": {"apiKey": "{key_id}", "timestamp": "{timestamp_ms}"}, "key_header": "",
}  # fmt: skip
IN_BODY = IN_QUERY | {"parameters_in": "body", "payload": "{body}"}
CASES = [
    *((scheme, {}) for scheme in SCHEMES),
    ("hmac-sha256", IN_QUERY),
    ("hmac-sha512", {**IN_QUERY, "coding": "base64"}),
    ("rsa-pkcs1v15-sha256", IN_QUERY),
    ("ed25519", IN_QUERY),
    ("hmac-sha384", IN_BODY),
    ("ed25519", IN_BODY),
    ("jwt-hs256", {"signature_parameter": "token", "signature_header": None, "signature_value": "{jwt}"}),
    ("api-key", {"key_header": "", "parameters": {"api_key": "{token}"}}),
    ("hmac-sha256", {"extra_headers": {"Pass": "{account.passphrase}", "Time": "{timestamp_ms}"}}),
    ("hmac-sha256", {"parts": {"all": "{key_id}:{signature}"}, "signature_value": "HS256 {all|base64}"}),
    ("hmac-sha256", {"extra_headers": {"Proof": "{account.passphrase|signed|base64}", "Time": "{timestamp_ms}"}}),
    ("hmac-sha256", {"session": {"path": "/login", "token": "/jwt"}, "extra_headers": {"X-Session": "{session}"}}),
]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from (*_texts(name), *_texts(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


@pytest.mark.parametrize(("scheme", "more"), CASES)
def test_nothing_of_a_proof_is_kept(
    echo: Echo, profile_of: Callable[..., Profile], scheme: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signatures, tags, tokens, assertions, passphrases and secrets stand nowhere in what is kept."""
    made: list[str] = []
    raw, prove = Signer._raw, Signer.prove

    def signed(signer: Signer, payload: bytes) -> bytes:
        signature = raw(signer, payload)
        made.extend([signer._coding(signature), signature.hex(), signature.hex().upper()])
        return signature

    def proved(signer: Signer, draft: Draft, **named: Any) -> Proof:
        proof = prove(signer, draft, **named)
        values = [value.rpartition(" ")[2] for _, value in proof.headers]
        made.extend(value for value in values if len(value) > 16 and value != signer.key.key_id)
        return proof

    monkeypatch.setattr(Signer, "_raw", signed)
    monkeypatch.setattr(Signer, "prove", proved)
    profile = profile_of(echo, scheme, {"passphrase": {"inline": "open-sesame-open"}}, **more)
    with Venue(profile) as venue:
        key = venue.account_keys["primary"].key
        secrets = [value for value, _ in key.secrets if value != key.key_id]
        answers = [
            venue.cancel("primary", "7").answer,
            venue.balances("primary").answer,
            venue.cancel_all("primary").answer,
        ]
    sent = unquote("\n".join(echo.requests))
    assert any(word in sent for word in (*made, *secrets, *echo.tokens))
    kept = [text for answer in answers for text in _texts(asdict(answer.exchange))]
    kept += [text for answer in answers for text in _texts(getattr(answer, "text", ""))]
    for word in (*made, *secrets, *echo.tokens):
        for text in kept:
            assert word not in text
            assert not re.search(re.escape(word[3:35]), text)
    assert all(key.key_id not in text for text in kept)
