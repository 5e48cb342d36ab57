"""Opens stages: exchanges in this process whose answers follow a script."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.runner import looking
from fixtures import accounts
from fixtures.exchange import CancelMode, ExchangeSettings
from fixtures.venue import transport
from tests.runner.stage import Stage

load_private_key = cache(accounts.load_private_key)
default_context = cache(transport._default_context)


@pytest.fixture(autouse=True)
def _keys_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading keys and certificates takes longer than most of these tests; every stage has the same ones."""
    monkeypatch.setattr(accounts, "load_private_key", load_private_key)
    monkeypatch.setattr(transport, "_default_context", default_context)


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Balances that do not fit are looked at again as often as ever, but within milliseconds."""
    monkeypatch.setattr(looking, "FURTHER_LOOKS", tuple(pause / 40 for pause in looking.FURTHER_LOOKS))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Opens a stage: ``stage("delayed", faults=[...], timing={...})``; tables are overrides of the profile.

    ``waits``: a market order in an empty book waits there for a counter-order.
    """
    opened: list[Stage] = []

    def open_stage(
        mode: str = "immediate",
        *,
        faults: tuple[str, ...] = (),
        waits: bool = False,
        delay_ms: tuple[int, int] = (10, 30),
        **tables: Any,
    ) -> Stage:
        settings = ExchangeSettings(
            cancel_mode=CancelMode(mode), delay_ms=delay_ms, faults=faults, seed=1, market_orders_wait=waits
        )
        timing = {"poll_interval": 0.002, **tables.pop("timing", {})}
        opened.append(Stage(tmp_path / f"state-{len(opened)}", settings, {"timing": timing, **tables}))
        return opened[-1]

    yield open_stage
    for one in opened:
        one.venue.close()
        one.desk.close()
