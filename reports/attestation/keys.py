"""The keys of a certificate, from PEM: RSA (RSASSA-PSS with MGF1 and SHA-256, RFC 8017) or Ed25519 (RFC 8032)."""

from os import environ
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # public, without an __all__

from conformance.errors import UserError

Signer: TypeAlias = CryptoSigner
"""A private key with the one scheme that certificates use for its kind."""
Verifier: TypeAlias = SSlibKey
"""A public key with the one scheme that certificates use for its kind."""

SMALLEST_RSA_BITS: Final = 2048
PASSWORD_VARIABLE: Final = "CANCEL_CONFORMANCE_SIGN_PASSWORD"  # noqa: S105 - the name of a variable, no password
RSA_SCHEME: Final = "rsassa-pss-sha256"
ED25519_SCHEME: Final = "ed25519"
_LARGEST_FILE = 64 * 1024


def load_signer(path: Path) -> Signer:
    """The signer of the private key in a PEM file (PKCS#8 or PKCS#1).

    An encrypted key's password is read from ``CANCEL_CONFORMANCE_SIGN_PASSWORD``. Raises ``UserError`` naming the file
    for anything that is not an RSA key of at least 2048 bits or an Ed25519 key.
    """
    pem = _read(path, "the signing key")
    if b"PRIVATE KEY-----" not in pem:
        what = "a public key" if b"PUBLIC KEY-----" in pem else "no such block"
        raise UserError(f"{path}: expected a PEM private key (-----BEGIN PRIVATE KEY-----), found {what}.")
    password = environ.get(PASSWORD_VARIABLE)
    if b"ENCRYPTED" in pem and not password:
        raise UserError(f"{path}: the private key is encrypted. Set {PASSWORD_VARIABLE} to its password.")
    try:
        key = load_pem_private_key(pem, password=password.encode() if b"ENCRYPTED" in pem and password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = f" or {PASSWORD_VARIABLE} is wrong" if b"ENCRYPTED" in pem else ""
        raise UserError(f"{path}: the PEM block is not a readable private key (damaged, cut short{hint}).") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise UserError(f"{path}: expected an RSA or Ed25519 private key, found another kind.")
    return CryptoSigner(key, public_key(key.public_key(), path))


def load_verifier(path: Path) -> Verifier:
    """The public key in a PEM file. Raises ``UserError`` naming the file for anything else, a private key too."""
    pem = _read(path, "the public key")
    if b"PRIVATE KEY-----" in pem:
        raise UserError(
            f"{path}: expected a public key, found a private one: it belongs to its owner alone. "
            "'openssl pkey -pubout' makes the public key from it."
        )
    if b"-----BEGIN PUBLIC KEY-----" not in pem:
        raise UserError(f"{path}: expected a PEM public key (-----BEGIN PUBLIC KEY-----), found no such block.")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UserError(f"{path}: the PEM block is not a readable public key (damaged, or cut short).") from None
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise UserError(f"{path}: expected an RSA or Ed25519 public key, found another kind.")
    return public_key(key, path)


def public_key(key: RSAPublicKey | Ed25519PublicKey, where: Path) -> Verifier:
    """The key with the one scheme that certificates use for its kind; ``where`` is named where it is too small."""
    if isinstance(key, Ed25519PublicKey):
        return SSlibKey.from_crypto(key, scheme=ED25519_SCHEME)
    if key.key_size < SMALLEST_RSA_BITS:
        raise UserError(f"{where}: expected an RSA key of at least {SMALLEST_RSA_BITS} bits, found {key.key_size}.")
    return SSlibKey.from_crypto(key, scheme=RSA_SCHEME)


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as problem:
        raise UserError(f"{path}: cannot read {what}: {problem.strerror or problem}. Correct the path.") from problem
    if len(content) > _LARGEST_FILE:
        raise UserError(f"{path}: expected a PEM file of {what}, found one of more than {_LARGEST_FILE} bytes.")
    return content
