"""Lax verifiers: each takes what is right, each is fooled by the vectors of a class, and every class fools one."""

import base64

import pytest

from fixtures.attacks import NotApplicable, attack, select
from fixtures.attacks.forge import Forger
from fixtures.attacks.schemes import documented_signature
from fixtures.faults import lax_blocks
from tests.attacks.samples import Scheme, keys, request, setting

PAYLOAD = Scheme().payload("POST", request("cancel").target, b"")
FORGER = Forger()
# Which class of vectors finds which verifier out.
FOOLED_BY = {
    "garbage-behind": "garbage-behind",
    "short-padding": "short-padding",
    "padding-unread": "modified-padding",
    "block-type-unread": "invalid-padding",
    "separator-optional": "invalid-padding",
    "encryption-block": "wrong-primitive",
    "end-only": "short-padding",
    "info-anywhere": "garbage-behind",
    "common-part": "degenerate",
    "long-lengths": "ber-lengths",
    "length-overflow": "wrong-asn1",
    "tags-unread": "wrong-asn1",
    "algorithm-unread": "wrong-hash",
    "parameters-unread": "garbage-behind",
    "info-rest-unread": "garbage-behind",
    "digest-length-unread": "no-hash",
    "hash-by-length": "wrong-hash",
    "half-the-digest": "wrong-hash",
    "info-optional": "no-hash",
}


def signatures(attack_class: str) -> dict[str, bytes]:
    """The signatures of a class by vector."""
    found = {}
    for one in select(requirement="SIG-08", attack_class=attack_class):
        try:
            made = FORGER.forge(attack(one), request("cancel"), setting("cancel"))
        except NotApplicable:
            continue
        found[one.id] = base64.b64decode(made.request.header("X-API-Signature") or "")
    return found


def opened(signature: bytes) -> bytes | None:
    """The block in a signature of one's own key."""
    return lax_blocks.opened(keys().own.private.public_key(), signature)


def test_every_verifier_is_listed() -> None:
    """The table above speaks of all verifiers."""
    assert set(FOOLED_BY) == set(lax_blocks.LAX)


@pytest.mark.parametrize("name", lax_blocks.LAX)
def test_a_lax_verifier_takes_the_right_signature(name: str) -> None:
    """Whatever it overlooks, it takes what is right and refuses the signature of another payload."""
    check = lax_blocks.LAX[name]
    block, other = opened(documented_signature(keys().own, PAYLOAD)), opened(documented_signature(keys().own, b"x"))
    assert block is not None
    assert other is not None
    assert check(block, PAYLOAD)
    assert not check(other, PAYLOAD)


@pytest.mark.parametrize("name", lax_blocks.LAX)
def test_a_lax_verifier_is_found_out_by_its_class(name: str) -> None:
    """The class of vectors that is aimed at what it overlooks holds one that it takes."""
    blocks = [opened(signature) for signature in signatures(FOOLED_BY[name]).values()]
    assert any(block is not None and lax_blocks.LAX[name](block, PAYLOAD) for block in blocks)


def test_reduced_numbers_are_taken_by_whoever_reduces_them() -> None:
    """A verifier that reduces by the modulus, or does not count bytes, takes malleable signatures; a sound one none."""
    public = keys().own.private.public_key()
    found = signatures("malleability")
    reduced = {
        name for name, one in found.items() if lax_blocks.genuine(lax_blocks.opened_modulo(public, one), PAYLOAD)
    }
    assert {"pkcs1-s-plus-n-long", "pkcs1-s-plus-2n-long", "pkcs1-s-zero-before"} <= reduced
    assert [name for name, one in found.items() if lax_blocks.genuine(opened(one) or b"", PAYLOAD)] == []


@pytest.mark.parametrize("attack_class", sorted({one.attack_class for one in select(requirement="SIG-08")}))
def test_every_class_finds_somebody_out(attack_class: str) -> None:
    """No class of vectors is without a verifier that it fools, and the sound one is fooled by none."""
    public = keys().own.private.public_key()
    found = signatures(attack_class).values()
    blocks = [block for one in found if (block := opened(one)) is not None]
    fooled = {name for name, check in lax_blocks.LAX.items() for block in blocks if check(block, PAYLOAD)}
    if any(lax_blocks.genuine(lax_blocks.opened_modulo(public, one), PAYLOAD) for one in found):
        fooled.add("reduction")
    assert fooled
    assert not any(lax_blocks.genuine(block, PAYLOAD) for block in blocks)
