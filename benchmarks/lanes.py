"""What lanes bring: the wall time of the same plans on one, two and four, near the target and far from it."""

import time

from benchmarks.figures import Figure
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings, Imperfections
from strategies.cells import cell_plans

LANES = (1, 2, 4)
FAR_MS = 50.0
WANTED = 3.5
WITHIN = 1.3
"""The time that a run may take, in multiples of requests x round trip / lanes."""


def measure(*, plans: int = 40) -> list[Figure]:
    """Run the first so many walked cells on each number of lanes, without and with a round trip of 50 ms."""
    figures = []
    for lag in (0.0, FAR_MS):
        taken: dict[int, float] = {}
        for lanes in LANES:
            settings = ExchangeSettings(imperfections=Imperfections(lag_ms=lag))
            with (
                embedded_target(settings, lanes=lanes) as (profile, _),
                open_session(profile, level=LEVELS[LevelName.STANDARD], seed=1, lanes=lanes) as explorer,
            ):
                limits = explorer.lanes.lanes[0].venue.desk.limits
                before, began = limits.requests, time.perf_counter()
                explorer.run(cell_plans(explorer.ground)[:plans])
                taken[lanes] = time.perf_counter() - began
                requests = limits.requests - before
            figures.append(
                Figure(name=f"{plans} plans, {lanes} lanes, round trip {lag:g} ms", value=taken[lanes], unit="s")
            )
            if lag:
                least = requests * lag / 1000 / lanes
                figures.append(
                    Figure(
                        name="    of requests x round trip / lanes",
                        value=taken[lanes] / least,
                        unit="times",
                        target=f"<= {WITHIN}",
                        met=taken[lanes] <= WITHIN * least,
                    )
                )
        gain = taken[1] / taken[LANES[-1]]
        figures.append(
            Figure(
                name=f"gain of {LANES[-1]} lanes, round trip {lag:g} ms",
                value=gain,
                unit="times",
                target=f">= {WANTED}" if lag else "",
                met=gain >= WANTED if lag else None,
            )
        )
    return figures
