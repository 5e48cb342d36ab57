"""Client ids in the form that a venue takes: no two alike, none longer than it lets them be."""

import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fixtures.profiles.dialect import ClientIdForm
from fixtures.venue.client_ids import ClientIds

RUN = "0f3a9c1e"
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "as they were": ({}, rf"(cc-)?{RUN}-\d+(-x*)?"),
    "letters and digits": ({"form": "letters-and-digits", "longest": 32}, r"[0-9a-z]{1,32}"),
    "a prefix": ({"prefix": "t-", "longest": 30}, r"t-[0-9a-z-]{1,28}"),
    "few": ({"form": "letters-and-digits", "longest": 14}, r"[0-9a-z]{1,14}"),
    "numbers": ({"form": "integer"}, r"[1-9]\d{0,9}"),
}


@pytest.mark.parametrize(("words", "pattern"), FORMS.values(), ids=FORMS)
@given(lengths=st.lists(st.integers(1, 100), max_size=30))
def test_ids_keep_to_their_form(words: dict[str, Any], pattern: str, lengths: list[int]) -> None:
    """Of whatever length a plan asks for, each is new and of the form."""
    made = ClientIds(RUN, ClientIdForm(**words))
    ids = [made.next() for _ in range(20)] + [made.of(length) for length in lengths]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(pattern, one) for one in ids), ids


def test_uuids_are_uuids() -> None:
    """Where a venue takes UUIDs alone, they are of version 4, and no plan makes them shorter."""
    made = ClientIds(RUN, ClientIdForm(form="uuid"))
    ids = [made.next(), made.of(8), made.of(64)]
    assert [uuid.UUID(one).version for one in ids] == [4, 4, 4]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("words", [{}, {"form": "letters-and-digits"}])
def test_two_runs_give_none_twice(words: dict[str, Any]) -> None:
    """A client id tells its run."""
    one, other = (ClientIds(run, ClientIdForm(**words)) for run in (RUN, "0f3a9c1f"))
    assert not {one.next() for _ in range(500)} & {other.next() for _ in range(500)}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"form": "uuid", "prefix": "a"}, "has none"),
        ({"form": "letters-and-digits", "prefix": "t-"}, "letters and digits alone"),
        ({"longest": 15, "prefix": "abc"}, "too few to tell"),
        ({"form": "uuid", "longest": 32}, "36 characters"),
        ({"form": "roman"}, "Input should be"),
    ],
)
def test_forms_that_cannot_be(words: dict[str, Any], told: str) -> None:
    """A form that no client id could have is refused when the profile is loaded, and says why."""
    with pytest.raises(ValidationError, match=told):
        ClientIdForm(**words)
