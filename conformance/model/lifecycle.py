"""The life of one order: its state, and the transition tables of cancel and cancel-all.

The tables stand in the order of the specification (Cancellation States, Cannot Cancel, Order Not Found), so that the
two can be read side by side: for each status, what may be answered, what the order may be afterwards, and which
requirement says so. A row that holds for some orders or venues alone says when.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import NamedTuple

from conformance.model.amounts import NOTHING, ZERO, Span, exactly
from conformance.model.order import ACTIVE, OrderType, Side, Status, Terms, TimeInForce
from conformance.model.rules import FeeAsset, VenueRules


class Reply(StrEnum):
    """What a target may say to a request, as far as the model tells answers apart."""

    ACCEPTED = "accepted"
    CANNOT_CANCEL = "cannot-cancel"
    NOT_FOUND = "not-found"
    REFUSED = "refused"
    DENIED = "refused in other words"
    FAILED = "an error of the server"


class When(StrEnum):
    """For which orders, at which venues, a row of a table holds."""

    ALWAYS = "always"
    LIMIT = "of a limit order, which is accepted but not yet in the book"
    GONE = "where the venue no longer knows orders that are so"
    WITHOUT_ID = "where the venue gives rejected orders no id"
    DELAYED = "where the venue delays cancels"
    LIMIT_DELAYED = "of a limit order that is not in the book, where the venue delays cancels"


class NotOwn(StrEnum):
    """What a cancel may name that is no order of its caller."""

    UNKNOWN = "an unknown order"
    FOREIGN = "another account's order"


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderState:
    """One order as it could be now.

    ``executed`` is in base units, ``cost`` (the value of what was executed) in quote units, ``fee`` in units of the
    asset that fees are taken from. ``arrival`` orders the queue at one price. ``reserve`` is what a venue was seen to
    lock for the whole order, where no formula says it; ``booked`` the executed base units whose effect on the funds was
    seen, where no formula says that. ``took``: some of it may have traded on arrival with other participants, at better
    prices than its own. ``pending_since`` is when it was first seen PENDING_CANCEL (seconds since the epoch).
    """

    name: str
    terms: Terms
    status: Status
    arrival: int
    executed: Span = NOTHING
    cost: Span = NOTHING
    fee: Span = NOTHING
    reserve: Span | None = None
    booked: Decimal = ZERO
    took: bool = False
    pending_since: float | None = None

    @property
    def rest(self) -> Span:
        """What has not been executed, in base units."""
        return Span(self.terms.quantity - self.executed.high, self.terms.quantity - self.executed.low)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells two states of the same order apart."""
        amounts = (self.executed, self.cost, self.fee, self.reserve)
        return (self.name, self.status, *amounts, self.arrival, self.terms.expires_at, self.took)


class Step(NamedTuple):
    """One row of the cancel table: the answer, the status afterwards (None: as it was), the requirement that says so.

    ``when`` it holds.
    """

    reply: Reply
    status: Status | None
    requirement: str
    when: When = When.ALWAYS


CANCEL: Mapping[Status | NotOwn, tuple[Step, ...]] = {
    # Cancellation States: immediate, or delayed
    Status.OPEN: (
        Step(Reply.ACCEPTED, Status.CANCELED, "CXL-01"),
        Step(Reply.ACCEPTED, Status.PENDING_CANCEL, "CXL-01", When.DELAYED),
    ),
    Status.PARTIALLY_FILLED: (
        Step(Reply.ACCEPTED, Status.CANCELED, "CXL-02"),
        Step(Reply.ACCEPTED, Status.PENDING_CANCEL, "CXL-02", When.DELAYED),
    ),
    # the source is silent on a second cancel while pending: both readings pass
    Status.PENDING_CANCEL: (
        Step(Reply.ACCEPTED, Status.PENDING_CANCEL, "PND-05"),
        Step(Reply.CANNOT_CANCEL, Status.PENDING_CANCEL, "PND-05"),
    ),
    # Cannot Cancel
    Status.FILLED: (
        Step(Reply.CANNOT_CANCEL, Status.FILLED, "TRM-01"),
        Step(Reply.NOT_FOUND, Status.FILLED, "TRM-01", When.GONE),
    ),
    Status.CANCELED: (
        Step(Reply.CANNOT_CANCEL, Status.CANCELED, "TRM-02"),
        Step(Reply.NOT_FOUND, Status.CANCELED, "TRM-02", When.GONE),
    ),
    Status.PENDING: (
        Step(Reply.CANNOT_CANCEL, Status.PENDING, "TRM-03"),
        # the source is silent on a limit order that is not in the book yet: either reading passes
        Step(Reply.ACCEPTED, Status.CANCELED, "CXL-01", When.LIMIT),
        Step(Reply.ACCEPTED, Status.PENDING_CANCEL, "CXL-01", When.LIMIT_DELAYED),
    ),
    Status.EXPIRED: (
        Step(Reply.CANNOT_CANCEL, Status.EXPIRED, "TRM-04"),
        Step(Reply.NOT_FOUND, Status.EXPIRED, "TRM-04", When.GONE),
    ),
    Status.REJECTED: (
        Step(Reply.CANNOT_CANCEL, Status.REJECTED, "TRM-07"),
        Step(Reply.NOT_FOUND, Status.REJECTED, "TRM-07", When.WITHOUT_ID),
    ),
    # Order Not Found
    NotOwn.UNKNOWN: (Step(Reply.NOT_FOUND, None, "NTF-01"),),
    # the source is silent on the words for another account's order; that they are those of an unknown one is NTF-03,
    # that they are no error of the server is ERR-01
    NotOwn.FOREIGN: (
        Step(Reply.NOT_FOUND, None, "NTF-02"),
        Step(Reply.DENIED, None, "NTF-02"),
        Step(Reply.FAILED, None, "NTF-02"),
    ),
}


class BulkStep(NamedTuple):
    """One row of the cancel-all table: the status afterwards, and whether the answer lists the order (None: either)."""

    status: Status
    listed: bool | None
    requirement: str
    when: When = When.ALWAYS


CANCEL_ALL: Mapping[Status, tuple[BulkStep, ...]] = {
    Status.OPEN: (
        BulkStep(Status.CANCELED, True, "ALL-01"),
        BulkStep(Status.PENDING_CANCEL, True, "ALL-01", When.DELAYED),
    ),
    Status.PARTIALLY_FILLED: (
        BulkStep(Status.CANCELED, True, "ALL-01"),
        BulkStep(Status.PENDING_CANCEL, True, "ALL-01", When.DELAYED),
    ),
    # the source is silent on whether orders that were pending already are listed
    Status.PENDING_CANCEL: (BulkStep(Status.PENDING_CANCEL, None, "ALL-03"),),
    Status.PENDING: (
        BulkStep(Status.PENDING, False, "ALL-05"),
        BulkStep(Status.CANCELED, True, "ALL-01", When.LIMIT),
        BulkStep(Status.PENDING_CANCEL, True, "ALL-01", When.LIMIT_DELAYED),
    ),
    Status.FILLED: (BulkStep(Status.FILLED, False, "ALL-05"),),
    Status.CANCELED: (BulkStep(Status.CANCELED, False, "ALL-05"),),
    Status.EXPIRED: (BulkStep(Status.EXPIRED, False, "ALL-05"),),
    Status.REJECTED: (BulkStep(Status.REJECTED, False, "ALL-05"),),
}

CANCEL_ALL_ACCEPTED = "ALL-01"
"""What a cancel-all that is not accepted breaks, whatever state its account's orders are in."""


def cancel_steps(state: OrderState, rules: VenueRules) -> tuple[Step, ...]:
    """The rows of the cancel table that hold for this order at this venue."""
    return tuple(step for step in CANCEL[state.status] if _holds(step.when, state, rules))


def deviating_steps(met: Status | NotOwn, rules: VenueRules) -> tuple[Step, ...]:
    """The rows that this venue was seen to add to the table, against the specification; they exercise nothing.

    Whether such a cancel did what it should not, or did not do what it should, both is possible.
    """
    known = rules.deviations
    rows = [Step(Reply(reply), None, "") for seen, reply in known.answers if seen == met]
    rows += [Step(row.reply, Status.CANCELED, "") for row in tuple(rows) if met != NotOwn.UNKNOWN]
    return tuple(rows)


def bulk_steps(state: OrderState, rules: VenueRules) -> tuple[BulkStep, ...]:
    """The rows of the cancel-all table that hold for this order at this venue."""
    return tuple(step for step in CANCEL_ALL[state.status] if _holds(step.when, state, rules))


def _holds(when: When, state: OrderState, rules: VenueRules) -> bool:
    match when:
        case When.ALWAYS:
            return True
        case When.LIMIT:
            return state.terms.type is OrderType.LIMIT
        case When.GONE:
            return may_be_gone(state, rules)
        case When.WITHOUT_ID:
            return rules.rejected_may_be_unknown
        case When.DELAYED:
            return rules.delays_cancels
        case When.LIMIT_DELAYED:
            return rules.delays_cancels and state.terms.type is OrderType.LIMIT


def is_overdue(state: OrderState, asked: float, rules: VenueRules) -> bool:
    """Whether a pending cancel must have ended before a read was ``asked`` for (seconds since the epoch; PND-01)."""
    since, most = state.pending_since, rules.pending_deadline
    return since is not None and most is not None and asked - since > most


def may_be_gone(state: OrderState, rules: VenueRules) -> bool:
    """Whether a correct venue may not show this order any more to its owner (CXL-08: not unless it says so)."""
    return state.status in rules.gone


def silent_successors(state: OrderState, until: float, rules: VenueRules) -> Iterator[OrderState]:
    """What an order may become by itself up to the time ``until`` (seconds since the epoch), itself included.

    A pending cancel is confirmed (PND-01), an expiry is reached (TRM-04; within the clock tolerance both are possible),
    an order of an asynchronous venue reaches the book, others trade in a market that is not isolated, a rest that is
    too small to trade is cancelled by the venue.
    """
    yield state
    expiry = state.terms.expires_at
    expires = expiry is not None and until >= expiry - rules.clock_tolerance
    if state.status is Status.PENDING_CANCEL:
        yield replace(state, status=Status.CANCELED)
        if expires:
            yield replace(state, status=Status.EXPIRED)
    elif state.status in ACTIVE:
        if expires:
            yield replace(state, status=Status.EXPIRED)
        dust = rules.markets[state.terms.market].dust
        if dust and state.status is Status.PARTIALLY_FILLED and state.rest.low <= dust:
            yield replace(state, status=Status.CANCELED)
    elif state.status is Status.PENDING and state.terms.type is OrderType.LIMIT:
        yield replace(state, status=Status.OPEN)


def filled(state: OrderState, quantity: Decimal, price: Span, *, maker: bool, rules: VenueRules) -> OrderState:
    """The order after one more trade of ``quantity`` base units at ``price`` quote units per base unit."""
    executed, value = state.executed.plus(exactly(quantity)), price.times(quantity)
    least, most = (
        fee_of(state.terms, quantity, notional, maker=maker, rules=rules) for notional in (value.low, value.high)
    )
    return replace(
        state,
        status=status_for(state.status, executed.low, state.terms.quantity),
        executed=executed,
        cost=state.cost.plus(value),
        fee=state.fee.plus(least.hull(most)),
    )


def status_for(status: Status, executed: Decimal, quantity: Decimal) -> Status:
    """The status word that agrees with an executed quantity (CXL-08)."""
    if executed >= quantity:
        return Status.FILLED
    if status is Status.OPEN and executed > 0:
        return Status.PARTIALLY_FILLED
    return status


def fee_of(terms: Terms, quantity: Decimal, notional: Decimal, *, maker: bool, rules: VenueRules) -> Span:
    """The fee of one trade, in the asset that this market takes fees from."""
    market = rules.markets[terms.market]
    if market.fee_asset is FeeAsset.UNKNOWN:
        return NOTHING
    in_base = market.fee_asset is FeeAsset.RECEIVED and terms.side is Side.BUY
    amount = (quantity if in_base else notional) * (market.maker_fee if maker else market.taker_fee)
    if rules.fee_precision is None:
        return exactly(amount)
    unit = Decimal(1).scaleb(-rules.fee_precision)
    # how a venue rounds a fee is not this suite's business: both neighbours are possible
    return Span(amount.quantize(unit, rounding=ROUND_FLOOR), amount.quantize(unit, rounding=ROUND_CEILING))


def rest_statuses(terms: Terms, *, executed: Decimal) -> tuple[Status, ...]:
    """What becomes of the rest of an order that found too little in the book."""
    if executed >= terms.quantity:
        return (Status.FILLED,)
    if terms.type is OrderType.MARKET:
        # the source is silent on the word
        return (Status.CANCELED, Status.EXPIRED, Status.REJECTED)
    if terms.time_in_force is TimeInForce.IOC:
        # nor on that of an immediate order: one that traded nothing may be rejected, too
        return (Status.CANCELED, Status.EXPIRED, *((Status.REJECTED,) if executed == 0 else ()))
    return (Status.PARTIALLY_FILLED if executed > 0 else Status.OPEN,)
