"""Performing a run: target, session, tests, progress, reports, exit status; for the command line and for pytest."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from conformance.application.deviations import Deviation, apply, load_deviations
from conformance.application.progress import Course, ShownRun
from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import missing_reasons, open_session
from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.history.header import header_of
from conformance.history.writing import HistoryFile
from conformance.plans import Plan, from_data
from conformance.requirements import select
from conformance.runner.translation import venue_rules
from conformance.suite.listing import ConformanceTest, chosen, conformance_tests, run_suite
from conformance.verdicts import Judgement, RunRecord, exit_status, judgements
from conformance.version import VERSION
from fixtures.profiles.profile import Profile
from reports.atomic_files import write_text
from reports.attestation.claims import sentence_of
from reports.attestation.relaxations import relaxations_of
from reports.evidence import read_evidence
from reports.evidence_files import EvidenceFolder
from reports.page import render_page
from reports.progress import RunProgress
from reports.run_info import KnownDeviation, RunInfo
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
    deviations: Path | None = None
    regressions: Path | None = None
    against: Path | None = None
    allure_history: Path | None = None
    record: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    """What a run ended with: exit status, verdicts, the record they come from, and the facts that reports show."""

    status: ExitStatus
    judgements: tuple[Judgement, ...]
    record: RunRecord
    info: RunInfo
    profile: Profile


@dataclass(kw_only=True)
class RunUnderWay:
    """An open run: the explorer to hand plans to, and, once it has ended, what came of it."""

    explorer: Explorer
    profile: Profile
    tests: tuple[ConformanceTest, ...]
    outcome: RunOutcome | None = None

    @property
    def sentence(self) -> str:
        """What came of the run, in a few words."""
        return "not ended" if self.outcome is None else self.outcome.status.name.lower()


def perform(options: Options) -> RunOutcome:
    """Run the suite and write its files; raises :class:`UserError` for what the user can put right."""
    with performing(options) as run:
        run.explorer.begin("regressions", ())
        run.explorer.run_each(kept_plans(options.regressions))
        run_suite(run.explorer, run.tests)
    assert run.outcome is not None  # set on leaving, or an exception has left already
    return run.outcome


@contextmanager
def performing(options: Options) -> Iterator[RunUnderWay]:
    """Open a run over the target; on every way out its reports are written, and nothing is left at the target."""
    selected = None if options.only is None else tuple(r.id for r in select(options.only.split(",")))
    if options.target is not None and options.faults:
        raise UserError("--fault seeds faults into the embedded exchange; it cannot be used with --target.")
    deviations = () if options.deviations is None else load_deviations(options.deviations)
    with opened_target(options) as profile:
        info = run_info(options, profile, selected)
        console = Console(quiet=options.quiet)
        for warning in profile.warnings():
            console.print(f"[yellow]warning:[/] {warning}", highlight=False)
        tests = chosen(conformance_tests(), selected)
        level = LEVELS[LevelName(options.level)]
        expected = {test.name: test.expected_plans(level) for test in tests}
        folder = EvidenceFolder(options.out, info)
        began = time.monotonic()
        stop = threading.Event()
        run: RunUnderWay | None = None
        history = None
        if options.record is not None:
            history = HistoryFile(options.record, header_of(profile, settings_of(info)))
        try:
            with (
                _interruptible(stop),
                RunProgress(Console(stderr=True, quiet=options.quiet)) as progress,
                open_session(
                    profile,
                    level=level,
                    seed=options.seed,
                    lanes=options.workers,
                    watcher=ShownRun(
                        progress=progress, folder=folder, course=Course(expected=expected), history=history
                    ),
                    stop=stop.is_set,
                    despite_foreign_orders=options.despite_foreign_orders,
                    recorder_of=None if history is None else history.lane,
                ) as explorer,
            ):
                _say_lanes(console, options, explorer)
                run = RunUnderWay(explorer=explorer, profile=profile, tests=tests)
                yield run
        finally:
            if run is not None:
                lanes = len(run.explorer.lanes.lanes)
                info = replace(info, seconds=time.monotonic() - began, lanes=lanes)
                if history is not None:
                    _end_history(console, history, run.explorer.record, info)
                run.outcome = conclude(options, run.explorer.record, profile, info, folder, deviations)
            elif history is not None:
                history.close()


def _say_lanes(console: Console, options: Options, explorer: Explorer) -> None:
    found = len(explorer.lanes.lanes)
    if options.target is not None and found < options.workers:
        console.print(
            f"[yellow]note:[/] {options.workers} lanes were asked for, {found} can be had: each needs accounts and "
            "markets of its own (`lane = 2` in \\[accounts.NAME] and \\[markets.NAME]).",
            highlight=False,
        )


def _end_history(console: Console, history: HistoryFile, record: RunRecord, info: RunInfo) -> None:
    history.end(record, settings_of(info))
    history.close()
    if history.problem is not None:
        console.print(f"[yellow]warning:[/] --record: {history.problem}", highlight=False)


def settings_of(info: RunInfo) -> dict[str, Any]:
    """The settings of a run as its history holds them."""
    return {**info.to_json(), "replay_options": list(info.replay_options)}


def conclude(
    options: Options,
    record: RunRecord,
    profile: Profile,
    info: RunInfo,
    folder: EvidenceFolder,
    deviations: tuple[Deviation, ...],
) -> RunOutcome:
    """Judge what a run observed, write every file, and print the result."""
    selected = info.selected
    complete = record.stopped is None and not record.errors
    found = judgements(record, missing=missing_reasons(profile), selected=selected)
    report = apply(found, deviations, datetime.now(UTC).date(), selected=selected)
    if deviations:
        status = report.exit_status(found, strict=options.strict, selected=selected, complete=complete)
        info = replace(
            info,
            deviations=tuple(
                KnownDeviation(
                    requirement=o.deviation.requirement,
                    reason=o.deviation.reason,
                    expires=o.deviation.expires.isoformat(),
                    state=o.state.value,
                )
                for o in report.outcomes
            ),
        )
    else:
        status = exit_status(found, strict=options.strict, selected=selected, complete=complete)
    evidence = write_reports(
        options.out, record, found, info, status, folder=folder, allure_history=options.allure_history
    )
    write_text(options.out / "index.html", render_page(options.out, options.against))
    console = Console(quiet=options.quiet)
    print_result(console, record, found, info, status, evidence)
    for problem in report.problems:
        console.print(f"[red]deviation:[/] {problem}", highlight=False)
    return RunOutcome(status=status, judgements=found, record=record, info=info, profile=profile)


def kept_plans(folder: Path | None) -> list[tuple[Plan, int]]:
    """The plans of a folder of kept evidence, each with its lane; raises :class:`UserError` for a file that is none."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise UserError(f"--regressions: expected a folder of evidence files, found none at {folder}.")
    kept = [(path, read_evidence(path)) for path in sorted(folder.glob("*.json"))]
    return [(from_data(evidence.plan, source=str(path)), evidence.lane) for path, evidence in kept]


@contextmanager
def opened_target(options: Options) -> Iterator[Profile]:
    """The profile of the target file, or that of an embedded exchange started for this run."""
    if options.target is not None:
        from fixtures.profiles import load_profile

        yield load_profile(options.target)
        return
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


def known_variants(names: list[str]) -> tuple[str, ...]:
    """The names of honest variants, once each; raises :class:`UserError` for one that does not exist."""
    from fixtures.exchange.dialects import DOCUMENTED
    from fixtures.variants import chosen

    try:
        return tuple(variant.name for variant in chosen(names, DOCUMENTED))
    except ValueError as error:
        raise UserError(f"--variant: {error}") from error


def known_faults(names: list[str]) -> tuple[str, ...]:
    """The names, each checked to be a seeded fault; raises :class:`UserError` with the closest names for another."""
    from difflib import get_close_matches

    from fixtures.faults import FAULTS

    for name in names:
        if name not in FAULTS:
            close = get_close_matches(name, FAULTS, n=3)
            hint = f"Did you mean {' or '.join(close)}? " if close else ""
            raise UserError(f"--fault: there is no seeded fault {name!r}. {hint}'--list-faults' lists them all.")
    return tuple(dict.fromkeys(names))


def run_info(options: Options, profile: Profile, selected: tuple[str, ...] | None) -> RunInfo:
    """The facts of a run that reports show; nothing of it is secret."""
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
        rules=venue_rules(profile),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        profile=profile.without_secrets(),
        lanes=options.workers,
        capabilities=tuple(sorted(profile.capabilities())),
        relaxations=tuple(sentence_of(relaxation) for relaxation in relaxations_of(profile.without_secrets())),
        selected=selected,
        limits=_limits(profile),
        command="cancel-conformance " + " ".join(sys.argv[1:]),
        replay_options=replay,
    )


def _host(profile: Profile) -> str:
    from urllib.parse import urlsplit

    return urlsplit(profile.target.base_url or "").netloc


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
