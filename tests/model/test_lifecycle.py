"""The transition tables, held against the specification's own lists of what can and cannot be cancelled."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.model.amounts import exactly
from conformance.model.events import Cancel, CancelAll
from conformance.model.lifecycle import (
    CANCEL,
    CANCEL_ALL,
    CANCEL_ALL_ACCEPTED,
    NotOwn,
    Reply,
    When,
    bulk_steps,
    cancel_steps,
    filled,
    rest_statuses,
    silent_successors,
    status_for,
)
from conformance.model.order import ACTIVE, TERMINAL, OrderType, Status, TimeInForce
from conformance.model.prediction import predict
from conformance.model.rules import VenueRules
from conformance.requirements import catalogue
from tests.model.orders import MARKET, NOW, RULES, state, terms

ACCEPTED, CANNOT = Reply.ACCEPTED, Reply.CANNOT_CANCEL

SPECIFIED_CANCEL = {
    # "Cancellation States": removed from the book at once, or the request is being processed
    Status.OPEN: {(ACCEPTED, Status.CANCELED), (ACCEPTED, Status.PENDING_CANCEL)},
    Status.PARTIALLY_FILLED: {(ACCEPTED, Status.CANCELED), (ACCEPTED, Status.PENDING_CANCEL)},
    # the source is silent: either reading, and no effect
    Status.PENDING_CANCEL: {(ACCEPTED, Status.PENDING_CANCEL), (CANNOT, Status.PENDING_CANCEL)},
    # "Cannot Cancel"
    Status.FILLED: {(CANNOT, Status.FILLED)},
    Status.CANCELED: {(CANNOT, Status.CANCELED)},
    Status.PENDING: {(CANNOT, Status.PENDING)},
    Status.EXPIRED: {(CANNOT, Status.EXPIRED)},
    Status.REJECTED: {(CANNOT, Status.REJECTED)},
}
SPECIFIED_CANCEL_ALL = {
    # "Cancel all active orders": status afterwards, and whether the answer lists it (None: the source is silent)
    Status.OPEN: {(Status.CANCELED, True), (Status.PENDING_CANCEL, True)},
    Status.PARTIALLY_FILLED: {(Status.CANCELED, True), (Status.PENDING_CANCEL, True)},
    Status.PENDING_CANCEL: {(Status.PENDING_CANCEL, None)},
    Status.FILLED: {(Status.FILLED, False)},
    Status.CANCELED: {(Status.CANCELED, False)},
    Status.PENDING: {(Status.PENDING, False)},
    Status.EXPIRED: {(Status.EXPIRED, False)},
    Status.REJECTED: {(Status.REJECTED, False)},
}
EXECUTED = {Status.PARTIALLY_FILLED: "3", Status.FILLED: "10"}


def market_order(status: Status) -> dict[str, Any]:
    """The terms of a market order, for the one state that the source speaks of market orders in."""
    return {"terms": terms(price=None)} if status is Status.PENDING else {}


@pytest.mark.parametrize("status", Status)
def test_a_cancel_is_answered_as_specified(status: Status) -> None:
    """In every state of an order, a cancel is answered and followed up as the specification says, and no other way."""
    before = state(status, EXECUTED.get(status, "0"), **market_order(status))
    outcomes = predict((before,), Cancel(order="a", account="primary"), RULES)
    assert {(o.reply, o.world[0].status) for o in outcomes} == SPECIFIED_CANCEL[status]


@pytest.mark.parametrize("status", Status)
def test_a_cancel_changes_the_status_alone(status: Status) -> None:
    """Whatever a cancel is answered, what was executed and what was agreed stay as they were (CXL-02, CXL-07)."""
    before = state(status, EXECUTED.get(status, "0"))
    for outcome in predict((before,), Cancel(order="a", account="primary"), RULES):
        after = outcome.world[0]
        assert (after.executed, after.cost, after.fee, after.terms) == (
            before.executed,
            before.cost,
            before.fee,
            before.terms,
        )


@pytest.mark.parametrize("status", Status)
def test_a_foreign_cancel_finds_nothing_and_does_nothing(status: Status) -> None:
    """A cancel by another account is refused, in whatever words and state, and changes nothing (NTF-02)."""
    world = (state(status, EXECUTED.get(status, "0")),)
    outcomes = predict(world, Cancel(order="a", account="third"), RULES)
    assert {(outcome.reply, outcome.requirement) for outcome in outcomes} == {
        (Reply.NOT_FOUND, "NTF-02"),
        (Reply.DENIED, "NTF-02"),
        (Reply.FAILED, "NTF-02"),  # an error of the server is ERR-01's; what it left behind is judged by the reads
    }
    assert {outcome.world for outcome in outcomes} == {world}


def test_a_cancel_of_an_unknown_order_finds_nothing_and_does_nothing() -> None:
    """An id that names no order is answered not-found and nothing else, and no order is touched (NTF-01)."""
    world = (state(Status.OPEN),)
    (outcome,) = predict(world, Cancel(order="x", account="primary"), RULES)
    assert (outcome.reply, outcome.world, outcome.requirement) == (Reply.NOT_FOUND, world, "NTF-01")


@pytest.mark.parametrize("status", Status)
def test_a_cancel_all_treats_every_state_as_specified(status: Status) -> None:
    """For every state of an order, cancel-all leaves and lists it as the specification says, and no other way."""
    before = state(status, EXECUTED.get(status, "0"), **market_order(status))
    found = {
        (o.world[0].status, True if "a" in o.listed else None if "a" in o.may_list else False)
        for o in predict((before,), CancelAll(account="primary"), RULES)
    }
    assert found == SPECIFIED_CANCEL_ALL[status]


def test_a_cancel_all_passes_over_other_accounts() -> None:
    """Another account's orders are neither changed nor listed, whatever becomes of one's own (ALL-02)."""
    mine, other = state(Status.OPEN), state(Status.OPEN, name="x", terms=terms(account="counterparty", side="s"))
    outcomes = predict((mine, other), CancelAll(account="primary"), RULES)
    assert {o.world[1] for o in outcomes} == {other}
    assert {o.listed for o in outcomes} == {frozenset({"a"})}


def test_orders_of_a_cancel_all_may_be_pending_each_for_itself() -> None:
    """Of two active orders, either, both or none may be cancelled with a delay."""
    outcomes = predict((state(Status.OPEN), state(Status.OPEN, name="b")), CancelAll(account="primary"), RULES)
    now, later = Status.CANCELED, Status.PENDING_CANCEL
    assert {(o.world[0].status, o.world[1].status) for o in outcomes} == {
        (now, now),
        (now, later),
        (later, now),
        (later, later),
    }


def test_every_row_names_a_requirement_of_the_catalogue() -> None:
    """Both tables have a row for every state, and each row says which requirement it comes from."""
    assert set(CANCEL) == {*Status, *NotOwn}
    assert set(CANCEL_ALL) == set(Status)
    one = {row.requirement for rows in CANCEL.values() for row in rows}
    every = {row.requirement for rows in CANCEL_ALL.values() for row in rows}
    assert {CANCEL_ALL_ACCEPTED, *one, *every} <= set(catalogue())


@pytest.mark.parametrize("status", [Status.OPEN, Status.PENDING, Status.REJECTED])
@pytest.mark.parametrize("kind", OrderType)
def test_a_row_that_says_when_holds_for_no_other_order(status: Status, kind: OrderType) -> None:
    """Of a market order, where rejected orders have ids and cancels are not delayed, no conditional row is left."""
    price = None if kind is OrderType.MARKET else "100"
    one, rules = state(status, terms=terms(price=price)), replace(RULES, delays_cancels=False)
    held = {row.when for row in cancel_steps(one, rules)} | {row.when for row in bulk_steps(one, rules)}
    on_its_way = status is Status.PENDING and kind is OrderType.LIMIT
    assert held - {When.ALWAYS} == ({When.LIMIT} if on_its_way else set())


def test_a_rejected_order_may_be_unknown_where_the_profile_says_so() -> None:
    """Not-found is one of the answers for a rejected order only where rejected orders have no id (TRM-07)."""
    lenient = VenueRules(markets={"M": MARKET}, rejected_may_be_unknown=True)
    rejected = state(Status.REJECTED)
    assert {step.reply for step in cancel_steps(rejected, RULES)} == {CANNOT}
    assert {step.reply for step in cancel_steps(rejected, lenient)} == {CANNOT, Reply.NOT_FOUND}


def test_a_limit_order_that_is_not_in_the_book_yet_may_be_cancelled_or_not() -> None:
    """PENDING means executing for market orders alone; a limit order that is still on its way may be cancelled too."""
    replies = {(s.reply, s.status) for s in cancel_steps(state(Status.PENDING), RULES)}
    assert replies == SPECIFIED_CANCEL[Status.PENDING] | SPECIFIED_CANCEL[Status.OPEN]


BY_ITSELF = {
    # what an order may become while nobody asks for anything, before and after its deadline
    Status.OPEN: (set[Status](), {Status.EXPIRED}),
    Status.PARTIALLY_FILLED: (set[Status](), {Status.EXPIRED}),
    Status.PENDING_CANCEL: ({Status.CANCELED}, {Status.CANCELED, Status.EXPIRED}),
    Status.PENDING: ({Status.OPEN}, {Status.OPEN}),
    Status.FILLED: (set[Status](), set[Status]()),
    Status.CANCELED: (set[Status](), set[Status]()),
    Status.EXPIRED: (set[Status](), set[Status]()),
    Status.REJECTED: (set[Status](), set[Status]()),
}


@pytest.mark.parametrize("status", Status)
def test_what_an_order_becomes_by_itself(status: Status) -> None:
    """Pending cancels are confirmed and deadlines are reached; nothing else happens by itself."""
    until = terms(time_in_force=TimeInForce.GTD, expires_at=NOW)
    order = state(status, EXECUTED.get(status, "0"), terms=until)
    tolerance = RULES.clock_tolerance
    for at, more in ((NOW - tolerance - 0.001, BY_ITSELF[status][0]), (NOW - tolerance, BY_ITSELF[status][1])):
        assert {s.status for s in silent_successors(order, at, RULES)} == {status} | more


def test_a_market_order_that_executes_does_not_reach_the_book_by_itself() -> None:
    """An executing market order stays PENDING until its market lets it go."""
    executing = state(Status.PENDING, terms=terms(price=None))
    assert [s.status for s in silent_successors(executing, NOW, RULES)] == [Status.PENDING]


@pytest.mark.parametrize(
    ("status", "executed", "expected"),
    [
        (Status.OPEN, "0", Status.OPEN),
        (Status.OPEN, "0.001", Status.PARTIALLY_FILLED),
        (Status.OPEN, "10", Status.FILLED),
        (Status.PARTIALLY_FILLED, "9.999", Status.PARTIALLY_FILLED),
        (Status.PARTIALLY_FILLED, "10", Status.FILLED),
        (Status.PENDING_CANCEL, "3", Status.PENDING_CANCEL),
        (Status.PENDING_CANCEL, "10", Status.FILLED),
    ],
)
def test_the_status_word_agrees_with_the_executed_quantity(status: Status, executed: str, expected: Status) -> None:
    """An order is filled when all of it is executed, and partially filled when any of it is (CXL-08)."""
    assert status_for(status, Decimal(executed), Decimal(10)) is expected


def test_a_fill_while_pending_keeps_the_cancel_pending() -> None:
    """A part that trades while the cancel is pending is booked, and the cancel goes on (PND-02)."""
    after = filled(state(Status.PENDING_CANCEL), Decimal(4), exactly(Decimal(100)), maker=True, rules=RULES)
    assert (after.status, after.executed.low, after.cost.low, after.fee.low) == (
        Status.PENDING_CANCEL,
        Decimal(4),
        Decimal(400),
        Decimal("0.4"),
    )


@pytest.mark.parametrize(
    ("kind", "executed", "expected"),
    [
        ({}, "0", {Status.OPEN}),
        ({}, "4", {Status.PARTIALLY_FILLED}),
        ({}, "10", {Status.FILLED}),
        ({"time_in_force": TimeInForce.IOC}, "0", {Status.CANCELED, Status.EXPIRED, Status.REJECTED}),
        ({"time_in_force": TimeInForce.IOC}, "4", {Status.CANCELED, Status.EXPIRED}),
        ({"time_in_force": TimeInForce.IOC}, "10", {Status.FILLED}),
        ({"type": OrderType.MARKET}, "4", {Status.CANCELED, Status.EXPIRED, Status.REJECTED}),
        ({"type": OrderType.MARKET}, "10", {Status.FILLED}),
    ],
)
def test_what_becomes_of_a_rest(kind: dict[str, Any], executed: str, expected: set[Status]) -> None:
    """What finds too little in the book rests where it may, else it ends in a word that the source leaves open."""
    assert set(rest_statuses(terms(**kind), executed=Decimal(executed))) == expected


def test_active_and_terminal_states_are_those_of_the_catalogue() -> None:
    """OPEN and PARTIALLY_FILLED are active; FILLED, CANCELED, EXPIRED and REJECTED are the end."""
    assert {str(s) for s in ACTIVE} == {"OPEN", "PARTIALLY_FILLED"}
    assert {str(s) for s in TERMINAL} == {"FILLED", "CANCELED", "EXPIRED", "REJECTED"}
