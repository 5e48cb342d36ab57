"""One measured figure and how it is shown."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A measured value with its unit; ``target`` says in words what it should be, ``met`` whether it is."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None

    @property
    def shown(self) -> str:
        """The value with three significant digits, thousands set apart."""
        return f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:.3g}"


def median_seconds(
    action: Callable[[], object], *, times: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median time that an action takes, in seconds of ``clock``."""
    taken = []
    for _ in range(times):
        began = clock()
        action()
        taken.append(clock() - began)
    return statistics.median(taken)
