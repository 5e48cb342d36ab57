"""The explorer: what the conformance tests hand their plans to. It runs them, and keeps the record of the whole run."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from hypothesis import strategies as st

from conformance.engine.confirming import Confirming
from conformance.engine.drawing import draw_plans
from conformance.engine.lanes import Lanes
from conformance.engine.levels import Level
from conformance.judging.recording import judged_with
from conformance.model.deviations import NONE, Deviations
from conformance.plans import Expire, Plan
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding, RunRecord
from fixtures.venue.trouble import VenueTrouble
from strategies.fitting import fitted
from strategies.grounds import Ground

TRIED_AGAIN = 3
"""In how many plans a finding is repeated at the most until one of them shows it again."""


class NonconformityError(AssertionError):
    """The target broke a requirement; the one error of ours that a conformance test ends with."""

    def __init__(self, finding: Finding) -> None:
        violation = finding.violation
        super().__init__(
            f"{', '.join(violation.requirements)}: {violation.what}: expected {violation.predicted}, "
            f"seen {violation.seen} (failed {finding.failed} of {finding.runs})"
        )
        self.finding = finding


class RunStoppedError(Exception):
    """The run cannot go on: the target is not available, a limit is reached, or it was interrupted."""


class Watcher(Protocol):
    """Whoever wants to see a run go on; called from the thread that explores."""

    def began(self, test: str, requirements: tuple[str, ...]) -> None:
        """A conformance test begins."""

    def planned(self, plans: int) -> None:
        """The test that began will run so many plans, or so many more."""

    def ran(self, record: RunRecord, result: PlanResult) -> None:
        """One more plan was run, and is counted in the record."""

    def found(self, finding: Finding) -> None:
        """A new nonconformity was found; it is written down at once."""


class Silent:
    """A watcher that shows nothing."""

    def began(self, test: str, requirements: tuple[str, ...]) -> None:
        """Show nothing."""

    def planned(self, plans: int) -> None:
        """Show nothing."""

    def ran(self, record: RunRecord, result: PlanResult) -> None:
        """Show nothing."""

    def found(self, finding: Finding) -> None:
        """Show nothing."""


@dataclass(kw_only=True)
class Explorer:
    """One run over one target. ``stop_at_first`` ends it with the first violation of these requirements."""

    lanes: Lanes
    ground: Ground
    level: Level
    seed: int
    record: RunRecord = field(default_factory=RunRecord)
    watcher: Watcher = field(default_factory=Silent)
    stop_at_first: frozenset[str] | None = None
    stop: Callable[[], bool] = lambda: False
    done: set[str] = field(default_factory=set)
    established: Deviations = NONE
    expiries: int = 0
    test: str = ""
    wanted: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The requirement that the test which began speaks for, the first of its mark."""
        return self.wanted[0]

    def begin(self, test: str, wanted: tuple[str, ...]) -> None:
        """A conformance test that speaks for ``wanted`` requirements begins."""
        self.test, self.wanted = test, wanted
        self.watcher.began(test, wanted)

    def explore(self, strategy: st.SearchStrategy[Plan], *, plans: int, first: Iterable[Plan] = ()) -> None:
        """Run ``first`` plans, then up to ``plans`` drawn ones; raises :class:`NonconformityError`.

        Exploration ends at the first plan that breaks one of the test's own requirements; what else it shows is
        recorded.
        """
        drawn = draw_plans(strategy, plans, seed_of=f"{self.seed}/{self.test}")
        self.run([*first, *drawn])

    def run(self, plans: Iterable[Plan], *, lane: int | None = None) -> None:
        """Run plans that this run has not run yet, on this lane or any; raises as :meth:`explore` does."""
        broken: list[Finding] = []
        made = map(self._affordable, map(self._fitted, plans))
        fresh = [plan for plan in made if plan.actions and self._is_new(plan)]
        self.watcher.planned(len(fresh))
        try:
            for result in self.lanes.run_all(fresh, lambda: not broken and self._may_go_on(), number=lane):
                self._take(result, broken)
        except VenueTrouble as trouble:
            self.record.stopped = str(trouble)
        if broken:
            raise NonconformityError(broken[0])
        if self.record.stopped is not None:
            raise RunStoppedError(self.record.stopped)

    def take_once(self, finding: Finding) -> None:
        """Record a finding that no plan shows again: it was seen, and is not repeated."""
        known = self.record.findings.get(finding.key)
        if known is not None:
            known.count += 1
            return
        self.record.findings[finding.key] = finding
        self.watcher.found(finding)

    def run_each(self, kept: Iterable[tuple[Plan, int]]) -> None:
        """Run plans one by one, each on the lane of its number; what one shows keeps no other from running."""
        for plan, lane in kept:
            with suppress(NonconformityError, RunStoppedError):
                self.run([plan], lane=lane)

    def _fitted(self, plan: Plan) -> Plan:
        """The plan on the grids of its markets: no request may be refused for what is not asked."""
        return fitted(plan, self.ground.markets)

    def _affordable(self, plan: Plan) -> Plan:
        """The plan, or the plan without its expiries where the level has waited for as many as it may."""
        expiries = sum(isinstance(action, Expire) for action in plan.actions)
        if not self.ground.expiry_takes_time or not expiries:
            return plan
        if self.expiries + expiries > self.level.expiries:
            return replace(plan, actions=tuple(a for a in plan.actions if not isinstance(a, Expire)))
        self.expiries += expiries
        return plan

    def _is_new(self, plan: Plan) -> bool:
        if plan.digest in self.done:
            self.record.repeated_plans += 1
            return False
        self.done.add(plan.digest)
        return True

    def _may_go_on(self) -> bool:
        if self.record.stopped is not None or self.satisfied:
            return False
        if self.stop():
            self.record.stopped = "the run was interrupted"
            return False
        return True

    @property
    def satisfied(self) -> bool:
        """Whether a run that looks for one violation alone has found it."""
        return self.stop_at_first is not None and any(
            self.stop_at_first & set(finding.violation.requirements) for finding in self.record.findings.values()
        )

    def _take(self, result: PlanResult, broken: list[Finding]) -> None:
        result = self._judged_anew(result)
        self.record.add(result, self.wanted)
        self.watcher.ran(self.record, result)
        for violation in result.violations:
            known = self.record.findings.get(violation.key)
            if known is not None:
                known.count += 1
                more = tuple(i for i in violation.requirements if i not in known.violation.requirements)
                known.violation = replace(known.violation, requirements=(*known.violation.requirements, *more))
                if set(more) & set(self.wanted):
                    broken.append(known)
                self._confirm_with(result, violation, known)
                continue
            finding = self._finding(result, violation)
            self.record.findings[violation.key] = finding
            if set(violation.requirements) & set(self.wanted):
                broken.append(finding)
            self.watcher.found(finding)

    def _judged_anew(self, result: PlanResult) -> PlanResult:
        """The result by what is known now; what it has shown for the first time, every lane knows from then on."""
        before = self.established
        result, self.established = judged_with(result, before)
        if self.established != before:
            self.lanes.establish(self.established)
        return result

    def _finding(self, result: PlanResult, violation: Violation) -> Finding:
        finding = Finding(violation=violation, result=result, test=self.test, first_size=len(result.plan.actions))
        self.record.findings[violation.key] = finding  # known before it is repeated: nothing loses it
        if self.stop_at_first is None:
            self.confirm(finding)
        return finding

    def _confirm_with(self, result: PlanResult, violation: Violation, known: Finding) -> None:
        """A finding whose plan has not shown it again is seen in another plan, which may: that one is kept, then."""
        seldom = known.failed == 1 and 1 < known.runs <= TRIED_AGAIN * self.level.repeats
        if self.stop_at_first is not None or not seldom:
            return
        other = replace(
            known,
            violation=replace(violation, requirements=known.violation.requirements),
            result=result,
            failed=1,
            runs=1,
            first_size=len(result.plan.actions),
        )
        self.confirm(other)
        if other.failed == 1:
            known.runs += other.runs
            return
        known.violation, known.result, known.first_size, known.spent = (
            other.violation,
            other.result,
            other.first_size,
            other.spent,
        )
        known.failed, known.runs = other.failed, other.runs
        self.watcher.found(known)

    def confirm(self, finding: Finding) -> None:
        """Repeat a finding's plan, count k of n, and make it small, within the level's budgets.

        What other lanes have under way is waited for: a plan that shows the violation with their help is not kept.
        Its lane repeats it: the fault may be of that lane's accounts or markets alone. Where the plan shows the
        violation by itself, so does the small one: whoever replays it knows no earlier plan. What the target is known
        to do wrong is left out: only where that hides the violation, the plan is repeated with what it began with.
        """
        began_with = finding.result.began_with
        try:
            self.lanes.come_to_rest()
            self._confirming(NONE).confirm(finding)
            if finding.failed == 1 < finding.runs and began_with != NONE:
                finding.runs = 1
                self._confirming(began_with).confirm(finding)
        except VenueTrouble as trouble:
            self.record.stopped = str(trouble)  # what was found so far stays found

    def _confirming(self, taken_for: Deviations) -> Confirming:
        return Confirming(
            run=partial(self._again, taken_for),
            alone=all(market.isolated for market in self.ground.markets),
            level=self.level,
            stop=self.stop,
            fit=self._fitted,
        )

    def _again(self, taken_for: Deviations, plan: Plan, lane: int, *, by_itself: bool = False) -> PlanResult:
        result = self.lanes.run(plan, number=lane, by_itself=by_itself, taken_for=taken_for)
        self.record.requests += result.requests
        return result
