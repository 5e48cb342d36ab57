"""Judging a history: every plan run is folded from its facts, and the run's record made of those that it counted.

The findings are those of the run, as their plan runs show them to today's judge: one that they do not show any more is
dropped, and what only today's judge sees is a finding too.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.history.facts import PlanRunContext, exchange_from_data, fact_from_data
from conformance.history.reading import History, Key, Line
from conformance.judging.case import Case, LaneKnowledge, Target
from conformance.judging.judge import judge
from conformance.judging.recording import judged_with, record
from conformance.judging.seen import Fact, GivenUp
from conformance.model.deviations import NONE, Deviations
from conformance.model.matching import TooManyWorldsError
from conformance.plans import from_data
from conformance.trace import PlanResult, Step, Violation
from conformance.verdicts import Finding, RunRecord

NOT_ENDED: Final = "the history ends before its run did"
"""Why a run is not complete whose history is cut off."""


@dataclass(kw_only=True, slots=True)
class PlanFold:
    """One plan run that is judged again; ``proposed``: its requests are a fuzzer's, and no violation ends it."""

    case: Case
    result: PlanResult
    context: PlanRunContext
    alone: bool
    proposed: bool
    unprejudiced: bool

    @property
    def ended(self) -> bool:
        """Whether the plan has ended: by a violation, or by trouble."""
        return self.result.ended or self.result.trouble is not None

    def saw(self, fact: Fact, *, ended: bool) -> None:
        """Judge a fact; ``ended`` says whether the plan had ended, when it was seen.

        One that comes after the plan ends today, and did not then, is passed over: there would be none.
        """
        if self.ended and not ended and not self.proposed:
            return
        try:
            case, rulings = judge(self.case, fact)
        except TooManyWorldsError as reason:
            fact = GivenUp(reason=str(reason))
            case, rulings = judge(self.case, fact)
        self.case = case
        self.result.facts.append(fact)
        record(self.result, fact, rulings, case)


@dataclass(kw_only=True, slots=True)
class _Lane:
    known: LaneKnowledge = field(default_factory=LaneKnowledge)
    alone: LaneKnowledge = field(default_factory=LaneKnowledge)


@dataclass(kw_only=True, slots=True)
class _Repetition:
    """What one run of a plan showed, for counting: the requirements that it broke, and whether it was judged."""

    broken: frozenset[str]
    judged: bool


@dataclass(kw_only=True)
class HistoryFold:
    """A history under judgement. ``facts`` counts what was judged, ``lanes`` is what each knows of the target.

    ``results`` are those of plan runs that are still to be counted, or stand for findings.
    """

    history: History
    target: Target
    record: RunRecord = field(default_factory=RunRecord)
    established: Deviations = NONE
    facts: int = 0
    lanes: defaultdict[int, _Lane] = field(default_factory=lambda: defaultdict(_Lane))
    results: dict[int, PlanResult] = field(default_factory=dict)
    _open: dict[int, PlanFold] = field(default_factory=dict)
    _shown: dict[Key, Finding] = field(default_factory=dict)
    _runs: defaultdict[str, list[_Repetition]] = field(default_factory=lambda: defaultdict(list))

    def take(self, line: Line) -> None:
        """Take one line. Raises ``KeyError``, ``TypeError``, ``ValueError`` and the like where it is none."""
        if "saw" in line:
            self.facts += 1
            fold = self._open[line["saw"]]
            fold.saw(fact_from_data(line["fact"], line["of"], fold.context), ended=line["ended"])
        elif "begins" in line:
            self._begin(line)
        elif "ends" in line:
            self._end(line["ends"], gone=line["gone"])
        elif "counted" in line:
            self._count(line["counted"], line["test"])

    def _begin(self, line: Line) -> None:
        plan, lane = from_data(line["plan"]), self.lanes[line["lane"]]
        known = lane.known
        if line["alone"]:
            known = lane.alone if line["again"] else lane.known.by_itself()
        if line["unprejudiced"]:
            known = known.unprejudiced()
        deviations = Deviations.from_data(line["deviations"])
        case = Case.opened(self.target, tuple(line["accounts"]), replace(known, deviations=deviations))
        self._open[line["begins"]] = PlanFold(
            case=case,
            result=PlanResult(plan=plan, lane=line["lane"], number=line["begins"], opened=case, began_with=deviations),
            context=PlanRunContext(plan=plan),
            alone=line["alone"],
            proposed=line["proposed"],
            unprejudiced=line["unprejudiced"],
        )

    def _end(self, number: int, *, gone: bool) -> None:
        fold = self._open.pop(number)
        result, lane, known = fold.result, self.lanes[fold.result.lane], fold.case.known
        result.ended_with = known.deviations
        if fold.unprejudiced:
            known = known.prejudiced_as(lane.known)
        if fold.alone:
            lane.alone, lane.known = known, lane.known.having_asked(known)
        else:
            lane.known = known
        if gone:
            return
        if fold.proposed:
            self.record.add_proposed(result)
        else:
            self.record.requests += result.requests
            broken = frozenset(name for violation in result.violations for name in violation.requirements)
            self._runs[result.plan.digest].append(_Repetition(broken=broken, judged=result.trouble is None))
        if number in self.history.counted or number in self.history.standing:
            self.results[number] = result

    def _count(self, number: int, test: str) -> None:
        result, requests = self.results[number], self.record.requests
        result, self.established = judged_with(result, self.established)
        self.results[number] = result
        self.record.add(result)
        self.record.requests = requests  # they were counted when it ended
        for violation in result.violations:
            known = self._shown.get(violation.key)
            if known is None:
                size = len(result.plan.actions)
                self._shown[violation.key] = Finding(violation=violation, result=result, test=test, first_size=size)
                continue
            known.count += 1
            more = (name for name in violation.requirements if name not in known.violation.requirements)
            known.violation = replace(known.violation, requirements=(*known.violation.requirements, *more))
        if number not in self.history.standing:
            del self.results[number]

    # -- findings -----------------------------------------------------------------------------------------------------

    def finish(self) -> RunRecord:
        """The record of the run, once every line is taken."""
        found = self.record.findings
        for key, line in self.history.findings.items():
            finding = self._finding(key, line)
            if finding is not None:
                found[key] = finding
        known = {*found, *(finding.key for finding in found.values())}
        for key, finding in self._shown.items():
            if key not in known:
                found[key] = self._counted_again(finding)
        end = self.history.end
        self.record.stopped = NOT_ENDED
        if end is not None:
            parts = end["end"]
            self.record.stopped, self.record.repeated_plans = parts["stopped"], parts["repeated_plans"]
            self.record.errors = [str(error) for error in parts["errors"]]
        return self.record

    def _finding(self, key: Key, line: Line) -> Finding | None:
        """A finding of the run, if its plan run shows a violation of its requirement to today's judge."""
        result = self.results.get(line["plan_run"])
        shown = None if result is None else _like(result.violations, line["requirements"][0], line["kind"])
        if result is None or shown is None:
            return None
        own, others = shown.requirements, line["of_others"]
        before = [name for name in line["requirements"] if name in own or name in others]
        violation = replace(shown, requirements=tuple(dict.fromkeys((*before, *own))))
        if "once" in line:
            once = line["once"]
            exchanges = [exchange_from_data(once["exchange"])]
            step = Step(index=once["index"], action=once["action"], at=0.0, exchanges=exchanges)
            result = PlanResult(plan=from_data(once["plan"]), steps=[step], violations=[violation], requests=1)
        finding = Finding(
            violation=violation,
            result=result,
            count=line["count"],
            failed=line["failed"],
            runs=line["runs"],
            first_size=line["first_size"],
            spent=line["spent"],
            test=line["test"],
        )
        finding.seen_first = key
        return finding

    def _counted_again(self, finding: Finding) -> Finding:
        """What only today's judge sees was not repeated for its own sake; its plan may have been, for another's."""
        runs = self._runs[finding.result.plan.digest]
        wanted = finding.violation.requirements
        finding.failed = max(1, sum(not run.broken.isdisjoint(wanted) for run in runs))
        finding.runs = max(finding.failed, sum(run.judged or bool(run.broken) for run in runs))
        return finding


def _like(violations: Iterable[Violation], closest: str, kind: str) -> Violation | None:
    """The violation of a requirement, of this kind if there is one."""
    broken = [violation for violation in violations if closest in violation.requirements]
    return min(broken, key=lambda violation: violation.kind != kind, default=None)


def fold(history: History, target: Target) -> HistoryFold:
    """Judge all of a history. Raises :class:`~conformance.errors.UserError` where a line says what no run says."""
    found = HistoryFold(history=history, target=target)
    for number, line in history.lines():
        with history.understood(number):
            found.take(line)
    with history.understood(number=1):
        found.finish()
    return found
