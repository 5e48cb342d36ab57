"""An embedded exchange to race calls against, honest or with a fault, in any cancel mode."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from conformance.engine.session import ground_of
from conformance.plans import Plan
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeProcess
from fixtures.profiles import Profile
from fixtures.venue import Venue
from strategies.grounds import Ground


@dataclass(kw_only=True)
class Arena:
    """A venue at an exchange that starts afresh in any mode, with any fault; the venue is a new one each time."""

    exchange: ExchangeProcess
    profile: Profile
    venue: Venue
    ground: Ground

    def afresh(self, *faults: str, mode: CancelMode = CancelMode.IMMEDIATE) -> Callable[[Plan], PlanResult]:
        """Start the exchange afresh; what runs plans against it."""
        self.exchange.control.reset(faults=list(faults), cancel_mode=mode.value, delay_ms=[5, 40])
        self.venue.close()
        self.venue = Venue(self.profile)
        memory = LaneMemory()
        return lambda plan: run_plan(plan, self.venue, memory)

    def open_orders(self) -> list[str]:
        """The orders that are active at the exchange, of all accounts."""
        listed = [self.venue.orders(account).views for account in self.venue.accounts]
        return [view.order_id for views in listed for view in views or ()]


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    """One exchange for all tests of races."""
    with embedded_target() as (profile, exchange):
        venue = Venue(profile)
        one = Arena(exchange=exchange, profile=profile, venue=venue, ground=ground_of(venue))
        yield one
        one.venue.close()
