"""Judging a kept history: the verdicts and files of its run as today's judge gives them, without a target."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance.application.deviations import load_deviations
from conformance.application.run import Options, RunOutcome, conclude
from conformance.history.folding import fold
from conformance.history.header import stored_contract, stored_profile
from conformance.history.reading import open_history
from conformance.judging.case import Target
from conformance.model.rules import VenueRules
from conformance.runner.translation import venue_rules
from conformance.version import VERSION
from reports.evidence_files import EvidenceFolder
from reports.run_info import RunInfo


def judge_history(path: Path, options: Options) -> RunOutcome:
    """Judge a history and write the files of its run; of ``options``, those that are not about running.

    Raises :class:`~conformance.errors.UserError` for a file that is no history, or one of another version.
    """
    history = open_history(path)
    header = history.header
    profile = stored_profile(header, str(path))
    deviations = () if options.deviations is None else load_deviations(options.deviations)
    target = Target(
        profile=profile,
        rules=venue_rules(profile),
        offered=profile.capabilities(),
        contract=stored_contract(header, profile),
    )
    console = Console(quiet=options.quiet)
    if not header.same_catalogue or header.version != VERSION:
        console.print(
            f"[yellow]note:[/] {path} was written by cancel-conformance {header.version}; "
            f"it is judged by the catalogue of {VERSION}.",
            highlight=False,
        )
    if history.end is None:
        console.print(
            f"[yellow]note:[/] {path} ends before its run did; what it holds to its last whole line is judged.",
            highlight=False,
        )
    run = header.run if history.end is None else history.end["run"]
    with history.understood(number=1):
        info = replace(info_of(run, target.rules), profile=header.profile, suite_version=VERSION)
    record = fold(history, target).record
    return conclude(options, record, profile, info, EvidenceFolder(options.out, info), deviations)


def info_of(run: Mapping[str, Any], rules: VenueRules) -> RunInfo:
    """The settings of a run, from a history. Raises ``KeyError`` and ``TypeError`` where they are none."""
    given = {name: part for name, part in run.items() if name != "deviations"}
    for name in ("capabilities", "relaxations", "selected", "replay_options"):
        given[name] = None if given[name] is None else tuple(given[name])
    return RunInfo(**given, rules=rules)
