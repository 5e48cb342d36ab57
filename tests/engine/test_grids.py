"""Every plan that is sent keeps to the grids of its markets: drawn ones, those close to them, and smaller ones."""

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.engine.drawing import draw_plans
from conformance.engine.minimise import minimise
from conformance.engine.variants import accompanied, cheaper, joined, sweeping
from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, PRIMARY, Fill, Parallel, Place, Plan, calls_of
from conformance.requirements import Capability
from conformance.trace import PlanResult
from strategies.aimed_races import aimed_races
from strategies.cells import cell_plans
from strategies.fitting import fitted
from strategies.focused import queues
from strategies.grounds import Ground, MarketShape
from strategies.lifecycles import lifecycles
from strategies.races import races
from tests.engine.conftest import violation

FUNDS = Decimal(1_000_000)


def coarse(name: str, *, step: str, least: str, tick: str) -> MarketShape:
    """A market with a coarse grid, whose smallest order is of several steps."""
    return MarketShape(
        name=name,
        base=name[:3],
        quote="USD",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(least),
        max_quantity=Decimal("2000.5"),
        buy_price=Decimal(200),
        sell_price=Decimal(200),
    )


MARKETS = (coarse("ABC-USD", step="1", least="1", tick="1"), coarse("XYZ-USD", step="0.5", least="5", tick="0.25"))
SHAPES = {market.name: market for market in MARKETS}
GROUND = Ground(
    markets=MARKETS,
    abilities=frozenset(Capability),
    available={(account, asset): FUNDS for account in (PRIMARY, COUNTERPARTY) for asset in ("USD", "ABC", "XYZ")},
)


def on_the_grid(plan: Plan) -> bool:
    """Whether every order and every fill of the plan is one that its market takes."""
    calls = [call for action in plan.actions for call in calls_of(action)]
    of_orders = {call.order: SHAPES[call.market] for call in calls if isinstance(call, Place)}
    for call in calls:
        if not isinstance(call, Place | Fill) or call.order not in of_orders:
            continue
        market = of_orders[call.order]
        if call.quantity % market.step or not market.min_quantity <= call.quantity <= market.max_quantity:
            return False
        if isinstance(call, Place) and call.price is not None and (call.price % market.tick or call.price <= 0):
            return False
    return True


@cache
def drawn() -> list[Plan]:
    """Plans of several kinds, as a run hands them on."""
    sources = {"lives": lifecycles(GROUND), "queues": queues(GROUND), "races": races(GROUND)}
    plans = [plan for name, source in sources.items() for plan in draw_plans(source, 40, seed_of=f"grids/{name}")]
    return [fitted(plan, MARKETS) for plan in (*plans, *cell_plans(GROUND), *aimed_races(GROUND))]


def test_drawn_plans_lie_on_the_grid() -> None:
    """No order of any plan is one that its market does not take, and races are among them."""
    plans = drawn()
    assert all(map(on_the_grid, plans))
    assert any(isinstance(action, Parallel) for plan in plans for action in plan.actions)


@settings(deadline=None)
@given(number=st.integers(0, 10_000))
def test_plans_close_to_a_plan_lie_on_the_grid(number: int) -> None:
    """Smaller quantities, sweeping ones, company and repetition make no order that the market does not take."""
    plan = drawn()[number % len(drawn())]
    close = [*cheaper(plan), sweeping(plan), joined(plan, plan), accompanied(plan) or plan]
    assert all(on_the_grid(fitted(candidate, MARKETS)) for candidate in close)


@settings(deadline=None, max_examples=40)
@given(number=st.integers(0, 10_000), keeps=st.integers(1, 5))
def test_what_a_plan_is_made_small_by_lies_on_the_grid(number: int, keeps: int) -> None:
    """Every candidate that is run while a plan is made small is one that the target takes."""
    plan = drawn()[number % len(drawn())]
    tried: list[Plan] = []

    def run(candidate: Plan) -> PlanResult:
        tried.append(candidate)
        shown = len(candidate.actions) >= min(keeps, len(plan.actions))
        return PlanResult(plan=candidate, violations=[violation()] if shown else [], requests=1)

    first = PlanResult(plan=plan, violations=[violation()], requests=1)
    minimise(first, run, lambda r: bool(r.violations), requests=300, fit=lambda plan: fitted(plan, MARKETS))
    assert all(map(on_the_grid, tried))


@pytest.mark.parametrize(("asked", "sent"), [("7E-9", "5"), ("5.7", "5.5"), ("12", "12"), ("9999", "2000.5")])
def test_a_quantity_becomes_the_next_lower_allowed_one(asked: str, sent: str) -> None:
    """What lies between two steps goes down, what is too small or too large becomes the smallest or the largest."""
    order = Place(order="a", market="XYZ-USD", side=Side.BUY, quantity=Decimal(asked), price=Decimal("9.3"))
    race = Parallel(calls=(Fill(order="a", quantity=Decimal(asked)), Fill(order="another", quantity=Decimal(1))))
    placed, raced = fitted(Plan(actions=(order, race)), MARKETS).actions
    assert isinstance(placed, Place)
    assert isinstance(raced, Parallel)
    assert (placed.quantity, placed.price) == (Decimal(sent), Decimal("9.25"))
    assert [call.quantity for call in raced.calls if isinstance(call, Fill)] == [Decimal(sent), Decimal(1)]
