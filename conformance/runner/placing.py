"""Executing what changes the book: placing, filling, expiring."""

import time
from dataclasses import replace
from decimal import Decimal

from conformance.model.events import Execute, Expire, Place
from conformance.model.ledger import lock_of
from conformance.model.lifecycle import OrderState, Reply
from conformance.model.matching import crosses
from conformance.model.order import ACTIVE, Status, Terms, TimeInForce
from conformance.model.worlds import Conflict, learns_locks
from conformance.plans import COUNTERPARTY, PRIMARY
from conformance.plans import Place as PlaceAction
from conformance.requirements import Capability
from conformance.runner import attribution as rules_of
from conformance.runner.arrival import reach_the_book
from conformance.runner.bulk_cancels import MANY
from conformance.runner.cancels import means, said
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.observing import read
from conformance.runner.terms import terms_of
from conformance.runner.tracker import LIVE, Tracked
from fixtures.venue.answers import Answer, BalanceView, Placed, Unknown


def place(run: RunningPlan, action: PlaceAction) -> None:
    """Place an order of the plan."""
    if action.order in run.tracker.orders:
        return  # a minimised or hand-written plan may repeat a name
    terms = terms_of(action, run.market(action.market), run.plan, run.venue.profile, run.venue.desk.run)
    _place(run, action.order, terms)


def counter(run: RunningPlan, name: str, terms: Terms, price: Decimal) -> str:
    """Place a counter-order for market order ``name`` at ``price``; its name. It trades before its lock can be seen."""
    run.counter += 1
    other = f"{name}.counter{run.counter}"
    if not _place(run, other, replace(terms, price=price), learns=False):
        raise PlanAbandonedError(f"{name} waits for a counter-order, and {other} was refused")
    return other


def _place(run: RunningPlan, name: str, terms: Terms, *, learns: bool = True) -> bool:
    tracker = run.tracker
    run.arrivals += 1
    tracker.belief = tracker.belief.by_now(run.until(), run.rules)
    incoming = OrderState(name=name, terms=terms, status=Status.OPEN, arrival=run.arrivals)
    event = arriving(run, incoming)
    facing = [
        other for other in tracker.orders if any(crosses(state, incoming) for state in tracker.belief.states(other))
    ]
    stays = event.held or (event.waits and not any(other in facing for other in tracker.live()))
    funds_before = _funds_for_learning(run, incoming, held=stays) if learns else None
    placed = run.venue.place(terms, post_only=terms.post_only or None)
    run.changed()
    answer, order_id = _resolved(run, terms.account, placed)
    if answer is not None and order_id is None:
        _judge_refusal(run, name, event, incoming, answer)
        return False
    assert order_id is not None
    reach_the_book(run, terms, order_id)
    after = tracker.belief.after(event, run.rules, accepts=lambda o: o.reply is Reply.ACCEPTED, until=run.until())
    if isinstance(after, Conflict):
        raise PlanAbandonedError(f"placing {name} was accepted where {' or '.join(after.allowed)} was expected")
    tracker.belief = after
    tracker.orders[name] = Tracked(name=name, terms=replace(terms, client_id=placed.client_id), order_id=order_id)
    if event.waits:
        run.held_markets.add(terms.market)
    tracker.cause(name, rules_of.PLACED)
    if terms.account in run.raced_bulk:
        tracker.cause(name, rules_of.PLACED_AFTER_BULK)
        tracker.cause_funds(terms.account, rules_of.PLACED_AFTER_BULK, name)
    judge_id(run, order_id)
    _judge_usable(run, incoming)
    _cross_causes(run, name, facing)
    tracker.fits(f"the answer to placing {name}", "accepted", "accepted")
    if funds_before is not None:
        _learn_lock(run, name, funds_before)
    return True


def arriving(run: RunningPlan, incoming: OrderState) -> Place:
    """The placing in the model's words: whether a market order is held, or waits where it finds nobody."""
    terms = incoming.terms
    waits = terms.price is None and run.venue.profile.waits_in(terms.market)
    return Place(
        order=incoming.name,
        terms=terms,
        arrival=incoming.arrival,
        held=terms.price is None and not waits and terms.market in run.held_markets,
        waits=waits,
        short=may_lack_funds(run, incoming),
    )


def _resolved(run: RunningPlan, account: str, placed: Placed) -> tuple[Answer | None, str | None]:
    """The answer and the id; a lost answer is looked up by the client id, and never sent again."""
    run.took(placed.answer)
    if isinstance(placed.answer, Answer):
        return placed.answer, placed.order_id
    if not placed.answer.sent:
        raise PlanAbandonedError(f"an order could not be sent: {placed.answer.reason}")
    time.sleep(run.venue.profile.timing.read_delay)
    if Capability.LIST not in run.offered:
        raise PlanAbandonedError("the answer to placing an order was lost, and orders cannot be listed")
    found = run.venue.find_by_client_id(account, placed.client_id)
    if found is None:
        raise PlanAbandonedError("the answer to placing an order was lost, and the order is not in the list")
    return None, found.order_id


def _judge_refusal(run: RunningPlan, name: str, event: Place, incoming: OrderState, answer: Answer) -> None:
    """A placing that was refused: foreseen (post-only), a finding (FND-07), or a reason to abandon the plan."""
    tracker = run.tracker
    after = tracker.belief.after(event, run.rules, accepts=lambda o: o.reply is Reply.REFUSED, until=run.until())
    if not isinstance(after, Conflict):
        tracker.belief = after
        tracker.fits(f"the answer to placing {name}", "accepted, or refused", said(answer))
        return
    if run.broken:
        return
    asset, needed = lock_of(incoming, run.rules)
    lowest = run.funds.lowest.get((incoming.terms.account, asset))
    released = any(
        order.cancelled and order.terms.account == incoming.terms.account for order in tracker.orders.values()
    )
    there = run.funds.surely_available(incoming.terms.account, asset)
    fees = 1 + run.rules.highest_fee(incoming.terms.market)  # a venue may want to see them paid, too
    if released and lowest is not None and needed.exact and lowest < needed.low and needed.low * fees <= there:
        locked = tracker.belief.locked(incoming.terms.account, run.rules).get(asset)
        tracker.breaks(
            f"the answer to placing {name}",
            f"accepted: {needed} {asset} were released before (now locked: {locked or 0})",
            said(answer),
            ("FND-07",),
            kind="released funds are not usable",
        )
        return
    if len(tracker.live(incoming.terms.account)) >= MANY:
        run.result.notes[f"an order was refused while {MANY} or more were open"] += 1
        return
    raise PlanAbandonedError(f"placing {name} was refused: {said(answer)}: {answer.exchange.response_body[:160]}")


def may_lack_funds(run: RunningPlan, incoming: OrderState) -> bool:
    """Whether the account may not have what an order needs, so that a venue that keeps such orders may reject it."""
    profile = run.venue.profile
    if Status.REJECTED not in profile.vocabulary.status:
        return False
    if Capability.LOCKS not in run.offered:
        return profile.drivers.reject is not None and profile.drivers.reject.how == "insufficient-funds"
    asset, needed = lock_of(incoming, run.rules)
    there = run.funds.surely_available(incoming.terms.account, asset)
    if not needed.bounded:
        return there <= 0
    return needed.high * (1 + run.rules.highest_fee(incoming.terms.market)) > there


def _judge_usable(run: RunningPlan, incoming: OrderState) -> None:
    asset, needed = lock_of(incoming, run.rules)
    lowest = run.funds.lowest.get((incoming.terms.account, asset))
    if lowest is not None and needed.exact and needed.low > lowest:
        run.result.exercised["FND-07"] += 1


def judge_id(run: RunningPlan, order_id: str) -> None:
    """NTF-05: ids are UUID v7, and their time part does not go backwards by more than the clock tolerance."""
    profile = run.venue.profile
    if profile.relaxations.order_id_form == "opaque":
        return
    compact = order_id.replace("-", "")
    tracker = run.tracker
    well_formed = len(compact) == 32 and all(c in "0123456789abcdefABCDEF" for c in compact)
    if not well_formed or compact[12] != "7" or compact[16] not in "89abAB":
        tracker.breaks(
            "a new order id", "a UUID v7 (RFC 9562)", order_id, ("NTF-05",), kind="an order id is not a UUID v7"
        )
        return
    milliseconds = int(compact[:12], 16)
    if milliseconds < run.memory.last_id_time - profile.timing.clock_tolerance * 1000:
        tracker.breaks(
            "a new order id",
            f"a time part of at least {run.memory.last_id_time} ms",
            f"{milliseconds} ms",
            ("NTF-05",),
            kind="the time part of an order id goes backwards",
        )
        return
    run.memory.last_id_time = max(run.memory.last_id_time, milliseconds)
    run.result.exercised["NTF-05"] += 1


def _cross_causes(run: RunningPlan, name: str, facing: list[str]) -> None:
    """What an incoming order puts on the orders that it meets, and on itself."""
    tracker = run.tracker
    for other in facing:
        order = tracker.orders[other]
        states = tracker.belief.states(other)
        statuses = {state.status for state in states}
        level = (order.terms.market, order.terms.side, order.terms.price)
        if statuses <= {Status.CANCELED} and order.cancelled:
            pair = [rules_of.CROSSED_AFTER_CANCEL]
        elif order.seen_pending:
            pair = [rules_of.FILLED_WHILE_PENDING]
        elif level in run.cancelled_prices and not order.cancelled:
            pair = [rules_of.QUEUE, rules_of.FILLED]
        else:
            pair = [rules_of.FILLED]
        for rule in (*sorted(run.after_refusals.get(other, ()), key=lambda rule: rule.why), *pair):
            for member in (other, name):
                tracker.cause(member, rule)
                tracker.cause_funds(tracker.orders[member].terms.account, rule, member)


def fill(run: RunningPlan, name: str, quantity: Decimal, by: str) -> None:
    """Make an order trade, by the profile's driver, and read what became of the opposite order."""
    tracker = run.tracker
    order = tracker.orders.get(name)
    driver = run.venue.profile.drivers.fill
    if order is None or driver is None or order.terms.price is None:
        return
    tracker.belief = tracker.belief.by_now(run.until(), run.rules)
    tracker.cell(name, _fill_event(run, name, quantity))
    if driver.how == "control":
        _fill_by_control(run, order, quantity)
        return
    quantity = max(quantity, run.venue.profile.markets[order.terms.market].smallest_order)
    filler = by if by != order.terms.account else (COUNTERPARTY if by == PRIMARY else PRIMARY)
    run.counter += 1
    incoming = f"{name}.fill{run.counter}"
    terms = Terms(
        account=filler,
        market=order.terms.market,
        side=order.terms.side.opposite,
        quantity=quantity,
        price=order.terms.price,
        time_in_force=TimeInForce.IOC,
    )
    if _place(run, incoming, terms) and not run.broken:
        read(run, incoming)


def _fill_event(run: RunningPlan, name: str, amount: Decimal) -> str:
    rest = [state.rest for state in run.tracker.belief.states(name) if state.status in LIVE]
    if not rest:
        return "opposite order"
    return "fill whole" if all(span.high <= amount for span in rest) else "fill part"


def _fill_by_control(run: RunningPlan, order: Tracked, amount: Decimal) -> None:
    tracker = run.tracker
    event = Execute(order=order.name, quantity=amount)
    answer = run.understood(run.venue.fill_control(order.order_id, amount))
    run.changed()
    after = tracker.belief.after(
        event,
        run.rules,
        accepts=lambda o: answer is not None and means(answer, Reply.ACCEPTED) is (o.reply is Reply.ACCEPTED),
        until=run.until(),
        lost=answer is None,
    )
    if isinstance(after, Conflict):
        raise PlanAbandonedError(f"the fill driver answered {said(answer) if answer else 'nothing'} for {order.name}")
    tracker.belief = after
    _cross_causes(run, order.name, [order.name])


def expire(run: RunningPlan, name: str) -> None:
    """Let a good-till-time order reach its deadline, and read it until the target says that it has expired."""
    tracker = run.tracker
    order, driver = tracker.orders.get(name), run.venue.profile.drivers.expire
    if order is None or driver is None or order.terms.expires_at is None:
        return
    tracker.cell(name, "expire")
    deadline = order.terms.expires_at
    if driver.how == "control":
        answer = run.understood(run.venue.expire_control(order.order_id))
        deadline = run.until()
        after = tracker.belief.after(
            Expire(order=name, at=deadline), run.rules, accepts=lambda _: True, until=run.until(), lost=answer is None
        )
        assert not isinstance(after, Conflict)  # moving a deadline is always possible
        tracker.belief = after
    else:
        time.sleep(max(0.0, deadline - time.time()))
    run.changed()
    run.time_passed()
    timing = run.venue.profile.timing
    give_up = time.monotonic() + timing.clock_tolerance + timing.expiry_grace
    while not run.broken:
        read(run, name)
        states = tracker.belief.states(name)
        if not any(state.status in ACTIVE or state.status is Status.PENDING_CANCEL for state in states):
            return
        if time.monotonic() > give_up:
            run.result.notes["an order was still active after its deadline"] += 1
            return
        time.sleep(timing.poll_interval)


def _funds_for_learning(run: RunningPlan, incoming: OrderState, *, held: bool) -> dict[str, BalanceView] | None:
    """Balances just before a placing, where what the order locks can only be learned from the difference."""
    state = (
        incoming
        if not held
        else OrderState(name=incoming.name, terms=incoming.terms, status=Status.PENDING, arrival=incoming.arrival)
    )
    if (
        Capability.BALANCES not in run.offered
        or not learns_locks(run.rules, state)
        or _locks_may_change(run, incoming.terms.account)
    ):
        return None
    timing = run.venue.profile.timing
    run.quiet(max(timing.balance_delay, timing.read_delay))
    funds = run.asked(lambda: run.venue.balances(incoming.terms.account))
    run.took(funds.answer)
    return None if funds.balances is None else dict(funds.balances)


def _locks_may_change(run: RunningPlan, account: str) -> bool:
    """Whether what the account's other orders lock may change by itself while the difference is taken.

    A pending cancel is confirmed, a deadline comes, strangers trade: the difference would be put on the new order.
    """
    tracker, markets = run.tracker, run.rules.markets
    return any(
        state.status is Status.PENDING_CANCEL
        or state.terms.expires_at is not None
        or not markets[state.terms.market].isolated
        for name in tracker.live(account)
        for state in tracker.belief.states(name)
    )


def _learn_lock(run: RunningPlan, name: str, before: dict[str, BalanceView]) -> None:
    """Lock model ``observed`` and executing market orders: the difference at placing is what the order locks."""
    tracker = run.tracker
    state = tracker.belief.state(name)
    if state is None or not state.rest.exact or state.executed.high:
        return
    timing = run.venue.profile.timing
    run.quiet(max(timing.balance_delay, timing.read_delay))
    account = state.terms.account
    funds = run.asked(lambda: run.venue.balances(account))
    run.took(funds.answer)
    if funds.balances is None or isinstance(funds.answer, Unknown):
        return
    asset, _ = lock_of(state, run.rules)
    then, now = before.get(asset), funds.balances.get(asset)
    if then is None or now is None:
        return
    if now.locked is not None and then.locked is not None:
        difference = now.locked - then.locked
    elif now.available is not None and then.available is not None:
        difference = then.available - now.available
    else:
        return
    if difference >= 0:
        tracker.belief = tracker.belief.having_learned_lock(name, difference)
