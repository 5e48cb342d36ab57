"""A run with violations, made once: plans against the embedded exchange with three seeded faults."""

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.exit_status import ExitStatus
from conformance.model.order import Side
from conformance.plans import Cancel, CancelAll, Fill, Place, Plan, Snapshot
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.runner.translation import venue_rules
from conformance.verdicts import Finding, Judgement, RunRecord, exit_status, judgements
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from fixtures.venue import Venue
from reports.evidence import Evidence
from reports.run_info import KnownDeviation, RunInfo
from reports.stored_run import StoredRun, load_run
from reports.verdict_files import write_reports

FAULTS = ("cancel-has-no-effect", "bulk-lists-twice", "filled-cancel-not-found")


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """Everything that a run hands to the reports, and the secrets that none of them may hold."""

    record: RunRecord
    judgements: tuple[Judgement, ...]
    info: RunInfo
    status: ExitStatus
    secrets: tuple[str, ...]

    def write(self, directory: Path) -> dict[str, Evidence]:
        """Write its files."""
        return write_reports(directory, self.record, self.judgements, self.info, self.status)


def order(name: str, price: str = "50000", *, side: Side = Side.BUY) -> Place:
    """A resting order of half a unit."""
    return Place(order=name, market="BTC-USDT", side=side, quantity=Decimal("0.5"), price=Decimal(price))


LOOK = Snapshot()
PLANS = (
    Plan(title="cancel an open order", actions=(order("a"), LOOK, Cancel(order="a"), LOOK)),
    Plan(title="cancel all of two", actions=(order("a"), order("b", "49000"), LOOK, CancelAll(), LOOK)),
    Plan(
        title="cancel a filled order",
        actions=(
            order("a", side=Side.SELL),
            Fill(order="a", quantity=Decimal("0.5")),
            LOOK,
            Cancel(order="a"),
            LOOK,
        ),
    ),
)


@pytest.fixture(scope="session")
def faulty_run() -> FinishedRun:
    """A run of three plans, each of which shows a violation, one of them an intermittent one."""
    record = RunRecord()
    with embedded_target(ExchangeSettings(faults=FAULTS)) as (profile, exchange), Venue(profile) as venue:
        memory = LaneMemory()
        for plan in PLANS:
            result = run_plan(plan, venue, memory)
            record.add(result)
            for violation in result.violations:
                found = Finding(violation=violation, result=result, failed=5, runs=5, first_size=9, spent=31)
                record.findings.setdefault(found.key, found)
        pieces = [piece for a in exchange.accounts.values() for piece in (a.key_id, *_lines(a.private_pem))]
        secrets = (exchange.control_token, *pieces)
        info = RunInfo(
            level="standard",
            seed=7,
            suite_version="0.1.0",
            target="embedded <exchange> & co",
            host="127.0.0.1",
            environment="embedded",
            rules=venue_rules(profile),
            started="2026-07-24T10:00:00+00:00",
            seconds=4.2,
            profile=profile.without_secrets(),
            capabilities=tuple(sorted(profile.capabilities())),
            replay_options=("--target", "my venue.toml"),
            deviations=(
                KnownDeviation(requirement="TRM-01", reason="fixed in the next release", expires="2026-12-31"),
            ),
        )
    intermittent = next(f for f in record.findings.values() if f.violation.requirements[0] == "TRM-01")
    intermittent.failed, intermittent.runs = 2, 5
    record.keep_trouble("the exchange was busy", ("SIG-02",))
    found_all = judgements(record, missing={"RCE-01": "the profile allows one request in flight"})
    return FinishedRun(
        record=record,
        judgements=found_all,
        info=info,
        status=exit_status(found_all),
        secrets=tuple(filter(None, secrets)),
    )


def _lines(pem: bytes) -> list[str]:
    return [line for line in pem.decode().splitlines() if "-----" not in line and len(line) > 20]


@pytest.fixture
def run_folder(faulty_run: FinishedRun, tmp_path: Path) -> Path:
    """The folder of that run, written anew."""
    directory = tmp_path / "out"
    faulty_run.write(directory)
    return directory


def passing(run: FinishedRun) -> FinishedRun:
    """The same run, had nothing been violated."""
    record = replace(run.record, findings={})
    found = judgements(record, missing={})
    return replace(run, record=record, judgements=found, status=exit_status(found))


@pytest.fixture
def passed_folder(faulty_run: FinishedRun, tmp_path: Path) -> Path:
    """The folder of a run without violations of the same target."""
    directory = tmp_path / "passed"
    passing(faulty_run).write(directory)
    return directory


@pytest.fixture(scope="session")
def stored(faulty_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """That run read back from its folder; tests that change files use ``run_folder`` instead."""
    directory = tmp_path_factory.mktemp("stored") / "out"
    faulty_run.write(directory)
    return load_run(directory)
