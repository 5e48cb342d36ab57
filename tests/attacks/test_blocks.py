"""Malformed PKCS#1 v1.5 blocks: the language they are written in, and the proof that each is what it says."""

import base64
import hashlib
from collections.abc import Callable, Mapping

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from fixtures.attacks import AttackVector, NotApplicable, attack, select
from fixtures.attacks.blocks import BlockError, noise, write_block
from fixtures.attacks.forge import Forger
from fixtures.attacks.schemes import documented_signature
from fixtures.faults import lax_blocks
from tests.attacks.samples import Scheme, keys, request, setting

PAYLOAD = Scheme().payload("POST", request("cancel").target, b"")
DIGEST = hashlib.sha256(PAYLOAD).digest()
INFO = bytes.fromhex("3031300d060960864801650304020105000420")
BLOCKS = [one for one in select(requirement="SIG-08") if one.recipe["scheme"]["op"] == "block"]
FORGER = Forger()


def signature_of(vector: AttackVector) -> bytes:
    """The bytes in the signature header of the forged cancel."""
    forged = FORGER.forge(attack(vector), request("cancel"), setting("cancel"))
    return base64.b64decode(forged.request.header("X-API-Signature") or "", validate=True)


def block_of(vector: AttackVector) -> bytes:
    """What the public operation finds in the signature."""
    block = lax_blocks.opened(keys().own.private.public_key(), signature_of(vector))
    assert block is not None
    return block


def padded(block: bytes) -> bytes:
    """What stands behind well-formed padding, as RFC 8017 wants it in a block of this size."""
    content = block[2:].lstrip(b"\xff")
    assert block.startswith(b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff")
    assert content.startswith(b"\x00")
    return content[1:]


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of DER, strictly read. Raises ``ValueError`` for anything else."""
    found = []
    while data:
        tag, length, start = data[0], data[1] if len(data) > 1 else -1, 2
        if length in (-1, 0x80) or (length > 0x80 and length & 0x7F > 4):
            raise ValueError("no length of DER")
        if length > 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(data[2 : 2 + count]), 2 + count
            if length < 0x80 or data[2] == 0:
                raise ValueError("the length could be shorter")
        if start + length > len(data):
            raise ValueError("longer than the data")
        found.append((tag, data[start : start + length]))
        data = data[start + length :]
    return found


def is_digest_info(content: bytes) -> bool:
    """Whether a content is, in DER, the DigestInfo of SHA-256 with the payload's digest, its NULL there or not."""
    try:
        ((outer, inside),) = elements(content)
        (algorithm, identifier), (octets, digest) = elements(inside)
        parts = elements(identifier)
    except ValueError:
        return False
    right = [(0x06, bytes.fromhex("608648016503040201")), (0x05, b"")]
    return (outer, algorithm, octets, digest) == (0x30, 0x30, 0x04, DIGEST) and parts in (right, right[:1])


def test_the_language_writes_the_right_block() -> None:
    """The well-formed line gives exactly the block that a library signs."""
    line = "0001 ff*fill 00 3031300d060960864801650304020105000420 sha256"
    block = write_block(line, size=256, payload=PAYLOAD)
    assert block == b"\x00\x01" + b"\xff" * 202 + b"\x00" + INFO + DIGEST
    assert keys().own.sign_block(block) == documented_signature(keys().own, PAYLOAD)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("00 01 ff*2", b"\x00\x01\xff\xff"),
        ("ff*fill@fe:1 00", b"\xff\xfe\xff\x00"),
        ("ff*fill@fe:-1", b"\xff\xff\xff\xfe"),
        ("ff*4@fe:5", b"\xff\xfe\xff\xff"),
        ("sha256[:3] 00", DIGEST[:3] + b"\x00"),
        ("sha256:reversed[:4]", DIGEST[::-1][:4]),
        ("sha256:hex[:4]", DIGEST.hex().encode()[:4]),
        ("sha256:sha256[:4]", hashlib.sha256(DIGEST).digest()[:4]),
        ("sha256:empty[:4]", hashlib.sha256(b"").digest()[:4]),
        ("sha512[:2] sha3-256[:2]", hashlib.sha512(PAYLOAD).digest()[:2] + hashlib.sha3_256(PAYLOAD).digest()[:2]),
        ("noise*4", noise(4, PAYLOAD)),
    ],
)
def test_the_language_writes_its_words(line: str, expected: bytes) -> None:
    """Every kind of token gives the bytes that the language's description says."""
    assert write_block(line, size=4, payload=PAYLOAD) == expected


def test_noise_has_no_zero_and_repeats() -> None:
    """Bytes without meaning never end the padding by chance, and are the same each time."""
    assert b"\x00" not in noise(4000, b"x")
    assert noise(40, b"x") == noise(50, b"x")[:40]
    assert noise(40, b"x") != noise(40, b"y")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0001 f", "'f' is no token"),
        ("sha7", "'sha7' is no token"),
        ("ff*fill 00*fill", "only one token"),
        ("00 00", "the block has 2 bytes, the modulus 4"),
        ("00000000 ff*fill@fe:0", "repeats nothing"),
    ],
)
def test_a_wrong_line_is_told(line: str, expected: str) -> None:
    """A mistake in a line of the language is an error that says where."""
    with pytest.raises(BlockError, match=expected.replace("*", r"\*")):
        write_block(line, size=4, payload=PAYLOAD)


def test_a_block_that_does_not_fit_is_not_applicable() -> None:
    """A short key cannot carry every block: that is no mistake."""
    with pytest.raises(NotApplicable, match="does not fit"):
        write_block("ff*5", size=4, payload=PAYLOAD)


def test_the_private_operation_is_that_of_the_library() -> None:
    """The operation by remainders is undone by the public one, for every kind of number; a larger one is refused."""
    key = keys().own
    numbers = key.private.public_key().public_numbers()
    for number in (0, 1, 2, numbers.n - 1, numbers.n // 3, int.from_bytes(noise(255, b"n"))):
        assert pow(key.apply(number), numbers.e, numbers.n) == number
    for number in (-1, numbers.n):
        with pytest.raises(ValueError, match="larger than the modulus"):
            key.apply(number)
    with pytest.raises(ValueError, match="256 bytes was expected, found 3"):
        key.sign_block(b"abc")


@pytest.mark.parametrize("vector", select(requirement="SIG-08"), ids=lambda one: one.id)
def test_a_malformed_block_is_refused_by_a_sound_library(vector: AttackVector) -> None:
    """A sound library refuses each of them, but for the one without NULL, which it may take."""
    try:
        signature = signature_of(vector)
    except NotApplicable:
        # Whether s + n fits, and whether s begins with a zero byte, depends on the key: no other may be left out.
        assert vector.id in ("pkcs1-s-plus-n", "pkcs1-s-shorter")
        return
    public = keys().own.private.public_key()
    if vector.attack_class == "missing-null":
        assert is_digest_info(padded(block_of(vector)))
        return
    with pytest.raises(InvalidSignature):
        public.verify(signature, PAYLOAD, PKCS1v15(), SHA256())


@pytest.mark.parametrize("vector", BLOCKS, ids=lambda one: one.id)
def test_a_block_is_what_its_class_says(vector: AttackVector) -> None:
    """Opened with the public key, each block has the flaw of its class, and only the flaw of its class."""
    assert PROOFS[vector.attack_class](block_of(vector)), block_of(vector).hex()


def _ber(block: bytes) -> bool:
    """Well padded, no DER, and all the parts of the right DigestInfo in the right order."""
    content = padded(block)
    parts = (INFO[4:6], bytes.fromhex("608648016503040201"), b"\x05", b"\x04", DIGEST)
    place = 0
    for part in parts[1:]:
        place = content.index(part, place) + len(part)
    return not is_digest_info(content) and content[0] == 0x30


def _asn1(block: bytes) -> bool:
    """Well padded, the payload's digest in it, and not the right DigestInfo."""
    content = padded(block)
    return DIGEST in content and not is_digest_info(content)


def _modified_padding(block: bytes) -> bool:
    """The right content, the right frame, and a wrong byte between them."""
    content = INFO + DIGEST
    padding = block[2 : -len(content) - 1]
    return block.startswith(b"\x00\x01") and block.endswith(b"\x00" + content) and padding.strip(b"\xff") != b""


def _invalid_padding(block: bytes) -> bool:
    """The right content at the end, and a frame that is not the right one."""
    right = b"\x00\x01" + b"\xff" * (len(block) - 54) + b"\x00" + INFO + DIGEST
    frame = len(block) - 51
    wrong_head = block[:2] != right[:2] or block[2:3] != b"\xff"
    return block.endswith(INFO + DIGEST) and (wrong_head or block[frame - 2 : frame] != b"\xff\x00")


def _short_padding(block: bytes) -> bool:
    """The right content at the end, and fewer padding bytes before it than fill the block."""
    found = block.lstrip(b"\x00")
    count = len(found[1:]) - len(found[1:].lstrip(b"\xff"))
    return found[:1] == b"\x01" and count < len(block) - 54 and block.endswith(INFO + DIGEST)


def _no_hash(block: bytes) -> bool:
    """Well padded, and no DigestInfo with the digest in it."""
    content = block[2:].lstrip(b"\xff")
    return block.startswith(b"\x00\x01" + b"\xff" * 8) and INFO + DIGEST not in content


def _wrong_hash(block: bytes) -> bool:
    """Well padded, a DigestInfo in DER, and another algorithm or another digest in it."""
    ((outer, inside),) = elements(padded(block))
    (algorithm, identifier), (octets, digest) = elements(inside)
    named = elements(identifier)[0][1]
    return (outer, algorithm, octets) == (0x30, 0x30, 0x04) and (named, digest) != (INFO[6:15], DIGEST)


def _garbage(block: bytes) -> bool:
    """The digest, or the DigestInfo, with bytes beside it that have no place there."""
    content = block[2:].lstrip(b"\xff")[1:]
    return block.startswith(b"\x00\x01") and DIGEST in content and len(content) > 51 and not is_digest_info(content)


def _wrong_primitive(block: bytes) -> bool:
    """No block of a signature at all."""
    return not block.startswith(b"\x00\x01")


PROOFS: Mapping[str, Callable[[bytes], bool]] = {
    "ber-lengths": _ber,
    "wrong-asn1": _asn1,
    "modified-padding": _modified_padding,
    "invalid-padding": _invalid_padding,
    "short-padding": _short_padding,
    "no-hash": _no_hash,
    "wrong-hash": _wrong_hash,
    "garbage-behind": _garbage,
    "wrong-primitive": _wrong_primitive,
    "missing-null": lambda block: is_digest_info(padded(block)) and len(padded(block)) == 49,
}


@pytest.mark.parametrize("name", ["0", "1", "2", "n-2", "n-1", "n", "n+1", "n+2", "n/2"])
def test_degenerate_numbers_are_what_they_say(name: str) -> None:
    """The signature is the number that the vector names, in as many bytes as the modulus has."""
    (vector,) = (one for one in select(attack_class="degenerate") if one.recipe["scheme"]["value"] == name)
    modulus = keys().own.modulus
    expected = {"n/2": modulus // 2}.get(name)
    if expected is None:
        expected = int(name) if name.isdigit() else modulus + int(name[1:] or 0)
    assert signature_of(vector) == expected.to_bytes(256)


@pytest.mark.parametrize(
    "name",
    [
        "pkcs1-s-plus-n-long",
        "pkcs1-s-plus-2n-long",
        "pkcs1-s-plus-255n-long",
        "pkcs1-s-zero-before",
        "pkcs1-s-zeros-before",
    ],
)
def test_malleable_signatures_mean_the_right_one(name: str) -> None:
    """Reduced by the modulus, the number is the genuine signature; as bytes it is another."""
    (vector,) = (one for one in select(attack_class="malleability") if one.id == name)
    genuine = documented_signature(keys().own, PAYLOAD)
    assert signature_of(vector) != genuine
    assert int.from_bytes(signature_of(vector)) % keys().own.modulus == int.from_bytes(genuine)
