"""One running plan: the client, the case, and what the run of the plan itself has to remember."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn, TypeVar

from conformance.judging.case import Case
from conformance.judging.judge import judge
from conformance.judging.recording import record
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import Answered, Asked, Fact, GivenUp
from conformance.plans import Place, Plan, calls_of
from conformance.requirements import Capability
from conformance.runner.lane_memory import LaneMemory
from conformance.runner.waiting import let_pass, moment
from conformance.trace import PlanResult
from fixtures.attacks.forge import ForgedRequest
from fixtures.attacks.vectors import Attack
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass, Balances, OrderList, OrderRead, Unknown
from fixtures.venue.client import Venue

READS_REPEATED = 4
"""How often a read whose answer was lost is made in all."""

READS = frozenset({"read", "list", "balances"})
"""The operations that change nothing."""

Read = TypeVar("Read", OrderRead, OrderList, Balances)


class PlanAbandonedError(Exception):
    """The plan cannot be judged further, through no fault that a requirement names; the message says why."""


@dataclass(kw_only=True, slots=True)
class Looks:
    """Which accounts are to be looked at next.

    ``requests`` is the number of requests at the last look of which every part was answered, ``None`` where there was
    none, or time was let pass since; ``unanswered`` whether a part of a look had no answer; ``left_out`` the accounts
    that the last look left out; ``touched`` those that a request other than a read was sent for since the last look;
    ``at_the_end`` whether the plan's orders have been cleaned up.
    """

    requests: int | None = None
    unanswered: bool = False
    left_out: tuple[str, ...] = ()
    touched: set[str] = field(default_factory=set)
    at_the_end: bool = False


@dataclass(kw_only=True, slots=True)
class PlanRun:
    """What the executors of one plan share.

    ``markets`` are the lane's, by the names that plans use; ``held_markets`` those in which market orders are kept
    PENDING; ``numbers`` tell placed orders apart, by arrival and by name; ``forged`` are the first of forged requests
    that must be answered alike (SIG-10); ``changed_at`` is the monotonic time of the last change that a late
    read may not show.
    """

    venue: Venue
    memory: LaneMemory
    result: PlanResult
    case: Case
    markets: Mapping[str, str] = field(default_factory=dict)
    held_markets: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    forged: dict[tuple[str, str, str], ForgedRequest] = field(default_factory=dict)
    changed_at: float = 0.0
    looks: Looks = field(default_factory=Looks)

    @property
    def plan(self) -> Plan:
        """The plan that is run."""
        return self.result.plan

    @property
    def profile(self) -> Profile:
        """The target's profile."""
        return self.venue.profile

    @property
    def offered(self) -> frozenset[Capability]:
        """What the target can be made to do."""
        return self.case.target.offered

    @property
    def ended(self) -> bool:
        """Whether the plan has ended: by a violation, or by trouble."""
        return self.result.ended or self.result.trouble is not None

    def market(self, name: str) -> str:
        """The market that this lane uses for the one that the plan names."""
        return self.markets.get(name, name)

    @property
    def some_market(self) -> str | None:
        """A market of the plan: what a request about an order that does not exist names, where it must name one."""
        named = (call.market for action in self.plan.actions for call in calls_of(action) if isinstance(call, Place))
        first = next(named, None) or next(iter(self.markets), None) or next(iter(self.profile.markets), None)
        return None if first is None else self.market(first)

    # -- the judge ----------------------------------------------------------------------------------------------------

    def saw(self, fact: Fact) -> LookAgain | None:
        """Hand a fact to the judge and keep what it rules; says whether it asks for another look.

        Raises :class:`~conformance.model.prediction.TooManyWorldsError` as the judge does.
        """
        if self.memory.recorder is not None:
            self.memory.recorder.saw(fact, ended=self.ended)
        self.case, rulings = judge(self.case, fact)
        record(self.result, fact, rulings, self.case)
        self.result.facts.append(fact)
        return next((ruling for ruling in rulings if isinstance(ruling, LookAgain)), None)

    def abandon(self, reason: str) -> NoReturn:
        """Give the plan up; nothing of it says anything about the target."""
        self.saw(GivenUp(reason=reason))
        raise PlanAbandonedError(reason)

    def answered(
        self,
        answer: Answer | Unknown,
        *,
        attack: Attack | None = None,
        ids: tuple[str, ...] = (),
        correct: bool = True,
    ) -> None:
        """Hand over one exchange, once, to be judged by what holds for every answer; see :class:`Answered`."""
        exchange, known = answer.exchange, self.result.steps[-1].exchanges
        if known and known[-1] is exchange:
            return
        if exchange.operation.startswith("control."):
            self.time_passed()
        elif exchange.operation not in READS:
            self.looks.touched.add(exchange.account)
        self.saw(Answered(answer=answer, attack=attack, ids=ids, correct=correct))

    def judgeable(self, answer: Answer | Unknown) -> Answer | None:
        """Hand over an exchange; its answer, where one came. Abandons the plan where the target only throttles."""
        self.answered(answer)
        if isinstance(answer, Unknown):
            return None
        if answer.is_(AnswerClass.THROTTLED):  # may: a throttled request was not carried out, and says nothing
            self.abandon(f"{answer.exchange.operation} was throttled beyond the profile's allowance")
        return answer

    def must_answer(self, about: str, answer: Answer | Unknown) -> None:
        """Hand over whether a correct request was answered at all (ERR-01); see :class:`Asked`."""
        known = self.case.known
        if isinstance(answer, Unknown) or about not in known.answered:
            self.saw(Asked(about=about, answer=answer))

    def retried(self, read: Callable[[], Read]) -> Read:
        """Make a read, and make it again where its answer was lost: unlike a cancel, a read may be repeated."""
        for _ in range(READS_REPEATED):
            result = read()
            if isinstance(result.answer, Answer):
                return result
            self.answered(result.answer)
        self.looks.unanswered = True
        return result

    # -- time ---------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Something changed at the target: a read that may be late is not believed before its delay has passed."""
        self.changed_at = moment()

    def time_passed(self) -> None:
        """Time was let pass, or something was driven: every account is to be looked at."""
        self.looks.requests = None
        self.looks.touched.update(self.case.accounts)

    def wait_for_late_reads(self, delay: float) -> None:
        """Wait until reads that may be ``delay`` seconds late must show the last change."""
        if delay:
            let_pass(self.changed_at + delay - moment())
