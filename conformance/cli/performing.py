"""Performing a run from the command line: target, session, tests, progress, reports, exit status."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import missing_reasons, open_session
from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.requirements import select
from conformance.runner.terms import rules_of
from conformance.suite.listing import chosen, conformance_tests, run_suite
from conformance.verdicts import Finding, Judgement, RunRecord, exit_status, judgements
from conformance.version import VERSION
from fixtures.profiles.profile import Profile
from reports.evidence_files import EvidenceFolder
from reports.progress import RunProgress
from reports.run_info import RunInfo
from reports.terminal import print_result
from reports.verdict_files import write_reports


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run was asked for; ``target`` is ``None`` for the embedded exchange."""

    target: Path | None = None
    level: str = LevelName.STANDARD
    only: str | None = None
    seed: int = 1
    out: Path = Path("conformance-report")
    workers: int = 1
    strict: bool = False
    despite_foreign_orders: bool = False
    cancel_mode: str = "mixed"
    faults: tuple[str, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    """What a run ended with: exit status, verdicts, the record they come from, and the facts that reports show."""

    status: ExitStatus
    judgements: tuple[Judgement, ...]
    record: RunRecord
    info: RunInfo
    profile: Profile


def perform(options: Options) -> RunOutcome:
    """Run the suite and write its files; raises :class:`UserError` for what the user can put right."""
    selected = None if options.only is None else tuple(r.id for r in select(options.only.split(",")))
    if options.target is not None and options.faults:
        raise UserError("--fault seeds faults into the embedded exchange; it cannot be used with --target.")
    with opened_target(options) as profile:
        return _perform(options, profile, selected)


@contextmanager
def opened_target(options: Options) -> Iterator[Profile]:
    """The profile of the target file, or that of an embedded exchange started for this run."""
    if options.target is not None:
        from fixtures.profiles import load_profile

        yield load_profile(options.target)
        return
    from conformance.cli.serve import known_faults
    from fixtures.embedded import embedded_target
    from fixtures.exchange import CancelMode, ExchangeSettings, ExchangeStartError

    settings = ExchangeSettings(
        cancel_mode=CancelMode(options.cancel_mode),
        delay_ms=(20, 60),
        faults=known_faults(list(options.faults)),
        seed=options.seed,
    )
    try:
        with embedded_target(settings, lanes=options.workers) as (profile, _):
            yield profile
    except ExchangeStartError as error:
        raise UserError(f"The embedded exchange cannot start: {error}") from error


def _perform(options: Options, profile: Profile, selected: tuple[str, ...] | None) -> RunOutcome:
    console = Console(quiet=options.quiet)
    level = LEVELS[LevelName(options.level)]
    began = time.monotonic()
    info = run_info(options, profile, selected)
    for warning in profile.warnings():
        console.print(f"[yellow]warning:[/] {warning}", highlight=False)
    folder = EvidenceFolder(options.out, info)
    tests = chosen(conformance_tests(), selected)
    stop = threading.Event()
    record = RunRecord()
    explorer: Explorer | None = None
    try:
        with (
            _interruptible(stop),
            RunProgress(Console(stderr=True, quiet=options.quiet)) as progress,
            open_session(
                profile,
                level=level,
                seed=options.seed,
                lanes=options.workers,
                watcher=_Watcher(progress=progress, folder=folder, tests=len(tests)),
                stop=stop.is_set,
                despite_foreign_orders=options.despite_foreign_orders,
            ) as explorer,
        ):
            explorer.record = record
            run_suite(explorer, tests)
    finally:
        if explorer is not None:
            info = replace(info, seconds=time.monotonic() - began, lanes=len(explorer.lanes.lanes))
            found = judgements(record, missing=missing_reasons(profile), selected=selected)
            status = exit_status(found, strict=options.strict, selected=selected, complete=record.stopped is None)
            evidence = write_reports(options.out, record, found, info, status, folder=folder)
            print_result(console, record, found, info, status, evidence)
    return RunOutcome(status=status, judgements=found, record=record, info=info, profile=profile)


def run_info(options: Options, profile: Profile, selected: tuple[str, ...] | None) -> RunInfo:
    """The facts of a run that reports show; nothing of it is secret."""
    relaxed = profile.relaxations.model_dump()
    plain = type(profile.relaxations)().model_dump()
    replay: tuple[str, ...] = ("--target", str(options.target)) if options.target is not None else ()
    if options.target is None:
        replay = ("--cancel-mode", options.cancel_mode, *(w for name in options.faults for w in ("--fault", name)))
    return RunInfo(
        level=options.level,
        seed=options.seed,
        suite_version=VERSION,
        target=profile.target.name or "the target",
        host=_host(profile),
        environment=profile.target.environment,
        rules=rules_of(profile),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        profile=profile.without_secrets(),
        lanes=options.workers,
        capabilities=tuple(sorted(profile.capabilities())),
        relaxations=tuple(f"{key} = {value}" for key, value in sorted(relaxed.items()) if value != plain[key])
        + _late(profile),
        selected=selected,
        limits=_limits(profile),
        command="cancel-conformance " + " ".join(sys.argv[1:]),
        replay_options=replay,
    )


def _host(profile: Profile) -> str:
    from urllib.parse import urlsplit

    return urlsplit(profile.target.base_url or "").netloc


def _late(profile: Profile) -> tuple[str, ...]:
    timing = profile.timing
    return tuple(
        f"timing.{key} = {value:g} s" for key in ("read_delay", "balance_delay") if (value := getattr(timing, key))
    )


def _limits(profile: Profile) -> Mapping[str, Any]:
    return profile.limits.model_dump(mode="json", exclude_none=True)


@contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM lets the plans under way end and clean up; a second one is obeyed at once."""

    def asked(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(kw_only=True)
class _Watcher:
    """Shows progress, and writes each finding down the moment it is made."""

    progress: RunProgress
    folder: EvidenceFolder
    tests: int
    begun: int = 0
    current: str = ""
    started: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def began(self, test: str, requirements: tuple[str, ...]) -> None:
        """A conformance test begins."""
        self.begun += 1
        self.current = ", ".join(requirements[:3])

    def ran(self, record: RunRecord) -> None:
        """Show the numbers, ten times a second at the most."""
        now = time.monotonic()
        if now - self.shown < 0.1:
            return
        self.shown = now
        elapsed = now - self.started
        done = max(self.begun - 1, 0) / max(1, self.tests)
        self.progress.update(
            requirement=self.current,
            plans=record.plans,
            requests=record.requests,
            rate=record.requests / elapsed if elapsed else 0.0,
            seconds_left=elapsed / done - elapsed if done > 0.1 else None,
            violations=len(record.findings),
            done=done,
        )

    def found(self, finding: Finding) -> None:
        """Write the evidence now, so that nothing that ends the run loses it."""
        self.folder.write(finding)
        self.progress.note(f"{finding.violation.requirements[0]}: {finding.violation.kind}")
