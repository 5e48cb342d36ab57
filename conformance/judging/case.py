"""The case: all that is known of one running plan, as an immutable value, and what follows from it.

An observation makes a new case; dropping the new one withdraws the observation, with all that it pruned and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from rpds import HashTrieMap, HashTrieSet

from conformance.judging.causes import Cause, CauseAt
from conformance.model.deviations import NONE, Deviations
from conformance.model.lifecycle import OrderState
from conformance.model.order import ACTIVE, Status, Terms
from conformance.model.prediction import describe
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief, Seen
from conformance.plans import Plan
from conformance.requirements import Capability
from fixtures.contract.document import Contract
from fixtures.profiles.pointers import Pointer, pointer
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import BalanceView
from fixtures.venue.reading import unshown

LIVE = ACTIVE | {Status.PENDING, Status.PENDING_CANCEL}

MOST_REMEMBERED = 1_000
"""Closed orders of a generation; two generations are remembered, so that memory does not grow with the plans."""

MOST_REQUEST_IDS = 25_000
"""Request ids of a generation; two generations are remembered."""

PLANS_WITHOUT_ANSWER = 5
"""Plans in which the same request has no answer, and never had one: fewer may be the network's doing."""

Funds = Mapping[str, BalanceView]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is known of a target before anything is asked of it: its profile, in the words that judging needs."""

    profile: Profile
    rules: VenueRules
    offered: frozenset[Capability]
    contract: Contract | None = None

    @cached_property
    def methods(self) -> frozenset[str]:
        """The HTTP methods that some operation of the profile has."""
        operations = self.profile.operations
        named = (getattr(operations, name) for name in type(operations).model_fields)
        return frozenset(operation.method for operation in named if operation is not None)

    @cached_property
    def unshown(self) -> BalanceView:
        """What is known of an asset that a read of balances does not show: nothing, or that there is none of it."""
        return unshown(self.profile.operations.balances)

    @cached_property
    def errors(self) -> "ErrorShape":
        """Where the parts of an error stand."""
        answers, contract = self.profile.answers, self.profile.contract
        return ErrorShape(
            code=tuple(Pointer(at) for at in answers.code),
            message=tuple(Pointer(at) for at in answers.message),
            code_is_status=contract is not None and contract.error_code_is_status,
            time=None if contract is None else pointer(contract.error_time),
            request_id=None if contract is None else pointer(contract.error_request_id),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorShape:
    """What a profile says of the shape of errors, its pointers compiled."""

    code: tuple[Pointer, ...]
    message: tuple[Pointer, ...]
    code_is_status: bool
    time: Pointer | None
    request_id: Pointer | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """An order that a plan left in a terminal state: the state that it must keep, and when it was left.

    ``at`` is in seconds of the monotonic clock; ``seen`` is what the last read showed.
    """

    order_id: str
    name: str
    account: str
    seen: Seen
    state: OrderState
    at: float
    plan: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Unauthenticated:
    """How one unauthenticated request about an order was answered (SIG-10).

    ``fingerprint`` is the answer without the order's id, ``plain`` the same with it: a serial id may be the same text
    as an answer's code.
    """

    about: str
    fingerprint: str
    plain: str
    order_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneKnowledge:
    """What the target has shown to one lane, beyond one plan.

    ``fingerprints`` are masked answers by what was asked, ``unknown_id`` the id that the cancel of an unknown order
    named; ``shown_closed`` the terms that the target has shown of closed orders; ``closed`` and ``closed_before``
    orders of earlier plans by id, in two generations, as the request ids of errors are; ``places_later`` whether a
    limit order was seen that had not yet reached the book; ``answered`` what was asked for and ever answered,
    ``missed`` in how many plans it had no answer, ``patience`` in how many it may have none (ERR-01); ``deviations``
    what the target was seen to do wrong; ``base`` each account's balances at the lane's first look.
    """

    fingerprints: Mapping[str, str] = field(default_factory=dict)
    unknown_id: str = ""
    shown_closed: frozenset[str] = frozenset()
    last_id_time: int = 0
    closed: "HashTrieMap[str, Closed]" = field(default_factory=HashTrieMap)
    closed_before: "HashTrieMap[str, Closed]" = field(default_factory=HashTrieMap)
    request_ids: "HashTrieSet[str]" = field(default_factory=HashTrieSet)
    request_ids_before: "HashTrieSet[str]" = field(default_factory=HashTrieSet)
    places_later: bool = False
    answered: frozenset[str] = frozenset()
    missed: Mapping[str, int] = field(default_factory=dict)
    patience: int = PLANS_WITHOUT_ANSWER
    deviations: Deviations = NONE
    base: Mapping[str, Funds] = field(default_factory=dict)

    def closed_order(self, order_id: str) -> Closed | None:
        """An order that an earlier plan left in a terminal state."""
        return self.closed.get(order_id) or self.closed_before.get(order_id)

    def remembering(self, order: Closed) -> "LaneKnowledge":
        """With one more closed order; the oldest are forgotten."""
        if len(self.closed) >= MOST_REMEMBERED:
            return replace(self, closed_before=self.closed, closed=HashTrieMap({order.order_id: order}))
        return replace(self, closed=self.closed.insert(order.order_id, order))

    def having_met(self, request_id: str) -> "LaneKnowledge | None":
        """With one more request id of an error; ``None`` where another answer had it."""
        if request_id in self.request_ids or request_id in self.request_ids_before:
            return None
        if len(self.request_ids) >= MOST_REQUEST_IDS:
            return replace(self, request_ids_before=self.request_ids, request_ids=HashTrieSet([request_id]))
        return replace(self, request_ids=self.request_ids.insert(request_id))

    def having_asked(self, other: "LaneKnowledge") -> "LaneKnowledge":
        """With what was answered, and what was not, as ``other`` knows it."""
        return replace(self, answered=other.answered, missed=other.missed)

    def unprejudiced(self) -> "LaneKnowledge":
        """Without what the target is known to do wrong, and to have left locked: a plan shows it again."""
        return replace(self, deviations=NONE, base={})

    def prejudiced_as(self, other: "LaneKnowledge") -> "LaneKnowledge":
        """With what ``other`` knows of what the target does wrong, and has left locked."""
        return replace(self, deviations=other.deviations, base=other.base)

    def by_itself(self) -> "LaneKnowledge":
        """Without what earlier plans have shown: a plan that breaks a rule under it does so by itself."""
        return LaneKnowledge(
            places_later=self.places_later, answered=self.answered, missed=self.missed, patience=self.patience
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedOrder:
    """One order of the plan: its id at the target, and what happened to it since it was last read.

    ``causes`` await the next read, ``standing`` every later one. ``shown`` are the terms that were shown of it;
    ``cancelled_at`` is when its cancel was answered (monotonic clock), until its end was timed; ``created_at`` when the
    target says that it was placed, in seconds since the epoch.
    """

    name: str
    terms: Terms
    order_id: str
    causes: tuple[CauseAt, ...] = ()
    standing: tuple[CauseAt, ...] = ()
    last: Seen | None = None
    cancelled: bool = False
    shown: frozenset[str] = frozenset()
    seen_pending: bool = False
    cancelled_at: float | None = None
    created_at: float | None = None


PriceLevel = tuple[str, str, Decimal | None]
"""A market, a side and a price at which orders queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is known of a running plan.

    ``start`` holds each account's balances when the plan began, ``lowest`` the least that an account had available of
    an asset; ``cancelled_prices`` the price levels at which an order was cancelled (queue place, CXL-05);
    ``after_refusals`` what an opposite order puts on an order that a refused cancel must have left in the book;
    ``raced_bulk`` the accounts whose cancel-all met other calls at once (RCE-03); ``silent`` what had no answer in this
    plan; ``step`` is the plan's step that is under way. ``rules`` are the target's, with its known deviations.
    """

    target: Target
    rules: VenueRules
    accounts: tuple[str, ...] = ()
    known: LaneKnowledge = LaneKnowledge()
    step: int = 0
    belief: Belief = field(default_factory=Belief.empty)
    orders: Mapping[str, TrackedOrder] = field(default_factory=dict)
    account_causes: Mapping[str, tuple[CauseAt, ...]] = field(default_factory=dict)
    start: Mapping[str, Funds] = field(default_factory=dict)
    lowest: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    cancelled_prices: frozenset[PriceLevel] = frozenset()
    after_refusals: Mapping[str, frozenset[Cause]] = field(default_factory=dict)
    raced_bulk: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    unauthenticated: Mapping[tuple[str, str, str], Unauthenticated] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        """The target's profile."""
        return self.target.profile

    @classmethod
    def opened(cls, target: Target, accounts: tuple[str, ...], known: LaneKnowledge) -> "Case":
        """The case of a plan that begins."""
        rules = replace(target.rules, deviations=known.deviations)
        return cls(target=target, rules=rules, accounts=accounts, known=known)

    def states(self, name: str) -> tuple[OrderState, ...]:
        """The states that an order may be in."""
        return self.belief.states(name)

    def allowed(self, name: str) -> str:
        """What the model holds possible of an order, in words."""
        return " or ".join(sorted(describe(state) for state in self.states(name))) or "nothing"

    def status(self, name: str) -> Status | None:
        """The status of an order where only one is possible.

        Among other participants any order may have traded since it was read: there, an active order counts as what it
        was last seen to be. This says what an observation exercises; what is right is always judged by all that is
        possible.
        """
        order = self.orders[name]
        statuses = {state.status for state in self.states(name)}
        if len(statuses) == 1:
            return next(iter(statuses))
        seen = None if order.last is None else order.last.status
        shared = not self.rules.markets[order.terms.market].isolated
        return seen if shared and seen in ACTIVE and seen in statuses else None

    def live(self, account: str | None = None) -> list[str]:
        """The orders that may still be active, executing or pending, in the order of placing."""
        return [
            name
            for name, order in self.orders.items()
            if (account is None or order.terms.account == account)
            and any(state.status in LIVE for state in self.states(name))
        ]

    def active(self, account: str) -> list[str]:
        """The orders of an account that are active in every possible world; among others, as they were last seen."""
        return [
            name
            for name, order in self.orders.items()
            if order.terms.account == account
            and (self.status(name) in ACTIVE or all(s.status in ACTIVE for s in self.states(name)))
        ]

    def is_surely_active(self, name: str, until: float) -> bool:
        """Whether an order is active in every possible world, whatever others have traded up to ``until``."""
        now = self.belief.by_now(until, self.rules)
        return all(state.status in ACTIVE for state in now.states(name))

    def concerns(self, account: str) -> bool:
        """Whether an account has live orders, or anything happened to it or its orders since they were looked at."""
        return bool(self.live(account) or self.account_causes.get(account) or self.unread(account))

    def unread(self, account: str) -> list[str]:
        """The orders of an account that something happened to since they were last read."""
        return [name for name, order in self.orders.items() if order.terms.account == account and order.causes]

    def name_of(self, order_id: str) -> str | None:
        """The plan's name of the order that has this id."""
        return next((name for name, order in self.orders.items() if order.order_id == order_id), None)
