"""What it takes to start, and to go on: import time, and memory by the number of plans."""

import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, median_seconds
from conformance.engine.drawing import draw_plans
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from strategies.lifecycles import lifecycles

IMPORT_WANTED = 0.5
MEMORY_WANTED = 400
STAGES = (200, 600, 1200, 1800)
"""Plans after which memory is read; it stops growing when the most closed orders that are remembered are reached."""


def import_seconds(module: str) -> float:
    """The time that importing ``module`` takes, beyond that of an empty interpreter; the median of five."""

    def start(code: str) -> float:
        command = [sys.executable, "-c", code]
        return median_seconds(lambda: subprocess.run(command, check=True), times=5)  # noqa: S603 - fixed code, this interpreter

    return max(0.0, start(f"import {module}") - start("pass"))


def resident_megabytes() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def measure() -> list[Figure]:
    """Import time, then the memory of this process after more and more plans of one run."""
    seconds = import_seconds("conformance")
    figures = [
        Figure(
            name="import conformance", value=seconds, unit="s", target=f"< {IMPORT_WANTED}", met=seconds < IMPORT_WANTED
        ),
        Figure(name="import all that a run needs", value=import_seconds("conformance.application.run"), unit="s"),
    ]
    if not Path("/proc/self/statm").exists():
        return figures
    with (
        embedded_target(ExchangeSettings()) as (profile, _),
        open_session(profile, level=LEVELS[LevelName.CERTIFY], seed=1) as explorer,
    ):
        plans = draw_plans(lifecycles(explorer.ground), STAGES[-1], seed_of="memory")
        done = 0
        for stage in STAGES:
            explorer.run(plans[done:stage])
            done = stage
            held = resident_megabytes()
            figures.append(
                Figure(
                    name=f"memory after {stage} plans",
                    value=held,
                    unit="MB",
                    target=f"< {MEMORY_WANTED}",
                    met=held < MEMORY_WANTED,
                )
            )
    return figures
