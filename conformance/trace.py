"""What a plan's run leaves behind: steps, nonconformities, and what was exercised. Values only."""

from collections import Counter
from dataclasses import dataclass, field

from conformance.model.deviations import NONE, Deviations
from conformance.model.worlds import Belief
from conformance.plans import Plan
from fixtures.venue.answers import Exchange


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One thing that was predicted and then seen, in words; ``fits`` says whether any possible world explains it."""

    what: str
    predicted: str
    seen: str
    fits: bool


@dataclass(kw_only=True, slots=True)
class Step:
    """One action of the plan (or of its reconciliation): what was sent, predicted and seen.

    ``at`` is in seconds since the plan began; ``belief`` is what the model held possible afterwards.
    """

    index: int
    action: dict[str, object]
    at: float
    exchanges: list[Exchange] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    belief: Belief = field(default_factory=Belief.empty)


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One nonconformity: which requirements it breaks (the closest first), and why nothing explains what was seen.

    ``kind`` groups equal violations; it holds no name, id or amount of one run. ``also`` are requirements that are seen
    broken with it by the same cause: they count for no verdict. ``ends``: whether the plan could not go on after it; a
    wrong shape of an answer, say, hides nothing of what comes next.
    """

    requirements: tuple[str, ...]
    kind: str
    step: int
    what: str
    predicted: str
    seen: str
    because: tuple[str, ...]
    also: tuple[str, ...] = ()
    ends: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """What makes two violations the same finding: the closest requirement, and the way in which it is broken."""
        return (self.requirements[0], self.kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds measured of one cancel (INF-01..03); ``None`` where it was not seen."""

    answer: float
    terminal: float | None = None
    released: float | None = None


@dataclass(kw_only=True, slots=True)
class PlanResult:
    """The outcome of one run of one plan.

    ``exercised`` counts, by requirement, the observations that could have shown a violation and did not; ``cells``
    counts (state, event) pairs reached while the state was pinned by a read; ``attacks`` counts what was forged.
    ``trouble`` says why the plan could not be judged
    to its end (the target's transport, a refused placing, a driver): never a nonconformity. ``suspect`` is the plan to
    repeat where a violation belongs to an earlier plan than this one; ``spent`` the requests of making the plan small.
    ``lane`` is the number of the lane that ran it: its accounts and markets may have the fault alone; ``before`` the
    plan that this lane had run before, which may have prepared it; ``number`` is that of the plan run in the run's
    history, where one is written. ``opened`` is the case that the plan began with, ``facts`` what was seen, kept where
    there is a violation: so it can be judged again. ``began_with`` and ``ended_with`` are what the target was known to
    do wrong.
    """

    plan: Plan
    steps: list[Step] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    exercised: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    timings: list[Timing] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    attacks: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None
    requests: int = 0
    seconds: float = 0.0
    suspect: Plan | None = None
    spent: int = 0
    lane: int = 1
    before: Plan | None = None
    number: int = 0
    facts: list[object] = field(default_factory=list)
    opened: object = None
    began_with: Deviations = NONE
    ended_with: Deviations = NONE

    @property
    def ended(self) -> bool:
        """Whether a violation ended the plan."""
        return any(violation.ends for violation in self.violations)

    def breaks(self, requirement: str) -> bool:
        """Whether this run showed a violation of ``requirement``."""
        return any(requirement in violation.requirements for violation in self.violations)
