"""How the suite fares where nothing is perfect: false alarms on the honest exchange, and how many faults it still sees.

The embedded exchange is put behind 50 ms of lag, with 5 % of the answers lost, 5 % of the requests throttled, reads up
to 80 ms late (allowed in the profile) and other participants who trade. Prints a line a run and the two figures.

    python -m benchmarks.imperfect_targets --runs 20 --level standard --lanes 8 --processes 4
    python -m benchmarks.imperfect_targets --faults 40 --level smoke

The evidence of each accusation of the honest exchange is kept in the folder ``--out``.
"""

import argparse
import multiprocessing
import random
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.application.run import Options, run_info
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.suite.listing import conformance_tests, run_suite
from conformance.verdicts import Finding
from fixtures.embedded import embedded_target
from fixtures.exchange import DEFAULT_MARKETS, CancelMode, ExchangeSettings, Imperfections
from fixtures.faults import FAULTS, families
from fixtures.profiles import load_profile
from reports.evidence_files import EvidenceFolder

FLAWS = Imperfections(lag_ms=50, lost_answers=0.05, throttled=0.05, stale_reads_ms=80, other_participants=5)


def tables(lanes: int) -> dict[str, Any]:
    """What the profile of such a target says."""
    prices = {name: str(market.rest_price) for name, market in load_profile("embedded").markets.items()}
    names = [
        (market.symbol, market.symbol if lane == 1 else f"{market.symbol}.{lane}")
        for market in DEFAULT_MARKETS
        for lane in range(1, lanes + 1)
    ]
    shared = {name: {"isolated": False, "rest_price_sell": prices[first]} for first, name in names}
    limits = {"throttled_seconds": 3600.0}
    return {"timing": {"read_delay": 0.08, "balance_delay": 0.08}, "markets": shared, "limits": limits}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One finding of a run, in words."""

    requirements: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One run: what it found, and how many plans it could not judge to their end."""

    findings: tuple[Seen, ...]
    requests: int
    given_up: int
    seconds: float


def judge(level: str, lanes: int, seed: int, mode: CancelMode, name: str | None, out: Path | None = None) -> Judged:
    """One run of the suite; the run of a seeded fault ends with its first catch. ``out``: where evidence is kept."""
    began = time.monotonic()
    fault = None if name is None else FAULTS[name]
    faults = () if fault is None else (fault.name,)
    settings = ExchangeSettings(cancel_mode=mode, delay_ms=(150, 500), seed=seed, imperfections=FLAWS, faults=faults)
    tests = conformance_tests()
    if fault is not None:
        tests = tuple(sorted(tests, key=lambda test: fault.requirement not in test.requirements))
    with (
        embedded_target(settings, tables(lanes), lanes=lanes) as (profile, _),
        open_session(profile, level=LEVELS[LevelName(level)], seed=seed, lanes=lanes) as explorer,
    ):
        if fault is not None:
            explorer.stop_at_first = frozenset({fault.requirement})
        run_suite(explorer, tests)
        record = explorer.record
        if out is not None:
            folder = EvidenceFolder(out / f"run-{seed}", run_info(Options(level=level, seed=seed), profile, None))
            for finding in record.findings.values():
                folder.write(finding)
    return Judged(
        findings=tuple(_seen(finding) for finding in record.findings.values()),
        requests=record.requests,
        given_up=sum(record.troubles.values()),
        seconds=time.monotonic() - began,
    )


def _seen(finding: Finding) -> Seen:
    violation = finding.violation
    text = (
        f"{violation.requirements} {violation.kind}: {violation.what}: {violation.predicted}, seen {violation.seen} "
        f"({finding.result.plan.title})"
    )
    return Seen(requirements=violation.requirements, text=text)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=0, help="runs on the honest exchange, the cancel modes in turn")
    options.add_argument("--faults", type=int, default=0, help="seeded faults to look for, drawn by the seed")
    options.add_argument("--families", default=",".join(families()), help="where those faults are drawn from")
    options.add_argument("--level", default="smoke", choices=[name.value for name in LevelName])
    options.add_argument("--lanes", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, help="keep the evidence of accusations here")
    options.add_argument("--processes", type=int, default=1, help="runs at once: they mostly wait")
    given = options.parse_args()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=given.processes, mp_context=context) as pool:
        if given.runs:
            _honest(pool, given)
        if given.faults:
            _faulty(pool, given)


def _honest(pool: Executor, given: argparse.Namespace) -> None:
    modes = list(CancelMode)
    pending = {
        pool.submit(judge, given.level, given.lanes, given.seed + number, modes[number % 3], None, given.out): number
        for number in range(given.runs)
    }
    accused = 0
    for future in as_completed(pending):
        number, run = pending[future], future.result()
        accused += bool(run.findings)
        _say(
            f"run {number + 1} ({modes[number % 3]}): {len(run.findings)} findings, {run.requests} requests, "
            f"{run.given_up} plans not judged to their end, {run.seconds:.0f} s"
        )
        for finding in run.findings:
            _say(f"    {finding.text}")
    _say(f"honest exchange: {accused} of {given.runs} {given.level} runs accuse it")


def _faulty(pool: Executor, given: argparse.Namespace) -> None:
    families = given.families.split(",")
    known = [fault for fault in FAULTS.values() if fault.family in families]
    chosen = random.Random(given.seed).sample(known, min(given.faults, len(known)))
    pending = {
        pool.submit(judge, given.level, given.lanes, given.seed, fault.modes[0], fault.name): fault for fault in chosen
    }
    caught = seen = 0
    for future in as_completed(pending):
        fault, run = pending[future], future.result()
        broken = {name for finding in run.findings for name in finding.requirements}
        caught += fault.requirement in broken
        seen += bool(broken)
        shown = (
            "caught" if fault.requirement in broken else f"not by {fault.requirement}: {sorted(broken) or 'ESCAPED'}"
        )
        _say(f"{fault.name}: {shown}, {run.seconds:.0f} s")
    _say(f"seeded faults: {seen} of {len(chosen)} seen, {caught} by their own requirement, at {given.level}")


if __name__ == "__main__":
    main()
