"""Where a proof stands: in headers, in the query, in a form, in a JSON member; what is sent is what is signed."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey
from pydantic import ValidationError

from fixtures.accounts import Account
from fixtures.profiles.authentication import Authentication
from fixtures.signing.moments import Clock
from fixtures.signing.parameters import FORM
from fixtures.signing.registry import SCHEMES
from fixtures.venue.signing import Draft, Proof, Signer
from tests.signing.samples import authentication, opened, pem_of

NOW = 1_700_000_000.25
CLOCK = Clock(now=lambda: NOW, nonce=lambda: "n" * 32, uuid=lambda: "the-uuid", count=lambda *_: 77)
SECRET = b"c2VjcmV0LW9mLXRlc3Rz"


def _signer(section: Authentication, account: Account | None = None) -> Signer:
    account = account or opened(section.scheme, secret=SECRET, passphrase="open sesame")
    return Signer(section, account, host="api.example.com", clock=CLOCK)


def _header(proof: Proof, name: str) -> str:
    return dict(proof.headers)[name]


def _hex(message: bytes, secret: bytes = SECRET, name: str = "sha256") -> str:
    return hmac.new(secret, message, name).hexdigest()


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name.startswith(("rsa-", "hmac-", "ed25519"))])
def test_every_scheme_signs_the_payload(scheme: str) -> None:
    """A verifier of another make accepts the signature of exactly the payload."""
    signer = _signer(authentication(scheme))
    proof = signer.prove(Draft(method="POST", target="/o?a=1", body=b'{"x":1}'))
    assert _header(proof, "X-Time") == "1700000000250"
    message = b'1700000000250POST/o?a=1{"x":1}'
    text, private = _header(proof, "X-Sign"), signer.key.private_key
    if isinstance(private, RSAPrivateKey):
        chosen = SHA512() if scheme.endswith("512") else SHA256()
        pss = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
        private.public_key().verify(
            b64decode(text, validate=True), message, pss if "pss" in scheme else padding.PKCS1v15(), chosen
        )
    elif isinstance(private, Ed25519PrivateKey):
        private.public_key().verify(b64decode(text, validate=True), message)
    else:
        assert text == _hex(message, name=scheme.removeprefix("hmac-"))


@pytest.mark.parametrize(
    ("coding", "text"),
    [
        ("hex", _hex(b"1700000000250GET/o")),
        ("HEX", _hex(b"1700000000250GET/o").upper()),
        ("base64", b64encode(bytes.fromhex(_hex(b"1700000000250GET/o"))).decode()),
    ],
)
def test_a_tag_is_written_as_the_profile_says(coding: str, text: str) -> None:
    """Hex in either case, or base64."""
    signer = _signer(authentication("hmac-sha256", coding=coding))
    assert _header(signer.prove(Draft(method="GET", target="/o")), "X-Sign") == text


def test_parameters_and_signature_in_the_query() -> None:
    """Time and window join the operation's parameters, are signed with them, and the signature is the last one."""
    section = authentication(
        "hmac-sha256", signature_header=None, signature_parameter="signature", payload="{query}", extra_headers={},
        parameters={"timestamp": "{timestamp_ms}", "recvWindow": "5000"},
    )  # fmt: skip
    proof = _signer(section).prove(Draft(method="DELETE", target="/o?symbol=B%2FU&orderId=7"))
    signed = "symbol=B%2FU&orderId=7&timestamp=1700000000250&recvWindow=5000"
    assert proof.target == f"/o?{signed}&signature={_hex(signed.encode())}"
    assert proof.headers == (("X-Key", "the-key-id"),)


def test_parameters_and_signature_in_a_form() -> None:
    """Where the operation has a form they stand in it, and the query stays."""
    section = authentication(
        "hmac-sha256", signature_header=None, signature_parameter="signature", payload="{query}{body}",
        parameters={"timestamp": "{timestamp_ms}"}, parameters_order="first",
    )  # fmt: skip
    proof = _signer(section).prove(Draft(method="POST", target="/o?a=1", body=b"b=2", content_type=FORM))
    assert proof.target == "/o?a=1"
    signed = b"timestamp=1700000000250&b=2"
    assert proof.body == signed + b"&signature=" + _hex(b"a=1" + signed).encode()


def test_signature_in_a_member_of_the_body() -> None:
    """The members of the operation stay byte for byte, and those of the authentication stand beside them."""
    section = authentication(
        "hmac-sha256", signature_header=None, signature_parameter="sig", parameters_in="body", key_header="",
        payload="{path|after:/v1/}{counter_ms}{key_id}{body|member:params|concatenated}{counter_ms}",
        parameters={"id": "{counter_ms|number}", "api_key": "{key_id}", "nonce": "{counter_ms|number}"},
    )  # fmt: skip
    draft = Draft(method="POST", target="/v1/private/x", body=b'{"params":{"b":"2","a":1.50}}')
    proof = _signer(section).prove(draft)
    document = json.loads(proof.body)
    assert document == {
        "params": {"b": "2", "a": 1.5}, "id": 77, "api_key": "the-key-id", "nonce": 77,
        "sig": _hex(b"private/x77the-key-ida1.50b277"),
    }  # fmt: skip
    assert proof.body.startswith(b'{"params":{"b":"2","a":1.50},"id":77')


def test_parameters_in_a_query_beside_a_body_are_sorted_with_it() -> None:
    """A venue that signs method, host, path and sorted query, each on a line, with the key in the query."""
    section = authentication(
        "hmac-sha256", coding="base64", key_header="", signature_header=None, signature_parameter="Signature",
        payload="{method}\n{host}\n{path}\n{query}", parameters_in="query", parameters_order="sorted",
        parameters={"AccessKeyId": "{key_id}", "Timestamp": "{timestamp_iso_s}"},
    )  # fmt: skip
    proof = _signer(section).prove(Draft(method="POST", target="/v1/x?Z=1", body=b"{}"))
    query = "AccessKeyId=the-key-id&Timestamp=2023-11-14T22%3A13%3A20&Z=1"
    tag = bytes.fromhex(_hex(f"POST\napi.example.com\n/v1/x\n{query}".encode()))
    assert dict(parse_qsl(proof.target.partition("?")[2]))["Signature"] == b64encode(tag).decode()
    assert proof.target.startswith(f"/v1/x?{query}&Signature=")
    assert proof.body == b"{}"


def test_raw_bytes_are_joined() -> None:
    """A path followed by the raw hash of nonce and form, under a secret that is written in base64."""
    section = authentication(
        "hmac-sha512", coding="base64", payload="{path}{seed|sha256}", parts={"seed": "{counter_ms}{body}"},
        parameters={"nonce": "{counter_ms}"}, parameters_in="body", parameters_order="first", extra_headers={},
    )  # fmt: skip
    account = opened("hmac-sha512", secret=b64decode(SECRET))
    proof = _signer(section, account).prove(Draft(method="POST", target="/0/x", body=b"txid=O", content_type=FORM))
    assert proof.body == b"nonce=77&txid=O"
    message = b"/0/x" + hashlib.sha256(b"77nonce=77&txid=O").digest()
    tag = hmac.new(b64decode(SECRET), message, "sha512").digest()
    assert _header(proof, "X-Sign") == b64encode(tag).decode()


def test_the_payload_may_be_a_header_and_the_body_stay_at_home() -> None:
    """The parameters are signed and sent in a header, as base64 of JSON."""
    section = authentication(
        "hmac-sha384", payload="{body|base64}", extra_headers={"X-Payload": "{payload}"}, body_sent=False,
        parameters={"request": "{path}", "nonce": "{counter_ms}"}, parameters_in="body", parameters_order="first",
    )  # fmt: skip
    proof = _signer(section).prove(Draft(method="POST", target="/v1/order/cancel", body=b'{"order_id":5}'))
    assert proof.body == b""
    payload = _header(proof, "X-Payload")
    assert json.loads(b64decode(payload)) == {"request": "/v1/order/cancel", "nonce": "77", "order_id": 5}
    assert _header(proof, "X-Sign") == _hex(payload.encode(), name="sha384")


def test_words_and_fields_of_the_account() -> None:
    """A word per operation is signed; a passphrase is sent as it is, or signed itself."""
    section = authentication(
        "hmac-sha256", words={"cancel": "orderCancel"}, payload="instruction={word}{query|sorted|lead:&}",
        extra_headers={"Passphrase": "{account.passphrase}", "Proof": "{account.passphrase|signed|hex}"},
    )  # fmt: skip
    proof = _signer(section).prove(Draft(method="DELETE", target="/o?b=1&a=2", operation="cancel"))
    assert _header(proof, "X-Sign") == _hex(b"instruction=orderCancel&a=2&b=1")
    assert _header(proof, "Passphrase") == "open sesame"
    assert _header(proof, "Proof") == _hex(b"open sesame")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the name that venues use
@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name.startswith("jwt-")])
def test_a_token_is_made_for_each_request(scheme: str) -> None:
    """A JOSE library reads the token back: algorithm, key id, claims with numbers, and what is absent left out."""
    section = authentication(
        scheme,
        claims={
            "sub": "{key_id}", "exp": "{timestamp_s|plus:120|number}", "aud": ["a", "b"],
            "query_hash": "{parameters|form|some|sha512|hex}", "uri": "{method} {host}{path}",
        },
        jose_header={"kid": "{key_id}"},
    )  # fmt: skip
    signer = _signer(section)
    for target, body in (("/o?uuid=1", b""), ("/o", b'{"market":"K","n":1}'), ("/o", b"")):
        proof = signer.prove(Draft(method="GET", target=target, body=body))
        token = _header(proof, "Authorization").removeprefix("Bearer ")
        read = jwt.decode(
            token, _jwk(signer), algorithms=[scheme.removeprefix("jwt-").upper().replace("EDDSA", "EdDSA")]
        )
        assert read.header["kid"] == "the-key-id"
        assert read.header["typ"] == "JWT"
        parameters = {"/o?uuid=1": b"uuid=1"}.get(target, b"market=K&n=1" if body else b"")
        expected: dict[str, Any] = {
            "sub": "the-key-id", "exp": 1_700_000_120, "aud": ["a", "b"], "uri": "GET api.example.com/o",
        }  # fmt: skip
        if parameters:
            expected["query_hash"] = hashlib.sha512(parameters).hexdigest()
        assert read.claims == expected


def _jwk(signer: Signer) -> Any:
    private = signer.key.private_key
    if private is None:
        return OctKey.import_key(SECRET)
    pem = pem_of("ec" if isinstance(private, EllipticCurvePrivateKey) else "ed25519")
    return ECKey.import_key(pem) if isinstance(private, EllipticCurvePrivateKey) else OKPKey.import_key(pem)


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        ("bearer", "Bearer {token}"),
        ("basic", "Basic {both}"),
    ],
)
def test_credentials_that_are_sent_themselves(scheme: str, line: str) -> None:
    """Bearer and Basic need no more than their name."""
    signer = _signer(authentication(scheme))
    both = b64encode(f"the-key-id:{signer.key.token}".encode()).decode()
    assert signer.prove(Draft(method="GET", target="/x")).headers == (
        ("Authorization", line.format(token=signer.key.token, both=both)),
    )


def test_proving_twice_is_proving_once() -> None:
    """What is signed anew begins from the bare request: parameters do not pile up."""
    section = authentication(
        "hmac-sha256",
        signature_header=None,
        signature_parameter="s",
        payload="{query}",
        parameters={"t": "{timestamp_ms}"},
    )
    proof = _signer(section).prove(Draft(method="GET", target="/o"))
    assert set(parse_qs(proof.target.partition("?")[2])) == {"t", "s"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coding": "base32"}, "Input should be 'base64'"),
        ({"payload": None}, "needs signature_header and payload"),
        ({"payload": "{signature}"}, "unknown placeholder {signature}"),
        ({"parts": {"late": "{signature}"}, "payload": "{late}"}, "unknown placeholder {late}"),
        ({"parts": {"method": "x"}}, "parts.method: this name has a meaning already"),
        ({"claims": {"sub": "x"}}, "claims and jose_header belong to tokens"),
        ({"extra_headers": {"X": "{nobody}"}}, "extra_headers.X: '{nobody}': unknown placeholder"),
        ({"session": {"path": "/l", "token": "/t", "headers": {"X": "{what}"}}}, "session.headers.X"),
    ],
)
def test_mistakes_are_told_when_the_profile_is_read(changes: dict[str, Any], message: str) -> None:
    """A composition that cannot be filled, or that would sign its own signature, is no composition."""
    with pytest.raises(ValidationError) as caught:
        authentication("hmac-sha256", **changes)
    assert message in str(caught.value)
