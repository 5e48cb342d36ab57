"""The verifiers of the embedded exchange, and what is signed here, against test vectors of Project Wycheproof."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from fixtures.attacks.edwards import ORDER, plus_order
from fixtures.exchange.identity import KeyRegistry, PublicKey
from fixtures.exchange.schemes import CountedHmacRegistry, Ed25519Registry, HmacRegistry, PssRegistry
from fixtures.signing.material import Material
from fixtures.signing.registry import SCHEMES

FILES = json.loads(Path(__file__).with_name("wycheproof.json").read_text(encoding="utf-8"))["files"]
REGISTRIES: dict[str, KeyRegistry] = {
    "hmac_sha256_test": HmacRegistry(()),
    "hmac_sha512_test": CountedHmacRegistry(()),
    "ed25519_test": Ed25519Registry(()),
    "rsa_pss_2048_sha256_mgf1_32_test": PssRegistry(()),
    "rsa_signature_2048_sha256_test": KeyRegistry(()),
}


def _cases(file: str) -> Iterator[Any]:
    for group in FILES[file]:
        for test in group["tests"]:
            yield pytest.param(group, test, id=f"{file}-{test['tcId']}-{'-'.join(test['flags'])}")


def _public(key: Any) -> PublicKey:
    return PublicKey(key_id="k", account="primary", key=key, revoked=False)


@pytest.mark.parametrize(("group", "test"), [case for file in REGISTRIES if "hmac" in file for case in _cases(file)])
def test_tags(request: pytest.FixtureRequest, group: dict[str, Any], test: dict[str, Any]) -> None:
    """A whole tag that is right is taken and made; one that is wrong, or cut, is not."""
    file = request.node.callspec.id.partition("-")[0]
    registry = REGISTRIES[file]
    key, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
    whole = group["tagSize"] == 8 * (64 if "512" in file else 32)
    assert registry.verified(_public(key), tag, message) is (test["result"] == "valid" and whole)
    if test["result"] == "valid":
        name = "hmac-sha512" if "512" in file else "hmac-sha256"
        assert SCHEMES[name].sign(Material(secret=key), message)[: len(tag)] == tag


@pytest.mark.parametrize(
    ("group", "test"), [case for file in REGISTRIES if "hmac" not in file for case in _cases(file)]
)
def test_signatures(request: pytest.FixtureRequest, group: dict[str, Any], test: dict[str, Any]) -> None:
    """What is valid is taken, what is invalid is not; what is acceptable may be either."""
    registry = REGISTRIES[request.node.callspec.id.partition("-")[0]]
    key = load_pem_public_key(group["pem"].encode())
    taken = registry.verified(_public(key), bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
    assert test["result"] == "acceptable" or taken is (test["result"] == "valid")


@pytest.mark.parametrize(("group", "test"), list(_cases("ecdsa_secp256r1_sha256_p1363_test")))
def test_signatures_of_tokens(group: dict[str, Any], test: dict[str, Any]) -> None:
    """ES256 as in a token: r and s in 32 bytes each, neither zero nor too large."""
    key = ECKey.import_key(group["pem"])
    try:
        taken = JWSRegistry.algorithms["ES256"].verify(bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), key)
    except ValueError:
        taken = False
    assert taken is (test["result"] == "valid")


def test_the_malleability_that_is_attacked_is_theirs() -> None:
    """Adding the order to S makes a signature of the class that Wycheproof calls malleable."""
    tests = [test for group in FILES["ed25519_test"] for test in group["tests"]]
    valid = next(bytes.fromhex(test["sig"]) for test in tests if test["result"] == "valid")
    altered = plus_order(valid, 1)
    assert altered[:32] == valid[:32]
    assert int.from_bytes(altered[32:], "little") - int.from_bytes(valid[32:], "little") == ORDER
    assert any("SignatureMalleability" in test["flags"] for test in tests)
