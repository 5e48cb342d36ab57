"""Aimed plans beside the cells: what else an order may be when a cancel meets it, and who else may stand beside it.

The cells walk an order's states. These walk what a state does not tell: how the order was placed, how it came to its
end, whether its time is still to come, and that an order of another account stands at its price.
"""

from collections.abc import Sequence
from decimal import Decimal

from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    Expire,
    Fill,
    Parallel,
    Place,
    Plan,
    Read,
    Settle,
    Snapshot,
)
from conformance.requirements import Capability
from strategies.cells import Scene, scenes
from strategies.grounds import ORDINARY, Ground

LONG_CLIENT_ID = 36
AT_ONCE = 4


def shared_levels(ground: Ground) -> list[Plan]:
    """Another account's order stands at the price of orders that are cancelled, before or behind (CXL-05, ALL-02)."""
    if COUNTERPARTY not in ground.accounts:
        return []
    plans = []
    kinds = [(bulk, first) for bulk in (False, True) for first in (False, True)]
    for (bulk, first), scene in zip([*kinds, *reversed(kinds)], scenes(ground), strict=False):
        if bulk and not ground.can(Capability.CANCEL_ALL):
            continue
        own, other = [scene.place("a"), scene.place("b")], _order_of_another(scene, ground)
        placed = [other, *own] if first else [own[0], other, own[1]]
        cancel: list[Action] = [CancelAll()] if bulk else [Cancel(order="a"), Snapshot(), Cancel(order="b")]
        trade: list[Action] = []
        if ground.can(Capability.FILL):
            trade = [Fill(order="n", quantity=scene.market.min_quantity, by=PRIMARY), Snapshot()]
        plans.append(
            Plan(
                title=f"{'cancel-all' if bulk else 'cancel'} beside another account's order at the same price",
                actions=(*placed, Snapshot(), *cancel, Settle(), Snapshot(), *trade, Cancel(order="n"), Snapshot()),
            )
        )
    return plans


def _order_of_another(scene: Scene, ground: Ground) -> Place:
    most = ground.affordable(COUNTERPARTY, scene.market, scene.side, scene.price, ORDINARY)
    return scene.place("n", account=COUNTERPARTY, quantity=min(scene.quantity, most))


def deadlines_of_closed_orders(ground: Ground) -> list[Plan]:
    """The time of a ``gtd`` order comes when it is over: nothing happens to it any more (CXL-03, FND-02)."""
    if not ground.can(Capability.EXPIRE):
        return []
    plans = []
    for bulk, scene in zip((False, True), scenes(ground), strict=False):
        if bulk and not ground.can(Capability.CANCEL_ALL):
            continue
        names = ("filled", "part", "whole") if ground.can(Capability.FILL) else ("whole",)
        fills = [Fill(order="filled", quantity=scene.quantity), Fill(order="part", quantity=scene.part)]
        cancels = [Cancel(order=name) for name in names if name != "filled"]
        plans.append(
            Plan(
                title="the time of a closed order comes",
                actions=(
                    *(scene.place(name, time_in_force=TimeInForce.GTD) for name in names),
                    *(fills if "part" in names else ()),
                    Snapshot(),
                    *([CancelAll()] if bulk else cancels),
                    Snapshot(),
                    *(action for name in names for action in (Expire(order=name), Read(order=name))),
                    Settle(),
                    Snapshot(),
                    *cancels,
                    Snapshot(),
                ),
            )
        )
    return plans


def orders_ended_at_once(ground: Ground) -> list[Plan]:
    """Orders that are over once they are placed: filled by taking, or ``ioc`` with a rest (TRM-01, TRM-02)."""
    if COUNTERPARTY not in ground.accounts or not ground.can(Capability.FILL):
        return []
    ioc: dict[str, object] = {"time_in_force": TimeInForce.IOC}
    kinds: list[tuple[str, bool, dict[str, object]]] = [
        ("filled by taking", True, {}),
        ("ioc, filled", True, ioc),
        ("ioc, filled in part", False, ioc),
    ]
    if ground.can(Capability.HOLD_MARKET):
        kinds.append(("market order, filled", True, {"type": OrderType.MARKET, "price": None}))
    plans = []
    for (kind, whole, changes), scene in zip([*kinds, *reversed(kinds)], scenes(ground), strict=False):
        facing = scene.place(
            "f",
            side=scene.side.opposite,
            account=COUNTERPARTY,
            quantity=scene.quantity if whole else scene.part,
        )
        order = scene.place("a", **{"price": scene.improved, **changes})
        again: list[Action] = [Cancel(order="a"), Snapshot(), Cancel(order="a"), Snapshot()]
        bulk: list[Action] = [CancelAll(), Snapshot()] if ground.can(Capability.CANCEL_ALL) else []
        plans.append(
            Plan(title=f"{kind} x cancel", actions=(facing, order, Snapshot(), scene.place("b"), *again, *bulk))
        )
    return plans


def unlike_orders(ground: Ground) -> list[Plan]:
    """Orders that were placed in every manner there is, cancelled one by one, or all at once (CXL-01, ALL-01)."""
    plans = []
    for bulk, scene in zip((False, True, True, False), scenes(ground), strict=False):
        if bulk and not ground.can(Capability.CANCEL_ALL):
            continue
        placed: list[Place] = []
        if COUNTERPARTY in ground.accounts and ground.can(Capability.FILL):
            facing = scene.place("f", side=scene.side.opposite, account=COUNTERPARTY, quantity=scene.part)
            placed += [facing, scene.place("taker", price=scene.improved)]
        placed += [scene.place("plain"), scene.place("named", client_id_length=LONG_CLIENT_ID)]
        if ground.can(Capability.REJECTED_ORDERS):
            placed.append(scene.place("passive", post_only=True))
        if ground.can(Capability.EXPIRE):
            placed.append(scene.place("timed", time_in_force=TimeInForce.GTD))
        cancels = [Cancel(order=place.order) for place in placed if place.account == PRIMARY]
        cancel: Sequence[Action] = [CancelAll()] if bulk else cancels
        plans.append(
            Plan(
                title=f"{'cancel-all' if bulk else 'cancels'} of unlike orders",
                actions=(*placed, Snapshot(), *cancel, Settle(), Snapshot(), *cancels, Snapshot()),
            )
        )
    return plans


def bursts(ground: Ground) -> list[Plan]:
    """Orders that are placed at the same moment, then cancelled at once or one by one (ALL-01, CXL-05, NTF-05)."""
    plans = []
    for bulk, scene in zip((True, True, False), scenes(ground), strict=False):
        if bulk and not ground.can(Capability.CANCEL_ALL):
            continue
        placed = tuple(scene.place(f"p{number}", price=_away(scene, number)) for number in range(AT_ONCE))
        cancels: list[Action] = [action for place in placed for action in (Cancel(order=place.order), Snapshot())]
        plans.append(
            Plan(
                title="orders placed at once, then cancelled",
                actions=(
                    Parallel(calls=placed),
                    Snapshot(),
                    *([CancelAll()] if bulk else cancels),
                    Settle(),
                    Snapshot(),
                ),
            )
        )
    return plans


def _away(scene: Scene, ticks: int) -> Decimal:
    """A price that many ticks farther from the other side of the book."""
    away = ticks * scene.market.tick
    return scene.price + away if scene.side is Side.SELL else max(scene.market.tick, scene.price - away)
