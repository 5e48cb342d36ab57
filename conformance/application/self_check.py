"""The suite checked on itself: every seeded fault must be caught, a clean exchange must not be accused."""

import multiprocessing
import multiprocessing.util
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace

from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import missing_reasons, open_session
from conformance.model.deviations import NONE
from conformance.requirements import Level, catalogue
from conformance.runner.lane_memory import LaneMemory
from conformance.suite.listing import TURNS, ConformanceTest, conformance_tests, run_suite
from conformance.verdicts import RunRecord, Verdict, judgements
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeSettings
from fixtures.exchange.schemes import SCHEMES
from fixtures.faults import FAULTS, OF_SCHEMES, Fault, entailed
from fixtures.profiles import Profile

DELAY_MS = (20, 60)
"""The delay of the embedded exchange's delayed cancels, in milliseconds: long enough to be met."""

LANES = 2
"""Lanes of each process: while one waits for a pending cancel, the other goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One run of the suite against one exchange: with a seeded fault, or clean (``fault`` is ``None``).

    ``variant``: the clean exchange differs in this honest way, and is described by the profile that goes with it.
    ``scheme``: its requests are signed in this one, in place of the documented one.
    """

    fault: str | None
    mode: str
    seed: int
    variant: str = ""
    scheme: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """What a trial showed. ``broken`` are the requirements that fired; ``by`` the test that caught the fault."""

    trial: Trial
    requirement: str
    caught: bool
    broken: tuple[str, ...]
    by: str
    kind: str
    plans: int
    requests: int
    seconds: float
    not_passed: tuple[str, ...] = ()
    error: str = ""

    @property
    def misnamed(self) -> tuple[str, ...]:
        """The requirements that fired and that neither the fault nor what it entails breaks."""
        named = {self.requirement, *entailed(self.trial.fault or "")}
        return tuple(found for found in self.broken if found not in named)

    @property
    def good(self) -> bool:
        """Whether a fault was caught, or a clean exchange passed."""
        return not self.error and (self.caught if self.trial.fault is not None else not self.broken)


def trials(faults: Iterable[str], *, seed: int, clean: bool = True, clean_seeds: int = 1) -> list[Trial]:
    """A trial for each fault, in the first cancel mode that it shows in, and clean ones for every mode."""
    found = [
        Trial(fault=None, mode=mode.value, seed=seed + n) for n in range(clean_seeds) for mode in CancelMode if clean
    ]
    return found + [Trial(fault=name, mode=FAULTS[name].modes[0].value, seed=seed) for name in faults]


def variant_trials(names: Iterable[str], *, seed: int) -> list[Trial]:
    """A clean trial for each honest variant."""
    return [Trial(fault=None, mode=CancelMode.MIXED.value, seed=seed, variant=name) for name in names]


def scheme_trials(*, seed: int) -> list[Trial]:
    """For each scheme of the embedded exchange beside the documented one: a clean run, and its own faults."""
    clean = [Trial(fault=None, mode=CancelMode.MIXED.value, seed=seed, scheme=scheme) for scheme in SCHEMES]
    return clean + [
        Trial(fault=name, mode=fault.modes[0].value, seed=seed, scheme=fault.scheme)
        for name, fault in OF_SCHEMES.items()
    ]


def check(todo: list[Trial], *, level: LevelName, processes: int, everything: bool = False) -> Iterator[TrialResult]:
    """Run trials on several processes, each with an embedded exchange of its own; results as they come."""
    context = multiprocessing.get_context("spawn")
    # one trial a task, so that slow and quick ones spread evenly
    with ProcessPoolExecutor(max_workers=min(processes, len(todo)) or 1, mp_context=context) as pool:
        pending = [pool.submit(_trial, trial, level, everything) for trial in todo]
        try:
            for future in as_completed(pending):
                yield future.result()
        finally:
            for future in pending:
                future.cancel()


class Bench:
    """One process's exchange and session, reset between trials: starting anew each time would take most of the time."""

    def __init__(self, level: LevelName) -> None:
        self._target = embedded_target(ExchangeSettings(delay_ms=DELAY_MS), lanes=LANES)
        self.profile, self.exchange = self._target.__enter__()
        self._session = open_session(self.profile, level=LEVELS[level], seed=0, lanes=LANES)
        self.explorer = self._session.__enter__()
        self.tests = conformance_tests()
        # a worker process ends without leaving its with blocks; this is what multiprocessing runs instead
        multiprocessing.util.Finalize(self, self.close, exitpriority=10)
        threading.Thread(target=_end_with_the_parent, daemon=True).start()

    def close(self) -> None:
        """Leave nothing open, and stop the exchange."""
        self._session.__exit__(None, None, None)
        self._target.__exit__(None, None, None)

    def ready(self, trial: Trial, fault: Fault | None, *, everything: bool) -> Explorer:
        """A fresh explorer over a fresh exchange with the trial's fault and mode."""
        self.exchange.control.reset(
            faults=[trial.fault] if trial.fault else [], cancel_mode=trial.mode, seed=trial.seed
        )
        for lane in self.explorer.lanes.lanes:
            lane.memory = LaneMemory()
            journal = lane.venue.desk.journal
            for left in journal.open_orders():
                journal.never_placed(left.client_id)  # the fresh exchange has none of the last trial's orders
        wanted = None if fault is None or everything else frozenset({fault.requirement})
        return replace(
            self.explorer,
            record=RunRecord(),
            seed=trial.seed,
            stop_at_first=wanted,
            done=set(),
            established=NONE,
            expiries=0,
            test="",
            wanted=(),
        )


def _end_with_the_parent() -> None:
    """A worker whose parent was killed would go on with its queue; the exchange ends with the worker."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


_bench: Bench | None = None


def _trial(trial: Trial, level: LevelName, everything: bool) -> TrialResult:
    global _bench
    if trial.variant:
        return _of_variant(trial, level)
    if trial.scheme:
        return _of_scheme(trial, level, everything=everything)
    if _bench is None:
        _bench = Bench(level)
    fault = FAULTS[trial.fault] if trial.fault is not None else None
    began = time.monotonic()
    explorer = _bench.ready(trial, fault, everything=everything)
    run_suite(explorer, in_order(_bench.tests, fault))
    return _shown(trial, explorer, _bench.profile, fault, began)


def _of_variant(trial: Trial, level: LevelName) -> TrialResult:
    """A trial of an honest variant: an exchange of its own, since another profile describes it."""
    began = time.monotonic()
    settings = ExchangeSettings(
        cancel_mode=CancelMode(trial.mode), delay_ms=DELAY_MS, seed=trial.seed, variants=(trial.variant,)
    )
    with (
        embedded_target(settings, lanes=LANES) as (profile, _),
        open_session(profile, level=LEVELS[level], seed=trial.seed, lanes=LANES) as explorer,
    ):
        run_suite(explorer, conformance_tests())
        return _shown(trial, explorer, profile, None, began)


def _of_scheme(trial: Trial, level: LevelName, *, everything: bool) -> TrialResult:
    """A trial in another scheme: an exchange of its own, with keys of the scheme's kind."""
    began = time.monotonic()
    fault = None if trial.fault is None else OF_SCHEMES[trial.fault]
    settings = ExchangeSettings(
        cancel_mode=CancelMode(trial.mode),
        delay_ms=DELAY_MS,
        seed=trial.seed,
        scheme=trial.scheme,
        faults=() if fault is None else (fault.name,),
    )
    wanted = None if fault is None or everything else frozenset({fault.requirement})
    with (
        embedded_target(settings, lanes=LANES) as (profile, _),
        open_session(profile, level=LEVELS[level], seed=trial.seed, lanes=LANES) as opened,
    ):
        explorer = replace(opened, stop_at_first=wanted)
        run_suite(explorer, in_order(conformance_tests(), fault))
        return _shown(trial, explorer, profile, fault, began)


def _shown(trial: Trial, explorer: Explorer, profile: Profile, fault: Fault | None, began: float) -> TrialResult:
    record = explorer.record
    finding = next(
        (f for f in record.findings.values() if fault and fault.requirement in f.violation.requirements), None
    )
    broken = {i for f in record.findings.values() for i in f.violation.requirements}
    not_passed: tuple[str, ...] = ()
    if fault is None:
        found = judgements(record, missing=missing_reasons(profile))
        not_passed = tuple(
            f"{j.requirement.id} {j.verdict}"
            for j in found
            if j.verdict is not Verdict.PASS and j.requirement.level is Level.MUST
        )
    return TrialResult(
        trial=trial,
        requirement=fault.requirement if fault else "",
        caught=finding is not None,
        broken=tuple(i for i in catalogue() if i in broken),
        by=finding.test if finding else "",
        kind=finding.violation.kind
        if finding
        else "; ".join(sorted({f.violation.kind for f in record.findings.values()})),
        plans=record.plans,
        requests=record.requests,
        seconds=time.monotonic() - began,
        not_passed=not_passed,
        error=record.stopped or next(iter(record.errors), ""),
    )


def in_order(tests: tuple[ConformanceTest, ...], fault: Fault | None) -> list[ConformanceTest]:
    """For a fault: the tests that speak for its requirement, then the broad ones, then the rest.

    Those that need accounts without an order come before others that speak for it, as in every run.
    """
    if fault is None:
        return list(tests)
    return sorted(
        tests,
        key=lambda test: (
            fault.requirement not in test.requirements,
            test.turn != TURNS[0],
            not test.broad,
        ),
    )
