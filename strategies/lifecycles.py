"""Free exploration: whole lifecycles of several orders, grown beside a sketch of the book.

The sketch only keeps plans meaningful (which order would be hit, what is left of it); whether the target did so is the
model's question, not this module's. A plan is drawn whole: no draw ever depends on an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Expire,
    Fill,
    HoldMarket,
    Place,
    Plan,
    Read,
    Settle,
    Snapshot,
    Wait,
)
from conformance.requirements import Capability
from strategies.amounts import fill_quantities, prices, quantities
from strategies.grounds import BIG_SHARE, ORDINARY_SHARE, Ground, MarketShape

THIRD = "third"


@dataclass(kw_only=True, slots=True)
class Sketched:
    """One order of the sketch: where it stands in the book and what may be left of it."""

    name: str
    account: str
    market: MarketShape
    side: Side
    price: Decimal | None
    rest: Decimal
    expires: bool = False
    over: bool = False


@dataclass(kw_only=True, slots=True)
class Sketch:
    """A plan in the making: its actions, its orders, and which side the primary account takes in each market."""

    ground: Ground
    actions: list[Action] = field(default_factory=list)
    orders: list[Sketched] = field(default_factory=list)
    sides: dict[str, Side] = field(default_factory=dict)
    held: MarketShape | None = None
    big_used: bool = False
    two_sided: bool = False

    def live(self, account: str | None = None) -> list[Sketched]:
        """Orders that the sketch takes for live."""
        return [order for order in self.orders if not order.over and (account is None or order.account == account)]

    def hit(self, order: Sketched, quantity: Decimal) -> None:
        """Take ``quantity`` from the book on the order's side at its price or better, by price and time."""
        if order.price is None:
            return
        sign = 1 if order.side is Side.SELL else -1
        queue = [
            o
            for o in self.orders
            if not o.over
            and o.side is order.side
            and o.market is order.market
            and o.price is not None
            and sign * o.price <= sign * order.price
        ]
        for resting in sorted(queue, key=lambda o: sign * (o.price or Decimal(0))):
            taken = min(quantity, resting.rest)
            resting.rest -= taken
            resting.over = resting.over or resting.rest == 0
            quantity -= taken
            if not quantity:
                return


CHOICES = st.integers(0, 2**16 - 1)


@st.composite
def lifecycles(draw: st.DrawFn, ground: Ground, *, most: int = 26) -> Plan:
    """Plans of up to about ``most`` actions over several orders, accounts and markets of ``ground``."""
    sketch = Sketch(ground=ground, two_sided=draw(st.integers(0, 3)) == 0)
    length = draw(st.integers(6, most))
    menu = _menu(ground, two_sided=sketch.two_sided)
    while len(sketch.actions) < length:
        choice = draw(CHOICES)
        step = menu[choice % len(menu)] if sketch.orders else _place
        step(draw, sketch)
        if (choice // 256) % 3 and not isinstance(sketch.actions[-1], Snapshot | Place):
            sketch.actions.append(Snapshot())
    if sketch.held is not None:
        sketch.actions.append(HoldMarket(market=sketch.held.name, held=False))
    return Plan(title="free exploration", actions=tuple(sketch.actions))


Grow = Callable[[st.DrawFn, Sketch], None]


def _menu(ground: Ground, *, two_sided: bool) -> list[Grow]:
    """What may come next. With both sides of a market in one account, nothing that could trade with itself is on it."""
    menu: list[Grow] = [*[_place] * 9, *[_cancel] * 8, *[_cancel_again] * 2, _cancel_unknown]
    if ground.can(Capability.FILL):
        menu += [_fill_part] * 5 + [_fill_whole] * 2 + [_fill_closed]
    if ground.can(Capability.CANCEL_ALL):
        menu += [_cancel_all] * 2
    if COUNTERPARTY in ground.accounts:
        menu += [_cancel_foreign]
    if COUNTERPARTY in ground.accounts and not two_sided:
        menu += [_place_opposite] * 2 + [_take] * 2
    if COUNTERPARTY in ground.accounts and ground.can(Capability.CANCEL_ALL):
        menu += [_cancel_all_opposite]
    if THIRD in ground.accounts:
        menu += [_place_third]
    if ground.can(Capability.EXPIRE):
        menu += [_place_expiring]
    if ground.can(Capability.HOLD_MARKET) and not two_sided:
        menu += [_hold]
    if ground.can(Capability.REJECTED_ORDERS) and not ground.rejects_unpaid and not two_sided:
        menu += [_place_rejected]
    return [*menu, _settle]


def _market(draw: st.DrawFn, sketch: Sketch) -> tuple[MarketShape, Side]:
    markets = sketch.ground.markets
    market = markets[0] if len(markets) == 1 else markets[min(draw(CHOICES) % (len(markets) + 1), len(markets) - 1)]
    if market.name not in sketch.sides or (sketch.two_sided and draw(CHOICES) % 2):
        sketch.sides[market.name] = draw(st.sampled_from(Side))
    return market, sketch.sides[market.name]


def _new(draw: st.DrawFn, sketch: Sketch, *, account: str, side: Side, market: MarketShape, **changes: object) -> None:
    price = draw(prices(market, side))
    limit = changes.get("type") is not OrderType.MARKET  # what a market order locks is the venue's own estimate
    share = ORDINARY_SHARE if limit else sketch.ground.executing_share
    if not sketch.big_used and limit and account == PRIMARY and draw(CHOICES) % 8 == 0:
        share, sketch.big_used = BIG_SHARE, True
    most = sketch.ground.affordable(account, market, side, price, share)
    quantity = most if share is BIG_SHARE else draw(quantities(market, most=most))
    name = f"{'abcdefghijklmnopqrstuvwxyz'[len(sketch.orders) % 26]}{len(sketch.orders) // 26 or ''}"
    terms: dict[str, object] = {"order": name, "market": market.name, "side": side, "account": account}
    terms |= {"quantity": quantity, "price": price, **changes}
    if draw(CHOICES) % 10 == 0 and sketch.ground.client_ids:
        terms["client_id_length"] = (8, 32, 36, 64)[draw(CHOICES) % 4]
    place = Place(**terms)  # type: ignore[arg-type]  # names and types are those of Place
    sketch.actions.append(place)
    sketch.orders.append(
        Sketched(
            name=name,
            account=account,
            market=market,
            side=side,
            price=place.price,
            rest=quantity,
            expires=place.time_in_force is TimeInForce.GTD,
            over=place.post_only,
        )
    )


def _place(draw: st.DrawFn, sketch: Sketch) -> None:
    market, side = _market(draw, sketch)
    for _ in range(1 + (draw(CHOICES) % 4) // 2):
        _new(draw, sketch, account=PRIMARY, side=side, market=market)


def _place_expiring(draw: st.DrawFn, sketch: Sketch) -> None:
    market, side = _market(draw, sketch)
    _new(draw, sketch, account=PRIMARY, side=side, market=market, time_in_force=TimeInForce.GTD)
    if draw(CHOICES) % 2:
        sketch.actions.append(Expire(order=sketch.orders[-1].name))
        sketch.orders[-1].over = True


def _place_opposite(draw: st.DrawFn, sketch: Sketch) -> None:
    market, side = _market(draw, sketch)
    _new(
        draw, sketch, account=COUNTERPARTY, side=side.opposite, market=market, price=_apart(draw, market, side.opposite)
    )


def _place_third(draw: st.DrawFn, sketch: Sketch) -> None:
    market, side = _market(draw, sketch)
    _new(draw, sketch, account=THIRD, side=side, market=market)


def _place_rejected(draw: st.DrawFn, sketch: Sketch) -> None:
    facing = [o for o in sketch.live(COUNTERPARTY) if o.price is not None and o.market.name in sketch.sides]
    if not facing:
        _place_opposite(draw, sketch)
        return
    other = facing[draw(CHOICES) % len(facing)]
    _new(
        draw, sketch, account=PRIMARY, side=other.side.opposite, market=other.market, price=other.price, post_only=True
    )


def _take(draw: st.DrawFn, sketch: Sketch) -> None:
    """An order that meets a resting one of the counterparty, at its price or a worse one; the rest of it rests."""
    facing = [o for o in sketch.live(COUNTERPARTY) if o.price is not None]
    if not facing:
        _place_opposite(draw, sketch)
        return
    other = facing[draw(CHOICES) % len(facing)]
    assert other.price is not None  # filtered above
    ticks = draw(st.integers(0, 4)) * other.market.tick
    price = other.price + ticks if other.side is Side.SELL else max(other.market.tick, other.price - ticks)
    _new(draw, sketch, account=PRIMARY, side=other.side.opposite, market=other.market, price=price)
    taken = min(sketch.orders[-1].rest, other.rest)
    for order in (sketch.orders[-1], other):
        order.rest -= taken
        order.over = order.rest == 0


def _apart(draw: st.DrawFn, market: MarketShape, side: Side) -> Decimal:
    """A price of the other side of the book, away from where the primary account's orders rest."""
    return market.resting_price(side, 80 + draw(st.integers(0, 40)))


def _chosen(draw: st.DrawFn, orders: list[Sketched]) -> Sketched | None:
    return orders[draw(CHOICES) % len(orders)] if orders else None


def _cancel(draw: st.DrawFn, sketch: Sketch) -> None:
    order = _chosen(draw, sketch.live() or sketch.orders)
    if order is not None:
        sketch.actions.append(Cancel(order=order.name))
        order.over = True


def _cancel_again(draw: st.DrawFn, sketch: Sketch) -> None:
    order = _chosen(draw, [o for o in sketch.orders if o.over] or sketch.orders)
    if order is not None:
        sketch.actions.append(Cancel(order=order.name))
        order.over = True


def _cancel_foreign(draw: st.DrawFn, sketch: Sketch) -> None:
    order = _chosen(draw, sketch.orders)
    if order is not None:
        other = COUNTERPARTY if order.account != COUNTERPARTY else PRIMARY
        if draw(CHOICES) % 3 == 0:
            sketch.actions.append(Read(order=order.name, account=other))
        sketch.actions.append(Cancel(order=order.name, account=other))


def _cancel_unknown(draw: st.DrawFn, sketch: Sketch) -> None:
    sketch.actions.append(CancelUnknown(order_id=draw(unknown_ids())))


def _cancel_all(draw: st.DrawFn, sketch: Sketch) -> None:
    _all_of(sketch, PRIMARY)


def _cancel_all_opposite(draw: st.DrawFn, sketch: Sketch) -> None:
    _all_of(sketch, COUNTERPARTY)


def _all_of(sketch: Sketch, account: str) -> None:
    sketch.actions.append(CancelAll(account=account))
    for order in sketch.live(account):
        if order.price is not None:
            order.over = True


def _fill_part(draw: st.DrawFn, sketch: Sketch) -> None:
    order = _chosen(draw, _fillable(sketch))
    if order is None:
        _place(draw, sketch)
        return
    for _ in range((1, 1, 2, 3)[draw(CHOICES) % 4]):
        if order.rest <= order.market.step:
            return
        quantity = draw(fill_quantities(order.market, rest=order.rest))
        most = sketch.ground.affordable(
            COUNTERPARTY, order.market, order.side.opposite, order.price or Decimal(1), ORDINARY_SHARE
        )
        quantity = min(quantity, most)
        sketch.actions.append(Fill(order=order.name, quantity=quantity))
        sketch.hit(order, quantity)


def _fill_whole(draw: st.DrawFn, sketch: Sketch) -> None:
    order = _chosen(draw, _fillable(sketch))
    if order is None:
        _place(draw, sketch)
        return
    most = sketch.ground.affordable(
        COUNTERPARTY, order.market, order.side.opposite, order.price or Decimal(1), ORDINARY_SHARE
    )
    quantity = min(order.rest, most)
    sketch.actions.append(Fill(order=order.name, quantity=quantity))
    sketch.hit(order, quantity)


def _fill_closed(draw: st.DrawFn, sketch: Sketch) -> None:
    """An opposite order at the price of an order that is over (CXL-04)."""
    order = _chosen(draw, [o for o in sketch.orders if o.over and o.price is not None and o.account != COUNTERPARTY])
    if order is None:
        _cancel(draw, sketch)
        return
    most = sketch.ground.affordable(
        COUNTERPARTY, order.market, order.side.opposite, order.price or Decimal(1), ORDINARY_SHARE
    )
    quantity = min(order.market.on_grid(max(order.rest, order.market.step)), most)
    sketch.actions.append(Fill(order=order.name, quantity=quantity))
    sketch.hit(order, quantity)


def _fillable(sketch: Sketch) -> list[Sketched]:
    return [o for o in sketch.live() if o.price is not None and o.account != COUNTERPARTY]


def _hold(draw: st.DrawFn, sketch: Sketch) -> None:
    """A market order that stays executing; opposite orders wait in the book for it."""
    if sketch.held is not None:
        sketch.actions.append(HoldMarket(market=sketch.held.name, held=False))
        sketch.held = None
        return
    market, side = _market(draw, sketch)
    if not sketch.ground.holds_orders_of(market):
        return
    if sketch.ground.waits_in:
        _clear(sketch, market, side.opposite)
    sketch.held = market
    sketch.actions.append(HoldMarket(market=market.name, held=True))
    _new(draw, sketch, account=PRIMARY, side=side, market=market, type=OrderType.MARKET, price=None)
    sketch.actions += [Snapshot(), Cancel(order=sketch.orders[-1].name)]
    sketch.orders[-1].over = True


def _clear(sketch: Sketch, market: MarketShape, side: Side) -> None:
    """Cancel what rests on one side of a market: a market order that meets something does not stay executing."""
    resting = [o for o in sketch.live() if o.market is market and o.side is side and o.price is not None]
    for order in resting:
        sketch.actions.append(Cancel(order=order.name))
        order.over = True
    if resting:
        sketch.actions.append(Settle())


def _settle(draw: st.DrawFn, sketch: Sketch) -> None:
    if draw(CHOICES) % 6 == 0:
        sketch.actions.append(Wait(seconds=0.3))
    sketch.actions += [Settle(), Snapshot()]


@st.composite
def unknown_ids(draw: st.DrawFn) -> str:
    """Well-formed UUID v7 (RFC 9562) that name no order: of any time, with 74 random bits."""
    milliseconds = draw(st.integers(0, 2**48 - 1))
    low = draw(st.integers(0, 2**74 - 1))
    digits = f"{milliseconds:012x}7{low >> 62:03x}{0x8 | (low >> 60) & 0x3:x}{low & (2**60 - 1):015x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
