"""Venues that differ honestly are described in their profile's words: they are not accused, and faults still are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.plans import COUNTERPARTY, Action, Cancel, CancelAll, CancelUnknown, Place, Read
from fixtures.exchange import CancelMode, ExchangeSettings
from tests.runner.actions import LOOK, buy, cancelled, fill, sell
from tests.runner.stage import Stage

UNKNOWN = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057", account="primary")
STORY: tuple[Action, ...] = (
    UNKNOWN,
    buy(),
    LOOK,
    fill("0.5"),
    LOOK,
    *cancelled(),
    Cancel(order="a"),
    Read(order="a", account=COUNTERPARTY),
    sell("s", "1"),
    buy("b", "1", "980.00"),
    CancelAll(account="primary"),
    LOOK,
    Cancel(order="s", account="primary"),
    Cancel(order="s"),
    LOOK,
)
"""Cancels of orders in many states, reads of one's own and of others' orders, fills, and a look at all of it."""

HONEST = (
    "list-of-everything",
    "two-lists",
    "list-filtered-by-status",
    "lists-of-one-market",
    "lists-of-the-newest-20",
    "lists-in-pages",
    "market-in-every-request",
    "binary-floating-point",
    "rounds-to-8-places",
    "remaining-is-zero-when-over",
    "flat-fees",
    "balances-one-asset-a-call",
    "balances-as-one-record",
    "balances-of-the-quote-alone",
    "assets-of-nothing-are-left-out",
    "errors-in-200-by-code",
    "errors-in-200-by-flag",
    "codes-with-ids-and-amounts",
    "nothing-found-is-an-empty-answer",
    "refuses-in-other-words-by-operation",
)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[Stage]]:
    """The stages that a test opens; they are closed behind it."""
    stages: list[Stage] = []
    yield stages
    for one in stages:
        one.venue.close()
        one.desk.close()


def stage_of(opened: list[Stage], folder: Path, *variants: str, faults: tuple[str, ...] = ()) -> Stage:
    """An exchange with these variants and faults."""
    settings = ExchangeSettings(cancel_mode=CancelMode.IMMEDIATE, variants=variants, faults=faults, seed=1)
    opened.append(Stage(folder, settings, {"timing": {"poll_interval": 0.002}}))
    return opened[-1]


@pytest.mark.parametrize("variant", HONEST)
def test_an_honest_venue_is_not_accused(variant: str, opened: list[Stage], tmp_path: Path) -> None:
    """A venue of this kind plays the whole story without a finding, and without trouble."""
    result = stage_of(opened, tmp_path, variant).run(*STORY)
    assert [(one.what, one.predicted, one.seen) for one in result.violations] == []
    assert result.trouble is None


def broken(opened: list[Stage], folder: Path, variant: str, fault: str, *actions: Action) -> set[str]:
    """The requirements that a fault breaks at such a venue."""
    result = stage_of(opened, folder, variant, faults=(fault,)).run(*actions)
    return {one for violation in result.violations for one in violation.requirements}


@pytest.mark.parametrize(
    ("variant", "fault", "requirement"),
    [
        ("list-of-everything", "lock-never-released", "FND-01"),
        ("list-of-everything", "cancelled-stays-listed", "CXL-08"),
        ("list-of-everything", "post-only-no-effect", "CXL-06"),
        ("two-lists", "cancelled-stays-listed", "CXL-03"),
        ("list-filtered-by-status", "cancelled-stays-listed", "CXL-03"),
        ("lists-of-the-newest-20", "cancelled-stays-listed", "CXL-03"),
        ("errors-in-200-by-flag", "post-only-no-effect", "CXL-06"),
        ("remaining-is-zero-when-over", "post-only-no-effect", "CXL-06"),
        ("binary-floating-point", "lock-never-released", "FND-01"),
        ("balances-of-the-quote-alone", "lock-never-released", "FND-01"),
        ("balances-one-asset-a-call", "lock-never-released", "FND-01"),
        ("balances-as-one-record", "lock-never-released", "FND-01"),
        ("assets-of-nothing-are-left-out", "lock-never-released", "FND-01"),
    ],
)
def test_the_words_hide_no_fault(
    variant: str, fault: str, requirement: str, opened: list[Stage], tmp_path: Path
) -> None:
    """What such a venue does wrong is found as at any other."""
    assert requirement in broken(opened, tmp_path, variant, fault, buy(post_only=True), LOOK, *cancelled())


def test_a_market_is_named_in_every_request(opened: list[Stage], tmp_path: Path) -> None:
    """Where a venue refuses what names no market, cancel-all is asked for each market of the account."""
    one = stage_of(opened, tmp_path, "market-in-every-request")
    eth: Place = buy("e", "1", "90.00", market=next(name for name in one.profile.markets if name != "BTC-USDT"))
    result = one.run(buy(), eth, LOOK, CancelAll(account="primary"), LOOK)
    assert result.violations == []
    assert result.trouble is None
    assert one.asked["cancel_all"] == len(one.profile.markets)
