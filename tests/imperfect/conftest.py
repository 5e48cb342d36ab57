"""An embedded exchange behind an imperfect way, with the profile that allows for what is imperfect."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeSettings, Imperfections
from fixtures.profiles import Profile
from fixtures.venue import Venue

MARKETS = {"BTC-USDT": "1000.00", "ETH-EUR": "100.000", "DOGE-USDT": "0.10000"}
"""The markets and the prices at which orders of both sides rest: other participants leave the price where it is."""

Behind = Callable[..., AbstractContextManager[Venue]]


def allowances(flaws: Imperfections) -> dict[str, Any]:
    """What a profile says of a target with these imperfections."""
    tables: dict[str, Any] = {}
    if flaws.stale_reads_ms:
        late = flaws.stale_reads_ms / 1000
        tables["timing"] = {"read_delay": late, "balance_delay": late}
    if flaws.other_participants:
        tables["markets"] = {name: {"isolated": False, "rest_price_sell": price} for name, price in MARKETS.items()}
    return tables


@pytest.fixture(scope="session")
def behind() -> Behind:
    """A venue whose exchange has imperfections, all of which its profile allows."""

    @contextmanager
    def opened(
        *, mode: CancelMode = CancelMode.MIXED, seed: int = 1, tables: Mapping[str, Any] | None = None, **flaws: float
    ) -> Iterator[Venue]:
        given = Imperfections(**flaws)
        settings = ExchangeSettings(cancel_mode=mode, delay_ms=(5, 40), seed=seed, imperfections=given)
        with embedded_target(settings, {**allowances(given), **(tables or {})}) as (profile, _):
            assert isinstance(profile, Profile)
            with Venue(profile) as venue:
                yield venue

    return opened
