"""Run one plan: predict, act, judge, and leave the target as it was found."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from conformance.judging.case import Case, Target
from conformance.judging.seen import Ended, GivenUp, StartSeen, StepBegun
from conformance.model.matching import TooManyWorldsError
from conformance.model.order import ACTIVE, TERMINAL
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
    calls_of,
)
from conformance.requirements import Capability
from conformance.runner import cancelling, forging, looking, market_holds, placing, racing
from conformance.runner.lane_memory import LaneMemory
from conformance.runner.leftovers import close_earlier
from conformance.runner.plan_run import PlanAbandonedError, PlanRun
from conformance.runner.translation import venue_rules
from conformance.runner.waiting import let_pass, moment, now
from conformance.trace import PlanResult
from fixtures.venue.client import Venue
from fixtures.venue.trouble import BudgetSpent, VenueTrouble

BULK_CLEAN_UP = 8
"""Live orders from which a plan's clean-up uses cancel-all, where the target has it and nothing else is active."""


def run_plan(
    plan: Plan, venue: Venue, memory: LaneMemory, *, look_again: int = 1, markets: Mapping[str, str] | None = None
) -> PlanResult:
    """Run a plan against a target; the result holds every violation found, and a trace of what led to it.

    ``markets`` says which markets this lane uses in place of those that the plan names.

    A plan that showed that orders reach the book later than they are accepted is run again, with that known.

    Raises :class:`~fixtures.venue.trouble.VenueTrouble` where the target cannot be asked further and nothing was found.
    """
    known = memory.known.places_later
    result = _run_once(plan, venue, memory, look_again=look_again, markets=markets or {})
    if memory.known.places_later is known or any(violation.ends for violation in result.violations):
        return result
    again = _run_once(plan, venue, memory, look_again=look_again, markets=markets or {})
    again.requests += result.requests
    return again


def _run_once(
    plan: Plan, venue: Venue, memory: LaneMemory, *, look_again: int, markets: Mapping[str, str]
) -> PlanResult:
    """Run the plan, and have the history written of it, where one is."""
    run, recorder = _opened(plan, venue, memory, markets), memory.recorder
    known = memory.known.deviations
    run.result.opened, run.result.began_with = run.case, known
    if recorder is None:
        return _carried_out(run, look_again)
    run.result.number = recorder.begins(plan, run.case.accounts, known)
    gone = True
    try:
        result = _carried_out(run, look_again)
        gone = False
        return result
    finally:
        recorder.ends(gone=gone)


def _carried_out(run: PlanRun, look_again: int) -> PlanResult:
    began, over = moment(), False
    result, memory = run.result, run.memory
    try:
        _begin(run)
        if not run.ended:
            _perform(run, began)
        if not run.ended:
            over = True
            run.saw(Ended(plan=run.plan, moment=moment()))
            _wait_for_later_looks(run)
            looking.look_again(run, look_again)
    except TooManyWorldsError as reason:
        run.saw(GivenUp(reason=str(reason)))
    except PlanAbandonedError:
        pass  # the judge was told why
    except VenueTrouble as trouble:
        if not result.violations and not _of_this_plan_alone(trouble):
            raise
        run.saw(GivenUp(reason=str(trouble)))  # what was found is not lost; the next request will meet the same trouble
    finally:
        if not over:
            _cancel_remains(run)
        memory.known = run.case.known
        result.ended_with = run.case.known.deviations
        if not result.violations:
            _forget_facts(result)
        memory.changed_at = run.changed_at if over else moment()  # late reads must not show what is gone by now
        result.seconds = moment() - began
    return result


def _of_this_plan_alone(trouble: VenueTrouble) -> bool:
    """Whether another plan, with fewer or smaller orders, may still be run."""
    return isinstance(trouble, BudgetSpent) and trouble.limit in ("limits.open_orders", "limits.order_notional")


def target_of(venue: Venue) -> Target:
    """What judging needs to know of the target that a client speaks to."""
    return Target(
        profile=venue.profile,
        rules=venue_rules(venue.profile),
        offered=venue.capabilities,
        contract=venue.desk.contract,
    )


def _forget_facts(result: PlanResult) -> None:
    """Only what shows a violation may have to be judged again."""
    result.facts.clear()
    result.opened = None


def _opened(plan: Plan, venue: Venue, memory: LaneMemory, markets: Mapping[str, str]) -> PlanRun:
    used = accounts_of(plan, counters=market_holds.needs_counterparty(plan, venue.profile))
    accounts = tuple(account for account in used if account in venue.accounts)
    return PlanRun(
        venue=venue,
        memory=memory,
        result=PlanResult(plan=plan),
        case=Case.opened(target_of(venue), accounts, memory.known),
        markets=markets,
        changed_at=memory.changed_at,
    )


def _begin(run: PlanRun) -> None:
    """End what earlier plans have left open, and take the balances that the plan begins with."""
    run.saw(StepBegun(index=0, action={"do": "begin"}, at=0.0))
    close_earlier(run)
    timing = run.profile.timing
    run.wait_for_late_reads(max(timing.balance_delay, timing.read_delay))
    if Capability.BALANCES not in run.offered:
        return
    roles = {account.name: role for role, account in run.venue.account_keys.items()}
    still_open = {roles.get(left.account) for left in run.venue.desk.journal.open_orders()}
    for account in run.case.accounts:
        read = run.retried(partial(run.venue.balances, account))
        run.answered(read.answer)
        if read.balances is not None or not run.ended:
            run.saw(StartSeen(account=account, funds=read.balances, alone=account not in still_open))


def accounts_of(plan: Plan, *, counters: bool = False) -> tuple[str, ...]:
    """The roles that a plan uses, the primary account first; a plan that fills uses the counterparty too.

    ``counters``: its market orders may need a counter-order of the counterparty.
    """
    used = {PRIMARY, COUNTERPARTY} if counters else {PRIMARY}
    for action in plan.actions:
        for call in calls_of(action):
            account = getattr(call, "account", None)
            used.update({account} if account else ())
            if isinstance(call, Fill):
                used.update({COUNTERPARTY, call.by})
    return tuple(sorted(used, key=lambda account: (account != PRIMARY, account)))


def _perform(run: PlanRun, began: float) -> None:
    actions = run.plan.actions
    racing.warm(run, max((len(action.calls) for action in actions if isinstance(action, Parallel)), default=0))
    for index, action in enumerate(actions, start=1):
        _step(run, index, action, began)
        if run.ended:
            return
    for index, action in enumerate(_reconciliation(run), start=len(actions) + 1):
        _step(run, index, action, began)
        if run.ended:
            return


def _reconciliation(run: PlanRun) -> list[Action]:
    """What every plan ends with: settle and look, before the clean-up; clean up; settle and look again."""
    first: list[Action] = []
    if not run.plan.actions or not isinstance(run.plan.actions[-1], Snapshot):
        first = [Settle(), Snapshot()]
    held = [HoldMarket(market=name, held=False) for name in sorted(run.held_markets)]
    return [*first, *held, _CleanUp(), Settle(), Snapshot()]  # type: ignore[list-item]  # the clean-up is no plan's action


class _CleanUp:
    """Cancel whatever is still live, judged like any other cancel."""

    do = "clean-up"


def _step(run: PlanRun, index: int, action: Action, began: float) -> None:
    run.saw(StepBegun(index=index, action=_as_data(action), at=moment() - began))
    _dispatch(run, action)


def _as_data(action: Action) -> dict[str, object]:
    if isinstance(action, _CleanUp):
        return {"do": action.do}
    return {key: value for key, value in asdict(action).items() if value is not None}


def _dispatch(run: PlanRun, action: Action) -> None:
    """Change the market, send a request that is forged, or ask for what :func:`_ask` does."""
    if isinstance(action, Place | Fill | Parallel):
        market_holds.release_waiting(run, action)
    match action:
        case Place():
            placing.place(run, action)
        case Fill():
            placing.fill(run, action.order, action.quantity, action.by)
        case Expire():
            placing.expire(run, action.order)
        case HoldMarket():
            market_holds.hold_market(run, run.market(action.market), action.held)
        case Parallel():
            racing.race(run, action)
        case Forge():
            forging.forge(run, action)
        case Send():
            forging.send_plain(run, action)
        case _:
            _ask(run, action)


def _ask(run: PlanRun, action: Action) -> None:
    """Cancel, look, or let time pass."""
    match action:
        case Cancel():
            cancelling.cancel(run, action.order, action.account)
        case CancelUnknown():
            cancelling.cancel_unknown(run, action.order_id, action.account)
        case CancelAll():
            if Capability.CANCEL_ALL in run.offered:
                cancelling.cancel_all(run, action.account)
        case Read():
            looking.read(run, action.order, action.account)
        case Snapshot():
            looking.snapshot(run)
        case Settle():
            looking.settle(run)
        case Wait():
            let_pass(_until(run, action))
            run.time_passed()
        case _CleanUp():
            _clean_up(run)


def _until(run: PlanRun, action: Wait) -> float:
    """For how many seconds a plan waits: none where the order is cut out of the plan, or has no deadline."""
    if action.before_deadline_of is None:
        return action.seconds
    order = run.case.orders.get(action.before_deadline_of)
    deadline = None if order is None else order.terms.expires_at
    return 0.0 if deadline is None else deadline - action.seconds - now()


def _clean_up(run: PlanRun) -> None:
    run.looks.at_the_end = True
    for account in run.case.accounts:
        live = [
            name for name in run.case.live(account) if any(state.status in ACTIVE for state in run.case.states(name))
        ]
        if len(live) >= BULK_CLEAN_UP and Capability.CANCEL_ALL in run.offered:
            cancelling.cancel_all(run, account)
            continue
        for name in live:
            if run.ended:
                return
            cancelling.cancel(run, name, None)


def _wait_for_later_looks(run: PlanRun) -> None:
    """Keep the plan's closed orders, which are read once more after a later plan (CXL-03)."""
    for order in run.case.orders.values():
        closed = run.case.known.closed_order(order.order_id)
        if closed is not None:
            run.memory.remember(closed)


def _cancel_remains(run: PlanRun) -> None:
    """A plan that did not come to its end leaves nothing behind either; nothing of this is judged.

    Where the target cannot be asked any more, what is left is found by the sweep.
    """
    with suppress(VenueTrouble):
        market_holds.release_all(run)
        for name, order in run.case.orders.items():
            states = run.case.states(name)  # none of an order whose placing was not judged
            over = bool(states) and all(state.status in TERMINAL for state in states)
            if not over or run.result.violations:
                run.venue.cancel(order.terms.account, order.order_id, market=order.terms.market)
