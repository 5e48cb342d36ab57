"""Keeping market orders PENDING and letting them go: by a control request, or by an empty book."""

from collections.abc import Iterator
from decimal import Decimal

from conformance.judging.replies import means, said
from conformance.judging.seen import Released
from conformance.model.events import Release
from conformance.model.lifecycle import Reply
from conformance.model.order import OrderType, Side, Status
from conformance.plans import COUNTERPARTY, PRIMARY, Action, Fill, HoldMarket, Place, Plan, calls_of
from conformance.runner.looking import read
from conformance.runner.placing import counter
from conformance.runner.plan_run import PlanRun
from conformance.runner.waiting import now
from fixtures.profiles.profile import Profile
from fixtures.venue.counter_orders import counter_terms, end_waiting


def needs_counterparty(plan: Plan, profile: Profile) -> bool:
    """Whether the counterparty may have to let market orders of a plan go."""
    return any(profile.waits_in(name) for name in profile.markets) and any(
        isinstance(action, HoldMarket) or (isinstance(action, Place) and action.type is OrderType.MARKET)
        for action in plan.actions
    )


def hold_market(run: PlanRun, market: str, held: bool) -> None:
    """Keep market orders of a market in PENDING, or let those that are held execute (TRM-03)."""
    driver = run.profile.drivers.hold_market
    if driver is None or held == (market in run.held_markets):
        return
    if driver.how == "empty-book":
        if not held:
            _counter(run, market)
        elif run.profile.waits_in(market):
            run.held_markets.add(market)  # nothing is sent: the empty book holds them
        return
    _hold_by_control(run, market, held)


def _hold_by_control(run: PlanRun, market: str, held: bool) -> None:
    answer = run.judgeable(run.venue.hold_market(market, held))
    run.changed()
    if answer is None or not means(answer, Reply.ACCEPTED):  # may: the driver is the sandbox's, not the API's
        run.abandon(f"the hold driver answered {said(answer) if answer else 'nothing'} for {market}")
    if held:
        run.held_markets.add(market)
        return
    run.held_markets.discard(market)
    executing = tuple(_executing(run, market))
    run.saw(Released(event=Release(market=market), executing=executing, at=now()))
    for name in executing:
        read(run, name)


def release_waiting(run: PlanRun, action: Action) -> None:
    """Let market orders that wait for a counter-order go before the plan itself sends one.

    Whether that one would first trade with them or with what rests is the venue's choice.
    """
    for market, side, account in _sent(run, action):
        if run.profile.waits_in(market) and any(
            run.case.orders[name].terms.side is not side and run.case.orders[name].terms.account != account
            for name in _executing(run, market)
        ):
            hold_market(run, market, held=False)


def release_all(run: PlanRun) -> None:
    """Let every market order go that the plan held; nothing of this is judged."""
    profile, driver = run.profile, run.profile.drivers.hold_market
    if driver is not None and driver.how == "control":
        for market in sorted(run.held_markets):
            run.venue.hold_market(market, False)
    for order in list(run.case.orders.values()):
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


def _sent(run: PlanRun, action: Action) -> Iterator[tuple[str, Side, str]]:
    """Market, side and account of each order that an action places."""
    fill = run.profile.drivers.fill
    for call in calls_of(action):
        if isinstance(call, Place):
            yield run.market(call.market), call.side, call.account
        elif isinstance(call, Fill) and fill is not None and fill.how == "crossing":
            order = run.case.orders.get(call.order)
            if order is not None and order.terms.price is not None:
                other = COUNTERPARTY if order.terms.account == PRIMARY else PRIMARY
                yield (
                    order.terms.market,
                    order.terms.side.opposite,
                    call.by if call.by != order.terms.account else other,
                )


def _executing(run: PlanRun, market: str) -> Iterator[str]:
    """The orders that may be held in a market, in the order of placing."""
    for name in run.case.orders:
        if any(s.status is Status.PENDING and s.terms.market == market for s in run.case.states(name)):
            yield name


def _counter(run: PlanRun, market: str) -> None:
    """Place a counter-order for each market order that waits; then they all execute, before anything is read."""
    for name in list(_executing(run, market)):
        if run.case.belief.state(name) is None:
            read(run, name)  # whether it waits, and for how much, is looked at first
        if run.ended:
            return
    run.held_markets.discard(market)
    executing = tuple(_executing(run, market))
    placed: list[str] = []
    for name in executing:
        terms = run.case.orders[name].terms
        rest = max(state.rest.high for state in run.case.states(name))
        asked = counter_terms(run.profile, account=terms.account, market=market, side=terms.side, rest=rest)
        price = _price(run, market, asked.side, asked.price or Decimal(0))
        placed.append(counter(run, name, asked, price))
    run.saw(Released(event=Release(market=market, either_makes=True), executing=executing, at=now()))
    for name in (*executing, *placed):
        if not run.ended:
            read(run, name)


def _price(run: PlanRun, market: str, side: Side, price: Decimal) -> Decimal:
    """The resting price, or the next one at which a counter-order meets nothing but the market orders that wait."""
    tick = run.profile.markets[market].tick
    resting = [
        terms.price
        for name in run.case.live()
        if (terms := run.case.orders[name].terms).market == market
        and terms.side is not side
        and terms.price is not None
    ]
    if side is Side.SELL:
        return max([price, *(other + tick for other in resting)])
    return max(tick, min([price, *(other - tick for other in resting)]))
