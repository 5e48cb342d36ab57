"""How many predictions a second the model makes, on one core."""

import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle

from benchmarks.figures import Figure
from conformance.model.amounts import exactly
from conformance.model.events import Cancel, CancelAll, Event, Execute, Place
from conformance.model.lifecycle import OrderState
from conformance.model.matching import World
from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.model.prediction import predict
from conformance.model.rules import MarketRules, VenueRules

WANTED = 30_000
MARKET = MarketRules(symbol="M", base="B", quote="Q", maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
RULES = VenueRules(markets={"M": MARKET})


def _terms(side: Side, account: str, price: str, **changes: object) -> Terms:
    given: dict[str, object] = {"account": account, "market": "M", "side": side, "quantity": Decimal("1.5")}
    return Terms(**(given | {"price": Decimal(price)} | changes))  # type: ignore[arg-type]  # names and types of Terms


def _order(name: str, status: Status, price: str = "100") -> OrderState:
    executed = Decimal("0.5") if status is Status.PARTIALLY_FILLED else Decimal(0)
    terms = _terms(Side.BUY, "primary", price)
    return OrderState(
        name=name, terms=terms, status=status, arrival=1, executed=exactly(executed), cost=exactly(executed * 100)
    )


def questions() -> Iterator[tuple[World, Event]]:
    """What a run asks of the model, in about its proportions: cancels in every state, placings, fills, cancel-alls."""
    taker = _terms(Side.SELL, "counterparty", "99", time_in_force=TimeInForce.IOC)
    market = _terms(Side.SELL, "counterparty", "99", type=OrderType.MARKET)
    book = tuple(_order(f"o{n}", Status.OPEN, str(100 + n)) for n in range(3))
    for status in Status:
        yield (_order("a", status),), Cancel(order="a", account="primary")
    yield (_order("a", Status.OPEN),), Cancel(order="a", account="third")
    yield (), Place(order="a", terms=_terms(Side.BUY, "primary", "100"), arrival=1)
    yield (), Place(order="b", terms=_terms(Side.SELL, "primary", "101"), arrival=1)
    yield book, Place(order="t", terms=taker, arrival=9)
    yield (_order("a", Status.PARTIALLY_FILLED),), Place(order="t", terms=taker, arrival=9)
    yield (_order("a", Status.PENDING_CANCEL),), Place(order="t", terms=market, arrival=9)
    yield (_order("a", Status.OPEN),), Execute(order="a", quantity=Decimal("0.5"))
    for status in (Status.OPEN, Status.PENDING_CANCEL, Status.FILLED):
        yield (_order("a", status),), CancelAll(account="primary")


def measure(*, seconds: float = 2.0) -> list[Figure]:
    """Ask for a while, and count; by the time that the processor gave, whatever else it has to do."""
    asked = list(questions())
    count, began = 0, time.process_time()
    for world, event in cycle(asked):
        predict(world, event, RULES)
        count += 1
        if count % 1000 == 0 and time.process_time() - began > seconds:
            break
    rate = count / (time.process_time() - began)
    return [Figure(name="predictions", value=rate, unit="/s on one core", target=f"> {WANTED:,}", met=rate > WANTED)]
