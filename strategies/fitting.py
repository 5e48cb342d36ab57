"""Fitting a plan to its markets: whatever a plan was made from, what is sent keeps to tick, step, minima and maxima."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from conformance.plans import Action, Fill, Parallel, Place, Plan, calls_of
from strategies.grounds import MarketShape


def fitted(plan: Plan, markets: Iterable[MarketShape]) -> Plan:
    """The plan with every quantity and price on the grid of its market and within its bounds.

    A quantity becomes the largest allowed one that is not above it, or the smallest; orders of other markets, and fills
    of orders that the plan does not place, stay as they are.
    """
    shapes = {market.name: market for market in markets}
    of_orders = {
        call.order: shapes[call.market]
        for action in plan.actions
        for call in calls_of(action)
        if isinstance(call, Place) and call.market in shapes
    }
    actions = tuple(_fitted(action, of_orders) for action in plan.actions)
    return plan if actions == plan.actions else replace(plan, actions=actions)


def _fitted(action: Action, of_orders: Mapping[str, MarketShape]) -> Action:
    match action:
        case Parallel(calls=calls):
            return replace(action, calls=tuple(_fitted(call, of_orders) for call in calls))  # type: ignore[misc]  # a call stays one
        case Place(order=name, quantity=quantity, price=price) if name in of_orders:
            market = of_orders[name]
            return replace(action, quantity=market.on_grid(quantity), price=_at_a_tick(price, market))
        case Fill(order=name, quantity=quantity) if name in of_orders:
            return replace(action, quantity=of_orders[name].on_grid(quantity))
        case _:
            return action


def _at_a_tick(price: Decimal | None, market: MarketShape) -> Decimal | None:
    return None if price is None else max(market.tick, price - price % market.tick)
