"""Keys: where they may be kept, and what is said when they are not what they should be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from conformance.errors import UserError
from fixtures.accounts import open_accounts
from fixtures.profiles import load_profile

TARGET = """
extends = "documented"
[accounts.primary]
key_id = "key-1"
private_key = {secret}
"""


def _pem(key: Any, encryption: Any = None) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return text.decode()


def _small() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the key that must be refused


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A good key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def open_with(tmp_path: Path) -> Callable[[str], Any]:
    """Opens the primary account of a target file whose private key is given so."""

    def open_key(secret: str) -> Any:
        (tmp_path / "target.toml").write_text(TARGET.format(secret=secret))
        return open_accounts(load_profile(tmp_path / "target.toml"))["primary"]

    return open_key


def test_a_key_may_be_a_file_a_variable_or_a_command(
    open_with: Callable[[str], Any], tmp_path: Path, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File names and commands are relative to the profile's folder, wherever the run is started."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "primary.pem").write_text(_pem(key))
    monkeypatch.setenv("PRIMARY_KEY", _pem(key))
    monkeypatch.chdir("/")
    for secret in (
        '{ file = "keys/primary.pem" }',
        '{ env = "PRIMARY_KEY" }',
        '{ command = ["cat", "keys/primary.pem"] }',
    ):
        account = open_with(secret)
        assert account.key.private_key.private_numbers() == key.private_numbers()
        assert "key-1" not in repr(account)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello", "expected a PEM private key (-----BEGIN PRIVATE KEY-----), found no PEM block"),
        ("", "found no PEM block"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "is not a readable private key"),
        ("public", "expected a PEM private key, found a PEM block 'PUBLIC KEY'"),
        ("encrypted", "the private key is encrypted. Decrypt it in a command"),
        ("ed25519", "expected an RSA private key, found one of type Ed25519"),
        ("small", "expected an RSA key of at least 2048 bits, found 1024"),
        ("cut", "is not a readable private key (damaged, or cut short)"),
    ],
)
def test_a_file_that_is_no_usable_key(
    open_with: Callable[[str], Any], tmp_path: Path, key: rsa.RSAPrivateKey, content: str, message: str
) -> None:
    """The message names profile, key and file, and what was found instead; it quotes nothing of the content."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    known = {
        "public": lambda: public,
        "encrypted": lambda: _pem(key, BestAvailableEncryption(b"x")),
        "ed25519": lambda: _pem(ed25519.Ed25519PrivateKey.generate()),
        "small": lambda: _pem(_small()),
        "cut": lambda: _pem(key)[:600] + "\n-----END PRIVATE KEY-----",
    }
    text = known[content]() if content in known else content
    (tmp_path / "k.pem").write_text(text)
    with pytest.raises(UserError) as caught:
        open_with('{ file = "k.pem" }')
    shown = caught.value.message
    assert message in shown
    assert f"{tmp_path / 'target.toml'}: accounts.primary.private_key (file k.pem)" in shown
    assert not any(line in shown for line in text.splitlines() if len(line) > 40)


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ('{ file = "absent.pem" }', "cannot read the file"),
        ('{ env = "NOT_SET_ANYWHERE" }', "expected the environment variable NOT_SET_ANYWHERE to hold the secret"),
        ('{ command = ["no-such-program-here"] }', "cannot run the command 'no-such-program-here'"),
        ('{ command = ["sh", "-c", "echo locked >&2; exit 3"] }', "it ended with status 3: locked"),
        ('{ command = ["true"] }', "it ended with status 0: (it printed nothing on standard error)"),
    ],
)
def test_a_secret_that_cannot_be_had(open_with: Callable[[str], Any], secret: str, message: str) -> None:
    """The place that was tried is named with the key."""
    with pytest.raises(UserError) as caught:
        open_with(secret)
    assert message in caught.value.message
    assert "accounts.primary.private_key" in caught.value.message


def test_an_account_that_signs_needs_a_key_id(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    """An empty key id, or one that no header can carry, is found before anything is sent."""
    (tmp_path / "k.pem").write_text(_pem(key))
    path = tmp_path / "target.toml"
    for key_id, message in (
        ('""', "accounts.primary.key_id: expected the venue's identifier"),
        ('"a\\nb"', "printable ASCII"),
    ):
        path.write_text(TARGET.format(secret='{ file = "k.pem" }').replace('"key-1"', key_id))
        with pytest.raises(UserError, match=message):
            open_accounts(load_profile(path))


def test_revoked_and_further_keys_are_loaded(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    """Keys for attacks stand beside the working one, with their own ids."""
    (tmp_path / "k.pem").write_text(_pem(key))
    more = 'revoked_keys = [{ key_id = "old", private_key = { file = "k.pem" } }]\n'
    more += 'further_keys = [{ key_id = "second", private_key = { file = "k.pem" } }]\n'
    (tmp_path / "target.toml").write_text(TARGET.format(secret='{ file = "k.pem" }') + more)
    account = open_accounts(load_profile(tmp_path / "target.toml"))["primary"]
    assert [(account.revoked[0].key_id), account.further[0].key_id] == ["old", "second"]
