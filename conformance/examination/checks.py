"""What an examination finds: checks with an outcome each, and profile lines that would put things right."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from conformance.model.order import TERMINAL, Side, Status, Terms, TimeInForce
from fixtures.profiles.profile import Profile
from fixtures.profiles.trading import Market
from fixtures.venue.answers import Answer, AnswerClass, OrderView, Unknown
from fixtures.venue.client import Venue
from fixtures.venue.reading import as_decimal

SHORTEST_ID = 6
"""Characters that a part of a path has at least, to be taken for an id where a code has it too."""


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at; ``lines`` are profile lines that would agree with what was seen."""

    name: str
    outcome: Outcome
    detail: str
    lines: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Examined:
    """The target under examination, and what has been learned of it so far.

    ``reads_at_once``: the first read of a new order showed it, so that what is seen late is late, and not its read.
    ``lacks_ioc``: an immediate-or-cancel order was refused, and the same one without it was not.
    """

    profile: Profile
    venue: Venue
    market: str
    words: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    usable: bool = True
    reads_at_once: bool = False
    lacks_ioc: bool = False

    @property
    def shape(self) -> Market:
        """The market that orders are placed in."""
        return self.profile.markets[self.market]

    def saw(self, what: str, answer: Answer | Unknown) -> None:
        """Remember status and code of an answer, for the list of what was seen."""
        if isinstance(answer, Answer):
            code = f" code {answer.code}" if answer.code is not None else ""
            self.answers[what] = f"HTTP {answer.status}{code}"

    def word(self, view: OrderView) -> None:
        """Remember a status word."""
        self.words[view.word] = str(view.status) if view.status is not None else "not in the vocabulary"

    def over(self, order_id: str, answer: Answer | Unknown, account: str = "primary") -> bool:
        """Whether an order is seen to be over after a cancel of it, within the profile's time for that."""
        deadline = time.monotonic() + self.profile.timing.pending_cancel_deadline + self.profile.timing.read_delay
        while isinstance(answer, Answer) and time.monotonic() <= deadline:
            read = self.venue.order(account, order_id, market=self.market)
            if read.view is not None:
                self.word(read.view)
                if read.view.status in TERMINAL:
                    return True
            elif self.forgets_cancelled and is_not_found(read.answer):
                self.venue.closed(order_id)
                return True
            time.sleep(self.profile.timing.poll_interval)
        return False

    @property
    def forgets_cancelled(self) -> bool:
        """Whether the profile says that a cancelled order may no longer be known."""
        return Status.CANCELED in self.profile.order.purged

    def terms(self, side: Side, quantity: Decimal, **changes: Any) -> Terms:
        """An order of the primary account that rests."""
        chosen: dict[str, Any] = {
            "account": "primary",
            "market": self.market,
            "side": side,
            "quantity": quantity,
            "price": self.shape.resting_price(side),
            "time_in_force": TimeInForce.GTC,
        }
        return Terms(**{**chosen, **changes})

    def size(self, parts: int = 1) -> Decimal:
        """``parts`` times the smallest quantity, on the grid and not above the largest."""
        market = self.shape
        return min(market.smallest_order * parts // market.step * market.step, market.max_quantity)


def ok(name: str, detail: str) -> Check:
    """A check that found things as the profile says."""
    return Check(name=name, outcome=Outcome.OK, detail=detail)


def warning(name: str, detail: str, *lines: str) -> Check:
    """A check that found something worth knowing."""
    return Check(name=name, outcome=Outcome.WARNING, detail=detail, lines=lines)


def failed(name: str, detail: str, *lines: str) -> Check:
    """A check that found the target other than the profile says."""
    return Check(name=name, outcome=Outcome.FAILED, detail=detail, lines=lines)


def skipped(name: str, detail: str) -> Check:
    """A check that could not be made."""
    return Check(name=name, outcome=Outcome.SKIPPED, detail=detail)


def said(answer: Answer | Unknown) -> str:
    """An answer in a line."""
    if isinstance(answer, Unknown):
        return f"no answer: {answer.reason}"
    code = f", code {answer.code}" if answer.code is not None else ""
    note = f" ({answer.exchange.note})" if answer.exchange.note else ""
    return f"HTTP {answer.status}{code}{note}: {answer.exchange.response_body[:160]}"


def is_not_found(answer: Answer | Unknown) -> bool:
    """Whether an answer says that there is no such order."""
    return isinstance(answer, Answer) and answer.is_(AnswerClass.NOT_FOUND)


def class_lines(name: str, answer: Answer | Unknown, *, merge: tuple[int, ...] = ()) -> tuple[str, ...]:
    """The profile lines under which this answer would belong to a class of answers; an id in a code varies."""
    if isinstance(answer, Unknown):
        return ()
    statuses = ", ".join(str(status) for status in sorted({answer.status, *merge}))
    lines = [f"[answers.{name}]", f"status = [{statuses}]"]
    if answer.code not in (None, str(answer.status)):
        pattern = _pattern(answer)
        lines.append(f"code = [{json.dumps(answer.code)}]" if pattern is None else f"pattern = [{json.dumps(pattern)}]")
    return tuple(lines)


def _pattern(answer: Answer) -> str | None:
    """The code as a regular expression, where it has a part of the request's path in it, such as the order's id."""
    code = answer.code or ""
    for part in re.split("[/?]", answer.exchange.path):
        if len(part) >= SHORTEST_ID and part in code:
            return ".*".join(map(re.escape, code.split(part)))
    return None


def expect_class(examined: Examined, name: str, answer: Answer | Unknown, wanted: AnswerClass, what: str) -> Check:
    """Check that an answer belongs to a class; the lines to write where it does not."""
    examined.saw(what, answer)
    section = wanted.value.replace("-", "_")
    if isinstance(answer, Answer) and answer.is_(wanted):
        return ok(name, f"{what}: {said(answer)[:80]}")
    if isinstance(answer, Answer) and (answer.classes & {AnswerClass.ACCEPTED, AnswerClass.SERVER_ERROR}):
        return warning(name, f"{what}: expected {wanted}, found {said(answer)}. A run will call this a nonconformity.")
    return failed(
        name, f"{what}: expected {wanted} (answers.{section}), found {said(answer)}", *class_lines(section, answer)
    )


def pointers(document: Any, matches: Callable[[str, Any], bool], at: str = "") -> Iterator[str]:
    """The JSON Pointers of the leaves and branches that ``matches(key, value)`` recognises, shallow first."""
    items: list[tuple[str, Any]] = []
    if isinstance(document, dict):
        items = [(str(key), value) for key, value in document.items()]
    elif isinstance(document, list):
        items = [(str(position), value) for position, value in enumerate(document[:20])]
    for key, value in items:
        if matches(key, value):
            yield f"{at}/{_escaped(key)}"
    for key, value in items:
        yield from pointers(value, matches, f"{at}/{_escaped(key)}")


def same(value: Any, wanted: Any) -> bool:
    """Whether a value of a JSON document says the same as ours, amounts compared as amounts."""
    if isinstance(wanted, Decimal):
        return as_decimal(value) == wanted
    return not isinstance(value, dict | list | bool) and value is not None and str(value) == str(wanted)


def vocabulary_lines(profile: Profile, word: str, status: Status) -> tuple[str, ...]:
    """The line that puts a word into the vocabulary under a canonical status."""
    words = [*profile.vocabulary.status.get(status, ()), word]
    return ("[vocabulary.status]", f"{status} = [{', '.join(json.dumps(one) for one in words)}]")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
