"""What a race puts on the orders that its calls met: the requirements under which later reads are judged."""

from conformance.model.events import CancelAll, Execute, Place
from conformance.model.lifecycle import OrderState
from conformance.model.matching import crosses
from conformance.model.order import TERMINAL, Status
from conformance.runner import attribution as rules_of
from conformance.runner.attribution import Rule
from conformance.runner.bulk_cancels import bulk_rule
from conformance.runner.context import RunningPlan
from conformance.runner.entrants import Entrant, Kind
from conformance.runner.tracker import Tracked
from fixtures.venue.answers import Unknown


def _met(run: RunningPlan, entrant: Entrant, before: dict[str, tuple[OrderState, ...]]) -> set[str]:
    """The orders that a call takes effect on."""
    match entrant.event:
        case Place() as event:
            incoming = OrderState(name=event.order, terms=event.terms, status=Status.OPEN, arrival=event.arrival)
            facing = {name for name, states in before.items() if any(crosses(state, incoming) for state in states)}
            return facing | {event.order}
        case CancelAll(account=account):
            return {name for name, order in run.tracker.orders.items() if order.terms.account == account}
        case Execute(order=name):
            return {name}
        case _:
            return {entrant.order}


def raced_rules(
    run: RunningPlan, found: list[Entrant], before: dict[str, tuple[OrderState, ...]]
) -> dict[str, list[Rule]]:
    """By order, the pairs of calls that met it at once (RCE-01..04)."""
    owners = {name: order.terms.account for name, order in run.tracker.orders.items()}
    acting = [e for e in found if e.kind is not Kind.READ]
    met = {e.label: _met(run, e, before) for e in acting}
    cancels = [e for e in acting if e.kind is Kind.CANCEL and owners[e.order] == e.account]
    several = len({e.order for e in cancels}) > 1
    rules: dict[str, list[Rule]] = {}
    for name, owner in owners.items():
        here = [e for e in acting if name in met[e.label]]
        own = [e for e in here if e in cancels]
        bulk = [e for e in here if e.kind is Kind.CANCEL_ALL]
        others = [e for e in acting if any(owners.get(n) == owner for n in met[e.label])]
        raced = rules.setdefault(name, [])
        if len(own) > 1:
            raced.append(rules_of.RACED_CANCELS)
        if own and any(e.kind in (Kind.FILL, Kind.PLACE) for e in here):
            raced.append(rules_of.RACED_FILL)
        if bulk and len(others) > 1:
            raced.append(rules_of.RACED_BULK)
        if own and several:
            raced.append(rules_of.RACED_OTHERS)
    for entrant in acting:
        if entrant.kind is Kind.FILL and any(rules_of.RACED_FILL in rules.get(n, ()) for n in met[entrant.label]):
            rules.setdefault(entrant.order, []).append(rules_of.RACED_FILL)
    return {name: list(dict.fromkeys(raced)) for name, raced in rules.items()}


def spread(
    run: RunningPlan,
    found: list[Entrant],
    before: dict[str, tuple[OrderState, ...]],
    rules: dict[str, list[Rule]],
    listed: dict[str, set[str] | None],
) -> None:
    """Put on every order, and on the funds of its owner, what later reads of them are judged under."""
    tracker = run.tracker
    met = {e.label: _met(run, e, before) for e in found if e.kind is not Kind.READ}
    for name, order in tracker.orders.items():
        here = [e for e in found if name in met.get(e.label, ())]
        own = [e for e in here if e.kind is Kind.CANCEL and e.account == order.terms.account]
        accepted = any(e.accepted for e in own)
        named = any(name in (listed.get(e.label) or ()) for e in here)
        reasons = [*rules.get(name, ()), *_further(run, name, here, own, before.get(name, ()), taken=accepted or named)]
        if not here and any(state.status not in TERMINAL for state in tracker.belief.states(name)):
            reasons = _bystander(order, found)
        for rule in reasons:
            tracker.cause(name, rule)
            tracker.cause_funds(order.terms.account, rule, name)
        if accepted or named:
            order.cancelled = True
            run.cancelled_prices.add((order.terms.market, order.terms.side, order.terms.price))
    for entrant in found:
        if entrant.kind is Kind.CANCEL_ALL and len(found) > 1:
            run.raced_bulk.add(entrant.account)


def _further(
    run: RunningPlan, name: str, here: list[Entrant], own: list[Entrant], before: tuple[OrderState, ...], *, taken: bool
) -> list[Rule]:
    """The rules that hold for an order after these calls, raced or not."""
    found: list[Rule] = []
    if any(e.kind is Kind.CANCEL and e not in own for e in here):
        found.append(rules_of.FOREIGN)
    if own:
        lost = any(isinstance(e.answer, Unknown) for e in own)
        found.append(rules_of.CANCELLED_UNPINNED if taken or lost else rules_of.REFUSED)
    if before and not own and any(e.kind is Kind.CANCEL_ALL for e in here):
        found.append(bulk_rule(before))
    if any(e.kind in (Kind.FILL, Kind.PLACE) for e in here):
        if not before:
            found.append(rules_of.PLACED)
        after_cancel = before and {state.status for state in before} == {Status.CANCELED}
        pending = run.tracker.orders[name].seen_pending
        further = rules_of.FILLED_WHILE_PENDING if pending else rules_of.FILLED
        found.append(rules_of.CROSSED_AFTER_CANCEL if after_cancel else further)
    return found


def _bystander(order: Tracked, found: list[Entrant]) -> list[Rule]:
    """The rules for a live order that no call of the race took effect on."""
    callers = {e.account for e in found if e.kind is Kind.CANCEL}
    if callers:
        return [rules_of.SIBLING if order.terms.account in callers else rules_of.OTHER_ACCOUNT]
    return [rules_of.BULK_OTHER] if any(e.kind is Kind.CANCEL_ALL for e in found) else []
