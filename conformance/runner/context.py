"""One running plan: the target, the model's side of it, and the clock; shared by the actions' executors."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from conformance.model.order import ACTIVE
from conformance.model.rules import VenueRules
from conformance.plans import Plan
from conformance.requirements import Capability
from conformance.runner.attribution import Rule
from conformance.runner.contract import judge_shape
from conformance.runner.disclosure import Unauthenticated, insides
from conformance.runner.expectations import by_http_itself, knows_no_such_method
from conformance.runner.funds import FundsJudge
from conformance.runner.memory import Memory
from conformance.runner.tracker import Tracker
from conformance.trace import PlanResult
from fixtures.attacks.vectors import Attack
from fixtures.venue.answers import Answer, AnswerClass, Balances, OrderList, OrderRead, Unknown
from fixtures.venue.client import Venue

READS_REPEATED = 4
"""How often a read whose answer was lost is made in all."""

READS = frozenset({"read", "list", "balances"})
"""The operations that change nothing."""

Read = TypeVar("Read", OrderRead, OrderList, Balances)


UNAUTHENTICATED = frozenset({AnswerClass.UNAUTHENTICATED})


class PlanAbandonedError(Exception):
    """The plan cannot be judged further, through no fault that a requirement names; the message says why."""


@dataclass(kw_only=True, slots=True)
class RunningPlan:
    """Everything that the executors of one plan share.

    ``accounts`` are the roles that the plan uses; ``cancelled_prices`` the (market, side, price) levels at which an
    order was cancelled (queue place, CXL-05); ``after_refusals`` what an opposite order puts on an order that a refused
    cancel must have left in the book; ``raced_bulk`` the accounts whose cancel-all met other calls at once
    (RCE-03); ``changed_at`` the monotonic time of the last change that a late read may miss; ``silent`` what had no
    answer in this plan; ``looked`` how many requests there were at the last look, until time was let pass, or ``None``
    where a part of it had no answer; ``missed`` whether a read had none; ``left_out`` the accounts that the last look
    left out; ``stirred`` those that anything but a read was asked for since; ``ending`` whether the plan's orders have
    been cleaned up.
    """

    plan: Plan
    venue: Venue
    rules: VenueRules
    tracker: Tracker
    funds: FundsJudge
    memory: Memory
    result: PlanResult
    accounts: tuple[str, ...]
    offered: frozenset[Capability]
    markets: Mapping[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    held_markets: set[str] = field(default_factory=set)
    cancelled_prices: set[tuple[str, str, Decimal | None]] = field(default_factory=set)
    after_refusals: dict[str, set[Rule]] = field(default_factory=dict)
    raced_bulk: set[str] = field(default_factory=set)
    changed_at: float = 0.0
    arrivals: int = 0
    counter: int = 0
    silent: set[str] = field(default_factory=set)
    looked: int | None = None
    missed: bool = False
    left_out: tuple[str, ...] = ()
    stirred: set[str] = field(default_factory=set)
    ending: bool = False
    unauthenticated: dict[tuple[str, str, str], Unauthenticated] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """Whether the plan has ended: by a violation, or by trouble."""
        return self.result.ended or self.result.trouble is not None

    def market(self, name: str) -> str:
        """The market that this lane uses for the one that the plan names."""
        return self.markets.get(name, name)

    def until(self) -> float:
        """The time up to which things may have happened by themselves (seconds since the epoch)."""
        return time.time()

    def surely_active(self, name: str) -> bool:
        """Whether an order is active in every possible world, whatever others have traded up to now."""
        now = self.tracker.belief.by_now(self.until(), self.rules)
        return all(state.status in ACTIVE for state in now.states(name))

    def changed(self) -> None:
        """Something changed at the target: a read that may be late is not believed before its delay has passed."""
        self.changed_at = time.monotonic()

    def time_passed(self) -> None:
        """Time was let pass, or something was driven: every account is to be looked at."""
        self.looked = None
        self.stirred.update(self.accounts)

    def quiet(self, delay: float) -> None:
        """Wait until reads that may be ``delay`` seconds late must show the last change."""
        left = self.changed_at + delay - time.monotonic()
        if delay and left > 0:
            time.sleep(left)

    def took(
        self,
        answer: Answer | Unknown,
        *,
        attack: Attack | None = None,
        ids: tuple[str, ...] = (),
        correct: bool = True,
    ) -> None:
        """Put an exchange into the trace once, and judge what holds for every answer (ERR-01, ERR-02, ERR-04, SIG-11).

        ``attack`` is the flaw of a forged request, and ``ids`` are the requirements that an error of the server
        breaks too. ``correct``: whether a request without a flaw has the credentials that it should have (SIG-01).
        """
        step, exchange = self.tracker.step, answer.exchange
        if step.exchanges and step.exchanges[-1] is exchange:
            return
        step.exchanges.append(exchange)
        self.result.requests += 1
        if exchange.operation.startswith("control."):
            self.time_passed()
        elif exchange.operation not in READS:
            self.stirred.add(exchange.account)
        if isinstance(answer, Unknown):
            return
        excused = knows_no_such_method(answer.exchange, self.venue.profile) or (
            attack is not None and by_http_itself(answer, attack)
        )
        if answer.is_(AnswerClass.SERVER_ERROR) and not excused:
            flaw = "" if attack is None else f" with a flaw ({attack.vectors[0].attack_class})"
            self.tracker.breaks(
                f"the answer to {exchange.operation}" + ("" if attack is None else f" with a flaw ({attack.note})"),
                "any answer below 500",
                f"HTTP {answer.status}",
                tuple(dict.fromkeys((*ids, "ERR-01"))),
                kind=f"{exchange.operation}{flaw} answered 5xx",
            )
        else:
            self.result.exercised["ERR-01"] += 1
        signs = correct and attack is None and self.venue.profile.authentication.signs
        if signs and exchange.operation == "cancel" and answer.classes == UNAUTHENTICATED:
            self.tracker.breaks(
                f"the answer to a correctly signed cancel by {exchange.account}",
                "anything but unauthenticated",
                f"HTTP {answer.status}",
                ("SIG-01",),
                kind="a correctly signed cancel is answered unauthenticated",
            )
        self._gives_away(answer)
        judge_shape(self, answer, attack)

    def _gives_away(self, answer: Answer) -> None:
        """SIG-11: nothing secret or internal is in an answer; one that holds some tells nothing wrong of the orders."""
        exchange = answer.exchange
        found = [*exchange.leaked, *(what for what, _ in insides(exchange))]
        if not found:
            self.result.exercised["SIG-11"] += 1
            return
        shown = "; ".join(f"{what}: {text[:120]}" for what, text in insides(exchange))
        self.tracker.breaks(
            f"the answer to {exchange.operation}",
            "nothing secret or internal",
            shown or f"HTTP {answer.status} with the {', the '.join(exchange.leaked)}",
            ("SIG-11",),
            kind=f"an answer gives away {', '.join(dict.fromkeys(found))}",
            ends=False,
        )

    def asked(self, read: Callable[[], Read]) -> Read:
        """Make a read, and make it again where its answer was lost: unlike a cancel, a read may be repeated."""
        for _ in range(READS_REPEATED):
            result = read()
            if isinstance(result.answer, Answer):
                return result
            self.took(result.answer)
        self.missed = True
        return result

    def heard(self, asked: str, answer: Answer | Unknown) -> None:
        """ERR-01: a correct request that has no answer in several plans, and never had one, is dropped by the target.

        One that has none now and then is lost on the way. ``asked``: what it asks for, and in which situation.
        """
        silences = self.memory.silences
        if isinstance(answer, Answer):
            silences.answered.add(asked)
        elif answer.sent and asked not in self.silent:
            self.silent.add(asked)
            if silences.miss(asked):
                seen = f"none in {silences.missed[asked]} plans: {answer.reason}"
                self.tracker.breaks(asked, "an answer", seen, ("ERR-01",), kind=f"{asked} has no answer", ends=False)

    def understood(self, answer: Answer | Unknown) -> Answer | None:
        """The answer, where one came that can be judged; abandons the plan where the target only throttles."""
        self.took(answer)
        if isinstance(answer, Unknown):
            return None
        if answer.is_(AnswerClass.THROTTLED):
            raise PlanAbandonedError(f"{answer.exchange.operation} was throttled beyond the profile's allowance")
        return answer
