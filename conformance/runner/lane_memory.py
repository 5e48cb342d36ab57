"""What a lane of a run remembers beyond one plan: what the target has shown, what to look at again, its keys."""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from conformance.judging.case import Closed, LaneKnowledge
from conformance.judging.seen import Fact
from conformance.model.deviations import Deviations
from conformance.plans import LOOK_AGAIN_AFTER, Plan
from conformance.runner.waiting import moment
from fixtures.attacks.workbench import Workbench

MOST_WAITING = 2_000
"""Closed orders that wait to be looked at again; the oldest are forgotten."""


class Recorder(Protocol):
    """Writes down what a lane's plan runs see, so that it can be judged again.

    ``unprejudiced``: they know nothing of what the target has left locked.
    """

    unprejudiced: bool

    def by_itself(self) -> "Recorder":
        """The recorder of plan runs that know nothing of what earlier ones have shown."""

    def begins(self, plan: Plan, accounts: tuple[str, ...], known: Deviations, *, proposed: bool = False) -> int:
        """A plan run begins, with these deviations ``known`` of the target; returns its number.

        ``proposed``: its requests are a fuzzer's.
        """

    def saw(self, fact: Fact, *, ended: bool) -> None:
        """The plan run saw this, before or after it had ``ended`` by what it saw."""

    def ends(self, *, gone: bool = False) -> None:
        """The plan run ends; ``gone``: the target cannot be asked further, so that it has no result."""


@dataclass(kw_only=True, slots=True)
class LaneMemory:
    """Remembered across the plans of one lane.

    ``known`` is what the judge knows of the target; ``closed`` are the ids of orders to look at again, ``wrong_funds``
    says whether balances were seen to stay wrong; ``workbench`` keeps the keys and signatures of forged requests;
    ``given_up`` the client ids of orders that were cancelled once, and are not waited for again; ``histories`` how many
    lists with closed orders were searched for another account's, ``other_lists`` how often the other lists of an
    account were read; ``changed_at`` the monotonic time of the last change at the target; ``recorder`` writes the run's
    history, where one is written.
    """

    known: LaneKnowledge = field(default_factory=LaneKnowledge)
    closed: deque[Closed] = field(default_factory=deque)
    wrong_funds: bool = False
    workbench: Workbench = field(default_factory=Workbench)
    given_up: set[str] = field(default_factory=set)
    histories: int = 0
    other_lists: int = 0
    changed_at: float = 0.0
    recorder: Recorder | None = None

    def by_itself(self) -> "LaneMemory":
        """A memory without what earlier plans have shown: a plan that breaks a rule under it does so by itself."""
        return LaneMemory(
            known=self.known.by_itself(),
            wrong_funds=self.wrong_funds,
            workbench=self.workbench,
            given_up=self.given_up,
            changed_at=self.changed_at,
            recorder=None if self.recorder is None else self.recorder.by_itself(),
        )

    def after(self, other: "LaneMemory") -> None:
        """Take over from a memory that began with :meth:`by_itself` what holds for all plans of the lane."""
        if other is self:
            return
        self.changed_at = other.changed_at
        self.known = self.known.having_asked(other.known)

    def remember(self, closed: Closed) -> None:
        """Keep an order to look at again later."""
        self.closed.append(closed)
        if len(self.closed) > MOST_WAITING:
            self.closed.popleft()

    def due(self, most: int) -> list[Closed]:
        """Take up to ``most`` orders that were closed long enough ago."""
        taken: list[Closed] = []
        while self.closed and len(taken) < most and moment() - self.closed[0].at >= LOOK_AGAIN_AFTER:
            taken.append(self.closed.popleft())
        return taken
