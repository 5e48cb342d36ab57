"""A sample of every scheme: its table of a profile, and an account with a key made now."""

from base64 import b64encode
from functools import cache
from secrets import token_bytes, token_hex
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fixtures.accounts import Account, load_private_key
from fixtures.accounts import ApiKey as Key
from fixtures.profiles.authentication import Authentication
from fixtures.signing.material import PrivateKey, ed25519_of
from fixtures.signing.registry import SCHEMES


@cache
def pem_of(kind: str) -> str:
    """A private key of a kind, made once."""
    key: Any
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else ed25519.Ed25519PrivateKey.generate()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def table(scheme: str, **more: Any) -> dict[str, Any]:
    """``[authentication]`` of a scheme, with the signature in a header."""
    kind = SCHEMES[scheme].key
    own: dict[str, Any] = {"scheme": scheme}
    if scheme == "api-key":
        own |= {"key_header": "X-Key", "key_value": "{token}"}
    if scheme.startswith("jwt-"):
        own["claims"] = {"sub": "{key_id}", "exp": "{timestamp_s|plus:120|number}", "uri": "{method} {host}{path}"}
    elif kind != "none":
        own |= {
            "key_header": "X-Key",
            "signature_header": "X-Sign",
            "payload": "{timestamp_ms}{method}{target}{body}",
            "extra_headers": {"X-Time": "{timestamp_ms}"},
            "body_form": "raw",
        }
    return own | more


def account(scheme: str) -> dict[str, Any]:
    """The account's table: a key of the scheme's kind, made now."""
    kind = SCHEMES[scheme].key
    own: dict[str, Any] = {"key_id": f"key-{token_hex(8)}"}
    if kind == "none":
        own["token"] = {"inline": token_hex(24)}
    elif kind == "secret":
        own["secret"] = {"inline": token_hex(24)}
    else:
        own["private_key"] = {"inline": pem_of(kind)}
    return own


def authentication(scheme: str, **more: Any) -> Authentication:
    """The section, checked."""
    return Authentication.model_validate(table(scheme, **more))


def opened(scheme: str, *, secret: bytes | None = None, seed: bytes | None = None, **fields: str) -> Account:
    """An account of a scheme as it is after loading."""
    kind = SCHEMES[scheme].key
    private: PrivateKey | None = None
    if seed is not None:
        private = ed25519_of(seed)
    elif kind not in ("none", "secret"):
        private = load_private_key(pem_of(kind), "a test", kind)
    shared = secret or b64encode(token_bytes(32))
    key = Key(
        key_id="the-key-id",
        private_key=private,
        token=token_hex(24),
        secret=shared,
        shared=shared.decode(),
        fields=fields,
    )
    return Account(role="primary", name="primary", key=key)
