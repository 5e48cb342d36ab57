"""Verdicts: what a whole run says of each requirement, and the exit status that follows.

A verdict is computed from everything that was observed of a requirement in the run, whichever test saw it. A
requirement that was never exercised is not a pass.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.exit_status import ExitStatus
from conformance.requirements import Level, Requirement, catalogue
from conformance.trace import PlanResult, Violation


class Verdict(StrEnum):
    """What a run says of one requirement."""

    PASS = "PASS"
    FAIL = "FAIL"
    INTERMITTENT = "INTERMITTENT"
    NOT_EXERCISED = "NOT EXERCISED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(kw_only=True, slots=True)
class Finding:
    """Equal violations, grouped: how often they were seen, and the smallest plan that shows them.

    ``failed`` of ``runs`` repetitions of that plan showed it; fewer than all means INTERMITTENT. ``result`` is the
    trace of the smallest failing run; ``first_size`` the number of actions of the plan that showed it first;
    ``spent`` the requests that making it smaller took. ``seen_first`` is the key of the violation that it began with:
    under it, further ones are counted.
    """

    violation: Violation
    result: PlanResult
    count: int = 1
    failed: int = 1
    runs: int = 1
    first_size: int = 0
    spent: int = 0
    test: str = ""
    seen_first: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Remember what it began with."""
        self.seen_first = self.violation.key

    @property
    def intermittent(self) -> bool:
        """Whether the same plan also passed when it was repeated."""
        return self.failed < self.runs

    @property
    def key(self) -> tuple[str, str]:
        """What groups violations."""
        return self.violation.key


@dataclass(kw_only=True, slots=True)
class Aimed:
    """What became of the plans of the tests that speak for one requirement.

    ``troubles`` counts why some could not be judged to their end, ``ended_by`` the requirements whose violation ended
    others before theirs.
    """

    plans: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    ended_by: Counter[str] = field(default_factory=Counter)

    def why(self) -> str:
        """What most often kept these plans from showing the requirement."""
        causes = Counter(self.troubles)
        for requirement, count in self.ended_by.items():
            causes[
                f"{count} of {self.plans} plans that aimed at it ended before, with a violation of {requirement}"
            ] = count
        return causes.most_common(1)[0][0] if causes else "no plan of this run reached it"


@dataclass(kw_only=True, slots=True)
class RunRecord:
    """Everything that a run (or one lane of it) observed, without the traces of plans that passed.

    ``aimed`` holds, by requirement, what became of the plans of its own tests.
    """

    exercised: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    aimed: dict[str, Aimed] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    answer_seconds: list[float] = field(default_factory=list)
    terminal_seconds: list[float] = field(default_factory=list)
    release_seconds: list[float] = field(default_factory=list)
    plans: int = 0
    repeated_plans: int = 0
    requests: int = 0
    attacks: Counter[str] = field(default_factory=Counter)
    beyond: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    errors: list[str] = field(default_factory=list)

    def add(self, result: PlanResult, aimed_at: Iterable[str] = ()) -> None:
        """Count what one run of a plan exercised, which aimed at these requirements; violations are findings."""
        self.plans += 1
        self.requests += result.requests
        self.exercised.update(result.exercised)
        self.cells.update(result.cells)
        self.notes.update(result.notes)
        self.attacks.update(result.attacks)
        if result.trouble is not None:
            self.keep_trouble(result.trouble, aimed_at)
        ending = next((found for found in result.violations if found.ends), None)
        for requirement in aimed_at:
            aimed = self.aimed.setdefault(requirement, Aimed())
            aimed.plans += 1
            if ending is not None:
                aimed.ended_by[ending.requirements[0]] += 1
        for timing in result.timings:
            if timing.terminal is None and timing.released is None:
                self.answer_seconds.append(timing.answer)
            if timing.terminal is not None:
                self.terminal_seconds.append(timing.terminal)
            if timing.released is not None:
                self.release_seconds.append(timing.released)

    def also(self, requirement: str) -> str:
        """The requirement of a finding that has this one broken too, by the same cause; empty where none has."""
        return next(
            (f.violation.requirements[0] for f in self.findings.values() if requirement in f.violation.also), ""
        )

    def keep_trouble(self, reason: str, aimed_at: Iterable[str] = ()) -> None:
        """Count why something that aimed at these requirements could not be judged."""
        self.troubles[reason] += 1
        for requirement in aimed_at:
            self.aimed.setdefault(requirement, Aimed()).troubles[reason] += 1

    def add_proposed(self, result: PlanResult, aimed_at: Iterable[str] = ()) -> None:
        """Count what the requests of a fuzzer exercised, which are no plan of the run's."""
        self.requests += result.requests
        self.exercised.update(result.exercised)
        self.notes.update(result.notes)
        if result.trouble is not None:
            self.keep_trouble(result.trouble, aimed_at)

    def of(self, requirement: str) -> list[Finding]:
        """The findings that break a requirement, the smallest plan first."""
        found = [f for f in self.findings.values() if requirement in f.violation.requirements]
        return sorted(found, key=lambda f: (f.violation.requirements[0] != requirement, len(f.result.plan.actions)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The verdict of one requirement, how often it was exercised, and why it was not where it was not."""

    requirement: Requirement
    verdict: Verdict
    exercised: int
    reason: str = ""
    findings: tuple[Finding, ...] = ()


def judgements(
    record: RunRecord, *, missing: Mapping[str, str], selected: Iterable[str] | None = None
) -> tuple[Judgement, ...]:
    """The verdict of every judged requirement, in the catalogue's order.

    ``missing`` says, by requirement, which capability the target lacks; ``selected`` names the requirements of a
    partial run: all others are NOT EXERCISED.
    """
    chosen = None if selected is None else set(selected)
    found = []
    for requirement in catalogue().values():
        if not requirement.judged:
            continue
        findings = tuple(record.of(requirement.id))
        count = record.exercised.get(requirement.id, 0)
        verdict, reason = _verdict(requirement.id, findings, count, record, missing, chosen)
        found.append(
            Judgement(requirement=requirement, verdict=verdict, exercised=count, reason=reason, findings=findings)
        )
    return tuple(found)


def _verdict(
    requirement: str,
    findings: tuple[Finding, ...],
    count: int,
    record: RunRecord,
    missing: Mapping[str, str],
    chosen: set[str] | None,
) -> tuple[Verdict, str]:
    if findings:
        return (Verdict.INTERMITTENT if all(found.intermittent for found in findings) else Verdict.FAIL), ""
    if chosen is not None and requirement not in chosen:
        return Verdict.NOT_EXERCISED, "not selected in this run"
    if requirement in missing:
        return Verdict.NOT_EXERCISED, missing[requirement]
    return (Verdict.PASS, "") if count else _without_a_sign(requirement, record)


def _without_a_sign(requirement: str, record: RunRecord) -> tuple[Verdict, str]:
    """Why nothing showed whether a requirement holds that could have been exercised."""
    if also := record.also(requirement):
        return Verdict.INCONCLUSIVE, f"what would show it is hidden by the finding of {also}"
    if requirement in record.beyond:
        return Verdict.NOT_EXERCISED, record.beyond[requirement]
    state = catalogue()[requirement].needs_state
    if state is not None and record.stopped is None and not any(seen == state for seen, _ in record.cells):
        return Verdict.NOT_EXERCISED, f"the target never showed an order that is {state}"
    if record.stopped is not None:
        return Verdict.INCONCLUSIVE, record.stopped
    aimed = record.aimed.get(requirement, Aimed())
    if catalogue()[requirement].fleeting and not (record.errors or aimed.troubles or aimed.ended_by):
        return Verdict.NOT_EXERCISED, "no pending cancel of the target lasted until something met it"
    if record.errors:
        return Verdict.INCONCLUSIVE, record.errors[0]
    return Verdict.INCONCLUSIVE, aimed.why()


def exit_status(
    found: Iterable[Judgement], *, strict: bool = False, selected: Iterable[str] | None = None, complete: bool = True
) -> ExitStatus:
    """0 conformant, 1 a MUST failed (with ``strict`` a SHOULD too), 3 a MUST could not be judged.

    A MUST that the target has no capability for is NOT EXERCISED and does not by itself make a run inconclusive; one
    that should have been exercised and was not does. ``complete`` is false where the run was stopped early.
    """
    chosen = None if selected is None else set(selected)
    undecided = not complete
    for judgement in found:
        must = judgement.requirement.level is Level.MUST
        if judgement.verdict in (Verdict.FAIL, Verdict.INTERMITTENT) and (must or strict):
            return ExitStatus.NONCONFORMANT
        wanted = chosen is None or judgement.requirement.id in chosen
        if must and wanted and judgement.verdict is Verdict.INCONCLUSIVE:
            undecided = True
    return ExitStatus.INCONCLUSIVE if undecided else ExitStatus.CONFORMANT
