"""How the tests of the model write orders, worlds and beliefs down."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from conformance.model.amounts import Span, exactly
from conformance.model.events import Event, Place
from conformance.model.lifecycle import OrderState
from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.model.prediction import Outcome
from conformance.model.rules import MarketRules, VenueRules
from conformance.model.worlds import Belief, Conflict, Seen

MARKET = MarketRules(symbol="M", base="B", quote="Q", maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
RULES = VenueRules(markets={"M": MARKET})
SHARED = VenueRules(
    markets={
        "M": MarketRules(
            symbol="M",
            base="B",
            quote="Q",
            maker_fee=Decimal("0.001"),
            taker_fee=Decimal("0.002"),
            isolated=False,
        )
    }
)
NOW = 1_000_000.0
SIDES = {"b": Side.BUY, "s": Side.SELL}


def terms(quantity: str = "10", price: str | None = "100", side: str = "b", **changes: Any) -> Terms:
    """A limit order of the primary account that buys 10 at 100; without a price a market order."""
    given: dict[str, Any] = {
        "account": "primary",
        "market": "M",
        "side": SIDES[side],
        "type": OrderType.LIMIT if price is not None else OrderType.MARKET,
        "quantity": Decimal(quantity),
        "price": None if price is None else Decimal(price),
    }
    return Terms(**(given | changes))


def immediate(quantity: str = "10", price: str = "100", side: str = "s", account: str = "counterparty") -> Terms:
    """An immediate-or-cancel order of the other account."""
    return terms(quantity, price, side, account=account, time_in_force=TimeInForce.IOC)


def state(status: Status, executed: str = "0", name: str = "a", **changes: Any) -> OrderState:
    """An order that buys 10 at 100, in a state; what was executed cost its own price."""
    amount = Decimal(executed)
    given: dict[str, Any] = {
        "name": name,
        "terms": terms(),
        "status": status,
        "arrival": 1,
        "executed": exactly(amount),
        "cost": exactly(amount * 100),
    }
    return OrderState(**(given | changes))


def known(*states: OrderState) -> Belief:
    """A belief that is certain of these orders."""
    return Belief({n: ((s,),) for n, s in enumerate(states)}, {s.name: n for n, s in enumerate(states)})


def any_of(*states: OrderState) -> Belief:
    """A belief that holds several states of one order possible."""
    return Belief({0: tuple((s,) for s in states)}, {states[0].name: 0})


def happen(
    belief: Belief,
    event: Event,
    *,
    rules: VenueRules = RULES,
    accepts: Callable[[Outcome], bool] = lambda _: True,
    until: float = NOW,
    lost: bool = False,
) -> Belief:
    """The belief after an event that cannot conflict."""
    after = belief.after(event, rules, accepts=accepts, until=until, lost=lost)
    assert isinstance(after, Belief), after
    return after


def placed(orders: Iterable[tuple[str, Terms]], *, rules: VenueRules = RULES, first: int = 1) -> Belief:
    """The belief after orders were placed one after the other on an empty book."""
    belief = Belief.empty()
    for arrival, (name, given) in enumerate(orders, start=first):
        belief = happen(belief, Place(order=name, terms=given, arrival=arrival), rules=rules)
    return belief


def seen(
    belief: Belief, name: str, status: Status, executed: str | None = None, *, rules: VenueRules = RULES
) -> Belief | Conflict:
    """The belief after a read showed an order so."""
    amount = None if executed is None else Decimal(executed)
    return belief.having_seen(name, Seen(status=status, executed=amount), rules, until=NOW)


def shown(belief: Belief, name: str) -> set[tuple[Status, str]]:
    """What an order may be now: its statuses with what is executed in each."""
    return {(s.status, str(s.executed)) for s in belief.states(name)}


def amount(text: str) -> Span:
    """An exact amount."""
    return exactly(Decimal(text))
