"""What a lane of a run remembers beyond one plan: closed orders to look at again, and how refusals were answered."""

import re
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from conformance.model.order import Status
from conformance.model.worlds import Seen
from conformance.plans import Action, Place, Plan, Read, Settle, Wait
from conformance.runner.contract import AnswerShape
from conformance.runner.workbench import Workbench
from fixtures.venue.answers import Answer

LOOK_AGAIN_AFTER = 0.4
"""Seconds after which a closed order is looked at again: a revived one shows only then (CXL-03)."""

PLANS_WITHOUT_ANSWER = 5
"""Plans in which the same request has no answer, and never had one: fewer may be the network's doing."""

MOST_REMEMBERED = 2_000
"""Closed orders remembered; the oldest are forgotten, so that memory does not grow with the number of plans."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """An order that a plan left in a terminal state."""

    order_id: str
    name: str
    account: str
    seen: Seen
    at: float
    plan: Plan


def looked_at_later(plan: Plan) -> Plan:
    """The plan with a later look at each of its orders: what shows a change that came after it had ended."""
    names = [action.order for action in plan.actions if isinstance(action, Place)]
    reads = (Read(order=name) for name in names)
    looks: tuple[Action, ...] = (Settle(), Wait(seconds=1.5 * LOOK_AGAIN_AFTER), *reads)
    return replace(plan, actions=(*plan.actions, *looks), title=f"{plan.title}, looked at later")


@dataclass(kw_only=True, slots=True)
class Silences:
    """What was asked of the target and ever ``answered``, and in how many plans it had no answer (ERR-01)."""

    patience: int = PLANS_WITHOUT_ANSWER
    answered: set[str] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)

    def miss(self, asked: str) -> bool:
        """Count one more plan without an answer, and say whether the target is known to give none."""
        self.missed[asked] += 1
        return asked not in self.answered and self.missed[asked] >= self.patience


@dataclass(kw_only=True, slots=True)
class Memory:
    """Remembered across the plans of one lane.

    ``fingerprints`` are masked answers by what was asked, ``unknown_id`` the id that the cancel of an unknown order
    named; ``shown_closed`` the terms that the target has shown of
    closed orders, ``wrong_funds`` whether balances were seen to stay wrong; ``workbench`` keeps the keys and
    signatures of forged requests, ``shape`` what errors must look like and the request ids that were seen;
    ``given_up`` the client ids of orders whose end was waited for once; ``histories`` how many lists with closed orders
    were looked into for another account's, ``other_lists`` how often lists other than that of all active orders were;
    ``places_later`` whether a limit order was seen that had not yet reached the book; ``silences`` what had no answer;
    ``changed_at`` the monotonic time of the last change at the target.
    """

    closed: deque[Closed] = field(default_factory=deque)
    by_id: dict[str, Closed] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    unknown_id: str = ""
    shown_closed: set[str] = field(default_factory=set)
    wrong_funds: bool = False
    last_id_time: int = 0
    workbench: Workbench = field(default_factory=Workbench)
    shape: AnswerShape | None = None
    given_up: set[str] = field(default_factory=set)
    histories: int = 0
    other_lists: int = 0
    places_later: bool = False
    silences: Silences = field(default_factory=Silences)
    changed_at: float = 0.0

    def empty(self) -> "Memory":
        """A memory of nothing that the target has shown: a plan that breaks a rule with it says so by itself."""
        return Memory(
            wrong_funds=self.wrong_funds,
            workbench=self.workbench,
            given_up=self.given_up,
            places_later=self.places_later,
            silences=self.silences,
            changed_at=self.changed_at,
        )

    def remember(self, orders: Iterable[Closed]) -> None:
        """Keep orders to look at again later."""
        for order in orders:
            self.closed.append(order)
            self.by_id[order.order_id] = order
        while len(self.by_id) > MOST_REMEMBERED:
            self.by_id.pop(next(iter(self.by_id)))
        while len(self.closed) > MOST_REMEMBERED:
            self.closed.popleft()

    def due(self, most: int) -> list[Closed]:
        """Take up to ``most`` orders that were closed long enough ago."""
        now = time.monotonic()
        taken: list[Closed] = []
        while self.closed and len(taken) < most and now - self.closed[0].at >= LOOK_AGAIN_AFTER:
            taken.append(self.closed.popleft())
        return taken

    def same_as_before(self, question: str, fingerprint: str) -> str | None:
        """Remember an answer's fingerprint; the earlier one where it was different (TRM-06, NTF-03)."""
        before = self.fingerprints.setdefault(question, fingerprint)
        return before if before != fingerprint else None


_MASKS = (
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{16,64}\b"), "<id>"),
    (re.compile(r"\b1[5-9]\d{8}(?:\d{3}|\d{6}|\.\d+)?\b"), "<time>"),
)

_OWN_ID = re.compile(
    r'("[\w-]*(?:request|trace|correlation|incident)[_-]?(?:id|ref|reference)"\s*:\s*)(?:"[^"]*"|\d+)', re.I
)
"""An answer's own id, whatever it looks like, by the name of its member."""

_VARIES = frozenset(
    {"date", "content-length", "age", "etag", "server-timing", "via", "x-response-time", "set-cookie", "retry-after"}
    | {"connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "alt-svc"}
)
"""Headers that say something of the moment or of the connection (RFC 9110, section 7.6.1), not of what was asked."""


def masked(text: str, *known: str) -> str:
    """An answer's text without ids, times and the ``known`` words of the request, for comparing two answers."""
    for word in known:
        if word:
            text = text.replace(word, "<id>")
    text = _OWN_ID.sub(r'\1"<id>"', text)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def refusal_fingerprint(answer: Answer) -> str:
    """The HTTP status and the error code of a refusal (TRM-06)."""
    return f"HTTP {answer.status}, code {answer.code}"


def whole_fingerprint(answer: Answer, *known: str) -> str:
    """Everything that tells two refusals apart: status, code, header names, content type and masked body (NTF-03)."""
    headers = sorted(
        f"{name.lower()}: {value}" if name.lower() == "content-type" else name.lower()
        for name, value in answer.exchange.response_headers
        if name.lower() not in _VARIES
    )
    body = masked(answer.exchange.response_body, *known)
    return f"HTTP {answer.status}, code {answer.code}, headers [{', '.join(headers)}], body {body}"


def revived(closed: Closed, status: Status | None, executed: object) -> bool:
    """Whether a terminal order is not what it was when it was last seen (CXL-03, CXL-08)."""
    return status is not closed.seen.status or (
        closed.seen.executed is not None and executed is not None and executed != closed.seen.executed
    )
