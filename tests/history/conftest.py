"""Short runs over the embedded exchange that are recorded, for all tests that judge histories."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from conformance.application.judge import judge_history
from conformance.application.run import Options, RunOutcome, perform


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run with its history, and where it wrote its files."""

    options: Options
    outcome: RunOutcome
    history: Path

    def judged(self, out: Path, history: Path | None = None) -> RunOutcome:
        """What judging the history, or an altered one, ends with; its files are written into ``out``."""
        return judge_history(history or self.history, Options(out=out, quiet=True))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """Gives a recorded smoke run of some requirements, ``recorded("TRM-01", "filled-cancel-accepted")``, made once."""

    @cache
    def record(only: str, *faults: str, mode: str = "immediate", workers: int = 2) -> Recorded:
        folder = tmp_path_factory.mktemp("recorded")
        options = Options(
            level="smoke",
            only=only,
            out=folder / "report",
            faults=faults,
            cancel_mode=mode,
            workers=workers,
            quiet=True,
            record=folder / "history.ndjson.gz",
        )
        outcome = perform(options)
        assert options.record is not None
        return Recorded(options=replace(options, record=None), outcome=outcome, history=options.record)

    return record
