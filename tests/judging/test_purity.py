"""The judge is pure: what it is handed stays as it was, and the same in gives the same out."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from conformance.judging import causes
from conformance.judging.case import Case, Target
from conformance.judging.judge import judge
from conformance.judging.seen import (
    CancellingAll,
    CancellingUnknown,
    Ended,
    Fact,
    GivenUp,
    LockSeen,
    MayHaveHappened,
    StepBegun,
)
from conformance.model.events import Cancel
from conformance.model.order import Status
from conformance.model.worlds import Belief
from conformance.plans import Plan
from fixtures.venue.answers import AnswerClass, CancelledAll
from tests.judging.cases import (
    answer,
    answered,
    balances_seen,
    cancelling,
    case,
    funds,
    list_seen,
    order_seen,
    start_seen,
    view,
)
from tests.model.orders import NOW, state

PENDING = (state(Status.PENDING_CANCEL),), (state(Status.CANCELED),)
OTHER = state(Status.OPEN, name="b")

FACTS: dict[str, Fact] = {
    "a step begins": StepBegun(index=2, action={"do": "cancel"}, at=1.0),
    "an answer": answered(answer(AnswerClass.NOT_FOUND)),
    "an error of the server": answered(answer(AnswerClass.SERVER_ERROR)),
    "a cancel that is accepted": cancelling(AnswerClass.ACCEPTED, order="b"),
    "a cancel that is refused": cancelling(AnswerClass.CANNOT_CANCEL),
    "a cancel that is refused wrongly": cancelling(AnswerClass.CANNOT_CANCEL, order="b"),
    "a cancel by another account": cancelling(AnswerClass.NOT_FOUND, account="counterparty"),
    "a cancel of an unknown order": CancellingUnknown(
        order_id="x", account="primary", answer=answer(AnswerClass.NOT_FOUND), at=NOW
    ),
    "a cancel-all": CancellingAll(
        account="primary",
        result=CancelledAll(answer=answer(AnswerClass.ACCEPTED), order_ids=("id-b",)),
        asked=NOW,
        at=NOW,
    ),
    "a cancel that may have happened": MayHaveHappened(events=(Cancel(order="b", account="primary"),), at=NOW),
    "a read that fits": order_seen(view(Status.CANCELED)),
    "a read that does not": order_seen(view(Status.FILLED, "10", order="b")),
    "a read that may be late": order_seen(view(Status.FILLED, "10", order="b"), again=0.1),
    "a list": list_seen(view(Status.OPEN, order="b"), names=("a", "b")),
    "balances that fit": balances_seen(funds("0", "1000", "1000")),
    "balances that do not": balances_seen(funds("5", "5", "10")),
    "balances that may be late": balances_seen(funds("5", "5", "10"), looks=(0.1,)),
    "a lock": LockSeen(order="b", before=funds("1000", "0", "1000"), after=funds("0", "1000", "1000")),
    "a plan that is given up": GivenUp(reason="throttled"),
    "the end": Ended(plan=Plan(actions=()), moment=1.0),
}


@pytest.fixture
def begun() -> Case:
    """A case with an order whose cancel is pending or done, and another one that is open."""
    belief = Belief({0: PENDING, 1: ((OTHER,),)}, {"a": 0, "b": 1})
    before, _ = judge(case(belief, causes.CANCELLED_OPEN, causes.SIBLING), start_seen(funds("1000", "0", "1000")))
    orders = {name: replace(order, last=None, cancelled=True) for name, order in before.orders.items()}
    return replace(before, orders=orders)


def as_data(value: Any) -> Any:
    """Everything that a value holds, copied; the target apart, which is the same for all facts."""
    if isinstance(value, Target):
        return "the target"
    if isinstance(value, Belief):
        return as_data(value.clusters), as_data(value.home)
    if is_dataclass(value):
        return {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_data(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    return value


@pytest.mark.parametrize("name", FACTS)
def test_a_case_stays_as_it_was(begun: Case, name: str) -> None:
    """Judging a fact changes neither the case nor the fact, and judging it again on the same case says the same."""
    fact = FACTS[name]
    case_before, fact_before = as_data(begun), as_data(fact)
    after, rulings = judge(begun, fact)
    after_once = as_data(after)
    assert as_data(begun) == case_before
    assert as_data(fact) == fact_before
    again, rulings_again = judge(begun, fact)
    assert as_data(again) == after_once
    assert as_data(rulings_again) == as_data(rulings)


def test_the_facts_of_this_test_do_change_cases(begun: Case) -> None:
    """Most of the sample makes another case of the one that it is judged on: a judge that does nothing fails."""
    changing = [name for name, fact in FACTS.items() if judge(begun, fact)[0] is not begun]
    assert len(changing) > len(FACTS) / 2
