"""The folder ``allure-results/``: cleaned of an earlier run, filled anew, with the history of the runs before."""

import shutil
from collections.abc import Mapping
from os import environ
from pathlib import Path
from typing import Final

from allure_commons.logger import AllureFileLogger

from conformance.errors import UserError
from reports.allure.attachments import shown
from reports.allure.circumstances import CATEGORIES, configuration, environment_properties, executor
from reports.allure.results import result
from reports.atomic_files import write_json, write_text
from reports.stored_run import StoredRun

FOLDER: Final = "allure-results"
CONFIGURATION: Final = "allurerc.json"
_OURS: Final = (
    "*-result.json",
    "*-container.json",
    "*-globals.json",
    "*-attachment.*",
    "environment.properties",
    "categories.json",
    "executor.json",
)
"""What a results folder may hold of an earlier run; anything else in it is somebody's and stays."""


def write_allure(
    run: StoredRun,
    *,
    results: Path | None = None,
    history_from: Path | None = None,
    variables: Mapping[str, str] = environ,
) -> Path:
    """Write the results of a run for Allure, by default into its own folder; returns where.

    Beside that folder stands Allure 3's configuration, so that ``allure generate`` there needs no option.

    ``history_from`` is an Allure 2 report (or results folder) generated before: its ``history`` is carried over, so
    that trends go on. ``variables`` are those of a CI job, for the executor. Raises
    :class:`~conformance.errors.UserError` where files cannot be written.
    """
    folder = results or run.directory / FOLDER
    clean(folder)
    try:
        logger = AllureFileLogger(folder)  # type: ignore[no-untyped-call] # Allure leaves its methods untyped
        smallest = {entry.evidence[0] for entry in run.entries if entry.evidence}
        behind = {name: shown(run.evidence[name]) for name in smallest}
        for entry in run.entries:
            found = result(entry, run, behind, logger)
            logger.report_result(found)  # type: ignore[no-untyped-call] # likewise
    except OSError as error:
        raise UserError(f"Cannot write {folder}: {error.strerror or error}.\nChoose another folder.") from error
    write_text(folder / "environment.properties", environment_properties(run))
    write_json(folder / "categories.json", CATEGORIES)
    write_json(folder.parent / CONFIGURATION, configuration(run, folder.name))
    described = executor(variables)
    if described:
        write_json(folder / "executor.json", described)
    if history_from is not None:
        keep_history(folder, history_from)
    return folder


def clean(folder: Path) -> None:
    """Remove the results of an earlier run; the history and files that are not Allure's stay."""
    for pattern in _OURS:
        for path in folder.glob(pattern):
            if path.is_file():
                path.unlink()


def keep_history(folder: Path, report: Path) -> None:
    """Carry the trend over from an earlier Allure 2 report; a first run has none, which is no mistake."""
    source = report / "history"
    if source.is_dir():
        shutil.copytree(source, folder / "history", dirs_exist_ok=True)
