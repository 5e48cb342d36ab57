"""The folder ``evidence/`` of a run: one file a finding, named by the requirement that it breaks first."""

import contextlib
from pathlib import Path
from typing import Final

from conformance.verdicts import Finding
from reports.atomic_files import write_json
from reports.evidence import Evidence, evidence_of, read_evidence, to_json
from reports.run_info import RunInfo

FOLDER: Final = "evidence"


class EvidenceFolder:
    """Writes findings as soon as they are seen, and again when a smaller plan shows the same; names never change.

    Files of an earlier run in the same folder are removed when the first finding is written, or by :meth:`finish`.
    """

    def __init__(self, directory: Path, info: RunInfo) -> None:
        """``directory`` is the run's folder; ``evidence/`` is made in it when there is something to write."""
        self._directory = directory
        self._info = info
        self._names: dict[tuple[str, str], str] = {}
        self._swept = False

    def write(self, finding: Finding) -> str:
        """Write one finding, whole; returns the file's name relative to the run's folder."""
        self._sweep()
        requirement = finding.violation.requirements[0]
        name = self._names.get(finding.key)
        if name is None:
            number = 1 + sum(known.startswith(f"{FOLDER}/{requirement}-") for known in self._names.values())
            name = self._names[finding.key] = f"{FOLDER}/{requirement}-{number}.json"
        path = self._directory / name
        write_json(path, to_json(evidence_of(finding, self._info, file=str(path))))
        return name

    def finish(self) -> None:
        """Leave nothing of an earlier run behind, where this one wrote nothing."""
        self._sweep()

    def _sweep(self) -> None:
        if self._swept:
            return
        self._swept = True
        folder = self._directory / FOLDER
        for path in folder.glob("*.json"):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not there, or something else of the user's is in it
            folder.rmdir()


def read_folder(directory: Path) -> dict[str, Evidence]:
    """Every evidence file of a run by its name relative to ``directory``, sorted by name."""
    return {f"{FOLDER}/{path.name}": read_evidence(path) for path in sorted((directory / FOLDER).glob("*.json"))}
