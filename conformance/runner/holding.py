"""Holding market orders in PENDING and letting them go: by a control request, or by an empty book."""

from collections.abc import Iterator
from decimal import Decimal

from conformance.model.events import Release
from conformance.model.lifecycle import Reply
from conformance.model.order import OrderType, Side, Status
from conformance.model.worlds import Conflict
from conformance.plans import COUNTERPARTY, PRIMARY, Action, Fill, HoldMarket, Parallel, Place, Plan
from conformance.runner import attribution as rules_of
from conformance.runner.cancels import means, said
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.observing import read
from conformance.runner.placing import counter
from fixtures.profiles.profile import Profile
from fixtures.venue.counter_orders import counter_terms, end_waiting


def counters(plan: Plan, profile: Profile) -> bool:
    """Whether the counterparty may have to let market orders of a plan go."""
    return any(profile.waits_in(name) for name in profile.markets) and any(
        isinstance(action, HoldMarket) or (isinstance(action, Place) and action.type is OrderType.MARKET)
        for action in plan.actions
    )


def hold_market(run: RunningPlan, market: str, held: bool) -> None:
    """Keep market orders of a market in PENDING, or let those that are held execute (TRM-03)."""
    driver = run.venue.profile.drivers.hold_market
    if driver is None or held == (market in run.held_markets):
        return
    if driver.how == "empty-book":
        if not held:
            _counter(run, market)
        elif run.venue.profile.waits_in(market):
            run.held_markets.add(market)  # nothing is sent: the empty book holds them
        return
    answer = run.understood(run.venue.hold_market(market, held))
    run.changed()
    if answer is None or not means(answer, Reply.ACCEPTED):
        raise PlanAbandonedError(f"the hold driver answered {said(answer) if answer else 'nothing'} for {market}")
    if held:
        run.held_markets.add(market)
        return
    run.held_markets.discard(market)
    executing = list(_executing(run, market))
    _released(run, Release(market=market), executing)
    for name in executing:
        read(run, name)


def make_way(run: RunningPlan, action: Action) -> None:
    """Let market orders that wait for a counter-order go before the plan itself sends one.

    Whether that one would first trade with them or with what rests is the venue's choice.
    """
    for market, side, account in _sent(run, action):
        if run.venue.profile.waits_in(market) and any(
            run.tracker.orders[name].terms.side is not side and run.tracker.orders[name].terms.account != account
            for name in _executing(run, market)
        ):
            hold_market(run, market, held=False)


def leave(run: RunningPlan) -> None:
    """Let everything go that the plan held; nothing of this is judged."""
    profile, driver = run.venue.profile, run.venue.profile.drivers.hold_market
    if driver is not None and driver.how == "control":
        for market in sorted(run.held_markets):
            run.venue.hold_market(market, False)
    for order in list(run.tracker.orders.values()):
        terms = order.terms
        if terms.price is None and profile.waits_in(terms.market):
            end_waiting(
                run.venue,
                terms.account,
                order.order_id,
                market=terms.market,
                side=terms.side,
                quantity=terms.quantity,
            )


def _sent(run: RunningPlan, action: Action) -> Iterator[tuple[str, Side, str]]:
    """Market, side and account of each order that an action places."""
    fill = run.venue.profile.drivers.fill
    for call in action.calls if isinstance(action, Parallel) else (action,):
        if isinstance(call, Place):
            yield run.market(call.market), call.side, call.account
        elif isinstance(call, Fill) and fill is not None and fill.how == "crossing":
            order = run.tracker.orders.get(call.order)
            if order is not None and order.terms.price is not None:
                other = COUNTERPARTY if order.terms.account == PRIMARY else PRIMARY
                yield (
                    order.terms.market,
                    order.terms.side.opposite,
                    call.by if call.by != order.terms.account else other,
                )


def _executing(run: RunningPlan, market: str) -> Iterator[str]:
    """The orders that may be held in a market, in the order of placing."""
    belief = run.tracker.belief
    for name in run.tracker.orders:
        if any(s.status is Status.PENDING and s.terms.market == market for s in belief.states(name)):
            yield name


def _counter(run: RunningPlan, market: str) -> None:
    """Place a counter-order for each market order that waits; then they all execute, before anything is read."""
    tracker = run.tracker
    for name in list(_executing(run, market)):
        if tracker.belief.state(name) is None:
            read(run, name)  # whether it waits, and for how much, is looked at first
        if run.broken:
            return
    run.held_markets.discard(market)
    executing = list(_executing(run, market))
    placed: list[str] = []
    for name in executing:
        terms = tracker.orders[name].terms
        rest = max(state.rest.high for state in tracker.belief.states(name))
        asked = counter_terms(run.venue.profile, account=terms.account, market=market, side=terms.side, rest=rest)
        price = _price(run, market, asked.side, asked.price or Decimal(0))
        placed.append(counter(run, name, asked, price))
    _released(run, Release(market=market, either_makes=True), executing)
    for name in (*executing, *placed):
        if not run.broken:
            read(run, name)


def _price(run: RunningPlan, market: str, side: Side, price: Decimal) -> Decimal:
    """The resting price, or the next one at which a counter-order meets nothing but the market orders that wait."""
    tick = run.venue.profile.markets[market].tick
    resting = [
        terms.price
        for name in run.tracker.live()
        if (terms := run.tracker.orders[name].terms).market == market
        and terms.side is not side
        and terms.price is not None
    ]
    if side is Side.SELL:
        return max([price, *(other + tick for other in resting)])
    return max(tick, min([price, *(other - tick for other in resting)]))


def _released(run: RunningPlan, event: Release, executing: list[str]) -> None:
    """What is known once the market orders of a market were let go."""
    tracker = run.tracker
    resting = [
        name for name in tracker.live() if name not in executing and tracker.orders[name].terms.market == event.market
    ]
    after = tracker.belief.after(event, run.rules, accepts=lambda _: True, until=run.until(), lost=False)
    assert not isinstance(after, Conflict)  # a release is always possible
    tracker.belief = after
    for name in executing:
        tracker.cause(name, rules_of.FILLED)
        tracker.cause_funds(tracker.orders[name].terms.account, rules_of.FILLED, name)
    for other in resting:
        tracker.cause(other, rules_of.FILLED)
