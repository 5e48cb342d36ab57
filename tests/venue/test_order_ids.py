"""Ids that surely name no order: of the form of a target's ids, and far from all that it hands out."""

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fixtures.venue.order_ids import LEAP, HandedOut, serial_of

UUIDS = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8b63")
SEEDS = st.text(max_size=20)


@given(prefix=st.sampled_from(("", "ORD-", "x")), numbers=st.lists(st.integers(1, 10**18), min_size=1), seed=SEEDS)
def test_an_unknown_serial_id_is_far_from_all(prefix: str, numbers: list[int], seed: str) -> None:
    """It has the same prefix, is beyond the largest by far, and is taken for none that may be handed out."""
    handed_out = HandedOut(f"{prefix}{number}" for number in numbers)
    made = handed_out.unknown(seed)
    assert made is not None
    serial = serial_of(made)
    assert serial is not None
    assert serial.prefix == prefix
    assert serial.number > 2 * max(numbers) + LEAP
    assert not handed_out.may_name_another(made, None)
    assert made == handed_out.unknown(seed)


@given(largest=st.integers(1, 900_000_000), seed=SEEDS)
def test_an_unknown_serial_id_fits_what_holds_the_others(largest: int, seed: str) -> None:
    """Numbers that fit 32 bits are not answered by one that does not: it would be no well-formed id."""
    made = HandedOut([str(largest)]).unknown(seed)
    assert made is not None
    assert int(made) < 2**31


@given(number=st.integers(1, 10**6), other=st.integers(-(10**6), 10**6))
def test_numbers_near_serial_ids_may_be_orders(number: int, other: int) -> None:
    """Lower numbers and the next higher ones may be somebody's orders, however they are written."""
    handed_out = HandedOut([str(number)])
    for text in (str(other), f"+{abs(other)}", f"00{abs(other)}", f"%2B{abs(other)}"):
        assert handed_out.may_name_another(text, str(number)) is (text != str(number))


@given(word=st.from_regex(r"\A[a-z]{3}_[a-zA-Z0-9]{14}[a-z]\Z"), seed=SEEDS)
def test_an_unknown_id_looks_like_the_real_ones(word: str, seed: str) -> None:
    """Letters stand where letters do and digits where digits do; the word before the mark is the same."""
    made = HandedOut([word]).unknown(seed)
    assert made is not None
    assert re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", made))) == (
        re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", word)))
    )
    assert made[:4] == word[:4]


def test_hexadecimal_ids_stay_hexadecimal() -> None:
    """An id of hexadecimal digits is not answered by one that is none."""
    made = HandedOut(["507f1f77bcf86cd799439011"]).unknown("a seed")
    assert made is not None
    assert len(made) == 24
    assert int(made, 16) != int("507f1f77bcf86cd799439011", 16)


def test_uuids_need_no_other_unknown_ids() -> None:
    """Where ids are UUIDs, or none was handed out, nothing is made up; a neighbour of a UUID is no known order."""
    assert HandedOut().unknown("a seed") is None
    handed_out = HandedOut(UUIDS)
    assert handed_out.unknown("a seed") is None
    assert handed_out.are_uuids
    assert handed_out.may_name_another(UUIDS[0], UUIDS[1])
    assert not handed_out.may_name_another(str(UUID(int=UUID(UUIDS[0]).int + 1)), UUIDS[1])
