"""Plans of races are meaningful wherever they are drawn."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, Cancel, CancelAll, Fill, Parallel, Place, Plan, Read, from_json, to_json
from conformance.requirements import Capability
from strategies.aimed_races import aimed_races
from strategies.grounds import Ground, MarketShape
from strategies.races import MOST_CALLS, races


def shape(name: str) -> MarketShape:
    """A market with a step of a hundredth."""
    return MarketShape(
        name=name,
        base=name[0],
        quote="Q",
        tick=Decimal("0.1"),
        step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_quantity=Decimal(1000),
        buy_price=Decimal(100),
        sell_price=Decimal(100),
    )


FULL = Ground(
    markets=(shape("A-Q"), shape("B-Q")),
    abilities=frozenset(Capability),
    accounts=("primary", "counterparty", "third"),
)
BARE = Ground(
    markets=(shape("A-Q"),), abilities=frozenset({Capability.PLACE, Capability.PARALLEL}), accounts=("primary",)
)


def flat(plan: Plan) -> list[object]:
    """The actions of a plan in order, those of a race one after the other."""
    return [call for action in plan.actions for call in (action.calls if isinstance(action, Parallel) else (action,))]


def judge(plan: Plan, ground: Ground) -> None:
    """What must hold for every plan of races."""
    assert from_json(to_json(plan)) == plan
    crowds = [action for action in plan.actions if isinstance(action, Parallel)]
    assert crowds
    assert all(2 <= len(crowd.calls) <= MOST_CALLS for crowd in crowds)
    placed: dict[str, Place] = {}
    for action in flat(plan):
        if isinstance(action, Place):
            assert action.order not in placed
            placed[action.order] = action
        elif isinstance(action, Cancel | Read | Fill):
            assert action.order in placed
    assert {order.account for order in placed.values()} <= set(ground.accounts)
    sides = {(order.account == COUNTERPARTY, order.market, order.side) for order in placed.values()}
    assert len({(counter, market) for counter, market, _ in sides}) == len(sides)
    bids = [
        o.price for o in placed.values() if o.side is Side.BUY and o.price is not None and o.account == COUNTERPARTY
    ]
    assert all(o.price is not None and o.price > bid for bid in bids for o in placed.values() if o.side is Side.SELL)


@given(plan=races(FULL))
def test_drawn_races_are_meaningful(plan: Plan) -> None:
    """Two to eight calls at once, of orders that exist, on one side for each account and market, whole through JSON."""
    judge(plan, FULL)


@given(plan=races(BARE))
def test_races_ask_for_nothing_that_a_target_lacks(plan: Plan) -> None:
    """Where there is one account alone, no fills and no cancel-all, races are cancels and reads of its orders."""
    judge(plan, BARE)
    assert not any(isinstance(action, Fill | CancelAll) for action in flat(plan))


@pytest.mark.parametrize("ground", [FULL, BARE], ids=["everything offered", "placing alone"])
def test_aimed_races_are_meaningful(ground: Ground) -> None:
    """The same holds for aimed races, and no two of them have one title."""
    plans = aimed_races(ground)
    for plan in plans:
        judge(plan, ground)
    assert len({plan.title for plan in plans}) == len(plans)


@given(data=st.data())
def test_equal_draws_give_equal_plans(data: st.DataObject) -> None:
    """A plan's digest follows from its actions alone, whatever its title."""
    plan = data.draw(races(FULL))
    assert plan.digest == Plan(actions=plan.actions, title="another").digest
