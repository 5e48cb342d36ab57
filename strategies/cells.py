"""Aimed plans: every state of an order's life met by every event, one by one, before chance has a part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import cycle

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
)
from conformance.requirements import Capability
from strategies.grounds import EMPTY_BOOK_DIVISOR, ORDINARY_SHARE, Ground, MarketShape

STATES = (
    "open",
    "open until a time",
    "partially filled",
    "partially filled by taking",
    "filled",
    "canceled",
    "canceled after a fill",
    "being canceled",
    "being canceled after a fill",
    "expired",
    "expired after a fill",
    "executing",
    "rejected",
)
CLOSED = frozenset({"filled", "canceled", "canceled after a fill", "expired", "expired after a fill"})
"""The states in which an order that was in the book has ended."""

UNTOUCHING = (
    "cancel-all by another account",
    "cancel by another account",
    "cancel of a neighbour",
    "refused cancel of a neighbour",
    "cancel of an unknown order",
)
"""The events that leave an order as it is, whatever its state."""

EVENTS = (
    "cancel",
    "cancel twice",
    "cancel-all",
    "cancel-all twice",
    "cancel-all by another account",
    "cancel by another account",
    "cancel of a neighbour",
    "refused cancel of a neighbour",
    "opposite order, part",
    "opposite order, whole",
    "cancel of an unknown order",
    "two fills, then cancel",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """With what a cell is tried: one market, one side, a price, a quantity; ``fills`` of a partly filled order."""

    market: MarketShape
    side: Side
    price: Decimal
    quantity: Decimal
    fills: tuple[Decimal, ...] = ()

    @property
    def part(self) -> Decimal:
        """About a third of the quantity, on the grid, with an odd number of steps."""
        return max(self.market.step, self.market.on_grid(self.quantity / 3))

    @property
    def improved(self) -> Decimal:
        """A price that is worse for the order by a few ticks: it trades at that of the order it meets."""
        ticks = 3 * self.market.tick
        return self.price + ticks if self.side is Side.BUY else max(self.market.tick, self.price - ticks)

    def place(self, order: str, **changes: object) -> Place:
        """An order of this scene."""
        terms: dict[str, object] = {
            "order": order,
            "market": self.market.name,
            "side": self.side,
            "quantity": self.quantity,
            "price": self.price,
        }
        return Place(**{**terms, **changes})  # type: ignore[arg-type]  # names and types are those of Place


def scenes(ground: Ground) -> Iterator[Scene]:
    """Scenes without end: markets, sides and sizes take turns."""
    for number, (market, side) in enumerate(cycle([(m, s) for m in ground.markets for s in (Side.BUY, Side.SELL)])):
        price = market.resting_price(side, 1 + number % 7)
        most = ground.affordable(PRIMARY, market, side, price, ORDINARY_SHARE)
        fillable = ground.affordable(COUNTERPARTY, market, side.opposite, price, ORDINARY_SHARE)
        size = min(most, fillable)
        least = 3 * int(market.min_quantity / market.step)  # fills of a third must be orders, too
        steps = max(12, least, int(size / market.step) // (3, 40, 700)[number % 3])
        quantity = market.on_grid((steps + (number % 2)) * market.step)
        yield Scene(market=market, side=side, price=price, quantity=quantity)


_FILL, _EXPIRE, _BULK, _SECOND = Capability.FILL, Capability.EXPIRE, Capability.CANCEL_ALL, Capability.SECOND_ACCOUNT

_STATE_NEEDS: Mapping[str, frozenset[Capability]] = {
    "open until a time": frozenset({_EXPIRE}),
    "partially filled by taking": frozenset({_SECOND, _FILL}),
    "partially filled": frozenset({_FILL}),
    "filled": frozenset({_FILL}),
    "canceled after a fill": frozenset({_FILL}),
    "being canceled after a fill": frozenset({_FILL}),
    "expired": frozenset({_EXPIRE}),
    "expired after a fill": frozenset({_EXPIRE}),
}
"""What a target must offer to be driven into a state."""

_EVENT_NEEDS: Mapping[str, frozenset[Capability]] = {
    "cancel-all": frozenset({_BULK}),
    "cancel-all twice": frozenset({_BULK}),
    "cancel-all by another account": frozenset({_BULK, _SECOND}),
    "cancel by another account": frozenset({_SECOND}),
    "opposite order, part": frozenset({_FILL}),
    "opposite order, whole": frozenset({_FILL}),
    "two fills, then cancel": frozenset({_FILL}),
}
"""What a target must offer for an event."""


def _can(ground: Ground, needed: frozenset[Capability]) -> bool:
    """Whether the target offers all that is needed; a second account is one that this ground has."""
    second = _SECOND not in needed or COUNTERPARTY in ground.accounts
    return second and all(ground.can(one) for one in needed - {_SECOND})


def state_actions(state: str, scene: Scene, ground: Ground) -> list[Action] | None:
    """The actions that lead order ``a`` into a state; ``None`` where the target cannot be driven there."""
    if not _can(ground, _STATE_NEEDS.get(state, frozenset())):
        return None
    parts = scene.fills or (scene.part,)
    fill: list[Action] = [*(Fill(order="a", quantity=part) for part in parts), Snapshot()]
    match state:
        case "open":
            return [scene.place("a"), Snapshot()]
        case "open until a time":
            return [scene.place("a", time_in_force=TimeInForce.GTD), Snapshot()]
        case "partially filled by taking":
            facing = scene.place("f", side=scene.side.opposite, account=COUNTERPARTY, quantity=scene.part)
            return [facing, scene.place("a", price=scene.improved), Snapshot()]
        case "partially filled":
            return [scene.place("a"), *fill]
        case "filled":
            whole = (*scene.fills, scene.quantity - sum(scene.fills))
            return [scene.place("a"), *(Fill(order="a", quantity=part) for part in whole), Snapshot()]
        case "canceled":
            return [scene.place("a"), Snapshot(), Cancel(order="a"), Settle(), Snapshot()]
        case "canceled after a fill":
            return [scene.place("a"), *fill, Cancel(order="a"), Settle(), Snapshot()]
        case "being canceled":
            return [scene.place("a"), Snapshot(), Cancel(order="a"), Snapshot()]
        case "being canceled after a fill":
            return [scene.place("a"), *fill, Cancel(order="a"), Snapshot()]
        case "expired" | "expired after a fill":
            before = fill if state == "expired after a fill" and ground.can(Capability.FILL) else [Snapshot()]
            return [scene.place("a", time_in_force=TimeInForce.GTD), *before, Expire(order="a"), Snapshot()]
        case "executing":
            return _executing(scene, ground)
        case "rejected":
            return _rejected(scene, ground)
    raise ValueError(f"expected a state among {', '.join(STATES)}, found {state!r}")


def _executing(scene: Scene, ground: Ground) -> list[Action] | None:
    """A market order that stays executing: held against an order that faces it, or by a book without one."""
    if not ground.holds_orders_of(scene.market):
        return None
    market: dict[str, object] = {"type": OrderType.MARKET, "price": None}
    hold = HoldMarket(market=scene.market.name, held=True)
    if ground.waits_in:
        return [
            hold,
            scene.place("a", quantity=scene.market.on_grid(scene.quantity / EMPTY_BOOK_DIVISOR), **market),
            Snapshot(),
        ]
    facing = scene.place("f", side=scene.side.opposite, account=COUNTERPARTY)
    first: list[Action] = [facing] if COUNTERPARTY in ground.accounts else []
    return [*first, hold, scene.place("a", **market), Snapshot()]


def _rejected(scene: Scene, ground: Ground) -> list[Action] | None:
    """The order that the target takes in and rejects: one that cannot be paid, or a post-only one that crosses."""
    if not ground.can(Capability.REJECTED_ORDERS):
        return None
    if ground.rejects_unpaid:
        quantity = ground.unpayable(scene.market, scene.side, scene.price)
        return None if quantity is None else [scene.place("a", quantity=quantity), Snapshot()]
    facing = scene.place("f", side=scene.side.opposite, account=COUNTERPARTY)
    return [facing, scene.place("a", post_only=True), Snapshot()]


def _still_trades(scene: Scene, ground: Ground) -> list[Action]:
    """The counterparty's opposite order, which meets a part of order ``a`` where that is still in the book."""
    if COUNTERPARTY not in ground.accounts:
        return []
    opposite = scene.place("g", side=scene.side.opposite, account=COUNTERPARTY, quantity=scene.part)
    return [opposite, Snapshot(), Settle(), Snapshot()]


def event_actions(event: str, scene: Scene, ground: Ground) -> list[Action] | None:
    """The actions of an event that meets order ``a``; ``None`` where the target does not offer it.

    Whether an order that it must leave in the book still is there, shows where it trades.
    """
    met = _met(event, scene, ground)
    return met if met is None or event not in UNTOUCHING else [*met, *_still_trades(scene, ground)]


def _met(event: str, scene: Scene, ground: Ground) -> list[Action] | None:
    if not _can(ground, _EVENT_NEEDS.get(event, frozenset())):
        return None
    match event:
        case "cancel":
            return [Cancel(order="a"), Snapshot()]
        case "cancel twice":
            return [Cancel(order="a"), Cancel(order="a"), Snapshot(), Settle(), Snapshot()]
        case "cancel-all":
            return [CancelAll(), Snapshot()]
        case "cancel-all twice":
            return [
                scene.place("b"),
                CancelAll(),
                Snapshot(),
                CancelAll(),
                Settle(),
                Snapshot(),
                CancelAll(),
                Snapshot(),
            ]
        case "cancel-all by another account":
            return [CancelAll(account=COUNTERPARTY), Snapshot()]
        case "cancel by another account":
            unknown = CancelUnknown(order_id=UNKNOWN_IDS[0], account=COUNTERPARTY)
            foreign = Cancel(order="a", account=COUNTERPARTY)
            return [unknown, foreign, Read(order="a", account=COUNTERPARTY), Snapshot()]
        case "cancel of a neighbour":
            return [scene.place("b"), Snapshot(), Cancel(order="b"), Snapshot()]
        case "refused cancel of a neighbour":
            return [scene.place("b"), Cancel(order="b"), Settle(), Cancel(order="b"), Snapshot()]
        case "opposite order, part":
            return [Fill(order="a", quantity=scene.part), Snapshot(), Settle(), Snapshot()]
        case "opposite order, whole":
            return [
                scene.place("b"),
                Fill(order="a", quantity=scene.quantity),
                Snapshot(),
                Cancel(order="b"),
                Snapshot(),
            ]
        case "cancel of an unknown order":
            return [*(CancelUnknown(order_id=unknown_id) for unknown_id in UNKNOWN_IDS), Snapshot()]
        case "two fills, then cancel":
            fills: list[Action] = [Fill(order="a", quantity=scene.market.step), Fill(order="a", quantity=scene.part)]
            return [*fills, Cancel(order="a"), Snapshot(), Cancel(order="a"), Snapshot()]
    raise ValueError(f"expected an event among {', '.join(EVENTS)}, found {event!r}")


UNKNOWN_IDS = (
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "019f0000-0000-7000-8000-000000000000",
    "7fffffff-ffff-7fff-bfff-ffffffffffff",
)
"""Well-formed UUID v7 (RFC 9562) that name no order: of the past, of about now, of the far future."""


def _fits(state: str, scene: Scene, ground: Ground) -> bool:
    """Whether a scene is in a market where the state can be reached, if it can be in any."""
    return state != "executing" or ground.holds_orders_of(scene.market) or not ground.can(Capability.HOLD_MARKET)


def cell_plans(ground: Ground, *, events_at_once: int = 1) -> list[Plan]:
    """A short plan for every cell of states and events that this target can be driven to.

    Where there may be several ``events_at_once``, a closed order meets so many, one after the other, for nothing may
    change it any more, and any other order those that leave it as it is. Where an order expires only by waiting it
    meets six.
    """
    plans = []
    places = scenes(ground)
    for state in STATES:
        waits = ground.expiry_takes_time and state.startswith("expired")
        for events in _grouped(state, max(events_at_once, 6) if waits else events_at_once):
            scene = next(place for place in places if _fits(state, place, ground))
            before, after = state_actions(state, scene, ground), _one_by_one(events, scene, ground)
            if before is not None and after:
                plans.append(Plan(title=f"{state} x {', '.join(events)}", actions=(*before, *after)))
    return plans


def _grouped(state: str, size: int) -> Iterator[Sequence[str]]:
    """The events that meet one order in this state, one after the other; groups are a cross-section of them."""
    if state in CLOSED:
        groups = -(-len(EVENTS) // size)
        yield from (EVENTS[number::groups] for number in range(groups))
        return
    together = UNTOUCHING if size > 1 else ()
    yield from ((event,) for event in EVENTS if event not in together)
    if together:
        yield together


def _one_by_one(events: Sequence[str], scene: Scene, ground: Ground) -> list[Action]:
    """The actions of events that meet order ``a`` one after the other, with other orders of their own."""
    if len(events) == 1:
        return event_actions(events[0], scene, ground) or []
    actions: list[Action] = []
    for number, event in enumerate(events):
        for action in _met(event, scene, ground) or []:
            match action:
                case Place(order="b") | Cancel(order="b"):
                    actions.append(replace(action, order=f"b{number}"))
                case _:
                    actions.append(action)
    return [*actions, *_still_trades(scene, ground)]
