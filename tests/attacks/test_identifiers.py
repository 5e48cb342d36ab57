"""Ids as attacks: what each text is, seen from the real id that it is made from."""

import re
import time
from dataclasses import replace
from urllib.parse import unquote, unquote_to_bytes
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.attacks import Expectation, NotApplicable, attack, select, vector
from fixtures.attacks.forge import Forger
from fixtures.venue.order_ids import HandedOut
from tests.attacks.samples import ORDER, request, setting

FORGER = Forger()


def segment(name: str, **values: int | str) -> str:
    """What stands in the place of the id, one character a byte."""
    target = FORGER.forge(attack(vector(name), **values), request("cancel"), setting("cancel")).request.target
    return target.removeprefix("/api/v1/orders/").removesuffix("/cancel")


@given(bit=st.integers(0, 121))
def test_one_bit_away_is_one_bit_away(bit: int) -> None:
    """An id near the real one differs in one bit, and is of the same version and variant."""
    near = UUID(segment("id-one-bit", bit=bit))
    assert (near.int ^ UUID(ORDER).int).bit_count() == 1
    assert (near.version, near.variant) == (7, UUID(ORDER).variant)


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 8])
def test_other_versions_are_of_that_version(version: int) -> None:
    """A UUID of another version says so, in the RFC's variant."""
    made = UUID(segment(f"id-v{version}", seed=7))
    assert (made.version, made.variant) == (version, UUID(ORDER).variant)


@pytest.mark.parametrize(("name", "words"), [("ncs", "NCS"), ("microsoft", "Microsoft"), ("reserved", "future")])
def test_other_variants_are_of_that_variant(name: str, words: str) -> None:
    """A UUID of another variant says so."""
    assert words in str(UUID(segment(f"id-variant-{name}", seed=7)).variant)


@pytest.mark.parametrize(
    ("name", "values", "days"),
    [
        ("id-v7-now", {}, 0.0),
        ("id-v7-past", {"days": 3}, -3.0),
        ("id-v7-future", {"days": 3}, 3.0),
    ],
)
def test_the_time_of_an_unknown_id_is_as_asked(name: str, values: dict[str, int], days: float) -> None:
    """The first 48 bits are the milliseconds of now, of days ago, of days to come."""
    made = UUID(segment(name, seed=9, **values))
    assert made.version == 7
    assert (made.int >> 80) / 1000 == pytest.approx(time.time() + days * 86_400, abs=60)


def test_the_first_and_the_last_moment() -> None:
    """The time can be all zeros and all ones, the version stays 7."""
    for name, moment in (("id-v7-zero", 0), ("id-v7-most", (1 << 48) - 1)):
        made = UUID(segment(name, seed=1))
        assert (made.int >> 80, made.version) == (moment, 7)


def test_seeds_make_distinct_ids() -> None:
    """Every seed of an unknown id is another id."""
    assert len({segment("id-v4", seed=seed) for seed in range(200)}) == 200


@pytest.mark.parametrize(
    "name",
    [
        "id-spelled-upper",
        "id-spelled-title",
        "id-spelled-no-hyphens",
        "id-spelled-no-hyphens-upper",
        "id-spelled-braces",
        "id-spelled-braces-raw",
        "id-spelled-urn",
        "id-spelled-one-upper",
        "id-spelled-one-hyphen-missing",
        "id-spelled-groups-of-four",
        "id-spelled-encoded-one",
        "id-spelled-encoded-hyphens",
        "id-spelled-encoded-hyphens-lower",
        "id-spelled-encoded-all",
    ],
)
def test_other_spellings_mean_the_real_id(name: str) -> None:
    """What a lenient reader makes of another spelling is the real id, though the text is another."""
    made = segment(name)
    assert made != ORDER
    assert UUID(unquote(made)) == UUID(ORDER)


def test_the_same_number_in_other_digits() -> None:
    """Decimal, hexadecimal and object-identifier forms are the real id's number."""
    assert int(segment("id-spelled-decimal")) == UUID(ORDER).int
    assert int(segment("id-spelled-hexadecimal"), 16) == UUID(ORDER).int
    assert int(segment("id-spelled-object-id").removeprefix("2.25.")) == UUID(ORDER).int
    assert UUID(bytes_le=UUID(segment("id-spelled-little-endian")).bytes) == UUID(ORDER)
    assert int(unquote(segment("id-spelled-fullwidth")).replace("-", ""), 16) == UUID(ORDER).int


def test_malformed_ids_are_no_ids() -> None:
    """No id that must be refused as malformed is a UUID in its own spelling."""
    for one in select(file="identifiers", requirement="NTF-04"):
        made = segment(one.id)
        spelled_right = len(made) == 36 and made == made.lower() and _reads(made)
        assert not spelled_right, one.id


def _reads(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def test_trailing_characters_follow_the_real_id() -> None:
    """What is said to stand behind the real id does, and nothing of the id is lost."""
    behind = [one for one in select(attack_class="trailing") if one.id.endswith("-behind")]
    assert len(behind) > 30
    for one in behind:
        assert segment(one.id).startswith(ORDER)
        assert len(segment(one.id)) > len(ORDER)


def test_encoded_texts_are_what_they_say() -> None:
    """Percent-encoded attacks decode to the bytes that their notes name."""
    expected = {
        "id-encoded-nul": b"\x00",
        "id-encoded-dot-dot": b"..",
        "id-encoded-climb": b"../../etc/passwd",
        "id-overlong": b"\xc0\xaf",
        "id-nul-behind": ORDER.encode() + b"\x00",
        "id-line-feed-behind": ORDER.encode() + b"\n",
        "id-twice-encoded-dots": b"%2e%2e",
    }
    assert {name: unquote_to_bytes(segment(name)) for name in expected} == expected


def test_long_ids_are_long() -> None:
    """The lengths are those of the notes."""
    assert len(segment("id-long-1k")) == 1024
    assert len(segment("id-long-8k")) == 8192
    assert len(segment("id-long-64k")) == 65536


def test_nothing_but_a_refusal_is_expected_of_an_id() -> None:
    """No id vector expects success, and only other spellings may name the order."""
    for one in select(file="identifiers"):
        assert one.expect not in (Expectation.ACCEPTED, Expectation.UNJUDGED)
        assert (one.expect is Expectation.SAME_OR_REFUSED) == (one.requirement == "NTF-06")


def test_forged_ids_are_no_neighbours_of_serial_ones() -> None:
    """Where ids are numbers, no text that is sent is a number which another order has or may soon have."""
    handed_out = HandedOut(str(number) for number in range(1, 1_800))
    surroundings = replace(setting("cancel"), order_id="1717", known_ids=handed_out)
    plain = replace(request("cancel"), target="/api/v1/orders/1717/cancel")
    sent = {}
    for one in select(file="identifiers", operation="cancel"):
        try:
            target = FORGER.forge(attack(one), plain, surroundings).request.target
        except NotApplicable:
            continue
        sent[one.id] = unquote(target.removeprefix("/api/v1/orders/").removesuffix("/cancel"))
    numbers = [int(text) for text in sent.values() if re.fullmatch(r"[+-]?[0-9]{1,30}", text)]
    assert all(number == 1717 or abs(number) > 1_000_000 for number in numbers)
    assert {"id-unknown-of-its-form", "id-letter", "id-spelled-encoded-all"} <= sent.keys()
    assert not {"id-v4", "id-nil", "id-zero", "id-cut", "id-digit-behind", "id-spelled-urn"} & sent.keys()
