"""An explorer whose plans are not sent anywhere: a script says what each run of a plan shows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from conformance.engine import lanes as lanes_module
from conformance.engine.explorer import Explorer
from conformance.engine.lanes import Lane, Lanes
from conformance.engine.levels import LEVELS, Level, LevelName
from conformance.model.deviations import Deviations
from conformance.plans import Plan, Wait
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding, RunRecord
from strategies.grounds import Ground

Shows = Callable[[Plan], list[Violation]]


def waits(*seconds: float) -> Plan:
    """A plan that is told from others by what it waits for; nothing ever waits in these tests."""
    return Plan(actions=tuple(Wait(seconds=number) for number in seconds))


def violation(*requirements: str, kind: str = "a kind") -> Violation:
    """A violation of these requirements."""
    return Violation(
        requirements=requirements or ("CXL-01",),
        kind=kind,
        step=1,
        what="it",
        predicted="this",
        seen="that",
        because=(),
    )


@dataclass
class Script:
    """What runs of plans show, and which plans were run."""

    shows: Shows = lambda _: []
    requests: int = 3
    ran: list[Plan] = field(default_factory=list)
    knew: list[Deviations] = field(default_factory=list)
    memories: list[object] = field(default_factory=list)
    venues: list[object] = field(default_factory=list)

    def run_plan(self, plan: Plan, venue: object, memory: object, *, markets: object = None) -> PlanResult:
        """Stands for the running of a plan against a target."""
        assert isinstance(memory, LaneMemory)
        self.ran.append(plan)
        self.knew.append(memory.known.deviations)
        self.memories.append(memory)
        self.venues.append(venue)
        found = self.shows(plan)
        return PlanResult(plan=plan, violations=found, exercised=Counter({"CXL-08": 1}), requests=self.requests)

    def times(self, plan: Plan) -> int:
        """How often a plan was run."""
        return sum(one.digest == plan.digest for one in self.ran)


@dataclass
class Listener:
    """Remembers what it was told."""

    began_with: list[str] = field(default_factory=list)
    results: int = 0
    plans: int = 0
    findings: list[Finding] = field(default_factory=list)

    def began(self, test: str, requirements: tuple[str, ...]) -> None:
        """A test began."""
        self.began_with.append(test)

    def planned(self, plans: int) -> None:
        """Plans will be run."""
        self.plans += plans

    def ran(self, record: RunRecord, result: PlanResult) -> None:
        """A plan was run."""
        self.results += 1

    def found(self, finding: Finding) -> None:
        """Something was found."""
        self.findings.append(finding)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The script that plans are played by."""
    script = Script()
    monkeypatch.setattr(lanes_module, "run_plan", script.run_plan)
    return script


@pytest.fixture
def lanes() -> Iterator[Callable[[int], Lanes]]:
    """Opens so many lanes that lead nowhere."""
    opened: list[Lanes] = []

    def open_lanes(count: int = 1) -> Lanes:
        profile = SimpleNamespace(markets_of=lambda number: {})
        nowhere = [SimpleNamespace(profile=profile, number=n + 1) for n in range(count)]
        opened.append(Lanes([Lane(number=venue.number, venue=venue) for venue in nowhere]))  # type: ignore[arg-type]  # never asked
        return opened[-1]

    yield open_lanes
    for one in opened:
        one.close()


@pytest.fixture
def explorer(script: Script, lanes: Callable[[int], Lanes]) -> Explorer:
    """An explorer over the script, with small budgets, that speaks for CXL-01."""
    level: Level = replace(LEVELS[LevelName.SMOKE], repeats=3, minimise=60)
    opened = Explorer(
        lanes=lanes(1), ground=Ground(markets=(), abilities=frozenset()), level=level, seed=1, watcher=Listener()
    )
    opened.begin("test_something", ("CXL-01",))
    return opened
