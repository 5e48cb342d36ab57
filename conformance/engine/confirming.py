"""Confirming a finding: its plan is repeated, k of n are counted, and it is made small, within the level's budgets.

The plan that is kept shows the violation to whoever knows no earlier plan. Where the plan that was found does not, one
close to it may: after the plan that its lane had run before, beside another account's order, with opposite orders that
sweep the book, with a later look, done twice, or with smaller quantities.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from conformance.engine.levels import Level
from conformance.engine.minimise import minimise
from conformance.engine.variants import accompanied, cheaper, joined, sweeping
from conformance.judging.causes import OF_FUNDS
from conformance.plans import Plan, looked_at_later
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding

LEFT_OVER: Final = 3
"""How many times the budget of requests is spent where each run meets what earlier ones have left open."""

Shows = Callable[[PlanResult], Violation | None]


class Run(Protocol):
    """Runs a plan on the lane of a number; ``by_itself``: without what earlier plans have shown."""

    def __call__(self, plan: Plan, lane: int, *, by_itself: bool = False) -> PlanResult:
        """The result of the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirming:
    """Confirms findings of one run; ends with what it has once ``stop`` says so.

    ``alone``: nobody else trades in the markets, so that a large opposite order meets no other participant's. ``fit``
    makes a plan one that the target takes: on the grids of its markets.
    """

    run: Run
    alone: bool
    level: Level
    stop: Callable[[], bool]
    fit: Callable[[Plan], Plan]

    def confirm(self, finding: Finding) -> None:
        """Count the finding's repetitions, and give it the smallest plan that shows it.

        Raises :class:`~fixtures.venue.trouble.VenueTrouble` where the target cannot be asked further.
        """
        if finding.result.suspect is None and finding.violation.requirements[0].startswith(OF_FUNDS):
            self._make_cheap(finding)
        seen = self._repeated(finding)
        if not seen and finding.runs > 1 and finding.result.suspect is None:
            seen = self._with_help(finding)
        left_over = not seen and finding.runs == 1 and finding.result.suspect is None
        if left_over:
            seen = [finding.result]  # what it left at the target ends every repetition: a smaller plan may get by
        if seen and not self.stop():
            self._minimise(finding, seen, left_over=left_over)

    def _make_cheap(self, finding: Finding) -> None:
        """Take smaller quantities where they show it too: what stays locked is lost to the account with every run."""
        shows = partial(_shown, closest=finding.violation.requirements[0], kind=finding.violation.kind, alike=True)
        plan = finding.result.plan
        smaller = (candidate for candidate in map(self.fit, cheaper(plan)) if candidate.digest != plan.digest)
        result = self._first(smaller, finding.result.lane, shows)
        if result is not None:
            _keep(finding, result, shows)

    def _repeated(self, finding: Finding) -> list[PlanResult]:
        """Run a finding's plan again and count: the runs that broke the same requirement."""
        plan, seen = finding.result.suspect or finding.result.plan, []
        for _ in range(self.level.repeats):
            if self.stop():
                break
            again = self.run(plan, finding.result.lane)
            if again.violations or again.trouble is None:  # a run that could not be judged to its end did not pass
                finding.runs += 1
            if _broke(again, finding.violation):
                finding.failed += 1
                seen.append(again)
        return seen

    def _with_help(self, finding: Finding) -> list[PlanResult]:
        """Repeat the plan with what may have helped it, or without what its first run has left in the way.

        It may have been helped by what its lane did before, by an order of another lane, or by the moment of a read.
        """
        plan, before, lane = finding.result.plan, finding.result.before, finding.result.lane
        after = None if before is None else joined(before, plan)
        helped = (after, accompanied(plan), sweeping(plan) if self.alone else None, looked_at_later(plan))
        shows = partial(_shown, closest=finding.violation.requirements[0], kind=finding.violation.kind, alike=False)
        for candidate in helped:
            if candidate is None or candidate.actions == plan.actions:
                continue
            result = self._first([candidate], lane, shows)
            if result is not None and self._first([candidate], lane, shows) is not None:  # once may be by chance
                _keep(finding, result, shows)
                finding.failed = finding.runs = 1
                return self._repeated(finding)
        return []

    def _minimise(self, finding: Finding, seen: list[PlanResult], *, left_over: bool) -> None:
        violation, lane = finding.violation, finding.result.lane
        closest = next((name for name in violation.requirements if all(r.breaks(name) for r in seen)), None)
        closest = closest or violation.requirements[0]
        alike = all(_shown(result, closest=closest, kind=violation.kind, alike=True) for result in seen)
        shows = partial(_shown, closest=closest, kind=violation.kind, alike=False)
        alone = self._alone(finding.result.suspect or finding.result.plan, lane, shows)
        by_itself = alone is not None or left_over
        first = alone or next((result for result in seen if shows(result) is not None), None)
        shown = None if first is None else shows(first)
        if first is None or shown is None:
            return
        # an order that is met in another state shows the same breach in another way
        shows = partial(_shown, closest=closest, kind=shown.kind, alike=alike and not left_over)
        always = finding.failed == finding.runs
        small = minimise(
            first,
            lambda candidate: self.run(candidate, lane, by_itself=by_itself),
            lambda candidate: shows(candidate) is not None,
            requests=self.level.minimise * (LEFT_OVER if left_over else 1),
            tries=1 if always else 3,
            in_a_row=2 if always else 1,
            go_on=lambda: not self.stop(),
            fit=self.fit,
        )
        _keep(finding, small, shows)
        ids = dict.fromkeys((*finding.violation.requirements, violation.requirements[0]))  # what was broken stays so
        finding.violation = replace(finding.violation, requirements=tuple(ids))
        finding.first_size, finding.spent = max(finding.first_size, len(first.plan.actions)), small.spent
        if left_over and small is not first:
            self._repeated(finding)

    def _alone(self, plan: Plan, lane: int, shows: Shows) -> PlanResult | None:
        """A run of the plan that shows the violation to whoever knows no earlier plan; or of one that is close to it.

        Where what was left locked lets no such plan run again, it takes smaller quantities; where the plan shows it
        only after it has been run before, it is done twice.
        """
        first = self.run(plan, lane, by_itself=True)
        if shows(first) is not None:
            return first
        return self._first((*(cheaper(plan) if first.trouble is not None else ()), joined(plan, plan)), lane, shows)

    def _first(self, plans: Iterable[Plan], lane: int, shows: Shows) -> PlanResult | None:
        """A run of the first of these plans, made to fit, that shows the violation by itself; none is run twice."""
        distinct = {plan.digest: plan for plan in map(self.fit, plans)}
        results = (self.run(plan, lane, by_itself=True) for plan in distinct.values() if not self.stop())
        return next((result for result in results if shows(result) is not None), None)


def _keep(finding: Finding, result: PlanResult, shows: Shows) -> None:
    """Let a run that shows the violation stand for the finding."""
    shown = shows(result)
    if shown is not None:
        finding.result, finding.violation = result, shown


def _broke(result: PlanResult, violation: Violation) -> bool:
    """Whether a run broke one of the same requirements: what is seen of it may differ with the moment of a read."""
    return any(result.breaks(name) for name in violation.requirements)


def _shown(result: PlanResult, *, closest: str, kind: str, alike: bool) -> Violation | None:
    """The violation of the closest requirement that a run shows, with that one first; ``alike``: of the same kind."""
    broken = [found for found in result.violations if closest in found.requirements]
    same = next((found for found in broken if found.kind == kind), None)
    shown = same if alike or same is not None else next(iter(broken), None)
    if shown is None:
        return None
    return replace(shown, requirements=(closest, *(name for name in shown.requirements if name != closest)))
