"""How the suite fares where nothing is perfect: false alarms on the honest exchange, and how many faults it still sees.

The embedded exchange is put behind 50 ms of lag, with 5 % of the answers lost, 5 % of the requests throttled, reads up
to 80 ms late (allowed in the profile) and strangers who trade. Prints a line a run and the two figures.

    python benchmarks/imperfect_targets.py --runs 20 --level standard --lanes 8
    python benchmarks/imperfect_targets.py --faults 40 --level smoke
"""

import argparse
import random
import sys
import time
from typing import Any

from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.suite.listing import conformance_tests, run_suite
from conformance.verdicts import RunRecord
from fixtures.embedded import embedded_target
from fixtures.exchange import DEFAULT_MARKETS, CancelMode, ExchangeSettings, Imperfections
from fixtures.faults import FAULTS, Fault
from fixtures.profiles import load_profile

FLAWS = Imperfections(lag_ms=50, lost_answers=0.05, throttled=0.05, stale_reads_ms=80, strangers=5)


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


def judge(level: str, lanes: int, seed: int, mode: CancelMode, fault: Fault | None) -> RunRecord:
    """One run of the suite; a fault's run ends with its first catch."""
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
        return explorer.record


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=0, help="runs on the honest exchange, the cancel modes in turn")
    options.add_argument("--faults", type=int, default=0, help="seeded faults to look for, drawn by the seed")
    options.add_argument("--families", default="states,terminal,funds,bulk,pending,not-found")
    options.add_argument("--level", default="smoke", choices=[name.value for name in LevelName])
    options.add_argument("--lanes", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    accused = 0
    for number in range(given.runs):
        mode = list(CancelMode)[number % 3]
        began = time.monotonic()
        record = judge(given.level, given.lanes, given.seed + number, mode, None)
        accused += bool(record.findings)
        _say(
            f"run {number + 1} ({mode}): {len(record.findings)} findings, {record.requests} requests, "
            f"{sum(record.troubles.values())} plans not judged to their end, {time.monotonic() - began:.0f} s"
        )
        for finding in record.findings.values():
            _say(
                f"    {finding.violation.requirements} {finding.violation.kind}: {finding.violation.what}: "
                f"{finding.violation.predicted}, seen {finding.violation.seen} ({finding.result.plan.title})"
            )
    if given.runs:
        _say(f"honest exchange: {accused} of {given.runs} {given.level} runs accuse it")
    families = given.families.split(",")
    known = [fault for fault in FAULTS.values() if fault.family in families]
    chosen = random.Random(given.seed).sample(known, min(given.faults, len(known)))
    caught = seen = 0
    for fault in chosen:
        began = time.monotonic()
        record = judge(given.level, given.lanes, given.seed, fault.modes[0], fault)
        broken = {name for finding in record.findings.values() for name in finding.violation.requirements}
        caught += fault.requirement in broken
        seen += bool(broken)
        shown = (
            "caught" if fault.requirement in broken else f"not by {fault.requirement}: {sorted(broken) or 'ESCAPED'}"
        )
        _say(f"{fault.name}: {shown}, {time.monotonic() - began:.0f} s")
    if chosen:
        _say(f"seeded faults: {seen} of {len(chosen)} seen, {caught} by their own requirement, at {given.level}")


if __name__ == "__main__":
    main()
