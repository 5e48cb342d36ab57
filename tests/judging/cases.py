"""Cases and facts for the tests of judging: no exchange, no client and no clock stands behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cache
from typing import Any

from conformance.judging.case import Case, LaneKnowledge, Target, TrackedOrder
from conformance.judging.causes import CANCELLED_OPEN, PLACED, Cause, CauseAt
from conformance.judging.judge import judge
from conformance.judging.recording import record
from conformance.judging.rulings import Breaks, LookAgain, Ruling
from conformance.judging.seen import (
    Answered,
    BalancesSeen,
    Cancelling,
    Fact,
    ListSeen,
    OrderSeen,
    StartSeen,
    StepBegun,
)
from conformance.model.deviations import NONE, Deviations
from conformance.model.order import Status
from conformance.model.worlds import Belief
from conformance.plans import Plan
from conformance.requirements import catalogue
from conformance.trace import PlanResult, Violation
from fixtures.attacks.vectors import Attack
from fixtures.contract.document import contract_of
from fixtures.profiles import Profile, load_profile, profile_from_data
from fixtures.venue.answers import (
    Answer,
    AnswerClass,
    BalanceView,
    Cancelled,
    Exchange,
    Headers,
    OrderRead,
    OrderView,
)
from tests.model.orders import NOW, RULES, known, state

STATUS_OF = {
    AnswerClass.ACCEPTED: 200,
    AnswerClass.PENDING: 202,
    AnswerClass.CANNOT_CANCEL: 400,
    AnswerClass.NOT_FOUND: 404,
    AnswerClass.UNAUTHENTICATED: 401,
    AnswerClass.SERVER_ERROR: 500,
}


@cache
def profile() -> Profile:
    """The documented dialect, as it is bundled."""
    return load_profile("documented")


def target(**tables: Any) -> Target:
    """A target of the documented dialect, with tables of the profile overridden, and the rules of the model's tests."""
    given = profile_from_data({"extends": "documented", **tables}) if tables else profile()
    return Target(profile=given, rules=RULES, offered=given.capabilities(), contract=contract_of(given))


def case(belief: Belief, *causes: Cause, known: LaneKnowledge | None = None, **tables: Any) -> Case:
    """A case in its first step that knows the belief's orders, with causes on each of them and on its owner's funds."""
    names = sorted(belief.home)
    terms = {name: belief.states(name)[0].terms for name in names}
    at = {name: tuple(CauseAt(cause=cause, step=1, order=name) for cause in causes) for name in names}
    found = known or LaneKnowledge()
    about = target(**tables)
    return Case(
        target=about,
        rules=replace(about.rules, deviations=found.deviations),
        accounts=("primary", "counterparty"),
        known=found,
        step=1,
        belief=belief,
        orders={
            name: TrackedOrder(name=name, terms=terms[name], order_id=f"id-{name}", causes=at[name]) for name in names
        },
        account_causes={
            account: tuple(one for name in names if terms[name].account == account for one in at[name])
            for account in {one.account for one in terms.values()}
        },
    )


@dataclass
class Judged:
    """A case under judgement, with the result of all that was ruled; each fact is judged on the case before it."""

    case: Case
    result: PlanResult

    def see(self, fact: Fact) -> LookAgain | None:
        """Judge one fact and keep what is ruled; says whether it is to be looked at again."""
        self.case, rulings = judge(self.case, fact)
        for ruling in rulings:
            assert_whole(ruling)
        record(self.result, fact, rulings, self.case)
        return next((ruling for ruling in rulings if isinstance(ruling, LookAgain)), None)

    @property
    def violation(self) -> Violation:
        """The only violation that was found."""
        (found,) = self.result.violations
        return found


TEXTS = frozenset({"what", "predicted", "seen", "kind", "reason", "note", "state", "event"})
IDS = frozenset({"requirements", "ids", "also"})


def assert_whole(ruling: Ruling) -> None:
    """Whatever is ruled says in words all that it has to say, and names requirements of the catalogue alone."""
    said = ruling.violation if isinstance(ruling, Breaks) else ruling
    for one in fields(said):
        found = getattr(said, one.name)
        if one.name in TEXTS:
            assert isinstance(found, str), (one.name, said)
            assert found, (one.name, said)
        if one.name in IDS:
            assert set(found) <= set(catalogue()), (one.name, said)
    if isinstance(ruling, Breaks):
        assert ruling.violation.requirements
        assert all(isinstance(why, str) for why in ruling.violation.because)


def judged(begun: Case) -> Judged:
    """A case of which a first step has begun."""
    result = Judged(case=begun, result=PlanResult(plan=Plan(actions=())))
    result.see(StepBegun(index=1, action={"do": "cancel"}, at=0.0))
    return result


def misjudged(belief: Belief, shown: Mapping[str, BalanceView], *causes: Cause) -> Judged:
    """Balances that do not fit, of an account that began with a hundred, judged."""
    under = judged(case(belief, *causes))
    under.see(start_seen(funds("100", "0", "100")))
    under.see(balances_seen(shown))
    return under


# -- facts ------------------------------------------------------------------------------------------------------------


def exchange(
    status: int | None,
    body: str = "{}",
    *,
    operation: str = "cancel",
    headers: Headers = (("Content-Type", "application/json"),),
    **changes: Any,
) -> Exchange:
    """A request and what came back."""
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/x",
        "url_host": "venue.example",
        "request_headers": (),
        "request_body": "",
        "status": status,
        "response_headers": headers,
        "response_body": body,
        "began": 0.0,
        "ended": 0.1,
        "operation": operation,
        "account": "primary",
    }
    return Exchange(**(given | changes))


def answer(
    answer_class: AnswerClass, *, status: int | None = None, code: str | None = None, body: str = "{}"
) -> Answer:
    """An answer of one class."""
    number = status or STATUS_OF[answer_class]
    return Answer(
        status=number, classes=frozenset({answer_class}), code=code, body={}, exchange=exchange(number, body), text=body
    )


def cancelling(
    answer_class: AnswerClass, *, order: str = "a", account: str = "primary", shows: Status | None = None
) -> Cancelling:
    """A cancel of an order was answered."""
    word = None if shows is None else shows.lower()
    result = Cancelled(answer=answer(answer_class), status=shows, word=word)
    return Cancelling(order=order, account=account, result=result, asked=NOW, at=NOW)


def view(status: Status, executed: str = "0", *, order: str = "a", **terms: Any) -> OrderView:
    """An order as a target shows it."""
    return OrderView(order_id=f"id-{order}", status=status, word=status.lower(), executed=Decimal(executed), **terms)


def order_seen(shown: OrderView, *, again: float = 0.0, at: float = NOW) -> OrderSeen:
    """An order was read by its owner."""
    read = OrderRead(answer=answer(AnswerClass.ACCEPTED), view=shown)
    name = shown.order_id.removeprefix("id-")
    return OrderSeen(order=name, account="primary", result=read, asked=at, at=at, moment=at, again=again)


def list_seen(*views: OrderView, names: Iterable[str] = ("a",), again: float = 0.0) -> ListSeen:
    """The active orders of the primary account were listed."""
    return ListSeen(account="primary", views=views, names=tuple(names), asked=NOW, at=NOW, moment=NOW, again=again)


def funds(available: str, locked: str, total: str) -> dict[str, BalanceView]:
    """Balances in the quote asset."""
    return {"Q": BalanceView(available=Decimal(available), locked=Decimal(locked), total=Decimal(total))}


def start_seen(shown: Mapping[str, BalanceView]) -> StartSeen:
    """The balances of the primary account before the plan's first step."""
    return StartSeen(account="primary", funds=shown)


def balances_seen(
    shown: Mapping[str, BalanceView], *, looks: tuple[float, ...] = (), doubt: Any = None, moment: float = NOW
) -> BalancesSeen:
    """The balances of the primary account were read."""
    return BalancesSeen(account="primary", funds=shown, at=NOW, moment=moment, looks=looks, doubt=doubt)


def answered(given: Answer, attack: Attack | None = None) -> Answered:
    """Any request was answered."""
    return Answered(answer=given, attack=attack)


BEFORE = Decimal(10_000)
"""What the account has of the quote asset when a plan begins; an order for 10 at 100 locks 1000 of it."""


def holding(locked: str, total: str = "0") -> dict[str, BalanceView]:
    """Balances with so much locked, and the total moved by so much."""
    all_of_it = BEFORE + Decimal(total)
    view = BalanceView(available=all_of_it - Decimal(locked), locked=Decimal(locked), total=all_of_it)
    return {"Q": view}


def seen_after_a_cancel(*facts: Fact, deviations: Deviations = NONE) -> PlanResult:
    """The result of a plan that saw these facts after a cancel was accepted, kept as a runner keeps it."""
    begun = case(known(state(Status.CANCELED)), PLACED, CANCELLED_OPEN, known=LaneKnowledge(deviations=deviations))
    result = PlanResult(plan=Plan(actions=()), opened=begun, began_with=deviations)
    now = begun
    for fact in (StepBegun(index=1, action={}, at=0.0), start_seen(holding("0")), *facts):
        now, rulings = judge(now, fact)
        record(result, fact, rulings, now)
        result.facts.append(fact)
    return replace(result, requests=7, ended_with=now.known.deviations)
