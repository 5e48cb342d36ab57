"""A failing plan is made small as data: to its core, within a budget, and never to something that does not fail."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count

import pytest

from conformance.engine.minimise import minimise
from conformance.model.order import Side, TimeInForce
from conformance.plans import (
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Fill,
    Forge,
    Parallel,
    Place,
    Plan,
    Snapshot,
    Wait,
)
from conformance.trace import PlanResult, Violation
from tests.engine.conftest import violation


def place(name: str = "a", quantity: str = "0.12345", **changes: object) -> Place:
    """A placing with many decimals."""
    given: dict[str, object] = {"order": name, "market": "M", "side": Side.BUY, "quantity": Decimal(quantity)}
    return Place(**(given | changes))  # type: ignore[arg-type]  # names and types are those of Place


def fill(quantity: str = "0.0123") -> Fill:
    """A fill of order a."""
    return Fill(order="a", quantity=Decimal(quantity))


class Target:
    """Fails where a predicate says so, and counts what it is asked."""

    def __init__(self, fails: Callable[[Plan], bool], *, cost: int = 4) -> None:
        self.fails = fails
        self.cost = cost
        self.plans: list[Plan] = []

    def run(self, plan: Plan) -> PlanResult:
        """One run of a plan."""
        self.plans.append(plan)
        found: list[Violation] = [violation()] if self.fails(plan) else []
        return PlanResult(plan=plan, violations=found, requests=self.cost)

    def minimised(self, *actions: Action, requests: int = 10_000, tries: int = 1, in_a_row: int = 1) -> PlanResult:
        """What becomes of a plan that fails."""
        plan = Plan(actions=actions)
        first = PlanResult(plan=plan, violations=[violation()], requests=self.cost)
        return minimise(
            first, self.run, lambda r: bool(r.violations), requests=requests, tries=tries, in_a_row=in_a_row
        )


NOISE: tuple[Action, ...] = (Snapshot(), Wait(seconds=1), place("x"), Cancel(order="x"), Snapshot(), CancelAll())


def needs(*core: Action) -> Callable[[Plan], bool]:
    """Fails where these actions come in this order, whatever stands between them."""

    def fails(plan: Plan) -> bool:
        rest = iter(plan.actions)
        return all(any(one == action for one in rest) for action in core)

    return fails


def test_a_plan_is_reduced_to_its_core() -> None:
    """Of thirty actions the three that are needed are left, in their order."""
    core = (place(quantity="0.1"), fill("0.01"), Cancel(order="a"))
    target = Target(needs(*core))
    result = target.minimised(*NOISE, *NOISE, core[0], *NOISE, core[1], *NOISE, core[2], *NOISE)
    assert result.plan.actions == core
    assert result.violations


def test_values_are_made_simple() -> None:
    """Quantities lose their digits, deadlines and client ids go, where the plan still fails without them."""
    target = Target(lambda plan: any(isinstance(action, Place) for action in plan.actions))
    busy = place(quantity="0.98765", time_in_force=TimeInForce.GTD, client_id_length=36)
    assert target.minimised(busy).plan.actions == (place(quantity="0.0009"),)


@pytest.mark.parametrize(("least", "kept"), [("0.00002", "0.00003"), ("0.0001", "0.0003"), ("0.01", "0.03")])
def test_quantities_become_cheap_together(least: str, kept: str) -> None:
    """All quantities are divided by the same power of ten, as far as the market takes them; the finding stays."""

    def fails(plan: Plan) -> bool:
        placed = [a.quantity for a in plan.actions if isinstance(a, Place)]
        filled = [a.quantity for a in plan.actions if isinstance(a, Fill)]
        return bool(placed and filled) and min(placed) >= Decimal(least) and placed[0] == 3 * filled[0]

    small = Target(fails).minimised(place(quantity="0.03"), fill("0.01"), Cancel(order="a"))
    assert small.plan.actions == (place(quantity=kept), Fill(order="a", quantity=Decimal(kept) / 3))


def test_a_value_that_matters_is_kept() -> None:
    """A quantity whose last digit makes the plan fail keeps it."""
    target = Target(
        lambda plan: any(
            isinstance(a, Place) and a.quantity % Decimal("0.001") > Decimal("0.0004") for a in plan.actions
        )
    )
    assert target.minimised(place(), *NOISE).plan.actions == (place(),)


def test_calls_of_a_race_and_flaws_of_a_forgery_are_taken_out() -> None:
    """A race keeps two calls at the least, a forged request one flaw with its values."""
    race = Parallel(calls=(Cancel(order="a"), Cancel(order="b"), Cancel(order="c"), fill()))
    forged = Forge(operation="cancel", vectors=("v1", "v2"), values=(("v1", "bit", 3), ("v2", "bit", 5)), order="a")
    target = Target(
        lambda plan: (
            any(isinstance(a, Parallel) and Cancel(order="c") in a.calls for a in plan.actions)
            and any(isinstance(a, Forge) and "v2" in a.vectors for a in plan.actions)
        )
    )
    small_race, small_forgery = target.minimised(race, forged).plan.actions
    assert isinstance(small_race, Parallel)
    assert len(small_race.calls) == 2
    assert small_forgery == Forge(operation="cancel", vectors=("v2",), values=(("v2", "bit", 5),), order="a")


@pytest.mark.parametrize("budget", [0, 1, 10, 60, 200])
def test_the_budget_of_requests_is_kept(budget: int) -> None:
    """It stops within one run of its budget, whatever is still left to try, and returns the smallest failing plan."""
    target = Target(needs(Cancel(order="a")))
    result = target.minimised(*NOISE, *NOISE, Cancel(order="a"), *NOISE, requests=budget)
    assert len(target.plans) * target.cost < budget + target.cost
    assert result.spent == len(target.plans) * target.cost
    assert Cancel(order="a") in result.plan.actions


def test_no_candidate_is_tried_twice() -> None:
    """Two equal actions give one candidate, not two: requests are not spent on what is known."""
    target = Target(needs(Snapshot(), Snapshot(), Cancel(order="a")))
    target.minimised(*[Snapshot()] * 6, Cancel(order="a"))
    digests = [plan.digest for plan in target.plans]
    assert len(digests) == len(set(digests))


def test_an_intermittent_candidate_is_tried_several_times() -> None:
    """Where the violation shows in every third run, three tries find the core all the same; one does not."""
    for tries, reached in ((1, False), (3, True)):
        number = count()
        core = needs(Cancel(order="a"))
        target = Target(lambda plan, core=core, number=number: core(plan) and next(number) % 3 == 2)  # type: ignore[misc]  # bound now
        result = target.minimised(*NOISE, Cancel(order="a"), *NOISE, tries=tries)
        assert (result.plan.actions == (Cancel(order="a"),)) is reached


def test_a_plan_that_cannot_be_made_smaller_stays() -> None:
    """Where every smaller plan passes, the first result is returned with what trying has cost."""
    target = Target(lambda plan: len(plan.actions) == 3)
    result = target.minimised(place(quantity="1"), fill("1"), Cancel(order="a"))
    assert len(result.plan.actions) == 3
    assert result.spent == len(target.plans) * target.cost > 0


def test_a_plan_that_lives_on_the_one_before_is_not_taken() -> None:
    """Where a refusal, of whichever plan, makes the target fail, it stays in a plan that must show that twice."""
    refused = True  # as the run that showed it first has left it

    def fails(plan: Plan) -> bool:
        nonlocal refused
        failed = False
        for action in plan.actions:
            if action == Cancel(order="a"):
                failed, refused = failed or refused, False
            refused = refused or action == CancelUnknown(order_id="never placed")
        return failed

    core = (place(quantity="0.1"), CancelUnknown(order_id="never placed"), Cancel(order="a"))
    busy = (*core, Snapshot(), CancelUnknown(order_id="never placed"))
    once, twice = Target(fails), Target(fails)
    assert CancelUnknown(order_id="never placed") not in once.minimised(*busy).plan.actions[:-1]
    assert twice.minimised(*busy, in_a_row=2).plan.actions == core[1:]


def test_a_small_plan_that_shows_it_only_now_and_then_gives_way_to_a_larger_one() -> None:
    """Of a steady violation the smallest plan is kept that shows it every time, not the smallest that ever did."""
    number = count()

    def fails(plan: Plan) -> bool:
        steady = CancelAll() in plan.actions
        return Cancel(order="a") in plan.actions and (steady or next(number) % 4 < 2)

    found = Target(fails).minimised(*NOISE, Cancel(order="a"), Snapshot(), in_a_row=2)
    assert CancelAll() in found.plan.actions
    assert Cancel(order="a") in found.plan.actions
    assert len(found.plan.actions) < len(NOISE) + 2


def test_making_sure_has_a_budget_of_its_own() -> None:
    """Half as many requests again are spent on making sure, and no more."""
    target = Target(needs(Cancel(order="a")))
    small = target.minimised(*NOISE, *NOISE, Cancel(order="a"), *NOISE, requests=60, in_a_row=2)
    assert 60 < small.spent <= 90 + target.cost
