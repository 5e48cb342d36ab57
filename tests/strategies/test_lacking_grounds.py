"""What a venue lacks is in no plan: times in force, post-only orders, client ids, deadlines, market orders."""

from dataclasses import replace

import pytest

from conformance.engine.drawing import draw_plans
from conformance.model.order import OrderType, TimeInForce
from conformance.plans import Place, Plan, calls_of
from conformance.requirements import Capability
from strategies.aimed_races import aimed_races
from strategies.cells import EVENTS, STATES, cell_plans
from strategies.encounters import (
    bursts,
    deadlines_of_closed_orders,
    orders_ended_at_once,
    takers_after_a_cancel,
    unlike_orders,
)
from strategies.focused import aimed_plans, bulk_plans
from strategies.grounds import Ground
from strategies.hostile import callers_without_credentials, disclosure_plans
from strategies.lifecycles import lifecycles
from tests.strategies.plans import GROUND


def orders(ground: Ground) -> list[Place]:
    """The orders of plans of every kind on a ground."""
    plans: list[Plan] = [*cell_plans(ground), *aimed_races(ground)]
    for make in (bursts, deadlines_of_closed_orders, orders_ended_at_once, takers_after_a_cancel, unlike_orders):
        plans += make(ground)
    plans += disclosure_plans(ground, flaws=callers_without_credentials(3))
    plans += draw_plans(lifecycles(ground), 60, seed_of="lacking/lives")
    plans += draw_plans(aimed_plans(ground, states=STATES, events=EVENTS), 60, seed_of="lacking/aimed")
    plans += draw_plans(bulk_plans(ground), 20, seed_of="lacking/bulk")
    return [call for plan in plans for action in plan.actions for call in calls_of(action) if isinstance(call, Place)]


WITHOUT = {
    "ioc": replace(GROUND, times_in_force=frozenset({TimeInForce.GTC, TimeInForce.GTD})),
    "gtd": replace(
        GROUND,
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
        abilities=GROUND.abilities - {Capability.EXPIRE},
    ),
    "market orders": replace(GROUND, abilities=GROUND.abilities - {Capability.HOLD_MARKET}),
    "post-only": replace(GROUND, post_only=False, abilities=GROUND.abilities - {Capability.REJECTED_ORDERS}),
    "client ids": replace(GROUND, client_ids=False),
}
USES = {
    "ioc": lambda order: order.time_in_force is TimeInForce.IOC,
    "gtd": lambda order: order.time_in_force is TimeInForce.GTD,
    "market orders": lambda order: order.type is OrderType.MARKET,
    "post-only": lambda order: order.post_only,
    "client ids": lambda order: order.client_id_length is not None,
}


@pytest.mark.parametrize("lacking", WITHOUT)
def test_no_plan_needs_what_the_venue_lacks(lacking: str) -> None:
    """Where it is offered some plan uses it; where it is not, none does."""
    assert any(map(USES[lacking], orders(GROUND)))
    assert not any(map(USES[lacking], orders(WITHOUT[lacking])))


def test_a_rejection_that_comes_from_funds_needs_no_post_only_order() -> None:
    """A venue that rejects what cannot be paid may know no post-only orders: none is placed there."""
    ground = replace(GROUND, post_only=False, rejects_unpaid=True)
    assert not any(order.post_only for order in orders(ground))
