"""Watching a run go on: how far it is, shown while it runs, and each finding written down the moment it is made."""

import time
from dataclasses import dataclass, field
from itertools import takewhile

from conformance.history.writing import HistoryFile
from conformance.trace import PlanResult
from conformance.verdicts import Finding, RunRecord
from reports.evidence_files import EvidenceFolder
from reports.progress import RunProgress


@dataclass(kw_only=True)
class Course:
    """How much of a run is done, by the plans that each test is ``expected`` to run, in the order of the tests."""

    expected: dict[str, int]
    test: str = ""
    ended: int = 0
    planned: int = 0
    run: int = 0

    def begin(self, test: str) -> None:
        """A test begins; those before it have ended, or cannot be run at this target."""
        self.ended = sum(plans for _, plans in takewhile(lambda item: item[0] != test, self.expected.items()))
        self.test, self.planned, self.run = test, 0, 0

    @property
    def done(self) -> float:
        """From 0 to 1; a test that has not drawn its plans adds nothing."""
        part = self.run / self.planned if self.planned else 0.0
        return (self.ended + part * self.expected.get(self.test, 0)) / max(1, sum(self.expected.values()))


@dataclass(kw_only=True)
class ShownRun:
    """Shows progress, and writes each finding down the moment it is made: as evidence, and in the run's history."""

    progress: RunProgress
    folder: EvidenceFolder
    course: Course
    history: HistoryFile | None = None
    current: str = ""
    started: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def began(self, test: str, requirements: tuple[str, ...]) -> None:
        """A conformance test begins."""
        self.course.begin(test)
        self.current = ", ".join(requirements[:3])

    def planned(self, plans: int) -> None:
        """The test will run so many plans more."""
        self.course.planned += plans

    def ran(self, record: RunRecord, result: PlanResult) -> None:
        """Show the numbers, ten times a second at the most."""
        if self.history is not None:
            self.history.counted(result, self.course.test)
        self.course.run += 1
        now = time.monotonic()
        if now - self.shown < 0.1:
            return
        self.shown = now
        elapsed, done = now - self.started, self.course.done
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
        if self.history is not None:
            self.history.found(finding)
        self.progress.note(f"{finding.violation.requirements[0]}: {finding.violation.kind}")
