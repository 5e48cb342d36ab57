"""Do the plans of evidence reproduce? Each seeded fault is caught, its plan made small and kept, and run again.

At the exchange where it was found a fault must reproduce every time; one that needs two calls at once or a call while a
cancel is pending, that counts orders, or that is seen in some requests alone, at least once in twice as many tries. At
an exchange that was started afresh, a fault that needs more history than a plan holds may not show.
"""

import argparse
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from conformance.application.replay import breach, impatient, plan_of
from conformance.application.run import Options, known_faults, run_info
from conformance.application.self_check import Bench, Trial, in_order
from conformance.engine.explorer import Explorer
from conformance.engine.levels import LevelName
from conformance.suite.listing import run_suite
from fixtures.faults import FAULTS, Fault
from reports.atomic_files import write_json
from reports.evidence import Evidence, evidence_of, read_evidence
from reports.evidence import to_json as evidence_json

BY_CHANCE = frozenset({"races", "intermittent", "rare"})
MOMENTS = ("while pending", "between request and confirmation", "one order in")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduced:
    """How often the kept plan of a fault showed it again, of ``tries`` (0 where none was found).

    ``again`` at the exchange where it was found, ``afresh`` at one that has just been started.
    """

    fault: str
    chance: bool
    requirement: str
    kind: str
    again: int
    afresh: int
    tries: int
    actions: int

    @property
    def met(self) -> bool:
        """Whether it reproduced as often as its kind of fault must."""
        least = 1 if self.chance else self.tries
        return self.tries > 0 and self.again >= least


_bench: Bench | None = None


def reproduced(name: str, level: LevelName, times: int) -> Reproduced:
    """Catch a fault, keep its evidence, start the exchange afresh, and run the plan ``times`` times, or twice that."""
    global _bench
    if _bench is None:
        _bench = Bench(level)
    fault = FAULTS[name]
    trial = Trial(fault=name, mode=fault.modes[0].value, seed=1)
    explorer = _bench.ready(trial, fault, everything=False)
    run_suite(explorer, in_order(_bench.tests, fault))
    finding = next(
        (f for f in explorer.record.findings.values() if fault.requirement in f.violation.requirements), None
    )
    if finding is None:
        return _result(fault, "not found", 0, 0, 0, 0)
    explorer.confirm(finding)
    if finding.failed == 1:  # with another lane's help: as in any run, another plan is looked for that shows it alone
        explorer.stop_at_first, explorer.stop = None, lambda: finding.failed > 1
        explorer.done.clear()
        run_suite(explorer, [test for test in in_order(_bench.tests, fault) if fault.requirement in test.requirements])
    info = run_info(Options(level=level.value, cancel_mode=trial.mode, faults=(name,)), _bench.profile, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.json"
        write_json(path, evidence_json(evidence_of(finding, info, file=str(path))))
        kept = read_evidence(path)
    wanted = 2 * times if _by_chance(fault) else times
    again, tries = _shown(explorer, kept, wanted)
    afresh, _ = _shown(_bench.ready(trial, fault, everything=False), kept, wanted)
    return _result(fault, kept.kind, again, afresh, tries, len(plan_of(kept).actions))


def _shown(explorer: Explorer, kept: Evidence, times: int) -> tuple[int, int]:
    """How many of so many replays show a breach, on the lane that the evidence names, which remembers nothing.

    And how many could be judged: a fault that loses funds leaves too little for a tenth replay.
    """
    for lane in explorer.lanes.lanes:
        lane.memory = lane.memory.empty()
    impatient(explorer.lanes)
    plan = plan_of(kept)
    results = [explorer.lanes.run(plan, number=kept.lane) for _ in range(times)]
    shown = [result for result in results if breach(result, kept) is not None]
    return len(shown), sum(result.trouble is None or bool(result.violations) for result in results)


def _by_chance(fault: Fault) -> bool:
    return fault.family in BY_CHANCE or any(moment in fault.rarity for moment in MOMENTS)


def _result(fault: Fault, kind: str, again: int, afresh: int, tries: int, actions: int) -> Reproduced:
    return Reproduced(
        fault=fault.name,
        chance=_by_chance(fault),
        requirement=fault.requirement,
        kind=kind,
        again=again,
        afresh=afresh,
        tries=tries,
        actions=actions,
    )


def measured(names: list[str], level: LevelName, times: int, processes: int) -> Iterator[Reproduced]:
    """Every fault of ``names``, as they come."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
        for future in as_completed([pool.submit(reproduced, name, level, times) for name in names]):
            yield future.result()


def main() -> None:
    """Print the faults whose evidence does not reproduce as it must, and the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replays", description=__doc__)
    parser.add_argument("--level", choices=[level.value for level in LevelName], default="standard")
    parser.add_argument("--fault", action="append", help="these faults alone")
    parser.add_argument("--times", type=int, default=10, help="replays of a plan")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    names = list(known_faults(asked.fault)) if asked.fault else list(FAULTS)
    results = []
    for number, result in enumerate(measured(names, LevelName(asked.level), asked.times, asked.processes), start=1):
        results.append(result)
        if number % 50 == 0:
            console.print(f"... {number} of {len(names)}")
        if not result.met or result.afresh < result.tries:
            mark = "" if result.met else "NOT AS IT MUST: "
            counts = f"{result.again} of {result.tries}, afresh {result.afresh}"
            about = f"{result.fault} ({result.requirement}, {result.actions} actions)"
            console.print(f"{mark}{about}: {counts}: {result.kind}")
    for title, chance in (
        ("faults that always show", False),
        ("faults that need chance, counting, two calls at once or a moment", True),
    ):
        group = [result for result in results if result.chance is chance]
        met = sum(result.met for result in group)
        console.print(f"{title}: {met} of {len(group)} reproduce as they must")


if __name__ == "__main__":
    main()
