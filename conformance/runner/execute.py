"""Run one plan: predict, act, judge, and leave the target as it was found."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from conformance.model.order import ACTIVE, TERMINAL
from conformance.model.prediction import TooManyWorldsError
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Expire,
    Fill,
    Forge,
    HoldMarket,
    Parallel,
    Place,
    Plan,
    Read,
    Send,
    Settle,
    Snapshot,
    Wait,
)
from conformance.requirements import Capability
from conformance.runner import bulk_cancels, cancels, forging, holding, observing, placing, races, sending
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.funds import Funds, FundsJudge
from conformance.runner.leftovers import close_earlier
from conformance.runner.memory import Closed, Memory
from conformance.runner.terms import rules_of
from conformance.runner.tracker import Tracker
from conformance.trace import PlanResult, Step
from fixtures.venue.client import Venue
from fixtures.venue.trouble import BudgetSpent, VenueTrouble

BULK_CLEAN_UP = 8
"""Live orders from which a plan's clean-up uses cancel-all, where the target has it and nothing else is active."""


def run_plan(
    plan: Plan, venue: Venue, memory: Memory, *, look_again: int = 1, markets: Mapping[str, str] | None = None
) -> PlanResult:
    """Run a plan against a target; the result holds every violation found, and a trace of what led to it.

    ``markets`` says which markets this lane uses in place of those that the plan names.

    A plan that showed that orders reach the book later than they are accepted is run again, with that known.

    Raises :class:`~fixtures.venue.trouble.VenueTrouble` where the target cannot be asked further and nothing was found.
    """
    known = memory.places_later
    result = _run_once(plan, venue, memory, look_again=look_again, markets=markets or {})
    if memory.places_later is known or any(violation.ends for violation in result.violations):
        return result
    again = _run_once(plan, venue, memory, look_again=look_again, markets=markets or {})
    again.requests += result.requests
    return again


def _run_once(plan: Plan, venue: Venue, memory: Memory, *, look_again: int, markets: Mapping[str, str]) -> PlanResult:
    result = PlanResult(plan=plan)
    began = time.monotonic()
    run = _begin(plan, venue, memory, result, markets)
    over = False
    try:
        if not run.broken:
            _perform(run)
        if not run.broken:
            over = True
            _remember(run)
            observing.look_again(run, look_again)
    except (PlanAbandonedError, TooManyWorldsError) as reason:
        result.trouble = str(reason)
    except VenueTrouble as trouble:
        if not result.violations and not _of_this_plan_alone(trouble):
            raise
        result.trouble = str(trouble)  # what was found is not lost; the next request will meet the same trouble
    finally:
        if not over:
            _leave(run)
        memory.changed_at = run.changed_at if over else time.monotonic()  # late reads must not show what is gone by now
        result.seconds = time.monotonic() - began
    return result


def _of_this_plan_alone(trouble: VenueTrouble) -> bool:
    """Whether another plan, with fewer or smaller orders, may still be run."""
    return isinstance(trouble, BudgetSpent) and trouble.limit in ("limits.open_orders", "limits.order_notional")


def _begin(plan: Plan, venue: Venue, memory: Memory, result: PlanResult, markets: Mapping[str, str]) -> RunningPlan:
    rules = rules_of(venue.profile)
    tracker = Tracker(rules=rules, result=result, shown_closed=memory.shown_closed)
    tracker.begin(Step(index=0, action={"do": "begin"}, at=0.0))
    used = accounts_of(plan, counters=holding.counters(plan, venue.profile))
    accounts = tuple(account for account in used if account in venue.accounts)
    run = RunningPlan(
        plan=plan,
        venue=venue,
        rules=rules,
        tracker=tracker,
        funds=FundsJudge(tracker, {}),
        memory=memory,
        result=result,
        accounts=accounts,
        offered=venue.capabilities,
        markets=markets,
        changed_at=memory.changed_at,
    )
    close_earlier(run)
    run.quiet(max(venue.profile.timing.balance_delay, venue.profile.timing.read_delay))
    start: dict[str, Funds] = {}
    if Capability.BALANCES in run.offered:
        for account in accounts:
            read = run.asked(partial(venue.balances, account))
            run.took(read.answer)
            if read.balances is None and not run.broken:
                result.trouble = f"the balances of {account} cannot be read when the plan begins"
            start[account] = read.balances or {}
    run.funds = FundsJudge(tracker, start)
    return run


def accounts_of(plan: Plan, *, counters: bool = False) -> tuple[str, ...]:
    """The roles that a plan uses, the primary account first; a plan that fills uses the counterparty too.

    ``counters``: its market orders may need a counter-order of the counterparty.
    """
    used = {PRIMARY, COUNTERPARTY} if counters else {PRIMARY}
    for action in plan.actions:
        for call in action.calls if isinstance(action, Parallel) else (action,):
            account = getattr(call, "account", None)
            used.update({account} if account else ())
            if isinstance(call, Fill):
                used.update({COUNTERPARTY, call.by})
    return tuple(sorted(used, key=lambda account: (account != PRIMARY, account)))


def _perform(run: RunningPlan) -> None:
    races.warm(run, max((len(action.calls) for action in run.plan.actions if isinstance(action, Parallel)), default=0))
    for index, action in enumerate(run.plan.actions, start=1):
        _step(run, index, action)
        if run.broken:
            return
    last = len(run.plan.actions)
    for action in _reconciliation(run):
        last += 1
        _step(run, last, action)
        if run.broken:
            return


def _reconciliation(run: RunningPlan) -> list[Action]:
    """What every plan ends with: settle and look, before the clean-up; clean up; settle and look again."""
    first: list[Action] = []
    if not run.plan.actions or not isinstance(run.plan.actions[-1], Snapshot):
        first = [Settle(), Snapshot()]
    held = [HoldMarket(market=name, held=False) for name in sorted(run.held_markets)]
    return [*first, *held, _CleanUp(), Settle(), Snapshot()]  # type: ignore[list-item]  # the clean-up is no plan's action


class _CleanUp:
    """Cancel whatever is still live, judged like any other cancel."""

    do = "clean-up"


def _step(run: RunningPlan, index: int, action: Action) -> None:
    step = Step(index=index, action=_as_data(action), at=time.monotonic() - run.began)
    run.tracker.begin(step)
    _dispatch(run, action)
    step.belief = run.tracker.belief


def _as_data(action: Action) -> dict[str, object]:
    if isinstance(action, _CleanUp):
        return {"do": action.do}
    return {key: value for key, value in asdict(action).items() if value is not None}


def _dispatch(run: RunningPlan, action: Action) -> None:
    match action:
        case Place():
            holding.make_way(run, action)
            placing.place(run, action)
        case Fill():
            holding.make_way(run, action)
            placing.fill(run, action.order, action.quantity, action.by)
        case Expire():
            placing.expire(run, action.order)
        case HoldMarket():
            holding.hold_market(run, run.market(action.market), action.held)
        case Cancel():
            cancels.cancel(run, action.order, action.account)
        case CancelUnknown():
            cancels.cancel_unknown(run, action.order_id, action.account)
        case CancelAll():
            if Capability.CANCEL_ALL in run.offered:
                bulk_cancels.cancel_all(run, action.account)
        case Read():
            observing.read(run, action.order, action.account)
        case Snapshot():
            observing.snapshot(run)
        case Settle():
            observing.settle(run)
        case Wait():
            time.sleep(action.seconds)
            run.time_passed()
        case Parallel():
            holding.make_way(run, action)
            races.race(run, action)
        case Forge():
            forging.forge(run, action)
        case Send():
            sending.send(run, action)
        case _CleanUp():
            _clean_up(run)


def _clean_up(run: RunningPlan) -> None:
    run.ending = True
    for account in run.accounts:
        live = [
            name
            for name in run.tracker.live(account)
            if any(state.status in ACTIVE for state in run.tracker.belief.states(name))
        ]
        if len(live) >= BULK_CLEAN_UP and Capability.CANCEL_ALL in run.offered:
            bulk_cancels.cancel_all(run, account)
            continue
        for name in live:
            if run.broken:
                return
            cancels.cancel(run, name, None)


def _remember(run: RunningPlan) -> None:
    """Keep the plan's closed orders: a later plan looks at them once more."""
    run.memory.remember(
        Closed(
            order_id=order.order_id,
            name=order.name,
            account=order.terms.account,
            seen=order.last,
            at=time.monotonic(),
            plan=run.plan,
        )
        for order in run.tracker.orders.values()
        if order.last is not None and order.last.status in TERMINAL
    )


def _leave(run: RunningPlan) -> None:
    """A plan that did not come to its end leaves nothing behind either; nothing of this is judged.

    Where the target cannot be asked any more, what is left is found by the sweep.
    """
    tracker = run.tracker
    with suppress(VenueTrouble):
        holding.leave(run)
        for name, order in tracker.orders.items():
            if any(state.status not in TERMINAL for state in tracker.belief.states(name)) or run.result.violations:
                run.venue.cancel(order.terms.account, order.order_id)
