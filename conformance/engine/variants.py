"""Plans close to a plan: what shows a violation where the plan itself does not, or at a lower price."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    Expire,
    Fill,
    Forge,
    Parallel,
    Place,
    Plan,
    Read,
    Send,
)

SWEEP = 8
"""How many times the quantity of an order an opposite order takes that is to sweep the book."""

COMPANY = "company"
"""The name of the order that stands beside those of a plan."""


def joined(first: Plan, second: Plan) -> Plan:
    """Both plans in one, the second with orders of names of their own.

    By itself it shows what the second shows only after the first.
    """
    taken, number = {place.order for place in _places(first.actions)}, 2
    while any(name.endswith(f"-{number}") for name in taken):
        number += 1
    title = f"{first.title}, twice" if first == second else f"{first.title}, then {second.title}"
    again = tuple(_renamed(action, f"-{number}") for action in second.actions)
    return replace(second, actions=(*first.actions, *again), title=title)


def accompanied(plan: Plan) -> Plan | None:
    """The plan with an order of another account beside its first limit order; ``None`` where it places none.

    By itself it shows what the plan shows only while others have orders open.
    """
    for at, action in enumerate(plan.actions, start=1):
        calls = action.calls if isinstance(action, Parallel) else (action,)
        for call in calls:
            if isinstance(call, Place) and call.price is not None and call.account == PRIMARY:
                beside = Place(
                    order=COMPANY,
                    market=call.market,
                    side=call.side,
                    quantity=call.quantity,
                    price=call.price,
                    account=COUNTERPARTY,
                )
                title = f"{plan.title}, beside another account's order"
                return replace(plan, actions=(*plan.actions[:at], beside, *plan.actions[at:]), title=title)
    return None


def sweeping(plan: Plan) -> Plan:
    """The plan with opposite orders that take far more than they meet.

    They reach the plan's own orders whatever earlier runs have left in the book at their price.
    """
    sizes = {place.order: place.quantity for place in _places(plan.actions)}
    most = max((place.quantity for place in _places(plan.actions) if place.account == PRIMARY), default=None)

    def larger(action: Action) -> Action:
        match action:
            case Fill(order=name, quantity=quantity):
                return replace(action, quantity=SWEEP * sizes.get(name, quantity))
            case Place(account=account) if account != PRIMARY and most is not None:
                return replace(action, quantity=SWEEP * most)
            case _:
                return action

    return replace(plan, actions=tuple(map(larger, plan.actions)), title=f"{plan.title}, sweeping the book")


def cheaper(plan: Plan) -> Iterator[Plan]:
    """The plan with a thousandth of every quantity, a hundredth, a tenth: it needs and may leave locked so much less.

    Then the same with no quantity below the smallest of the plan. One that the market does not take ends a plan without
    a finding.
    """
    smallest = min(_quantities(plan.actions), default=Decimal(0))
    for least in dict.fromkeys((Decimal(0), smallest)):
        for digits in (3, 2, 1):
            yield replace(plan, actions=tuple(_scaled(action, digits, least) for action in plan.actions))


def _quantities(actions: Iterable[Action]) -> Iterator[Decimal]:
    for action in actions:
        match action:
            case Place(quantity=quantity) | Fill(quantity=quantity):
                yield quantity
            case Parallel(calls=calls):
                yield from _quantities(calls)
            case _:
                pass


def _scaled(action: Action, digits: int, least: Decimal) -> Action:
    match action:
        case Place(quantity=quantity) | Fill(quantity=quantity):
            return replace(action, quantity=max(quantity.scaleb(-digits), least))
        case Parallel(calls=calls):
            scaled = tuple(_scaled(call, digits, least) for call in calls)
            return replace(action, calls=scaled)  # type: ignore[arg-type]  # they are calls still
        case _:
            return action


def _renamed(action: Action, end: str) -> Action:
    match action:
        case Parallel(calls=calls):
            return replace(action, calls=tuple(_renamed(call, end) for call in calls))  # type: ignore[misc]  # a call stays one
        case Send(target=target):
            return replace(action, target=re.sub(r"\{([A-Za-z][\w.-]*)\}", rf"{{\1{end}}}", target))
        case (
            Place(order=str(name))
            | Fill(order=str(name))
            | Expire(order=str(name))
            | Cancel(order=str(name))
            | Read(order=str(name))
            | Forge(order=str(name))
        ):
            return replace(action, order=name + end)
        case _:
            return action


def _places(actions: Iterable[Action]) -> list[Place]:
    """The placings among actions, those of races too."""
    calls = [call for action in actions for call in (action.calls if isinstance(action, Parallel) else (action,))]
    return [call for call in calls if isinstance(call, Place)]
