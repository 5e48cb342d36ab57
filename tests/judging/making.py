"""Make the corpus of stored histories again: ``python -m tests.judging.making`` (a quarter of an hour on two cores).

Clean runs of the suite's plans in three cancel modes and in four foreign dialects, and for each seeded fault the small
plan that shows it. A history is kept once replaying it gives the verdicts that it was recorded with; where a fault has
none, ``corpus/missing.toml`` says why.

``--judge-anew`` makes nothing: it stores what today's judging says of the histories that there are. Those that ask for
what is not stored, or no longer show their fault, are left out and listed; ``--missing`` then makes them again.
"""

import argparse
import json
import multiprocessing
import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from conformance.application.self_check import DELAY_MS, LANES, Bench, Trial, in_order
from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.plans import Forge, Plan
from conformance.suite.listing import conformance_tests, run_suite
from conformance.trace import PlanResult
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode
from fixtures.exchange.dialects import DOCUMENTED, dialect_settings
from fixtures.faults import FAULTS, Fault
from fixtures.profiles import Profile
from tests.judging.histories import CORPUS, MISSING, History, Target, read_histories, write_histories
from tests.judging.recording import record
from tests.judging.replaying import NotStoredError, replay

CLEAN = (
    *((DOCUMENTED, mode) for mode in CancelMode),
    ("rest-delete", CancelMode.MIXED),
    ("token", CancelMode.IMMEDIATE),
    ("margin", CancelMode.MIXED),
    ("rpc", CancelMode.DELAYED),
)
CONSOLE = Console(highlight=False, markup=False, soft_wrap=True)

PLANS_OF_A_TEST = 2
"""Plans that are taken of each conformance test for the clean histories of one target."""

PLANS_IN_TURN = 12
"""Plans that one clean history runs in one lane, which remembers the earlier ones."""

MOST_TRIED = 60
"""Plans of the tests for a requirement that are tried where the plan that was found shows another one."""

KEY_DECIDES = frozenset({"pkcs1-s-plus-n", "pkcs1-s-shorter"})
"""Flaws that can be made with some keys alone: a replay, which has others, would send other requests."""

TRIES = 2
"""How often a plan is recorded until it shows its fault, and its replay gives the same verdicts."""

AGAIN = 6
"""How often a plan is run in turn where a fault is met by chance, or has no answer in five plans (ERR-01)."""

CHECKS = 3
"""How many times all histories are replayed in new processes before they are kept."""

FILES = 6
"""Files that the faults' histories are spread over, so that two processes can replay them."""


@dataclass(kw_only=True)
class _Listing(Explorer):
    """Takes down the plans of the suite in place of running them."""

    listed: dict[str, list[Plan]] = field(default_factory=dict)

    def run(self, plans: Iterable[Plan], *, lane: int | None = None) -> None:
        """Keep the plans under the name of their test."""
        self.listed.setdefault(self.test, []).extend(plan for plan in plans if plan.actions)


def clean(dialect: str, mode: CancelMode) -> Iterator[History]:
    """Histories of plans of every conformance test, at an exchange without a fault."""
    settings = dialect_settings(dialect, cancel_mode=mode, delay_ms=DELAY_MS)
    with embedded_target(settings) as (profile, exchange):
        with open_session(profile, level=LEVELS[LevelName.SMOKE], seed=1) as explorer:
            listing = _Listing(lanes=explorer.lanes, ground=explorer.ground, level=explorer.level, seed=1)
            run_suite(listing, conformance_tests())
        chance = random.Random(f"{dialect} {mode}")
        chosen = [
            plan
            for plans in listing.listed.values()
            for plan in chance.sample(plans, min(PLANS_OF_A_TEST, len(plans)))
            if len(plan.actions) < 40 and not _by_key(plan)
        ]
        target = Target(dialect=dialect, cancel_mode=mode.value, delay_ms=DELAY_MS, lanes=1, base_url=exchange.base_url)
        for number, start in enumerate(range(0, len(chosen), PLANS_IN_TURN)):
            name = f"clean/{dialect}/{mode.value}/{number}"
            yield from _in_turn(name, profile, target, chosen[start : start + PLANS_IN_TURN])


def _by_key(plan: Plan) -> bool:
    return any(KEY_DECIDES & set(action.vectors) for action in plan.actions if isinstance(action, Forge))


def _in_turn(name: str, profile: Profile, target: Target, plans: Sequence[Plan]) -> Iterator[History]:
    """One history of all the plans, or of each half where no run of all can be replayed; a single plan is left out."""
    for _ in range(TRIES):
        history = record(name, profile, target, plans)
        problem = _replays(history)
        if problem is None and not any(verdict.violations for verdict in history.verdicts):
            yield history
            return
    CONSOLE.print(f"{name}, {len(plans)} plans from {plans[0].title!r}: {problem or _accusations(history)}"[:900])
    if len(plans) > 1:
        middle = len(plans) // 2
        yield from _in_turn(f"{name}a", profile, target, plans[:middle])
        yield from _in_turn(f"{name}b", profile, target, plans[middle:])


def _accusations(history: History) -> str:
    return "; ".join(f"accused of {ids[0]}: {kind}" for v in history.verdicts for ids, kind, _ in v.violations)


@dataclass(frozen=True, kw_only=True, slots=True)
class Faulty:
    """The history of one seeded fault, or the reason why there is none."""

    fault: str
    history: History | None
    reason: str = ""


_bench: Bench | None = None


def faulty(name: str) -> Faulty:
    """Catch a fault, make its plan small, and record a run of it that shows the fault again."""
    global _bench
    if _bench is None:
        _bench = Bench(LevelName.STANDARD)
    fault = FAULTS[name]
    trial = Trial(fault=name, mode=fault.modes[0].value, seed=1)
    explorer = _bench.ready(trial, fault, everything=False)
    explorer.level = replace(explorer.level, minimise=60, repeats=2)
    run_suite(explorer, in_order(_bench.tests, fault))
    finding = next(
        (f for f in explorer.record.findings.values() if fault.requirement in f.violation.requirements), None
    )
    if finding is None:
        fired = "; ".join(
            f"{', '.join(f.violation.requirements)} ({f.violation.kind})" for f in explorer.record.findings.values()
        )
        reason = f"the suite did not find it in this run; what fired: {fired or 'nothing'}"
        return Faulty(fault=name, history=None, reason=reason)
    found = finding.result
    explorer.confirm(finding)
    listing = _Listing(lanes=explorer.lanes, ground=explorer.ground, level=LEVELS[LevelName.STANDARD], seed=trial.seed)
    run_suite(listing, [test for test in _bench.tests if fault.requirement in test.requirements])
    meant = [plan for plans in listing.listed.values() for plan in plans]
    return _recorded(_bench, trial, fault, _courses(finding.result, found, meant))


def _recorded(bench: Bench, trial: Trial, fault: Fault, courses: Iterable[tuple[list[Plan], int]]) -> Faulty:
    profile, exchange = bench.profile, bench.exchange
    target = Target(
        dialect=DOCUMENTED, cancel_mode=trial.mode, delay_ms=DELAY_MS, lanes=LANES, base_url=exchange.base_url
    )
    reason = "no run of its plan in one lane that had no earlier plans showed it"
    for plans, lane in courses:
        for seed in range(1, TRIES + 1):
            exchange.control.reset(faults=[fault.name], cancel_mode=trial.mode, seed=seed)
            history = record(f"fault/{fault.name}", profile, target, plans, lane=lane, until=fault.requirement)
            if not any(fault.requirement in ids for v in history.verdicts for ids, *_ in v.violations):
                continue
            problem = _replays(history)
            if problem is None:
                return Faulty(fault=fault.name, history=history)
            reason = problem
    return Faulty(fault=fault.name, history=None, reason=reason)


def _courses(small: PlanResult, found: PlanResult, meant: list[Plan]) -> Iterator[tuple[list[Plan], int]]:
    """What is run in turn, and in which lane, to show a fault: the shortest first."""
    yield [small.plan], small.lane
    yield [found.plan], found.lane
    if found.before is not None:
        yield [found.before, found.plan], found.lane
    yield [small.plan] * AGAIN, small.lane
    yield [found.plan] * AGAIN, found.lane
    for plan in meant[:MOST_TRIED]:
        yield [plan], found.lane


def _replays(history: History) -> str | None:
    """Why a replay does not give the stored verdicts; ``None`` where it does."""
    try:
        again = replay(history)
    except NotStoredError as missing:
        return f"a replay asks for what the run did not: {missing}"
    if again == history.verdicts:
        return None
    differing = next(
        f"{name}: {getattr(old, name)} and then {getattr(new, name)}"
        for old, new in zip(history.verdicts, again, strict=True)
        if old != new
        for name in old.__dataclass_fields__
        if getattr(old, name) != getattr(new, name)
    )
    return f"a replay gives another verdict: {differing}"


def _unsteady(path: Path) -> dict[str, str]:
    """The histories of a file that this process, which has keys of its own, does not replay as they were; and why."""
    return {history.name: problem for history in read_histories(path) if (problem := _replays(history)) is not None}


def _only_steady(processes: int) -> dict[str, str]:
    """Leave out what a process with other keys and another order of sets replays otherwise; their names, and why."""
    unsteady: dict[str, str] = {}
    context = multiprocessing.get_context("spawn")
    for _ in range(CHECKS):
        paths = sorted(CORPUS.glob("*.xz"))
        with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
            for path, problems in zip(paths, pool.map(_unsteady, paths), strict=True):
                unsteady |= problems
                if problems:
                    write_histories(path, [h for h in read_histories(path) if h.name not in problems])
    return unsteady


@dataclass(frozen=True, kw_only=True, slots=True)
class Anew:
    """What today's judging says of one history; ``problem`` says why the history is to be made again."""

    history: History
    differs: bool = False
    problem: str = ""


def judged_anew(history: History) -> Anew:
    """A history with the verdicts that a replay gives today."""
    try:
        verdicts = replay(history)
    except NotStoredError as missing:
        return Anew(history=history, problem=str(missing))
    new = replace(history, verdicts=verdicts)
    broken = list(dict.fromkeys(one for verdict in verdicts for ids, *_ in verdict.violations for one in ids))
    kind, _, name = history.name.partition("/")
    wanted = FAULTS[name].requirement if kind == "fault" else None
    if (wanted in broken) if wanted else not broken:
        return Anew(history=new, differs=verdicts != history.verdicts)
    return Anew(history=history, problem=f"{wanted or 'nothing'} is to be broken, and it is {broken}")


def _judged_anew(path: Path) -> list[Anew]:
    return [judged_anew(history) for history in read_histories(path)]


def judge_anew(processes: int) -> None:
    """Store today's verdicts of all histories, and leave out those that have to be made again."""
    kept: dict[str, History] = {}
    reasons: dict[str, str] = {}
    paths = sorted(CORPUS.glob("*.xz"))
    with ProcessPoolExecutor(max_workers=processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for path, found in zip(paths, pool.map(_judged_anew, paths), strict=True):
            good = {one.history.name: one.history for one in found if not one.problem}
            differing = [one.history.name for one in found if one.differs]
            CONSOLE.print(f"{path.stem}: {len(good)} of {len(found)} kept, other verdicts: {', '.join(differing)}")
            for one in found:
                if one.problem:
                    CONSOLE.print(f"{one.history.name}, to be made again: {one.problem}"[:900])
                    reasons[one.history.name.removeprefix("fault/")] = f"to be made again: {one.problem}"
            if path.stem.startswith("faults-"):
                kept |= good
            else:
                write_histories(path, good.values())
    _write_faults(kept)
    _write_missing(kept, reasons)


def main() -> None:
    """Make the corpus, or parts of it; what was not asked for stays as it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.judging.making", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="the clean histories alone")
    parser.add_argument("--fault", action="append", help="these faults alone")
    parser.add_argument("--missing", action="store_true", help="the faults without a history alone")
    parser.add_argument("--judge-anew", action="store_true", help="make nothing, store today's verdicts")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    CORPUS.mkdir(exist_ok=True)
    if asked.judge_anew:
        judge_anew(asked.processes)
        return
    context = multiprocessing.get_context("spawn")
    everything = not (asked.clean or asked.fault or asked.missing)
    reasons: dict[str, str] = {}
    with ProcessPoolExecutor(max_workers=asked.processes, mp_context=context) as pool:
        if asked.clean or everything:
            for (dialect, mode), histories in zip(CLEAN, pool.map(_clean, *zip(*CLEAN, strict=True)), strict=True):
                write_histories(CORPUS / f"clean-{dialect}-{mode.value}.xz", histories)
                CONSOLE.print(f"{dialect} {mode.value}: {len(histories)} histories")
        kept = (
            {}
            if everything
            else {h.name: h for path in sorted(CORPUS.glob("faults-*.xz")) for h in read_histories(path)}
        )
        names = list(asked.fault or ())
        if everything or asked.missing:
            names = [name for name in FAULTS if f"fault/{name}" not in kept]
        for number, future in enumerate(as_completed([pool.submit(faulty, name) for name in names]), start=1):
            result = future.result()
            if result.history is None:
                CONSOLE.print(f"{result.fault}: {result.reason}"[:900])
                reasons[result.fault] = result.reason
            else:
                kept[result.history.name] = result.history
            if number % 20 == 0:
                CONSOLE.print(f"... {number} of {len(names)}")
                _write_faults(kept)
    _write_faults(kept)
    for name, reason in _only_steady(asked.processes).items():
        CONSOLE.print(f"{name}, left out: {reason}"[:900])
        reasons[name.removeprefix("fault/")] = reason
        kept.pop(name, None)
    _write_missing(kept, reasons)


def _write_missing(kept: Mapping[str, History], reasons: Mapping[str, str]) -> None:
    """Say of every fault without a history why it has none: the reason of this run, or that of an earlier one."""
    earlier = tomllib.loads(MISSING.read_text()) if MISSING.exists() else {}
    lines = [
        f"{name} = {json.dumps(reason[:300])}"
        for name in sorted(FAULTS)
        if f"fault/{name}" not in kept
        for reason in [" ".join((reasons.get(name) or earlier.get(name) or "not tried").split())]
    ]
    head = "# Seeded faults that no stored history shows, and why."
    MISSING.write_text("\n".join([head, *lines, ""]))


def _clean(dialect: str, mode: CancelMode) -> list[History]:
    return list(clean(dialect, mode))


def _write_faults(kept: dict[str, History]) -> None:
    histories = sorted(kept.values(), key=lambda history: history.name)
    for number in range(FILES):
        share = len(histories) * number // FILES, len(histories) * (number + 1) // FILES
        write_histories(CORPUS / f"faults-{number}.xz", histories[slice(*share)])


if __name__ == "__main__":
    main()
