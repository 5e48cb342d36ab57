"""What a history costs: time while the run goes on, bytes, and the time to judge it again."""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure
from conformance.application.run import Options, run_info, settings_of
from conformance.engine.drawing import draw_plans
from conformance.engine.explorer import Silent
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.history.folding import fold
from conformance.history.header import header_of
from conformance.history.reading import open_history
from conformance.history.writing import HistoryFile
from conformance.judging.case import Target
from conformance.runner.lane_memory import Recorder
from conformance.runner.translation import venue_rules
from conformance.trace import PlanResult
from conformance.verdicts import RunRecord
from fixtures.contract.document import contract_of
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from fixtures.profiles import Profile
from strategies.lifecycles import lifecycles

PLANS = 120
ROUNDS = 3
COSTS_WANTED = 1.2
FACTS_WANTED = 1_000


class Counting(Silent):
    """Has every plan run counted in the history."""

    def __init__(self, history: HistoryFile) -> None:
        self._history = history

    def ran(self, record: RunRecord, result: PlanResult) -> None:
        """One more."""
        self._history.counted(result, "benchmark")


def _seconds(profile: Profile, history: HistoryFile | None) -> tuple[float, float, int]:
    """Wall and processor seconds of this process for the same plans, and how many requests they made."""
    recorder_of: Callable[[int], Recorder] | None = None if history is None else history.lane
    watcher = Silent() if history is None else Counting(history)
    level = LEVELS[LevelName.STANDARD]
    with open_session(profile, level=level, seed=1, watcher=watcher, recorder_of=recorder_of) as explorer:
        plans = draw_plans(lifecycles(explorer.ground), PLANS, seed_of="recording")
        wall, processor = time.perf_counter(), time.process_time()
        explorer.run(plans)
        return time.perf_counter() - wall, time.process_time() - processor, explorer.record.requests


def measure() -> list[Figure]:
    """Runs with and without a history in turn, then the last history judged again."""
    taken: Mapping[bool, list[tuple[float, float, int]]] = {False: [], True: []}
    with TemporaryDirectory() as folder, embedded_target(ExchangeSettings()) as (profile, _):
        path = Path(folder) / "history.gz"
        header = header_of(profile, settings_of(run_info(Options(), profile, None)))
        for _ in range(ROUNDS):
            taken[False].append(_seconds(profile, None))
            with HistoryFile(path, header) as history:
                taken[True].append(_seconds(profile, history))
        size, requests = path.stat().st_size, taken[True][-1][2]
        target = Target(
            profile=profile,
            rules=venue_rules(profile),
            offered=profile.capabilities(),
            contract=contract_of(profile),
        )
        began = time.process_time()
        judged = fold(open_history(path), target)
        seconds = time.process_time() - began
    wall, processor = (
        statistics.median(one[part] for one in taken[True]) / statistics.median(one[part] for one in taken[False])
        for part in (0, 1)
    )
    wanted = f"< {COSTS_WANTED}"
    rate = judged.facts / seconds
    return [
        Figure(name="time of a recorded run", value=wall, unit="times", target=wanted, met=wall < COSTS_WANTED),
        Figure(name="processor time of a recorded run", value=processor, unit="times"),
        Figure(name="size of a compressed history", value=size / requests, unit="bytes/request"),
        Figure(
            name="judging a history again",
            value=rate,
            unit="facts/s",
            target=f"> {FACTS_WANTED}",
            met=rate > FACTS_WANTED,
        ),
    ]
