"""What the tests forge from: keys made once, correct requests of every operation, and a strict judge of them."""

import base64
import binascii
import json
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from fixtures.attacks.forge import ForgedRequest
from fixtures.attacks.keys import AttackKey, AttackKeys
from fixtures.attacks.setting import NOTHING, Placed, Setting
from fixtures.signing.moments import Moment
from fixtures.signing.scheme import Coding
from fixtures.venue.order_ids import HandedOut
from fixtures.venue.request import PreparedRequest

ORDER = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER = "01890a5d-ac96-774b-bcce-b302099a8b63"
HOST = "127.0.0.1:8080"
OPERATIONS = ("cancel", "cancel_all", "read", "place", "list", "balances")


class Scheme:
    """The default dialect's way of signing, written down once more."""

    key_header = "X-API-Key"
    signature_header = "X-API-Signature"
    signs = True
    coding: Coding = "base64"
    traits = frozenset({"rsa", "base64"})
    window: float | None = None
    used_count = 0
    now = Moment(key_id="nobody")
    further_lines: tuple[tuple[str, str], ...] = ()

    def moment(self, shift: float = 0.0, given: Mapping[str, str] = NOTHING) -> Moment:
        """A moment; nothing of it is signed."""
        return Moment(key_id="nobody", shift=shift)

    def at(self, moment: Moment, *, shown: Moment | None = None) -> "Scheme":
        """The same at any moment."""
        return self

    def key_value(self, key_id: str) -> str:
        """The key id as it is."""
        return key_id

    def signature_value(self, signature: str) -> str:
        """The signature as it is."""
        return signature

    def sent(
        self, method: str, target: str, body: bytes, key_id: str | None, signature: str | None, payload: bytes
    ) -> Placed:
        """Key and signature in headers."""
        return Placed(
            target=target,
            body=body,
            key_line=None if key_id is None else self.key_value(key_id),
            signature_line=None if signature is None else self.signature_value(signature),
            further=self.further_lines,
        )

    def payload(self, method: str, target: str, body: bytes, key_id: str | None = None) -> bytes:
        """Method, target, and the parameters of the body by name."""
        text = f"{method}:{target}".encode("latin-1")
        if not body:
            return text
        try:
            document = json.loads(body)
        except ValueError:
            return text + b":" + body
        if not isinstance(document, dict):
            return text + b":" + body
        parameters = sorted((name, value) for name, value in document.items() if value is not None)
        return text + b":" + "&".join(f"{name}={value}" for name, value in parameters).encode()


@cache
def key(key_id: str) -> AttackKey:
    """A key of its own for every id, whose signatures of the correct requests have every special letter of base64."""
    while True:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        payloads = [Scheme().payload(one.method, one.target, one.body) for one in map(request, OPERATIONS)]
        texts = [base64.b64encode(private.sign(payload, PKCS1v15(), SHA256())).decode() for payload in payloads]
        if all({"+", "/"} <= set(text) for text in texts):
            return AttackKey(key_id=key_id, private=private)


@cache
def keys() -> AttackKeys:
    """Every role filled."""
    roles = ("counterparty", "stranger", "revoked")
    return AttackKeys(
        own=key("key-0123456789abcdef"),
        others={role: key(f"key-of-{role}") for role in roles},
        unregistered=key("unregistered"),
    )


def request(operation: str, *, other: bool = False) -> PreparedRequest:
    """A correct request but for its credentials, which a forger replaces."""
    name = OTHER if other else ORDER
    method, target = {
        "cancel": ("POST", f"/api/v1/orders/{name}/cancel"),
        "cancel_all": ("POST", "/api/v1/orders/cancel-all"),
        "read": ("GET", f"/api/v1/orders/{name}"),
        "place": ("POST", "/api/v1/orders"),
        "list": ("GET", "/api/v1/orders?instType=spot&includeClosed=true"),
        "balances": ("GET", "/api/v1/accounts/balance"),
    }[operation]
    body = json.dumps({"symbol": "BTC-USDT", "side": "buy", "qty": "2" if other else "1", "px": "100"}).encode()
    return PreparedRequest(
        method=method,
        target=target,
        headers=(("Accept", "application/json"), ("X-API-Key", "to be replaced"), ("X-API-Signature", "likewise")),
        body=body if operation == "place" else b"",
        account="primary",
        operation=operation,
    )


def setting(operation: str) -> Setting:
    """The surroundings of such a request, with everything at hand."""
    other = {"cancel_all": "cancel"}.get(operation, operation)
    return Setting(
        scheme=Scheme(),
        keys=keys(),
        host=HOST,
        order_id=ORDER if operation in ("cancel", "read") else None,
        other=request(other, other=True) if other in ("cancel", "read", "place") else None,
        cancel_all=request("cancel_all"),
        known_ids=HandedOut((ORDER, OTHER)),
    )


def authentic(forged: ForgedRequest) -> bool:
    """Whether a strict server would take the request for one of the account whose key id it names.

    One header of each kind, in any case of its name; a known key that is not revoked; canonical base64; a valid
    signature of exactly what is sent.
    """
    sent = forged.request
    head, _, _ = sent.wire(HOST).partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    values = {
        header: [value.strip(b" \t") for name, _, value in lines if name.lower() == header]
        for header in (b"x-api-key", b"x-api-signature")
    }
    if any(len(found) != 1 for found in values.values()):
        return False
    known = {one.key_id.encode(): one for one in (keys().own, *keys().others.values())}
    (key_id,), (text,) = values[b"x-api-key"], values[b"x-api-signature"]
    owner = known.get(key_id)
    if owner is None or owner is keys().others["revoked"]:
        return False
    try:
        signature = base64.b64decode(text, validate=True)
        if base64.b64encode(signature) != text:
            return False
        payload = Scheme().payload(sent.method, sent.target, sent.body)
        owner.private.public_key().verify(signature, payload, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, RecursionError, InvalidSignature):
        return False
    return True
