"""Sending what changes the book: placings, fills, expiries; and learning what an order locks."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

from conformance.judging.case import LIVE
from conformance.judging.placings import facing, incoming, may_lack_funds
from conformance.judging.reads import wrong_terms
from conformance.judging.seen import Approached, Driven, LockSeen, Overdue, Placing
from conformance.model.events import Execute, Expire, Place
from conformance.model.ledger import lock_of
from conformance.model.lifecycle import OrderState
from conformance.model.order import ACTIVE, Status, Terms, TimeInForce
from conformance.model.worlds import learns_locks
from conformance.plans import COUNTERPARTY, PRIMARY
from conformance.plans import Place as PlaceAction
from conformance.requirements import Capability
from conformance.runner.cancelling import cancel
from conformance.runner.looking import read
from conformance.runner.plan_run import PlanRun
from conformance.runner.translation import terms_of
from conformance.runner.waiting import let_pass, moment, now
from fixtures.venue.answers import Answer, BalanceView, Placed, Unknown

NOT_FOUND_AGAIN = "no list of orders shows a client id by which it could be found"
"""Why an order whose placing had no answer stays unknown at some venues."""


def place(run: PlanRun, action: PlaceAction) -> None:
    """Place an order of the plan."""
    if action.order in run.case.orders:
        return  # a minimised or hand-written plan may repeat a name
    terms = asked_terms(run, action)
    if action.whole_funds:
        terms = replace(terms, quantity=_all_that_is_left(run, terms))
    if terms.quantity and can_be_placed(run, terms):
        place_as(run, action.order, terms)


def asked_terms(run: PlanRun, action: PlaceAction) -> Terms:
    """The terms of an order of the plan, placed now; with another order's client id where the plan says so."""
    namesake = run.case.orders.get(action.client_id_of or "")
    return terms_of(
        action,
        run.market(action.market),
        run.plan,
        run.profile,
        run.venue.desk,
        client_id=None if namesake is None else namesake.terms.client_id,
    )


def _all_that_is_left(run: PlanRun, terms: Terms) -> Decimal:
    """The largest quantity that the account can pay now, in base units on the market's grid; zero where it is none."""
    market, bound = run.profile.markets[terms.market], run.profile.limits.order_notional
    funds = _balances(run, terms.account) if Capability.BALANCES in run.offered else None
    one = OrderState(name="", terms=replace(terms, quantity=market.step), status=Status.OPEN, arrival=0)
    asset, needed = lock_of(one, run.case.rules)
    view = (funds or {}).get(asset)
    if view is None or view.available is None or not needed.bounded or not needed.high or terms.price is None:
        return Decimal(0)
    most = min(view.available // needed.high * market.step, market.max_quantity)
    if bound is not None:
        most = min(most, bound / terms.price // market.step * market.step)
    return most if most >= market.smallest_order else Decimal(0)


def can_be_placed(run: PlanRun, terms: Terms) -> bool:
    """Whether the target has a word for such an order; where a stored plan has another in it, that is left out."""
    lacking = run.profile.order_kinds.lacking(terms)
    if lacking is not None:
        run.result.notes[f"left out of a plan: {lacking}, which the profile cannot say"] += 1
    return lacking is None


def counter(run: PlanRun, name: str, terms: Terms, price: Decimal) -> str:
    """Place a counter-order for market order ``name`` at ``price``; its name. It trades before its lock can be seen."""
    other = f"{name}.counter{next(run.numbers)}"
    if not place_as(run, other, replace(terms, price=price), learns=False):
        # may: the refusal itself was judged as any placing's
        run.abandon(f"{name} waits for a counter-order, and {other} was refused")
    return other


def place_as(run: PlanRun, name: str, terms: Terms, *, learns: bool = True) -> bool:
    """Place an order under a name; says whether it was accepted."""
    asked = now()
    event = arriving(run, name, terms, asked)
    funds_before = _funds_for_learning(run, event) if learns else None
    placed = run.venue.place(terms, post_only=terms.post_only or None)
    run.changed()
    answer, order_id = _resolved(run, terms, placed)
    if order_id is None and run.ended:
        return False
    if order_id is not None and not (event.held or event.waits):
        reach_the_book(run, terms, order_id)
        let_pass(booking_delay(run, event))
    run.saw(Placing(event=event, answer=answer, order_id=order_id, client_id=placed.client_id, asked=asked, at=now()))
    if name not in run.case.orders:
        return False
    if event.waits:
        run.held_markets.add(terms.market)
    if funds_before is not None:
        _learn_lock(run, name, funds_before)
    return True


def arriving(run: PlanRun, name: str, terms: Terms, at: float) -> Place:
    """The placing in the model's words: whether a market order is held, or waits where it finds nobody."""
    waits = terms.price is None and run.profile.waits_in(terms.market)
    event = Place(
        order=name,
        terms=terms,
        arrival=next(run.numbers),
        held=terms.price is None and not waits and terms.market in run.held_markets,
        waits=waits,
    )
    case = replace(run.case, belief=run.case.belief.by_now(at, run.case.rules))
    return replace(event, short=may_lack_funds(case, incoming(event)))


def _resolved(run: PlanRun, terms: Terms, placed: Placed) -> tuple[Answer | None, str | None]:
    """The answer and the id; a lost answer is looked up by the client id, and never sent again."""
    run.answered(placed.answer)
    if isinstance(placed.answer, Answer):
        return placed.answer, placed.order_id
    if not placed.answer.sent:
        run.abandon(f"an order could not be sent: {placed.answer.reason}")
    if not run.profile.finds_by_client_id:
        leave_to_clean_up(run, terms, placed.client_id)
        run.abandon(f"the answer to placing an order was lost, and {NOT_FOUND_AGAIN}")
    order_id = found_by_client_id(run, terms.account, placed.client_id)
    if order_id is None:
        # may: a placing may fail on its way; that lists show every active order is judged of those with an id
        run.abandon("the answer to placing an order was lost, and the order is not in the list")
    return None, order_id


def found_by_client_id(run: PlanRun, account: str, client_id: str) -> str | None:
    """The id of an order whose placing had no answer, once late reads must show it.

    None where another order of the plan has that client id, too: it could be that one.
    """
    if any(order.terms.client_id == client_id for order in run.case.orders.values()):
        return None
    let_pass(run.profile.timing.read_delay)
    view = run.venue.find_by_client_id(account, client_id)
    return None if view is None else view.order_id


def booking_delay(run: PlanRun, event: Place) -> float:
    """Seconds until what an incoming order may have traded is booked, where the venue takes a while (fill_delay)."""
    return run.profile.timing.fill_delay if facing(run.case, incoming(event)) else 0.0


def leave_to_clean_up(run: PlanRun, terms: Terms, client_id: str) -> None:
    """Have an order that its placing had no answer for, and nothing names, cancelled before the next plan.

    It is the one active order of the account with these terms whose id was never handed out to this run. That is too
    little to judge anything by it.
    """
    if Capability.LIST not in run.offered:
        return
    let_pass(run.profile.timing.read_delay)
    listed = run.retried(partial(run.venue.orders, terms.account))
    run.answered(listed.answer)
    journal = run.venue.desk.journal
    new = [
        view
        for view in listed.views or ()
        if view.status in ACTIVE and view.order_id not in journal.handed_out and wrong_terms(terms, view) is None
    ]
    if len(new) == 1:
        journal.placed(client_id, new[0].order_id)


def reach_the_book(run: PlanRun, terms: Terms, order_id: str) -> None:
    """Wait until an order is in the book, or was traded: where some order was seen to be on its way, or may be."""
    timing = run.profile.timing
    takes_time = timing.market_order_delay > 0 and terms.price is None
    if not run.case.known.places_later and not takes_time:
        return
    longest = max(timing.place_delay, timing.market_order_delay)
    began = moment()
    while True:
        run.wait_for_late_reads(timing.read_delay)
        result = run.retried(partial(run.venue.order, terms.account, order_id, market=terms.market))
        run.answered(result.answer)
        if result.view is None or result.view.status is not Status.PENDING:
            return
        if moment() - began > longest:
            run.abandon(
                f"an order is still PENDING {longest:g} s after it was accepted; see timing.place_delay and "
                "timing.market_order_delay"
            )
        let_pass(timing.poll_interval)


def fill(run: PlanRun, name: str, quantity: Decimal, by: str) -> None:
    """Make an order trade, by the profile's driver, and read what became of the opposite order."""
    order, driver = run.case.orders.get(name), run.profile.drivers.fill
    if order is None or driver is None or order.terms.price is None:
        return
    at = now()
    run.saw(Approached(order=name, event=_fill_event(run, name, quantity, at), at=at))
    if driver.how == "control":
        asked = now()
        answer = run.judgeable(run.venue.fill_control(order.order_id, quantity))
        run.changed()
        event = Execute(order=name, quantity=quantity)
        run.saw(Driven(event=event, answer=answer, before=asked, at=now()))
        return
    terms = crossing_terms(run, order.terms, quantity, by)
    opposite = f"{name}.fill{next(run.numbers)}"
    if place_as(run, opposite, terms) and not run.ended:
        read(run, opposite)
        end_rest(run, opposite)


def end_rest(run: PlanRun, name: str) -> None:
    """Cancel what may rest of an order that was to trade at once: a venue without immediate orders keeps it."""
    order = run.case.orders[name]
    states = run.case.states(name)
    if not run.ended and not order.terms.is_immediate and any(state.status in ACTIVE for state in states):
        cancel(run, name, None)


def crossing_terms(run: PlanRun, resting: Terms, quantity: Decimal, by: str) -> Terms:
    """An order of another account that meets a resting one at its price: an immediate one, where there are such."""
    immediate = TimeInForce.IOC in run.profile.order_kinds.times_in_force
    filler = by if by != resting.account else (COUNTERPARTY if by == PRIMARY else PRIMARY)
    return Terms(
        account=filler,
        market=resting.market,
        side=resting.side.opposite,
        quantity=max(quantity, run.profile.markets[resting.market].smallest_order),
        price=resting.price,
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
    )


def _fill_event(run: PlanRun, name: str, amount: Decimal, at: float) -> str:
    states = run.case.belief.by_now(at, run.case.rules).states(name)
    rest = [state.rest for state in states if state.status in LIVE]
    if not rest:
        return "opposite order"
    return "fill whole" if all(span.high <= amount for span in rest) else "fill part"


def expire(run: PlanRun, name: str) -> None:
    """Let a good-till-time order reach its deadline, and read it until the target says that it has expired."""
    order, driver = run.case.orders.get(name), run.profile.drivers.expire
    if order is None or driver is None or order.terms.expires_at is None:
        return
    run.saw(Approached(order=name, event="expire", at=now()))
    if driver.how == "control":
        asked = now()
        answer = run.judgeable(run.venue.expire_control(order.order_id))
        at = now()
        run.saw(Driven(event=Expire(order=name, at=at), answer=answer, before=asked, at=at))
    else:
        let_pass(order.terms.expires_at - now())
    run.changed()
    run.time_passed()
    timing = run.profile.timing
    give_up = moment() + timing.clock_tolerance + timing.expiry_grace
    while not run.ended:
        read(run, name)
        states = run.case.states(name)
        if not any(state.status in ACTIVE or state.status is Status.PENDING_CANCEL for state in states):
            return
        if moment() > give_up:
            run.saw(Overdue(order=name))
            return
        let_pass(timing.poll_interval)


# -- learning what an order locks -------------------------------------------------------------------------------------


def _funds_for_learning(run: PlanRun, event: Place) -> Mapping[str, BalanceView] | None:
    """Balances just before a placing, where what the order locks can only be learned from the difference."""
    order, account = incoming(event), event.terms.account
    met = facing(run.case, order)
    stays = event.held or (event.waits and not any(other in met for other in run.case.live()))
    state = replace(order, status=Status.PENDING) if stays else order
    learned = Capability.BALANCES in run.offered and learns_locks(run.case.rules, state)
    if not learned or _locks_may_change(run, account):
        return None
    return _balances(run, account)


def _balances(run: PlanRun, account: str) -> Mapping[str, BalanceView] | None:
    run.wait_for_late_reads(max(run.profile.timing.balance_delay, run.profile.timing.read_delay))
    funds = run.retried(lambda: run.venue.balances(account))
    run.answered(funds.answer)
    return None if isinstance(funds.answer, Unknown) else funds.balances


def _locks_may_change(run: PlanRun, account: str) -> bool:
    """Whether what the account's other orders lock may change by itself while the difference is taken.

    A pending cancel is confirmed, a deadline comes, others trade: the difference would be put on the new order.
    """
    markets = run.case.rules.markets

    def may_change(state: OrderState) -> bool:
        pending = state.status is Status.PENDING_CANCEL or state.terms.expires_at is not None
        return pending or not markets[state.terms.market].isolated

    return any(may_change(state) for name in run.case.live(account) for state in run.case.states(name))


def _learn_lock(run: PlanRun, name: str, before: Mapping[str, BalanceView]) -> None:
    state = run.case.belief.state(name)
    if state is None or not state.rest.exact or state.executed.high:
        return
    after = _balances(run, state.terms.account)
    if after is not None:
        run.saw(LockSeen(order=name, before=before, after=after))
