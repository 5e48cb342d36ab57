"""The stored corpus, run through the runner once more and recorded: its facts alone give the results that it gave."""

from pathlib import Path
from typing import Any

import pytest

from conformance.history.folding import HistoryFold
from conformance.history.header import header_of, stored_contract, stored_profile
from conformance.history.reading import open_history
from conformance.history.writing import HistoryFile
from conformance.judging.case import Target
from conformance.runner.lane_memory import LaneMemory
from conformance.runner.translation import venue_rules
from conformance.trace import PlanResult
from tests.judging.histories import CORPUS, History, read_histories
from tests.judging.replaying import played

QUICK = ("faults-0", "clean-margin-mixed", "clean-token-immediate")
FILES = [
    pytest.param(path, marks=() if path.stem.startswith(QUICK) else pytest.mark.slow, id=path.stem)
    for path in sorted(CORPUS.glob("*.xz"))
]


def told(result: PlanResult) -> dict[str, Any]:
    """All that a result tells, but for durations and for what several plan runs share."""
    steps = [(step.index, step.at, step.exchanges, step.observations) for step in result.steps]
    shown = {
        name: getattr(result, name) for name in ("violations", "exercised", "cells", "timings", "notes", "attacks")
    }
    return {**shown, "trouble": result.trouble, "suspect": result.suspect, "plan": result.plan, "steps": steps}


def folded(history: History, path: Path) -> list[tuple[PlanResult, PlanResult]]:
    """Each plan's result as the runner made it, and as it is folded from what was written in ``path``."""
    with HistoryFile(path, header_of(history.target.profile(), {})) as file:
        results = []
        for result in played(history, LaneMemory(recorder=file.lane(history.lane))):
            file.counted(result, "corpus")
            results.append(result)
    stored = open_history(path)
    profile = stored_profile(stored.header, str(path))
    target = Target(
        profile=profile,
        rules=venue_rules(profile),
        offered=profile.capabilities(),
        contract=stored_contract(stored.header, profile),
    )
    fold = HistoryFold(history=stored, target=target)
    for _, line in stored.lines():
        if "counted" not in line:
            fold.take(line)
    assert fold.record.requests == sum(result.requests for result in results)
    return [(result, fold.results[result.number]) for result in results]


@pytest.mark.parametrize("path", FILES)
def test_facts_alone_give_the_results(path: Path, tmp_path: Path) -> None:
    """Violations, observations, exchanges, what was exercised, times and troubles are those of the runner's results."""
    for number, history in enumerate(read_histories(path)):
        for result, again in folded(history, tmp_path / f"{number}.gz"):
            assert told(again) == told(result), f"{history.name}, plan run {result.number}"
