"""Side by side on the same embedded exchange and seeded faults: Schemathesis alone, and this suite.

Schemathesis runs as its users run it: ``schemathesis run`` with its own defaults, on the bundled OpenAPI document, with
valid credentials (a hook signs every request). A fault is caught where it complains of something that it does not
complain of on the clean exchange. This suite runs its conformance tests at a level, and stops at the fault's
requirement. Both are run clean too: what they say there is a false alarm.

    python -m benchmarks.side_by_side --faults 24 --level standard
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from conformance.application.self_check import Trial, check
from conformance.engine.levels import LevelName
from fixtures.contract.document import BUNDLED, read_document
from fixtures.exchange import CancelMode, ExchangeProcess
from fixtures.faults import FAULTS, Fault, compose

HOOK = Path(__file__).with_name("signing_hook.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one tool made of one exchange: what it complained of, with how many requests, in how many seconds."""

    complaints: frozenset[str]
    requests: int
    seconds: float


def main() -> None:
    """Run both on a sample of the faults, and print a table with the sums."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description=__doc__)
    parser.add_argument("--faults", type=int, default=24, help="how many, drawn from all families in turns")
    parser.add_argument("--only", default="", metavar="ID,…", help="faults of these requirements or families alone")
    parser.add_argument("--level", choices=[level.value for level in LevelName], default="standard")
    parser.add_argument("--seed", type=int, default=1, help="of the sample, and of both tools")
    asked = parser.parse_args()
    console = Console(highlight=False)
    faults = sample(asked.faults, asked.seed, tuple(filter(None, asked.only.split(","))))
    theirs = schemathesis_alone(faults, asked.seed, console)
    ours = this_suite(faults, LevelName(asked.level), asked.seed, console)
    show(console, faults, theirs, ours)


def sample(count: int, seed: int, only: Sequence[str]) -> list[Fault]:
    """``count`` faults, the families taking turns, the same for the same seed; all of them where there are no more."""
    random_ = random.Random(seed)
    families: dict[str, list[Fault]] = {}
    for fault in FAULTS.values():
        if not only or fault.requirement in only or fault.requirement.partition("-")[0] in only:
            families.setdefault(fault.family, []).append(fault)
    for family in families.values():
        random_.shuffle(family)
    turns = [family[turn] for turn in range(len(FAULTS)) for family in families.values() if turn < len(family)]
    return turns[:count]


def schemathesis_alone(faults: Sequence[Fault], seed: int, console: Console) -> dict[str, Outcome]:
    """Its outcome for each fault by name, and for the clean exchange under ``""``."""
    outcomes: dict[str, Outcome] = {}
    with TemporaryDirectory(prefix="side-by-side-") as name, ExchangeProcess(compose=compose) as exchange:
        folder = Path(name)
        _, document = read_document(BUNDLED, folder, at="the benchmark")
        (folder / "document.json").write_text(json.dumps(dict(document), default=str), encoding="utf-8")
        account = exchange.accounts["primary"]
        key_file = folder / "key.pem"
        key_file.touch(mode=0o600)
        key_file.write_bytes(account.private_pem)
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HOOK),
            "SIDE_BY_SIDE_KEY_ID": account.key_id,
            "SIDE_BY_SIDE_KEY_FILE": str(key_file),
        }
        for fault in (None, *faults):
            mode = CancelMode.MIXED if fault is None else fault.modes[0]
            exchange.control.reset(faults=[fault.name] if fault else [], cancel_mode=mode.value, delay_ms=[20, 60])
            outcome = _schemathesis(exchange.base_url, folder, environment, seed)
            outcomes[fault.name if fault else ""] = outcome
            console.print(f"Schemathesis: {fault.name if fault else 'clean'}: {_said(outcome)}")
    return outcomes


def _schemathesis(base_url: str, folder: Path, environment: dict[str, str], seed: int) -> Outcome:
    events = folder / "events.ndjson"
    events.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "document.json", "--url", base_url, "--seed", str(seed)),
        *("--report", "ndjson", "--report-ndjson-path", events.name, "--generation-database", "none", "--no-color"),
    ]
    began = time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603 - our own arguments
    seconds = time.monotonic() - began
    requests = 0
    complaints: set[str] = set()
    for recorder in _recorders(events):
        requests += len(recorder.get("interactions", {}))
        for checks in recorder.get("checks", {}).values():
            for one in checks:
                if one.get("status") == "failure":
                    failure = one.get("failure_info", {}).get("failure", {})
                    complaints.add(f"{one.get('name')} at {failure.get('operation')}")
    return Outcome(complaints=frozenset(complaints), requests=requests, seconds=seconds)


def _recorders(events: Path) -> Iterator[dict[str, dict[str, list[dict[str, dict[str, dict[str, str]]]]]]]:
    if not events.exists():
        return
    for line in events.read_text(encoding="utf-8").splitlines():
        finished = json.loads(line).get("ScenarioFinished")
        if finished is not None:
            yield finished["recorder"]


def this_suite(faults: Sequence[Fault], level: LevelName, seed: int, console: Console) -> dict[str, Outcome]:
    """The suite's outcome for each fault by name, and for the clean exchange under ``""``."""
    outcomes: dict[str, Outcome] = {}
    todo = [Trial(fault=None, mode=CancelMode.MIXED.value, seed=seed)]
    todo += [Trial(fault=fault.name, mode=fault.modes[0].value, seed=seed) for fault in faults]
    for result in check(todo, level=level, processes=1):
        outcome = Outcome(complaints=frozenset(result.broken), requests=result.requests, seconds=result.seconds)
        outcomes[result.trial.fault or ""] = outcome
        console.print(f"this suite: {result.trial.fault or 'clean'}: {_said(outcome)}")
    return outcomes


def _said(outcome: Outcome) -> str:
    said = f"{len(outcome.complaints)} complaints" if len(outcome.complaints) != 1 else "1 complaint"
    return f"{said}, {outcome.requests} requests, {outcome.seconds:.1f} s"


def show(console: Console, faults: Sequence[Fault], theirs: dict[str, Outcome], ours: dict[str, Outcome]) -> None:
    """A row a fault, and the sums: caught, false alarms, requests and seconds of a clean run and in all."""
    table = Table(box=None, pad_edge=False)
    for heading in ("fault", "requirement", "Schemathesis alone", "requests", "s", "this suite", "requests", "s"):
        table.add_column(heading)
    caught: Counter[str] = Counter()
    for fault in faults:
        found = theirs[fault.name].complaints - theirs[""].complaints
        hit = fault.requirement in ours[fault.name].complaints
        caught.update({"theirs": bool(found), "ours": hit})
        table.add_row(
            fault.name,
            fault.requirement,
            ", ".join(sorted({one.partition(" at ")[0] for one in found})) or "-",
            str(theirs[fault.name].requests),
            f"{theirs[fault.name].seconds:.0f}",
            "caught" if hit else "-",
            str(ours[fault.name].requests),
            f"{ours[fault.name].seconds:.0f}",
        )
    console.print(table)
    for name, outcomes, key in (("Schemathesis alone", theirs, "theirs"), ("this suite", ours, "ours")):
        clean = outcomes[""]
        console.print(
            f"{name}: {caught[key]} of {len(faults)} faults caught; on the clean exchange {len(clean.complaints)} "
            f"false alarms, {clean.requests} requests, {clean.seconds:.0f} s; "
            f"on the faulty ones {sum(outcomes[fault.name].requests for fault in faults)} requests, "
            f"{sum(outcomes[fault.name].seconds for fault in faults):.0f} s"
        )


if __name__ == "__main__":
    main()
