"""Making a failing plan small, as data: delta debugging over its actions and values, within a budget of requests.

Hypothesis' own shrinking has no budget and would draw on while a target answers. Removing an action never makes a plan
meaningless: what refers to an order that is no longer placed is passed over when the plan runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from conformance.model.order import TimeInForce
from conformance.plans import Action, Fill, Forge, Parallel, Place, Plan
from conformance.trace import PlanResult

Runs = Callable[[Plan], PlanResult]
Shows = Callable[[PlanResult], bool]


def minimise(
    plan: Plan,
    first: PlanResult,
    run: Runs,
    shows: Shows,
    *,
    requests: int,
    tries: int = 1,
    in_a_row: int = 1,
    go_on: Callable[[], bool] = lambda: True,
) -> PlanResult:
    """The result of the smallest plan found that still ``shows`` the violation; spends about ``requests`` at the most.

    ``tries`` is how often a candidate is run before it is given up: more than once for an intermittent violation.
    ``in_a_row`` is how many runs, one after the other, must show it: with two, a candidate that only shows what the one
    before it had prepared at the target (a refusal, a fourth order) is not taken.

    It ends with what it has once ``go_on`` says no. No candidate is tried twice.
    """
    best, spent = first, 0
    tried = {plan.digest}

    def over() -> bool:
        return spent >= requests or not go_on()

    def still_shows(candidate: Plan) -> PlanResult | None:
        nonlocal spent
        if candidate.digest in tried:
            return None
        tried.add(candidate.digest)
        shown = 0
        for _ in range(tries + in_a_row - 1):
            if over():
                return None
            result = run(candidate)
            spent += max(1, result.requests)
            shown = shown + 1 if shows(result) else 0
            if shown == in_a_row:
                return result
            if not shown and tries == 1:
                return None
        return None

    shrunk = True
    while shrunk and not over():
        shrunk = False
        for candidate in _candidates(best.plan):
            result = still_shows(candidate)
            if result is not None:
                best, shrunk = result, True
                break
            if over():
                break
    best.spent = spent
    return best


def _candidates(plan: Plan) -> Iterator[Plan]:
    """Smaller plans, boldest first: without halves, quarters, single actions; then with simpler values."""
    actions = plan.actions
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
