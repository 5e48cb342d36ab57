"""Seeded faults do not hide behind a dialect: each is caught, by the requirement that it is mapped to."""

from typing import TYPE_CHECKING

import pytest

from fixtures.faults import FAULTS

if TYPE_CHECKING:
    from tests.dialects.conftest import Walker

CAUGHT = {
    "rest-delete": (
        "lock-never-released", "partial-releases-whole-lock", "unknown-accepted", "cancel-all-releases-double",
    ),
    "token": ("lock-never-released", "second-cancel-releases-again", "release-ignores-price"),
    "margin": ("lock-never-released", "partial-releases-whole-lock", "cancel-charges-a-fee"),
    "rpc": ("cancel-charges-a-fee", "unknown-accepted"),
}  # fmt: skip


@pytest.mark.parametrize(("dialect", "fault"), [(dialect, fault) for dialect in CAUGHT for fault in CAUGHT[dialect]])
def test_a_fault_is_caught_in_a_foreign_dialect(walk: "Walker", dialect: str, fault: str) -> None:
    """The requirement that a fault is mapped to is seen broken."""
    seeded = FAULTS[fault]
    walked = walk(dialect, seeded.modes[0], faults=(fault,), until=seeded.requirement)
    assert seeded.requirement in walked.broken


def test_a_fault_shows_where_funds_are_judged_by_differences(walk: "Walker") -> None:
    """A lock that is released short is seen on a margin account that has traded before."""
    tables = {"fees": {"charged": "unknown"}}
    seeded = FAULTS["partial-releases-whole-lock"]
    walked = walk("documented", seeded.modes[0], faults=(seeded.name,), overrides=tables, until=seeded.requirement)
    assert seeded.requirement in walked.broken
