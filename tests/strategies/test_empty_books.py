"""Plans for a target where an empty book holds market orders: nothing faces them, and they are small."""

from dataclasses import replace

import pytest

from conformance.engine.drawing import draw_plans
from conformance.model.order import OrderType, Side
from conformance.plans import PRIMARY, Action, Cancel, CancelAll, Expire, Fill, HoldMarket, Place, Plan
from strategies.cells import EVENTS, cell_plans
from strategies.focused import aimed_plans
from strategies.grounds import EMPTY_BOOK_DIVISOR, ORDINARY_SHARE
from strategies.lifecycles import lifecycles
from tests.strategies.plans import GROUND, MARKETS

LONELY_GROUND = replace(GROUND, waits_in=frozenset({"ETH-EUR", "DOGE-USDT"}))
SOURCES = {
    "cells": lambda: cell_plans(LONELY_GROUND),
    "aimed": lambda: draw_plans(
        aimed_plans(LONELY_GROUND, states=("executing",), events=EVENTS), 60, seed_of="empty books/aimed"
    ),
    "lives": lambda: draw_plans(lifecycles(LONELY_GROUND), 400, seed_of="empty books/lives"),
}


@pytest.fixture(scope="module", params=SOURCES)
def held(request: pytest.FixtureRequest) -> list[tuple[Plan, int, Place]]:
    """The market orders of the plans of one source, with the plan and their place in it."""
    plans: list[Plan] = SOURCES[request.param]()
    return [
        (plan, at, action)
        for plan in plans
        for at, action in enumerate(plan.actions)
        if isinstance(action, Place) and action.type is OrderType.MARKET
    ]


def over(place: Place, later: tuple[Action, ...]) -> bool:
    """Whether something that follows is meant to end an order, or to trade with it."""
    for action in later:
        match action:
            case Cancel(order=name) | Expire(order=name) | Fill(order=name) if name == place.order:
                return True
            case CancelAll(account=account) if account == place.account:
                return True
            case Place() if (action.market, action.side) == (place.market, place.side.opposite):
                if action.price is not None and place.price is not None and not action.post_only:
                    buyer, seller = (action, place) if action.side is Side.BUY else (place, action)
                    if buyer.price is not None and seller.price is not None and buyer.price >= seller.price:
                        return True
            case _:
                continue
    return False


def test_nothing_faces_them(held: list[tuple[Plan, int, Place]]) -> None:
    """Whatever of another account rested on the other side is cancelled before the market is held."""
    assert len(held) >= len(EVENTS)
    for plan, at, market in held:
        assert plan.actions[at - 1] == HoldMarket(market=market.market, held=True)
        for number, place in enumerate(plan.actions[:at]):
            if isinstance(place, Place) and (place.market, place.side) == (market.market, market.side.opposite):
                assert place.post_only or over(place, plan.actions[number + 1 : at]), (plan, place)


def test_they_are_small_and_where_they_wait(held: list[tuple[Plan, int, Place]]) -> None:
    """What the venue takes for an estimate of an order without a price may be far above one that rests."""
    shapes = {shape.name: shape for shape in MARKETS}
    for _, _, market in held:
        assert market.market in LONELY_GROUND.waits_in
        shape = shapes[market.market]
        price = shape.resting_price(market.side, 0)
        most = LONELY_GROUND.affordable(PRIMARY, shape, market.side, price, ORDINARY_SHARE / EMPTY_BOOK_DIVISOR)
        assert market.quantity <= most * 2


def test_a_target_with_control_is_asked_for_the_same_as_ever() -> None:
    """Where a control request holds them, market orders are held in every market, against an order that faces them."""
    (plan,) = (plan for plan in cell_plans(GROUND) if plan.title == "executing x cancel")
    facing, hold, market = plan.actions[:3]
    assert isinstance(facing, Place)
    assert isinstance(market, Place)
    assert hold == HoldMarket(market=market.market, held=True)
    assert (facing.side, facing.quantity) == (market.side.opposite, market.quantity)
