"""Plans close to a plan: what they change, and that they change nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hypothesis import given

from conformance.engine.variants import COMPANY, SWEEP, accompanied, joined, sweeping
from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, PRIMARY, Action, Fill, Parallel, Place, Plan, Send
from tests.runner.test_plans import PLANS


def names(actions: Iterable[Action]) -> list[str]:
    """The orders that actions name, in turn, those of a race's calls among them."""
    found: list[str] = []
    for action in actions:
        if isinstance(action, Parallel):
            found += names(action.calls)
        elif isinstance(name := getattr(action, "order", None), str):
            found.append(name)
    return found


@given(plan=PLANS)
def test_a_plan_done_twice_has_orders_of_its_own_the_second_time(plan: Plan) -> None:
    """The first half is the plan; the second does the same to other orders."""
    size, double = len(plan.actions), joined(plan, plan).actions
    assert double[:size] == plan.actions
    again = double[size:]
    assert [type(action) for action in again] == [type(action) for action in plan.actions]
    assert names(again) == [f"{name}-2" for name in names(plan.actions)]
    assert [a for a in again if not names([a]) and not isinstance(a, Send)] == [
        a for a in plan.actions if not names([a]) and not isinstance(a, Send)
    ]


@given(plan=PLANS)
def test_a_plan_in_company_has_one_order_more(plan: Plan) -> None:
    """Beside the first limit order of the primary account stands one like it of another; all else is as it was."""
    company = accompanied(plan)
    calls = [call for a in plan.actions for call in (a.calls if isinstance(a, Parallel) else (a,))]
    like = [c for c in calls if isinstance(c, Place) and c.price is not None and c.account == PRIMARY]
    assert (company is None) is (not like)
    if company is not None:
        (beside,) = [a for a in company.actions if isinstance(a, Place) and a.order == COMPANY]
        assert tuple(a for a in company.actions if a is not beside) == plan.actions
        assert (beside.market, beside.side, beside.price) == (like[0].market, like[0].side, like[0].price)
        assert beside.account == COUNTERPARTY


def test_a_request_sent_twice_names_the_second_orders() -> None:
    """The names in a written request's target follow the orders; other braces stay."""
    send = Send(operation="cancel", method="POST", target="/orders/{o1}/cancel?x={}&y={a.fill1}")
    (_, again) = joined(Plan(actions=(send,)), Plan(actions=(send,))).actions
    assert again == replace(send, target="/orders/{o1-2}/cancel?x={}&y={a.fill1-2}")


def test_names_of_a_third_time_differ_from_those_of_the_second() -> None:
    """A plan that has been joined before can be joined again: no order takes the name of another."""
    once = Plan(actions=(Place(order="a", market="M", side=Side.BUY, quantity=Decimal(1)),))
    thrice = joined(joined(once, once), once)
    assert names(thrice.actions) == ["a", "a-2", "a-3"]


def test_opposite_orders_sweep_the_book() -> None:
    """Fills, and orders of other accounts, take many times what they meet; the account's own stay as they are."""
    own = Place(order="a", market="M", side=Side.BUY, quantity=Decimal(3), price=Decimal(10))
    other = replace(own, order="g", account=COUNTERPARTY, side=Side.SELL, quantity=Decimal(1))
    swept = sweeping(Plan(actions=(own, Fill(order="a", quantity=Decimal(1)), other)))
    assert swept.actions == (
        own,
        Fill(order="a", quantity=SWEEP * own.quantity),
        replace(other, quantity=SWEEP * own.quantity),
    )
