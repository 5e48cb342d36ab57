"""A run read back from the files that it left: what a page, Allure and a comparison are made from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.errors import UserError
from conformance.requirements import Requirement, catalogue
from conformance.verdicts import Verdict
from reports import coverage, latency
from reports.evidence import Evidence
from reports.evidence_files import read_folder

VERDICTS: Final = "verdicts.json"
COVERAGE: Final = "coverage.json"
LATENCY: Final = "latency.json"
VERDICTS_FORMAT: Final = "cancel-conformance/verdicts/1"

BAD: Final = frozenset({Verdict.FAIL, Verdict.INTERMITTENT})
"""Verdicts of a requirement that was seen to be violated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One requirement with its verdict in this run; ``evidence`` are file names, the smallest plan first."""

    requirement: Requirement
    verdict: Verdict
    exercised: int
    reason: str
    evidence: tuple[str, ...]

    @property
    def bad(self) -> bool:
        """Whether it was seen to be violated."""
        return self.verdict in BAD


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """All files of a run, read; ``verdicts``, ``coverage`` and ``latency`` as their JSON data."""

    directory: Path
    verdicts: Mapping[str, Any]
    coverage: Mapping[str, Any]
    latency: Mapping[str, Any]
    entries: tuple[Entry, ...]
    evidence: Mapping[str, Evidence]

    @property
    def info(self) -> Mapping[str, Any]:
        """The run's settings."""
        run: Mapping[str, Any] = self.verdicts["run"]
        return run

    def deviation(self, requirement: str) -> Mapping[str, Any] | None:
        """What the vendor says of a known deviation of a requirement, if it is known."""
        found: Mapping[str, Any]
        for found in self.info.get("deviations", ()):
            if found["requirement"] == requirement:
                return found
        return None


def load_run(directory: Path) -> StoredRun:
    """Read a run's folder. Raises :class:`~conformance.errors.UserError` naming what is missing or wrong."""
    if not directory.is_dir():
        raise UserError(f"{directory}: expected the folder that a run wrote (its --out), found no folder.")
    verdicts = _read(directory / VERDICTS, VERDICTS_FORMAT)
    try:
        entries = tuple(_entry(data) for data in verdicts["requirements"])
        _ = verdicts["run"]["target"]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{directory / VERDICTS}: {error!r} is missing or not as expected.\n"
            "It was changed, or written by another version of the suite: run the suite again."
        ) from error
    evidence = read_folder(directory)
    for entry in entries:
        for name in entry.evidence:
            if name not in evidence:
                raise UserError(
                    f"{directory / name}: {VERDICTS} names this evidence of {entry.requirement.id}; it is missing."
                )
    return StoredRun(
        directory=directory,
        verdicts=verdicts,
        coverage=_read(directory / COVERAGE, coverage.FORMAT),
        latency=_read(directory / LATENCY, latency.FORMAT),
        entries=entries,
        evidence=evidence,
    )


def _read(path: Path, expected: str) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"Cannot read {path}: {error.strerror or error}.\nExpected the folder that a run wrote (its --out)."
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: expected JSON as a run writes it: {error}.") from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != expected:
        raise UserError(f"{path}: expected the format {expected!r}, found {found!r}.")
    checked: Mapping[str, Any] = data
    return checked


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(
        requirement=catalogue()[data["id"]],
        verdict=Verdict(data["verdict"]),
        exercised=int(data["exercised"]),
        reason=str(data["reason"]),
        evidence=tuple(data["evidence"]),
    )
