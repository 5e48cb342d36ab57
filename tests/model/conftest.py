"""Histories of parallel calls, written as tables: when a call began and ended, what it was, what it was answered."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from conformance.model.events import Cancel, CancelAll, Execute, Place
from conformance.model.history import Call, Read
from conformance.model.lifecycle import Reply
from conformance.model.order import Side, Status, Terms, TimeInForce
from conformance.model.prediction import Outcome
from conformance.model.rules import MarketRules, VenueRules
from conformance.model.worlds import Belief, Conflict, Seen

RULES = VenueRules(markets={"M": MarketRules(symbol="M", base="B", quote="Q")})
ACCOUNTS = {"x": "counterparty", "t": "third"}
"""Whose an order is, by the first letter of its name; all others are the primary account's."""


def owner(order: str) -> str:
    """The account that places an order of this name."""
    return ACCOUNTS.get(order[0], "primary")


def terms(order: str, quantity: str = "10", *, immediate: bool = False) -> Terms:
    """A sell of 10 at 100; an immediate order is the counterparty's and buys."""
    return Terms(
        account="counterparty" if immediate else owner(order),
        market="M",
        side=Side.BUY if immediate else Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(100),
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
    )


def standing(orders: str) -> Belief:
    """What is known once ``orders`` (names, with ``+3`` for three executed) were placed one after the other."""
    belief: Belief | Conflict = Belief.empty()
    for arrival, word in enumerate(orders.split(), start=1):
        name, _, executed = word.partition("+")
        assert isinstance(belief, Belief)
        event = Place(order=name, terms=terms(name), arrival=arrival)
        belief = belief.after(event, RULES, accepts=lambda _: True, until=0.0)
        if executed:
            assert isinstance(belief, Belief)
            trade = Execute(order=name, quantity=Decimal(executed))
            belief = belief.after(trade, RULES, accepts=lambda o: o.reply is Reply.ACCEPTED, until=0.0)
    assert isinstance(belief, Belief)
    return belief


def _replies(reply: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.reply == reply


def _lists(listed: frozenset[str]) -> Callable[[Outcome], bool]:
    def accepts(outcome: Outcome) -> bool:
        here = {state.name for state in outcome.world} & listed
        return outcome.listed <= here and here <= outcome.listed | outcome.may_list

    return accepts


def calls_of(table: str) -> list[Call]:
    """The calls of a table: ``began ended what -> answer``, one a line; ``?`` ends a call that was never answered.

    ``cancel a``, ``cancel a by third``, ``cancel-all -> a b``, ``place p``, ``fill f 3`` (immediate order f buys 3),
    ``trade a 3`` (a control request), ``read a -> OPEN 0``.
    """
    calls: list[Call] = []
    for arrival, line in enumerate((line for line in table.splitlines() if line.strip()), start=101):
        asked, _, answer = (part.strip() for part in line.partition("->"))
        began, ended, what, *names = asked.split()
        calls.append(_call(what, names, answer, float(began), None if ended == "?" else float(ended), arrival))
    return calls


def _call(what: str, names: list[str], answer: str, began: float, ended: float | None, arrival: int) -> Call:
    event: Cancel | CancelAll | Place | Execute | Read
    accepts = _replies(answer)
    match what, names:
        case "cancel", [name, *by]:
            event = Cancel(order=name, account=by[1] if by else owner(name))
        case "cancel-all", by:
            event, accepts = CancelAll(account=by[0] if by else "primary"), _lists(frozenset(answer.split()))
        case "place", [name]:
            event, accepts = Place(order=name, terms=terms(name), arrival=arrival), _replies("accepted")
        case "fill", [name, quantity]:
            taking = terms(name, quantity, immediate=True)
            event, accepts = Place(order=name, terms=taking, arrival=arrival), _replies("accepted")
        case "trade", [name, quantity]:
            event = Execute(order=name, quantity=Decimal(quantity))
        case "read", [name]:
            status, executed = answer.split()
            event = Read(order=name, seen=Seen(status=Status(status), executed=Decimal(executed)))
            accepts = lambda _: True
        case _:
            raise ValueError(f"no such call: {what} {names}")
    return Call(
        label=" ".join((what, *names)),
        event=event,
        began=began,
        ended=ended,
        accepts=accepts,
        answer=answer,
        lost=ended is None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Histories:
    """How the tests write histories down."""

    rules: VenueRules = RULES

    def standing(self, orders: str) -> Belief:
        """See :func:`standing`."""
        return standing(orders)

    def calls(self, table: str) -> list[Call]:
        """See :func:`calls_of`."""
        return calls_of(table)

    def possible(self, belief: Belief) -> set[frozenset[tuple[object, ...]]]:
        """Every combination of states that a belief holds possible."""
        return {frozenset(state.key for state in world) for world in belief.together(list(belief.names()))}


@pytest.fixture
def histories() -> Histories:
    """Tables of calls and the orders that they meet."""
    return Histories()
