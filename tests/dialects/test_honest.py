"""The honest exchange is not accused in any dialect or mode; what a dialect shows is exercised, and no more."""

from typing import TYPE_CHECKING

import pytest

from fixtures.exchange import CancelMode
from fixtures.exchange.dialects import DIALECTS

if TYPE_CHECKING:
    from tests.dialects.conftest import Walker

EVERYWHERE = {"CXL-01", "CXL-02", "CXL-03", "CXL-05", "CXL-06", "CXL-07", "CXL-08", "TRM-01", "TRM-02", "TRM-05"} | {
    "NTF-01", "NTF-02",
}  # fmt: skip
FUNDS = {"FND-01", "FND-02", "FND-03", "FND-04", "FND-05", "FND-06"}
BULK = {"ALL-01", "ALL-02", "ALL-03", "ALL-04", "ALL-05"}
PENDING = {"PND-01", "PND-02", "PND-03", "PND-05"}

SHOWN = {
    "rest-delete": FUNDS | BULK | {"TRM-03", "TRM-04", "TRM-07"},
    "token": FUNDS | {"TRM-07"},
    "margin": FUNDS | BULK | {"TRM-03", "TRM-04", "TRM-07"},
    "rpc": {"FND-05", "TRM-07"} | BULK,
}
HIDDEN = {
    "rest-delete": set(),
    "token": BULK | {"TRM-03", "TRM-04", "NTF-05"},
    "margin": set(),
    "rpc": {"FND-01", "FND-02", "FND-03", "FND-04", "FND-06", "PND-04", "TRM-03", "TRM-04"},
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("mode", CancelMode)
def test_the_honest_exchange_is_not_accused(walk: "Walker", dialect: str, mode: CancelMode) -> None:
    """Cells and drawn plans find no violation and no trouble, whatever the dialect and the cancel mode."""
    walked = walk(dialect, mode, every=4, offset=list(CancelMode).index(mode))
    assert (walked.violations, walked.troubles) == ([], {})
    assert walked.exercised["CXL-06"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_shows_is_exercised(walk: "Walker", dialect: str) -> None:
    """All cells exercise what the dialect can show; what it hides is never counted as exercised."""
    walked = walk(dialect, CancelMode.IMMEDIATE, drawn=0)
    assert (walked.violations, walked.troubles) == ([], {})
    exercised = {name for name, count in walked.exercised.items() if count}
    assert (EVERYWHERE | SHOWN[dialect]) - exercised == set()
    assert exercised & HIDDEN[dialect] == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pending_cancels_are_exercised(walk: "Walker", dialect: str) -> None:
    """Delayed cancels are seen pending, filled while pending, and confirmed, in every dialect's words."""
    walked = walk(dialect, CancelMode.DELAYED, every=4, drawn=2)
    assert walked.violations == []
    assert PENDING - {name for name, count in walked.exercised.items() if count} == set()


@pytest.mark.parametrize("lock", ["observed", "spot"])
def test_unknown_fees_are_judged_by_differences(walk: "Walker", lock: str) -> None:
    """With unknown fees nothing is said of the trades, and what comes after them is judged to the last unit again."""
    tables = {"fees": {"charged": "unknown"}, "lock": {"model": lock, "fee_reserve": False}}
    walked = walk("documented", CancelMode.MIXED, overrides=tables, every=3)
    assert (walked.violations, walked.troubles) == ([], {})
    assert walked.exercised["FND-03"]


def test_locks_can_be_learned_where_only_free_funds_are_shown(walk: "Walker") -> None:
    """Model ``observed`` takes what an order locks from what is no longer free, and judges its release by that."""
    walked = walk("token", CancelMode.IMMEDIATE, overrides={"lock": {"model": "observed"}}, every=3)
    assert (walked.violations, walked.troubles) == ([], {})
    assert walked.exercised["FND-01"]
