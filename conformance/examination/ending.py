"""The end of an order that is cancelled: over in known words, its funds back, and how late all that is seen."""

import time
from collections.abc import Iterable, Iterator, Mapping

from conformance.examination.checks import (
    Check,
    Examined,
    class_lines,
    failed,
    is_not_found,
    ok,
    said,
    vocabulary_lines,
    warning,
)
from conformance.examination.funds import funds_now
from conformance.model.order import ACTIVE, TERMINAL, Status
from fixtures.venue.answers import Answer, AnswerClass, BalanceView, OrderView, Unknown

SETTLED = 1.0
"""Seconds after which a word that is not in the vocabulary is taken for an order's last."""

LONGEST_WAIT = 5.0
"""Seconds for which a change is waited for beyond what the profile allows, to see how much it would have to allow."""


JITTER = 0.05
"""Seconds that an answer may take, and no delay of the venue's."""


def late_check(name: str, what: str, seconds: float, allowed: float, *, word: str = "read_delay") -> Check:
    """Whether something was seen as soon as the profile says that it is; ``word`` of [timing] would allow for it."""
    if seconds <= allowed + JITTER:
        return ok(name, f"{what} is seen after {seconds * 1000:.0f} ms")
    return failed(
        name,
        f"{what} is seen only after {seconds:.2f} s, the profile allows {allowed:g} s",
        "[timing]",
        f"{word} = {seconds * 2:.2f}",
    )


def cancelled(examined: Examined, order_id: str, before: Mapping[str, BalanceView]) -> Iterator[Check]:
    """Cancel an order, and see that it is over, in known words, and that its funds are back."""
    profile, venue = examined.profile, examined.venue
    done = venue.cancel("primary", order_id, market=examined.market)
    began = time.monotonic()
    examined.saw("cancel", done.answer)
    if isinstance(done.answer, Unknown) or not done.answer.classes & {AnswerClass.ACCEPTED, AnswerClass.PENDING}:
        name = "pending" if isinstance(done.answer, Answer) and done.answer.status == 202 else "accepted"
        merge = profile.answers.accepted.status if name == "accepted" else ()
        succeeds = isinstance(done.answer, Answer) and done.answer.status < 300
        # a status that says refused is no acceptance, whatever a line would make of it
        lines = class_lines(name, done.answer, merge=merge) if succeeds else ()
        yield failed("cancel", f"the cancel was not accepted: {said(done.answer)}", *lines)
        return
    yield ok("cancel", f"accepted in {done.answer.exchange.seconds * 1000:.0f} ms")
    if done.word is not None and done.status is None:
        lines = vocabulary_lines(profile, done.word, Status.CANCELED)
        yield failed("words", f"the cancel answers status `{done.word}`, which is not in the vocabulary", *lines)
    yield from _until_over(examined, order_id, began)
    yield from _still_listed(examined, order_id)
    if before:
        yield _released(examined, before)


def _still_listed(examined: Examined, order_id: str) -> Iterator[Check]:
    """Whether the list that is taken for the active orders shows one that it says itself is over."""
    section = examined.profile.operations.list
    if section is None or section.shows == "all":
        return
    listed = examined.venue.orders("primary")
    examined.saw("list", listed.answer)
    view = next((view for view in listed.views or () if view.order_id == order_id), None)
    if view is not None and view.status in TERMINAL:
        yield failed(
            "list",
            f"after its cancel the order is still listed, as {view.status}. Either the list is meant to show closed "
            "orders too, or a run will find that it holds orders that are over",
            "[operations.list]",
            'shows = "all"',
        )


def _until_over(examined: Examined, order_id: str, began: float) -> Iterator[Check]:
    profile, venue = examined.profile, examined.venue
    timing = profile.timing
    shown_after: float | None = None
    strange: dict[str, float] = {}
    gone: float | None = None
    while True:
        now = time.monotonic() - began
        read = venue.order("primary", order_id, market=examined.market)
        view = read.view
        if view is None and is_not_found(read.answer):
            gone = now if gone is None else gone
            if examined.forgets_cancelled or now - gone > SETTLED:
                yield _purged(examined, order_id)
                return
        if view is not None:
            gone = None
            examined.word(view)
            if view.status not in ACTIVE and shown_after is None:
                shown_after = now
            if view.status in TERMINAL:
                break
            if view.status is None and now - strange.setdefault(view.word, now) > SETTLED:
                break
        if now > max(timing.pending_cancel_deadline, timing.read_delay) + LONGEST_WAIT:
            seen = "nothing" if view is None else f"{view.status} (`{view.word}`)"
            yield failed("over", f"{now:.1f} s after its cancel was accepted the order is still {seen}")
            return
        time.sleep(timing.poll_interval)
    yield from _strange_words(examined, view, strange)
    yield from _old_status(examined, shown_after or 0.0)
    if view.status in TERMINAL and now > timing.pending_cancel_deadline:
        deadline = f"pending_cancel_deadline = {now * 2:.1f}"
        yield failed("over", f"the cancel was pending for {now:.1f} s", "[timing]", deadline)


def _old_status(examined: Examined, shown_after: float) -> Iterator[Check]:
    """How long the order was shown as it had been: reads are late, or the venue cancels after it has answered."""
    profile, timing = examined.profile, examined.profile.timing
    allowed = timing.read_delay + timing.cancel_delay
    what, word = "a cancel that was accepted", "read_delay"
    if examined.reads_at_once and profile.operations.read is not None:
        word = "cancel_delay"
        what += ", though reads are not late,"
    yield late_check("over", what, shown_after, allowed, word=word)
    if word == "cancel_delay" and Status.PENDING_CANCEL in profile.vocabulary.status and shown_after > allowed + JITTER:
        yield warning(
            "over",
            "cancel_delay is for venues without a word for a pending cancel: with it, leave out "
            "vocabulary.status.PENDING_CANCEL",
        )


def _purged(examined: Examined, order_id: str) -> Check:
    """A cancelled order that reads do not find: forgotten, or lost."""
    if examined.forgets_cancelled:
        examined.venue.closed(order_id)
        return ok("over", "the cancelled order is no longer known, as the profile says")
    return failed(
        "over",
        "after its cancel was accepted the order is no longer found. Where the venue forgets orders that were "
        "cancelled, say so: then a run takes one that is not found for cancelled, and looks at its funds alone",
        "[order]",
        'purged = ["CANCELED"]',
    )


def _strange_words(examined: Examined, last: OrderView, strange: Iterable[str]) -> Iterator[Check]:
    """Unknown words on the way to the end: the last one should mean CANCELED, those before it PENDING_CANCEL."""
    for word in strange:
        meant = Status.CANCELED if word == last.word else Status.PENDING_CANCEL
        lines = vocabulary_lines(examined.profile, word, meant)
        yield failed("words", f"status `{word}` of a cancelled order is not in the vocabulary", *lines)


def _released(examined: Examined, before: Mapping[str, BalanceView]) -> Check:
    timing, began = examined.profile.timing, time.monotonic()
    allowed = max(timing.balance_delay, timing.read_delay)
    while True:
        late = time.monotonic() - began
        differs = _difference(before, funds_now(examined, "primary"))
        if differs is None:
            break
        if late > allowed + LONGEST_WAIT:
            wrong = f"after the cancel the balances are not what they were: {differs}"
            return failed("funds", f"{wrong}. Does somebody else trade here?")
        time.sleep(timing.poll_interval)
    if late <= allowed + JITTER:
        return ok("funds", f"released, and seen {late * 1000:.0f} ms after the order was over")
    lines = ("[timing]", f"balance_delay = {late * 2:.2f}")
    return failed("funds", f"released funds are seen only after {late:.2f} s", *lines)


def _difference(before: Mapping[str, BalanceView], now: Mapping[str, BalanceView]) -> str | None:
    for asset in sorted({*before, *now}):
        then, later = before.get(asset, BalanceView()), now.get(asset, BalanceView())
        for part in ("available", "locked", "total"):
            one, other = getattr(then, part), getattr(later, part)
            if one is not None and other is not None and one != other:
                return f"{asset} {part} was {one} and is {other}"
    return None
