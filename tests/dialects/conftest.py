"""Plans walked against the embedded exchange in any dialect, mode and with any seeded fault."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.engine.drawing import draw_plans
from conformance.engine.session import ground_of
from conformance.plans import Plan
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode
from fixtures.exchange.dialects import dialect_settings
from fixtures.venue import Venue
from strategies import focused, lifecycles
from strategies.cells import cell_plans
from strategies.grounds import Ground


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """What walking plans against a target showed."""

    results: tuple[PlanResult, ...]

    @property
    def violations(self) -> list[tuple[str, str, str, str]]:
        """Requirement, plan, what was predicted and what was seen, of each violation."""
        return [
            (found.requirements[0], result.plan.title, found.predicted, found.seen)
            for result in self.results
            for found in result.violations
        ]

    @property
    def broken(self) -> set[str]:
        """Every requirement that was seen broken."""
        return {name for result in self.results for found in result.violations for name in found.requirements}

    @property
    def troubles(self) -> Counter[str]:
        """Why plans could not be judged to their end."""
        return Counter(result.trouble for result in self.results if result.trouble is not None)

    @property
    def exercised(self) -> Counter[str]:
        """How often each requirement was exercised."""
        return sum((result.exercised for result in self.results), Counter())


Walker = Callable[..., Walk]


@pytest.fixture(scope="session")
def walk() -> Walker:
    """Walk plans against an exchange that is started for it; stops early where a wanted requirement breaks."""

    def walking(
        dialect: str,
        mode: CancelMode,
        *,
        overrides: Mapping[str, Any] | None = None,
        every: int = 1,
        offset: int = 0,
        drawn: int = 3,
        until: str | None = None,
        **changes: Any,
    ) -> Walk:
        settings = dialect_settings(dialect, cancel_mode=mode, **{"delay_ms": (5, 40), **changes})
        with embedded_target(settings, overrides) as (profile, _), Venue(profile) as venue:
            ground = ground_of(venue)
            memory = LaneMemory()
            results: list[PlanResult] = []
            for plan in _plans(ground, every, offset, drawn):
                results.append(run_plan(plan, venue, memory))
                if until is not None and results[-1].breaks(until):
                    break
        return Walk(results=tuple(results))

    return walking


def _plans(ground: Ground, every: int, offset: int, drawn: int) -> list[Plan]:
    plans = cell_plans(ground)[offset::every]
    sources = {
        "lives": lifecycles.lifecycles(ground),
        "queues": focused.queues(ground),
        "bulk": focused.bulk_plans(ground),
        "pending": focused.pending_plans(ground),
        "reuse": focused.reuse_plans(ground),
    }
    for name, source in sources.items():
        plans += draw_plans(source, drawn, seed_of=f"dialects/{name}/{offset}")
    return plans
