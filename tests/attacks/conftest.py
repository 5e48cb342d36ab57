"""One embedded exchange for all tests of the attacks, reset before each of them."""

from collections.abc import Iterator

import pytest

from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from fixtures.venue import Venue
from tests.attacks.battery import Battery

UNBOUNDED = {"limits": {"requests_per_second": 100_000, "total_requests": 10_000_000}}


@pytest.fixture(scope="session")
def battery() -> Iterator[Battery]:
    """A battery against an exchange of its own."""
    with embedded_target(ExchangeSettings(), UNBOUNDED) as (profile, exchange), Venue(profile) as venue:
        yield Battery(venue, exchange)
