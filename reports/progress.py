"""What a run shows while it works: on a terminal one live line, elsewhere a plain line now and then."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

PLAIN_SECONDS: Final = 10.0
"""Seconds between two lines where there is no terminal (a CI log)."""


class RunProgress:
    """Shows how far a run is. It is told, never asks; between :meth:`update` calls only its spinner moves.

    Use it as a context manager. Where ``console`` is no terminal it prints a plain line every ten seconds instead.
    """

    def __init__(self, console: Console, *, plain_seconds: float = PLAIN_SECONDS) -> None:
        """``console`` should write to standard error, so that results can be piped."""
        self._console = console
        self._plain_seconds = plain_seconds
        self._spoke = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Start to show."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live line away; what was printed above it stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(
        self,
        *,
        requirement: str = "",
        plans: int = 0,
        requests: int = 0,
        rate: float = 0.0,
        seconds_left: float | None = None,
        violations: int = 0,
        done: float | None = None,
    ) -> None:
        """Show where the run is: ``rate`` in requests per second, ``done`` a fraction of the whole if it is known."""
        text = _line(requirement, plans, requests, rate, seconds_left, violations, done)
        if self._live is not None:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(Spinner("dots"), text)
            self._live.update(grid)
            return
        now = time.monotonic()
        if now - self._spoke >= self._plain_seconds:
            self._spoke = now
            self._console.print(text, soft_wrap=True)

    def note(self, message: str) -> None:
        """Print a line that stays, such as a violation at the moment it is seen."""
        console = self._live.console if self._live is not None else self._console
        console.print(Text(message), soft_wrap=True)


def _line(
    requirement: str,
    plans: int,
    requests: int,
    rate: float,
    seconds_left: float | None,
    violations: int,
    done: float | None,
) -> Text:
    text = Text(overflow="ellipsis", no_wrap=True)
    if done is not None:
        text.append(f"{min(1.0, max(0.0, done)):4.0%}  ")
    text.append(requirement or "starting", style="bold")
    text.append(f"  {plans} plans, {requests} requests ({rate:.0f}/s)")
    if seconds_left is not None:
        text.append(f", about {max(0.0, seconds_left):.0f} s left")
    if violations:
        text.append(f", {violations} violation{'s' if violations > 1 else ''}", style="bold red")
    return text
