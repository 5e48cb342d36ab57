"""Each driver once: can an order be filled, expired, held and rejected as the profile says? And cancel-all."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from conformance.examination.checks import (
    Check,
    Examined,
    failed,
    is_not_found,
    ok,
    said,
    skipped,
    vocabulary_lines,
    warning,
)
from conformance.examination.crossing import execute
from conformance.examination.ending import late_check
from conformance.examination.funds import Funds, fee_check, funds_now
from conformance.examination.matching import market_order, trade_price, turns
from conformance.examination.orders import placed_order
from conformance.model.order import ACTIVE, TERMINAL, OrderType, Side, Status, Terms, TimeInForce
from conformance.requirements import Capability
from fixtures.venue.answers import AnswerClass, OrderView, Unknown
from fixtures.venue.counter_orders import counter_terms

LONGEST_WAIT = 5.0


def drivers(examined: Examined) -> Iterator[Check]:
    """Fill, expire, hold, reject, cancel-all: what the profile names, one after the other."""
    if not examined.usable:
        yield skipped("drivers", "no order could be placed")
        return
    offered = examined.venue.capabilities
    steps: tuple[tuple[Capability, str, Callable[[Examined], Iterator[Check]]], ...] = (
        (Capability.FILL, "fill", _fill),
        (Capability.EXPIRE, "expire", _expire),
        (Capability.HOLD_MARKET, "hold_market", _hold),
        (Capability.REJECTED_ORDERS, "reject", _reject),
        (Capability.CANCEL_ALL, "cancel_all", _cancel_all),
        (Capability.FILL, "trade price", trade_price),
        (Capability.FILL, "priority", turns),
        (Capability.SECOND_ACCOUNT, "market order", market_order),
    )
    for capability, name, step in steps:
        if capability in offered:
            yield from step(examined)
        else:
            yield skipped(name, "the profile does not offer it")


def _wait_for(
    examined: Examined, order_id: str, wanted: Callable[[OrderView], bool], seconds: float
) -> OrderView | None:
    """Read an order until it is as wanted; the last that was seen of it otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        read = examined.venue.order("primary", order_id, market=examined.market)
        view = read.view
        if view is not None:
            examined.word(view)
        elif examined.forgets_cancelled and is_not_found(read.answer):
            examined.venue.closed(order_id)
            return None
        if (view is not None and wanted(view)) or time.monotonic() > deadline:
            return view
        time.sleep(examined.profile.timing.poll_interval)


def _state(view: OrderView | None) -> str:
    return "not to be read" if view is None else f"{view.status} (`{view.word}`), {view.executed} executed"


def _unknown_word(examined: Examined, name: str, view: OrderView | None, meant: Status) -> Check | None:
    if view is None or view.status is not None:
        return None
    lines = vocabulary_lines(examined.profile, view.word, meant)
    return failed(name, f"status `{view.word}` is not in the vocabulary; here it should mean {meant}", *lines)


def _fill(examined: Examined) -> Iterator[Check]:
    driver, market = examined.profile.drivers.fill, examined.shape
    assert driver is not None  # the capability says so
    if driver.how == "crossing" and not market.isolated:
        yield warning("fill", f"others trade in {examined.market}: a crossing order would meet theirs first; not tried")
        return
    part = examined.size()
    dust = examined.profile.matching.dust * market.step
    terms = examined.terms(Side.BUY, min(part * 3 + dust, market.max_quantity))
    before = funds_now(examined, "primary")
    theirs = funds_now(examined, driver.account) if driver.how == "crossing" else {}
    placed, check = placed_order(examined, terms, "fill")
    if placed.order_id is None:
        yield check
        return
    problem, began = execute(examined, placed.order_id, terms, part), time.monotonic()
    timing = examined.profile.timing
    wait = timing.read_delay + timing.fill_delay + LONGEST_WAIT
    view = _wait_for(examined, placed.order_id, lambda seen: bool(seen.executed), 0.0 if problem else wait)
    late = time.monotonic() - began
    if problem is not None or view is None or view.executed != part:
        yield failed("fill", problem or f"after a fill of {part} the order is {_state(view)}")
        return
    yield _unknown_word(examined, "fill", view, Status.PARTIALLY_FILLED) or ok("fill", f"partly: {_state(view)}")
    yield late_check("fill", "a trade", late, timing.read_delay + timing.fill_delay, word="fill_delay")
    if view.status is Status.CANCELED:
        yield _dust(examined, terms.quantity - part)
        return
    yield from _fees(examined, terms, part, before, theirs)
    if examined.lacks_ioc:
        yield _without(examined, TimeInForce.IOC)
    problem = execute(examined, placed.order_id, terms, terms.quantity - part)
    view = _wait_for(examined, placed.order_id, lambda seen: seen.status in TERMINAL, 0.0 if problem else wait)
    if view is None or view.status is not Status.FILLED:
        yield _unknown_word(examined, "fill", view, Status.FILLED) or failed(
            "fill", problem or f"after a fill of the rest the order is {_state(view)}"
        )
        return
    yield ok("fill", f"whole: {_state(view)}")


def _fees(examined: Examined, terms: Terms, part: Decimal, before: Funds, theirs: Funds) -> Iterator[Check]:
    """What the maker and the taker paid; ``before`` and ``theirs`` are what they had."""
    time.sleep(max(examined.profile.timing.balance_delay, examined.profile.timing.read_delay))
    if before:
        yield fee_check(examined, terms, part, before, funds_now(examined, terms.account))
    driver = examined.profile.drivers.fill
    if theirs and driver is not None:
        sold, now = replace(terms, side=Side.SELL), funds_now(examined, driver.account)
        yield fee_check(examined, sold, part, theirs, now, taker=True)


def _without(examined: Examined, lacking: TimeInForce) -> Check:
    """Orders of one time in force are refused, and others are not: the venue has no such orders."""
    words = {force: word for force, word in examined.profile.vocabulary.time_in_force.items() if force is not lacking}
    told = ", ".join(f"{force.value} = {json.dumps(word)}" for force, word in words.items())
    drivers = ("[drivers]", "expire = false") if lacking is TimeInForce.GTD else ()
    what = f"an order that is {lacking.value} is refused, and one that rests is not: where there are none, leave it out"
    return failed("time in force", what, "[vocabulary]", f"time_in_force = {{ {told} }}", *drivers)


def _dust(examined: Examined, rest: Decimal) -> Check:
    """A rest that nobody cancelled is over: the venue ends what is too small to trade."""
    steps = (rest / examined.shape.step).normalize()
    return failed(
        "fill",
        f"after a fill the rest of {rest:f} is cancelled, by nobody here. Where the venue ends rests that small, "
        "say up to how many steps",
        "[matching]",
        f"dust = {steps:f}",
    )


def _expire(examined: Examined) -> Iterator[Check]:
    driver, timing = examined.profile.drivers.expire, examined.profile.timing
    assert driver is not None
    ahead = driver.shortest + timing.clock_tolerance if driver.how == "wait" else 3600.0
    at = round(time.time() + ahead, 3)
    terms = examined.terms(Side.BUY, examined.size(), time_in_force=TimeInForce.GTD, expires_at=at)
    placed, check = placed_order(examined, terms, "expire")
    if placed.order_id is None:
        yield check
        yield _without(examined, TimeInForce.GTD)
        return
    if driver.how == "control":
        answer = examined.venue.expire_control(placed.order_id)
        examined.saw("expire driver", answer)
        if isinstance(answer, Unknown) or not answer.is_(AnswerClass.ACCEPTED):
            yield failed("expire", f"drivers.expire.request was answered: {said(answer)}")
            return
        at = time.time()
    else:
        time.sleep(max(0.0, at - time.time()))
    wait = timing.clock_tolerance + timing.expiry_grace + LONGEST_WAIT
    view = _wait_for(examined, placed.order_id, lambda seen: seen.status is None or seen.status in TERMINAL, wait)
    late = time.time() - at
    if view is None or view.status is not Status.EXPIRED:
        yield _unknown_word(examined, "expire", view, Status.EXPIRED) or failed(
            "expire", f"{late:.1f} s after its time the order is {_state(view)}"
        )
    elif late > timing.clock_tolerance + timing.expiry_grace:
        yield failed("expire", f"expired {late:.1f} s after its time", "[timing]", f"expiry_grace = {late * 2:.1f}")
    else:
        yield ok("expire", f"{_state(view)}, seen {late:.2f} s after its time")


def _hold(examined: Examined) -> Iterator[Check]:
    driver, venue = examined.profile.drivers.hold_market, examined.venue
    assert driver is not None
    if driver.how == "empty-book":
        yield from _wait_in_an_empty_book(examined)
        return
    answer = venue.hold_market(examined.market, True)
    examined.saw("hold driver", answer)
    if isinstance(answer, Unknown) or not answer.is_(AnswerClass.ACCEPTED):
        yield failed("hold_market", f"drivers.hold_market.request was answered: {said(answer)}")
        return
    try:
        terms = examined.terms(Side.BUY, examined.size(), type=OrderType.MARKET, price=None)
        placed, check = placed_order(examined, terms, "hold_market")
        if placed.order_id is None:
            yield check
            return
        view = _wait_for(examined, placed.order_id, lambda _: True, LONGEST_WAIT)
    finally:
        venue.hold_market(examined.market, False)
    if view is None or view.status is not Status.PENDING:
        yield _unknown_word(examined, "hold_market", view, Status.PENDING) or failed(
            "hold_market", f"a market order in a held market is {_state(view)}"
        )
    else:
        yield ok("hold_market", f"held: {_state(view)}")
    ended = _wait_for(
        examined, placed.order_id, lambda seen: seen.status is None or seen.status in TERMINAL, LONGEST_WAIT
    )
    yield _unknown_word(examined, "hold_market", ended, Status.CANCELED) or ok(
        "hold_market", f"let go: {_state(ended)}"
    )


def _wait_in_an_empty_book(examined: Examined) -> Iterator[Check]:
    """A market order that nothing faces stays PENDING, and a counter-order ends it; of neither anything is left."""
    venue, profile = examined.venue, examined.profile
    markets = [name for name in (examined.market, *profile.markets_of(1)) if profile.waits_in(name)]
    here = replace(examined, market=markets[0])  # the capability says that there is one
    terms = here.terms(Side.BUY, here.size(), type=OrderType.MARKET, price=None)
    placed, check = placed_order(here, terms, "hold_market")
    if placed.order_id is None:
        yield check
        return
    view = _wait_for(here, placed.order_id, lambda _: True, LONGEST_WAIT)
    if view is not None and view.status is Status.PENDING:
        yield ok("hold_market", f"in an empty book: {_state(view)}")
    else:
        yield _unknown_word(here, "hold_market", view, Status.PENDING) or failed(
            "hold_market", f"a market order in an empty book is {_state(view)}; then leave out [drivers.hold_market]"
        )
    if view is not None and view.status in TERMINAL:
        return
    against = counter_terms(profile, account=terms.account, market=terms.market, side=terms.side, rest=terms.quantity)
    counter, check = placed_order(here, against, "hold_market")
    if counter.order_id is None:
        yield check
        return
    ended = _wait_for(here, placed.order_id, lambda seen: seen.status is None or seen.status in TERMINAL, LONGEST_WAIT)
    if ended is not None and ended.status in TERMINAL:
        yield ok("hold_market", f"after a counter-order: {_state(ended)}")
    else:
        yield _unknown_word(here, "hold_market", ended, Status.FILLED) or failed(
            "hold_market", f"after a counter-order the market order is {_state(ended)}"
        )
    left = venue.order(against.account, counter.order_id, market=against.market).view
    if left is None or left.status not in TERMINAL:
        gone = venue.cancel(against.account, counter.order_id, market=against.market)
        here.over(counter.order_id, gone.answer, against.account)


def _reject(examined: Examined) -> Iterator[Check]:
    driver = examined.profile.drivers.reject
    assert driver is not None
    if driver.how != "post-only-crossing" or Capability.SECOND_ACCOUNT not in examined.venue.capabilities:
        yield skipped("reject", "needs how = 'post-only-crossing' and a second account to be tried here")
        return
    if not examined.shape.isolated:
        yield warning("reject", f"others trade in {examined.market}; not tried")
        return
    facing = examined.terms(
        Side.SELL, examined.size(), account="counterparty", price=examined.shape.resting_price(Side.BUY)
    )
    resting, check = placed_order(examined, facing, "reject")
    if resting.order_id is None:
        yield check
        return
    placed = examined.venue.place(examined.terms(Side.BUY, examined.size()), post_only=True)
    examined.saw("post-only order that would trade", placed.answer)
    if placed.order_id is None:
        yield warning(
            "reject",
            f"the venue refuses such an order without an id: {said(placed.answer)}; then leave out [drivers.reject]",
        )
    else:
        view = _wait_for(examined, placed.order_id, lambda seen: seen.status is not Status.PENDING, LONGEST_WAIT)
        if view is None or view.status is not Status.REJECTED:
            yield _unknown_word(examined, "reject", view, Status.REJECTED) or failed(
                "reject", f"the order is {_state(view)}"
            )
        else:
            yield ok("reject", _state(view))
    ended = examined.venue.cancel("counterparty", resting.order_id, market=examined.market)
    examined.over(resting.order_id, ended.answer, "counterparty")


def _cancel_all(examined: Examined) -> Iterator[Check]:
    venue = examined.venue
    if Capability.LIST not in venue.capabilities:
        yield skipped("cancel_all", "orders cannot be listed: it is not known whom it would hit")
        return
    strangers = venue.foreign_orders("primary")
    if strangers:
        # a list may still show orders of this examination that are over
        time.sleep(examined.profile.timing.list_delay)
        strangers = venue.foreign_orders("primary")
    if strangers:
        yield warning("cancel_all", f"the account has {len(strangers)} active orders that are not ours; not tried")
        return
    placed, check = placed_order(examined, examined.terms(Side.BUY, examined.size()), "cancel_all")
    if placed.order_id is None:
        yield check
        return
    done = venue.cancel_all("primary")
    examined.saw("cancel-all", done.answer)
    if isinstance(done.answer, Unknown) or not done.answer.classes & {AnswerClass.ACCEPTED, AnswerClass.PENDING}:
        yield failed("cancel_all", f"was answered: {said(done.answer)}")
        return
    wait = examined.profile.timing.pending_cancel_deadline + LONGEST_WAIT
    view = _wait_for(examined, placed.order_id, lambda seen: seen.status is None or seen.status in TERMINAL, wait)
    forgotten = view is None and examined.forgets_cancelled
    if not forgotten and (view is None or view.status in ACTIVE or view.status is None):
        yield _unknown_word(examined, "cancel_all", view, Status.CANCELED) or failed(
            "cancel_all", f"after it the order is {_state(view)}"
        )
    elif done.order_ids is None:
        yield warning(
            "cancel_all",
            f"cancels; which orders, its answer does not say at operations.cancel_all.order_ids: {said(done.answer)}",
        )
    elif placed.order_id not in done.order_ids:
        yield failed(
            "cancel_all",
            f"lists {', '.join(done.order_ids) or 'nothing'}, not order {placed.order_id}: {said(done.answer)}",
        )
    else:
        yield ok("cancel_all", f"cancels and lists {len(done.order_ids)} orders")
