"""The DSSE envelope around a statement: sign one, open one (Dead Simple Signing Envelope, version 1)."""

from base64 import b64decode, b64encode
from typing import Any, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # public, without an __all__

from reports.attestation.canonical import AmbiguousJsonError, canonical, strict_json
from reports.attestation.keys import Signer, Verifier
from reports.attestation.refusal import Refused

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_FIELDS: Final = {"payload", "payloadType", "signatures"}
_SIGNATURE_FIELDS: Final = {"keyid", "sig"}


def seal(statement: object, signer: Signer) -> bytes:
    """The envelope of a statement as canonical JSON, signed over its pre-authentication encoding."""
    envelope = Envelope(canonical(statement), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return canonical(envelope.to_dict())


def unseal(content: bytes, key: Verifier) -> Any:
    """The statement in an envelope that ``key`` signed, as JSON data. Raises `Refused` with the reason otherwise.

    Nothing of the payload is read before its signature is verified. A certificate has one signature, its envelope no
    further field and only one spelling: the signature covers payload and type, and nothing may stand beside them.
    """
    payload, payload_type, key_id, signature = _fields(content)
    if payload_type != PAYLOAD_TYPE:
        raise Refused(f"certificate.json: payloadType: expected {PAYLOAD_TYPE}, found {payload_type!r}")
    signed = Signature(key.keyid, signature.hex())
    envelope = Envelope(payload, payload_type, {signed.keyid: signed})
    try:
        key.verify_signature(signed, envelope.pae())
    except UnverifiedSignatureError:
        if key_id != key.keyid:
            raise Refused(
                f"certificate.json: it names the signing key {key_id[:16]}…, and the key given is {key.keyid[:16]}…: "
                "another key signed it"
            ) from None
        raise Refused(
            "certificate.json: the signature does not fit the statement: one of them was altered after signing"
        ) from None
    if key_id != key.keyid:
        raise Refused(f"certificate.json: keyid was altered: expected {key.keyid[:16]}…, found {key_id[:16]}…")
    try:
        return strict_json(payload)
    except AmbiguousJsonError as problem:
        raise Refused(f"certificate.json: the statement cannot be read: {problem}") from problem


def _fields(content: bytes) -> tuple[bytes, str, str, bytes]:
    """Payload, its type, key id and signature of an envelope that is exactly what `seal` writes."""
    try:
        envelope = strict_json(content)
    except AmbiguousJsonError as problem:
        raise Refused(f"certificate.json: expected a DSSE envelope: {problem}") from problem
    if not isinstance(envelope, dict) or envelope.keys() != _FIELDS:
        found = ", ".join(sorted(envelope)) if isinstance(envelope, dict) else type(envelope).__name__
        raise Refused(f"certificate.json: expected an envelope of {', '.join(sorted(_FIELDS))}; found {found}")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        found = f"{len(signatures)}" if isinstance(signatures, list) else type(signatures).__name__
        raise Refused(f"certificate.json: signatures: expected exactly one, found {found}")
    signature = signatures[0]
    if not isinstance(signature, dict) or signature.keys() != _SIGNATURE_FIELDS:
        raise Refused("certificate.json: signatures: expected keyid and sig, and nothing else")
    texts = {"payload": envelope["payload"], "payloadType": envelope["payloadType"], **signature}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise Refused(f"certificate.json: {name}: expected a text, found {type(value).__name__}")
    if canonical(envelope) != content:
        raise Refused("certificate.json: the envelope was written again by something else: it is not canonical JSON")
    return (
        _decoded("payload", texts["payload"]),
        texts["payloadType"],
        texts["keyid"],
        _decoded("sig", texts["sig"]),
    )


def _decoded(name: str, text: str) -> bytes:
    try:
        content = b64decode(text, validate=True)
    except ValueError as problem:
        raise Refused(f"certificate.json: {name}: expected base64: {problem}") from problem
    if b64encode(content).decode("ascii") != text:
        raise Refused(f"certificate.json: {name}: expected canonical base64, found another spelling of it")
    return content
