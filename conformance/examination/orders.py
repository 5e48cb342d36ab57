"""One order from placing to cancelling: is it understood, found, read, listed, and is it over when it is cancelled?"""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from conformance.examination.checks import (
    Check,
    Examined,
    class_lines,
    failed,
    ok,
    pointers,
    said,
    same,
    vocabulary_lines,
    warning,
)
from conformance.examination.ending import JITTER, LONGEST_WAIT, cancelled, late_check
from conformance.examination.funds import funds_now, lock_check
from conformance.model.order import ACTIVE, Side, Status, Terms
from conformance.requirements import Capability, touched_by
from fixtures.profiles.dialect import OrderFields
from fixtures.venue.answers import Answer, AnswerClass, BalanceView, OrderView, Placed, Unknown


def placed_order(examined: Examined, terms: Terms, name: str, *, post_only: bool | None = None) -> tuple[Placed, Check]:
    """Place an order, and say whether the answer is what the profile says."""
    placed = examined.venue.place(terms, post_only=post_only)
    answer = placed.answer
    examined.saw("place", answer)
    described = f"{terms.side} {terms.quantity} {terms.market} at {terms.price}"
    if placed.order_id is not None:
        return placed, _arrived(examined, terms, placed.order_id, name, f"{described}: order {placed.order_id}")
    if isinstance(answer, Answer) and answer.is_(AnswerClass.ACCEPTED):
        found = list(pointers(answer.body, lambda key, value: "id" in key.lower() and isinstance(value, str | int)))
        line = (f"order_id = {json.dumps(found[0])}",) if found else ()
        at = examined.profile.operations.place.order_id
        lines: tuple[str, ...] = ("[operations.place]", *line) if line else ()
        return placed, failed(name, f"{described}: accepted, but there is no id at '{at}': {said(answer)}", *lines)
    if isinstance(answer, Answer) and 200 <= answer.status < 300:
        lines = class_lines("accepted", answer, merge=examined.profile.answers.accepted.status)
        return placed, failed(name, f"{described}: expected answers.accepted, found {said(answer)}", *lines)
    return placed, failed(name, f"{described} was refused: {said(answer)}. Look at the market's grid and rest_price")


def _arrived(examined: Examined, terms: Terms, order_id: str, name: str, described: str) -> Check:
    """A limit order may be PENDING before it is in the book: it is waited for, since nothing meets it until then."""
    timing, began, late = examined.profile.timing, time.monotonic(), 0.0
    while terms.price is not None and late <= timing.place_delay + LONGEST_WAIT:
        view = examined.venue.order(terms.account, order_id, market=terms.market).view
        if view is None or view.status is not Status.PENDING:
            break
        examined.word(view)
        time.sleep(timing.poll_interval)
        late = time.monotonic() - began
    if late > timing.place_delay:
        seen = f"{described} was PENDING for {late:.1f} s before it was in the book"
        return failed(name, seen, "[timing]", f"place_delay = {late * 2:.1f}")
    return ok(name, f"{described}, in the book after {late * 1000:.0f} ms" if late else described)


def one_order(examined: Examined) -> Iterator[Check]:
    """Place an order far from the market, see it everywhere, cancel it, see it over."""
    venue = examined.venue
    before = funds_now(examined, "primary")
    terms = _affordable(examined, before)
    placed, check = placed_order(examined, terms, "place")
    yield check
    if placed.order_id is None:
        examined.usable = False
        return
    yield _id_form(examined, placed.order_id)
    view, checks = _first_read(examined, placed.order_id, terms)
    yield from checks
    if view is not None:
        yield _fields(examined, view, terms, placed)
    if Capability.LIST in venue.capabilities:
        yield _listed(examined, placed.order_id)
    if before:
        yield lock_check(examined, terms, before, funds_now(examined, "primary"))
    yield from cancelled(examined, placed.order_id, before)
    if before and terms.side is Side.BUY:
        yield from _sell_locks(examined)


def _sell_locks(examined: Examined) -> Iterator[Check]:
    """A sell far from the market, where there is something to sell: it may lock its fee in another asset."""
    before = funds_now(examined, "primary")
    held, terms = before.get(examined.shape.base), examined.terms(Side.SELL, examined.size())
    if held is None or held.available is None or held.available < terms.quantity:
        return
    placed, check = placed_order(examined, terms, "lock")
    if placed.order_id is None:
        yield check
        return
    yield lock_check(examined, terms, before, funds_now(examined, "primary"))
    ended = examined.venue.cancel("primary", placed.order_id, market=examined.market)
    examined.over(placed.order_id, ended.answer)


def _affordable(examined: Examined, funds: Mapping[str, BalanceView]) -> Terms:
    """A buy of the smallest size where there is money for it, else a sell."""
    quantity, market = examined.size(), examined.shape
    money = funds.get(market.quote)
    amount = None if money is None else money.available if money.available is not None else money.total
    poor = amount is not None and amount < quantity * market.resting_price(Side.BUY)
    return examined.terms(Side.SELL if poor else Side.BUY, quantity)


def _id_form(examined: Examined, order_id: str) -> Check:
    compact = order_id.replace("-", "")
    uuid = len(compact) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in compact)
    if uuid and compact[12] == "7":
        return ok("order id", "a UUID v7")
    if examined.profile.relaxations.order_id_form == "opaque":
        return ok("order id", "no UUID v7, as the profile says")
    return warning(
        "order id",
        f"expected a UUID v7, found {order_id}: {', '.join(touched_by('relaxations.order_id_form'))} will fail unless "
        "the profile says that ids are opaque",
        "[relaxations]",
        'order_id_form = "opaque"',
    )


def _first_read(examined: Examined, order_id: str, terms: Terms) -> tuple[OrderView | None, list[Check]]:
    profile, venue = examined.profile, examined.venue
    began = time.monotonic()
    while True:
        late = time.monotonic() - began
        read = venue.order("primary", order_id, market=terms.market)
        if read.view is not None or late > profile.timing.read_delay + LONGEST_WAIT:
            break
        if isinstance(read.answer, Answer) and not read.answer.is_(AnswerClass.NOT_FOUND):
            break
        time.sleep(profile.timing.poll_interval)
    examined.saw("read", read.answer)
    view = read.view
    if view is None:
        found = list(pointers(_body(read.answer), lambda _, value: _holds_order(value, order_id, profile.order)))
        lines: tuple[str, ...] = ("[operations.read]", f"order = {json.dumps(found[0])}") if found else ()
        return None, [failed("read", f"order {order_id} cannot be read: {said(read.answer)}", *lines)]
    examined.word(view)
    examined.reads_at_once = late <= JITTER
    checks = [late_check("read", "an order that was placed", late, profile.timing.read_delay)]
    if view.status is None:
        lines = vocabulary_lines(profile, view.word, Status.OPEN)
        checks.append(failed("words", f"status `{view.word}` of a resting order is not in the vocabulary", *lines))
    elif view.status not in ACTIVE:
        checks.append(
            warning("words", f"a resting order is {view.status} (`{view.word}`): did it trade, or is it refused?")
        )
    return view, checks


def _fields(examined: Examined, view: OrderView, terms: Terms, placed: Placed) -> Check:
    """Each term that the profile says is shown must be there, and say what was asked for."""
    words = examined.profile.vocabulary
    wanted: dict[str, Any] = {
        "quantity": terms.quantity,
        "price": terms.price,
        "side": words.side[terms.side],
        "market": examined.shape.symbol or terms.market,
        "client_id": placed.client_id,
    }
    seen: dict[str, Any] = {
        "quantity": view.quantity,
        "price": view.price,
        "side": view.side,
        "market": view.market,
        "client_id": view.client_id,
    }
    meant: dict[str, Any] = {**wanted, "side": terms.side, "market": terms.market}
    wrong, lines = [], []
    for name, value in wanted.items():
        pointer = getattr(examined.profile.order, name)
        found = next(pointers(dict(view.raw), partial(_says, value)), None)
        if pointer is None and found is not None:
            lines.append(f"{name} = {json.dumps(found)}")
        elif pointer is not None and seen[name] != meant[name]:
            wrong.append(f"{name} {seen[name]} at '{pointer}' (sent: {value})")
            lines += [f"{name} = {json.dumps(found)}"] if found is not None else []
    if view.executed is None:
        wrong.append("no executed quantity")
    elif view.executed:
        wrong.append(f"{view.executed} of it executed")
    if wrong:
        return failed("fields", f"the order shows {', '.join(wrong)}", *(["[order]", *lines] if lines else []))
    if lines:
        return warning("fields", "the order shows more than the profile reads", "[order]", *lines)
    return ok("fields", "every term that the profile reads is shown as it was sent")


def _says(wanted: Any, _key: str, item: Any) -> bool:
    return same(item, wanted)


def _listed(examined: Examined, order_id: str) -> Check:
    began = time.monotonic()
    timing = examined.profile.timing
    allowed = timing.read_delay + timing.list_delay
    while True:
        late = time.monotonic() - began
        listed = examined.venue.orders("primary")
        there = order_id in {view.order_id for view in listed.views or ()}
        if there or listed.views is None or late > allowed + LONGEST_WAIT / 2:
            break
        time.sleep(timing.poll_interval)
    examined.saw("list", listed.answer)
    if listed.views is None:
        found = list(pointers(_body(listed.answer), lambda _, value: isinstance(value, list) and bool(value)))
        lines = ("[operations.list]", f"orders = {json.dumps(found[0])}") if found else ()
        return failed("list", f"the list cannot be read: {said(listed.answer)}", *lines)
    if not there:
        missing = f"order {order_id} is not among the {len(listed.views)} listed"
        return failed("list", f"{missing}; look at operations.list.query and at order.id")
    what, word = f"the order, one of {len(listed.views)} active ones,", "read_delay"
    if examined.reads_at_once and examined.profile.operations.read is not None:
        word = "list_delay"
    return late_check("list", what, late, allowed, word=word)


def _body(answer: Answer | Unknown) -> Any:
    return answer.body if isinstance(answer, Answer) else None


def _holds_order(value: Any, order_id: str, fields: OrderFields) -> bool:
    return isinstance(value, dict) and any(same(item, order_id) for item in value.values())
