"""Grounds for the tests of the strategies, and a plain reading of what a plan would do to a book and to funds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from conformance.engine.drawing import draw_plans
from conformance.model.order import Side, TimeInForce
from conformance.plans import COUNTERPARTY, PRIMARY, Action, Cancel, CancelAll, Expire, Fill, Place, Plan, Settle
from conformance.requirements import Capability
from strategies.grounds import Ground, MarketShape
from strategies.lifecycles import lifecycles

THIRD = "third"
FREE = 320
"""Plans of free exploration in a standard run."""


def market(name: str, *, tick: str, step: str, price: str, most: str) -> MarketShape:
    """A market that rests at ``price``."""
    base, quote = name.split("-")
    return MarketShape(
        name=name,
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(most),
        buy_price=Decimal(price),
        sell_price=Decimal(price),
    )


MARKETS = (
    market("BTC-USDT", tick="0.01", step="0.00001", price="1000", most="1000"),
    market("ETH-EUR", tick="0.001", step="0.0001", price="100", most="10000"),
    market("DOGE-USDT", tick="0.00001", step="1", price="0.1", most="10000000"),
)
FUNDS = {
    "USDT": Decimal(1_000_000),
    "BTC": Decimal(1000),
    "EUR": Decimal(1_000_000),
    "ETH": Decimal(10_000),
    "DOGE": Decimal(10_000_000),
}
GROUND = Ground(
    markets=MARKETS,
    abilities=frozenset(Capability),
    accounts=(PRIMARY, COUNTERPARTY, THIRD),
    available={
        (account, asset): amount for account in (PRIMARY, COUNTERPARTY, THIRD) for asset, amount in FUNDS.items()
    },
)
BARE = Ground(markets=MARKETS[:1], abilities=frozenset({Capability.PLACE, Capability.READ}), accounts=(PRIMARY,))
"""A target that offers nothing but placing, reading and cancelling."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """An order that reaches the book, by a placing or by a fill."""

    account: str
    market: str
    side: Side
    price: Decimal | None
    quantity: Decimal
    rests: bool
    name: str


@dataclass(kw_only=True, slots=True)
class Reading:
    """What a plan would do, read from its actions alone; cancels are taken to be immediate and fills to be whole."""

    plan: Plan
    placed: dict[str, Place] = field(default_factory=dict)

    def incoming(self) -> Iterator[tuple[int, Incoming]]:
        """The orders that reach the book, with the place of their action."""
        self.placed.clear()
        for at, action in enumerate(self.plan.actions):
            match action:
                case Place():
                    self.placed[action.order] = action
                    yield at, _from_place(action)
                case Fill():
                    target = self.placed[action.order]
                    filler = action.by if action.by != target.account else PRIMARY
                    yield (
                        at,
                        Incoming(
                            account=filler,
                            market=target.market,
                            side=target.side.opposite,
                            price=target.price,
                            quantity=action.quantity,
                            rests=False,
                            name="",
                        ),
                    )
                case _:
                    continue

    def self_trades(self) -> list[tuple[Incoming, Incoming]]:
        """Pairs of an order that may still rest and one of the same account that would meet it.

        A cancelled one rests until the plan has waited for the cancel to end; one that is filled to the end, on its
        arrival and by fills that name it, does not rest.
        """
        resting: list[Incoming] = []
        cancelled: set[str] = set()
        left: dict[str, Decimal] = {}
        found = []
        coming = dict(self.incoming())
        for at, action in enumerate(self.plan.actions):
            if at in coming:
                order = coming[at]
                found += [(other, order) for other in resting if _meet(other, order)]
                if order.rests:
                    left[order.name] = order.quantity
                    for other in resting:
                        traded = min(left[other.name], left[order.name]) if _trade(other, order) else Decimal(0)
                        left[other.name], left[order.name] = left[other.name] - traded, left[order.name] - traded
                    resting.append(order)
                elif isinstance(action, Fill):
                    left[action.order] = left.get(action.order, Decimal(0)) - action.quantity
                resting = [other for other in resting if left[other.name] > 0]
            elif isinstance(action, Expire):
                resting = [order for order in resting if order.name != action.order]
            elif isinstance(action, Cancel) and action.account is None:
                cancelled.add(action.order)
            elif isinstance(action, CancelAll):
                cancelled.update(order.name for order in resting if order.account == action.account)
            elif isinstance(action, Settle):
                resting = [order for order in resting if order.name not in cancelled]
        return found

    def most_locked(self) -> dict[tuple[str, str], Decimal]:
        """The most that each account locks or spends at any moment, by asset, cancels releasing at once."""
        shapes = {shape.name: shape for shape in MARKETS}
        held: dict[str, tuple[str, str, Decimal]] = {}
        spent: dict[tuple[str, str], Decimal] = {}
        most: dict[tuple[str, str], Decimal] = {}
        coming = dict(self.incoming())
        for at, action in enumerate(self.plan.actions):
            if at in coming:
                order, shape = coming[at], shapes[coming[at].market]
                buys = order.side is Side.BUY
                amount = order.quantity * (order.price or shape.sell_price * 2) if buys else order.quantity
                key = (order.account, shape.quote if buys else shape.base)
                if order.rests:
                    held[order.name] = (*key, amount)
                else:
                    spent[key] = spent.get(key, Decimal(0)) + amount
                total = spent.get(key, Decimal(0)) + sum(a for *k, a in held.values() if tuple(k) == key)
                most[key] = max(most.get(key, Decimal(0)), total)
            if isinstance(action, Cancel) and action.account is None:
                held.pop(action.order, None)
            if isinstance(action, CancelAll):
                held = {name: entry for name, entry in held.items() if entry[0] != action.account}
        return most


def _from_place(action: Place) -> Incoming:
    return Incoming(
        account=action.account,
        market=action.market,
        side=action.side,
        price=action.price,
        quantity=action.quantity,
        rests=action.price is not None and action.time_in_force is not TimeInForce.IOC,
        name=action.order,
    )


def _meet(resting: Incoming, coming: Incoming) -> bool:
    return resting.account == coming.account and _cross(resting, coming)


def _trade(resting: Incoming, coming: Incoming) -> bool:
    return resting.account != coming.account and _cross(resting, coming)


def _cross(resting: Incoming, coming: Incoming) -> bool:
    if resting.market != coming.market or resting.side is coming.side:
        return False
    if coming.price is None or resting.price is None:
        return True
    if coming.side is Side.BUY:
        return coming.price >= resting.price
    return coming.price <= resting.price


def orders_named(action: Action) -> tuple[str, ...]:
    """The orders that an action refers to."""
    name = getattr(action, "order", None)
    return () if name is None or isinstance(action, Place) else (name,)


@cache
def explored() -> list[Plan]:
    """The plans of free exploration that a standard run would draw; the tests share them, since drawing takes time."""
    return draw_plans(lifecycles(GROUND), FREE, seed_of="1/test_lifecycles")
