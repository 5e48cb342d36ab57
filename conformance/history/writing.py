"""Writing a history while the run goes on: a line for each thing, by whichever lane sees it."""

import gzip
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from conformance.errors import UserError
from conformance.history.facts import PlanRunContext, exchange_to_data, fact_to_data
from conformance.history.header import Header, header_to_json
from conformance.judging.seen import Fact
from conformance.model.deviations import Deviations
from conformance.plans import Plan, to_data
from conformance.trace import PlanResult
from conformance.verdicts import Finding, RunRecord

_COMPACT = json.JSONEncoder(separators=(",", ":")).encode


class HistoryFile:
    """A history that is being written; a context manager. The methods may be called by several threads.

    Nothing that is written is lost when the process is killed, but for what the plans under way have seen. A file that
    cannot be written any more ends no run: ``problem`` says why it is not whole.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Begin the file, compressed where its name ends with ``.gz``. Raises :class:`UserError` where it cannot be."""
        self._path = path
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._proposed: set[int] = set()
        self.problem: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = _opened(path)
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"--record: cannot write {path}: {why}. Choose another file.") from error
        self._put(header_to_json(header), whole=True)

    def lane(self, number: int) -> "LaneHistory":
        """What the lane of this number writes with."""
        return LaneHistory(file=self, lane=number)

    def counted(self, result: PlanResult, test: str) -> None:
        """A plan run is counted in the run's record; ``test`` has asked for it."""
        self.write({"counted": result.number, "test": test})

    def found(self, finding: Finding) -> None:
        """A finding is made, or is now what it is: the last line of one counts."""
        violation, result = finding.violation, finding.result
        own = next((v for v in result.violations if v.kind == violation.kind), violation).requirements
        line: dict[str, Any] = {
            "finding": finding.seen_first,
            "plan_run": result.number,
            "kind": violation.kind,
            "requirements": violation.requirements,
            "of_others": [name for name in violation.requirements if name not in own],
            "count": finding.count,
            "failed": finding.failed,
            "runs": finding.runs,
            "first_size": finding.first_size,
            "spent": finding.spent,
            "test": finding.test,
        }
        if result.number in self._proposed:  # it is of one request of many, and no plan run has shown it
            step = result.steps[-1]
            line["once"] = {
                "plan": to_data(result.plan),
                "index": step.index,
                "action": step.action,
                "exchange": exchange_to_data(step.exchanges[-1]),
            }
        self.write(line)

    def end(self, record: RunRecord, run: Mapping[str, Any]) -> None:
        """The run has ended; ``run`` are its settings, with what was not known when it began."""
        for finding in record.findings.values():
            self.found(finding)
        parts = {"stopped": record.stopped, "errors": record.errors, "repeated_plans": record.repeated_plans}
        self.write({"end": parts, "run": run})

    def begin(self, line: dict[str, Any], *, proposed: bool) -> int:
        """Begin a plan run; returns its number."""
        number = next(self._numbers)
        if proposed:
            self._proposed.add(number)
        self.write({"begins": number, **line, "proposed": proposed}, whole=False)
        return number

    def write(self, line: Mapping[str, Any], *, whole: bool = True) -> None:
        """Write a line; ``whole``: with all before it, it is worth keeping."""
        self._put(_COMPACT(line), whole=whole)

    def _put(self, text: str, *, whole: bool) -> None:
        with self._lock:
            if self.problem is not None:
                return
            try:
                self._file.write(text.encode("ascii") + b"\n")
                if whole:
                    self._file.flush()
            except OSError as error:
                self.problem = f"{self._path} is not whole: {error.strerror or error}"

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            try:
                self._file.close()
            except OSError as error:
                self.problem = self.problem or f"{self._path} is not whole: {error.strerror or error}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(kw_only=True, slots=True)
class LaneHistory:
    """What one lane writes: one plan run after another. ``alone``: they know nothing of what earlier ones have shown.

    ``again``: there was one, whose knowledge the next goes on with. ``unprejudiced``: they know nothing of what the
    target has left locked.
    """

    file: HistoryFile
    lane: int
    alone: bool = False
    again: bool = False
    unprejudiced: bool = False
    number: int = 0
    context: PlanRunContext = field(default_factory=lambda: PlanRunContext(plan=Plan(actions=())))

    def by_itself(self) -> "LaneHistory":
        """For plan runs that know nothing of what earlier ones have shown."""
        return LaneHistory(file=self.file, lane=self.lane, alone=True)

    def begins(self, plan: Plan, accounts: tuple[str, ...], known: Deviations, *, proposed: bool = False) -> int:
        """A plan run begins with these deviations ``known`` of the target; returns its number."""
        line = {
            "lane": self.lane,
            "alone": self.alone,
            "again": self.alone and self.again,
            "accounts": accounts,
            "unprejudiced": self.unprejudiced,
            "deviations": known.to_data(),
            "plan": to_data(plan),
        }
        self.number, self.again = self.file.begin(line, proposed=proposed), True
        self.context = PlanRunContext(plan=plan)
        return self.number

    def saw(self, fact: Fact, *, ended: bool) -> None:
        """The plan run saw this."""
        name, data = fact_to_data(fact, self.context)
        self.file.write({"saw": self.number, "ended": ended, "fact": name, "of": data}, whole=False)

    def ends(self, *, gone: bool = False) -> None:
        """The plan run ends."""
        self.file.write({"ends": self.number, "gone": gone})


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "wb", compresslevel=3))
    return path.open("wb")
