"""Making a failing plan small, as data: delta debugging over its actions and values, within a budget of requests.

Hypothesis' own shrinking has no budget and would draw on while a target answers. Removing an action never makes a plan
meaningless: what refers to an order that is no longer placed is passed over when the plan runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from conformance.engine.variants import cheaper
from conformance.model.order import TimeInForce
from conformance.plans import PRIMARY, Action, Cancel, Fill, Forge, Parallel, Place, Plan, Read, Settle, Snapshot
from conformance.trace import PlanResult

Runs = Callable[[Plan], PlanResult]
Shows = Callable[[PlanResult], bool]


PLAIN = (Place, Cancel, Read, Settle, Snapshot)
"""With orders of one account, actions that meet none but the plan's: what earlier plans left open is not in their way.
"""

OWN = (None, PRIMARY)

SURE: Final = 8
"""How often, one after the other, a plan that has been made small must show a steady violation to be kept."""


def minimise(
    first: PlanResult,
    run: Runs,
    shows: Shows,
    *,
    requests: int,
    tries: int = 1,
    in_a_row: int = 1,
    go_on: Callable[[], bool] = lambda: True,
    fit: Callable[[Plan], Plan] = lambda plan: plan,
) -> PlanResult:
    """The result of the smallest plan found that still ``shows`` what ``first`` does, for about so many ``requests``.

    ``tries`` is how often a candidate is run before it is given up: more than once for an intermittent violation.
    ``in_a_row`` is how many runs, one after the other, must show it: with two, a candidate that only shows what the one
    before it had prepared at the target (a refusal, a fourth order) is not taken, and up to half as many requests again
    are spent to see that the smallest plan shows it every time; otherwise the search goes on from the next larger one.

    It ends with what it has once ``go_on`` says no. ``fit`` makes a candidate one that the target takes, on the
    grids of its markets. No candidate is tried twice.
    """
    found, spent = [first], 0
    tried = {first.plan.digest}

    def over(most: int = requests) -> bool:
        return spent >= most or not go_on()

    def ran(candidate: Plan) -> PlanResult:
        nonlocal spent
        result = run(candidate)
        spent += max(1, result.requests)
        return result

    def takes(candidate: Plan) -> bool:
        """Whether a candidate that has not been tried still shows it; it is the smallest then."""
        candidate = fit(candidate)
        if candidate.digest in tried:
            return False
        tried.add(candidate.digest)
        shown = 0
        for _ in range(tries + in_a_row - 1):
            if over():
                return False
            result = ran(candidate)
            shown = shown + 1 if shows(result) else 0
            if shown == in_a_row:
                found.append(result)
                return True
            if not shown and tries == 1:
                return False
        return False

    def sure(plan: Plan) -> bool:
        """Whether a plan shows it every time, as far as it can be tried."""
        return all(over(requests * 3 // 2) or shows(ran(plan)) for _ in range(SURE))

    while True:
        while not over() and any(takes(candidate) for candidate in _smaller(found[-1].plan) if not over()):
            pass
        any(takes(candidate) for candidate in cheaper(found[-1].plan) if not over())
        if len(found) == 1 or in_a_row == 1 or sure(found[-1].plan):
            break
        found.pop()
    best = found[-1]
    best.spent = spent
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Smaller plans, boldest first: the plain part; without halves, quarters, single actions; simpler values."""
    actions = plan.actions
    alone = (action for action in actions if isinstance(action, PLAIN) and getattr(action, "account", None) in OWN)
    yield replace(plan, actions=tuple(alone))
    failing = len(actions)
    size = failing // 2
    while size >= 1:
        for start in range(failing - size, -1, -size):
            yield replace(plan, actions=actions[:start] + actions[start + size :])
        size //= 2
    for at, action in enumerate(actions):
        for simpler in _simpler(action):
            yield replace(plan, actions=(*actions[:at], simpler, *actions[at + 1 :]))


def _simpler(action: Action) -> Iterator[Action]:
    match action:
        case Parallel(calls=calls) if len(calls) > 2:
            for at in range(len(calls)):
                yield replace(action, calls=calls[:at] + calls[at + 1 :])
        case Place():
            if action.client_id_length is not None:
                yield replace(action, client_id_length=None)
            if action.time_in_force is TimeInForce.GTD:
                yield replace(action, time_in_force=TimeInForce.GTC)
            rounder = _rounder(action.quantity)
            if rounder != action.quantity:
                yield replace(action, quantity=rounder)
        case Fill():
            rounder = _rounder(action.quantity)
            if rounder != action.quantity:
                yield replace(action, quantity=rounder)
        case Forge(vectors=vectors) if len(vectors) > 1:
            for vector in vectors:
                chosen = tuple(value for value in action.values if value[0] == vector)
                yield replace(action, vectors=(vector,), values=chosen)
        case _:
            return


def _rounder(quantity: Decimal) -> Decimal:
    """The quantity with its first digit alone."""
    return quantity.scaleb(-quantity.adjusted()).__floor__() * Decimal(1).scaleb(quantity.adjusted())
