"""Aimed plans beside the cells: how an order was placed and traded before its cancel, and what rests beside it.

The cells walk an order's states. These walk what a state does not tell: how the order was placed, how it came to its
end, whether its time is still to come, and that an order of another account stands at its price.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

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
    Parallel,
    Place,
    Plan,
    Read,
    Settle,
    Snapshot,
)
from conformance.requirements import Capability
from strategies.cells import UNKNOWN_IDS, Scene, scenes
from strategies.grounds import ORDINARY_SHARE, Ground

LONG_CLIENT_ID = 36
AT_ONCE = 4
MANY_FILLS = 11
"""More than any other plan gives one order; a page of a list of trades is often of ten."""

PAGES = (20, 10, 50, 25, 32)
"""How many orders a page or a block may hold within a venue: the last of a full one is easily left out."""


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
    most = ground.affordable(COUNTERPARTY, scene.market, scene.side, scene.price, ORDINARY_SHARE)
    return scene.place("n", account=COUNTERPARTY, quantity=min(scene.quantity, most))


def deadlines_of_closed_orders(ground: Ground) -> list[Plan]:
    """The deadline of a ``gtd`` order comes after its end: nothing happens to it any more (CXL-03, FND-02)."""
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
    """Orders that are over once placed: filled by taking, or with a rest that may not stand (TRM-01, TRM-02)."""
    if COUNTERPARTY not in ground.accounts or not ground.can(Capability.FILL):
        return []
    ioc: dict[str, object] = {"time_in_force": TimeInForce.IOC}
    kinds: list[tuple[str, str, dict[str, object]]] = [("filled by taking", "whole", {})]
    if TimeInForce.IOC in ground.times_in_force:
        kinds += [
            ("ioc, filled", "whole", ioc),
            ("ioc, filled in part", "part", ioc),
            ("ioc, not filled", "nothing", ioc),
        ]
    if ground.can(Capability.HOLD_MARKET):
        market: dict[str, object] = {"type": OrderType.MARKET, "price": None}
        kinds.append(("market order, filled", "whole", market))
        if not ground.waits_in:  # there, its rest waits for the next order
            kinds.append(("market order, filled in part", "part", market))
    plans = []
    for (kind, met, changes), scene in zip([*kinds, *reversed(kinds)], scenes(ground), strict=False):
        facing: list[Action] = [
            scene.place(
                "f",
                side=scene.side.opposite,
                account=COUNTERPARTY,
                quantity=scene.quantity if met == "whole" else scene.part,
            )
        ]
        order = scene.place("a", **{"price": scene.improved, **changes})
        again: list[Action] = [Cancel(order="a"), Snapshot(), Cancel(order="a"), Snapshot()]
        bulk: list[Action] = [CancelAll(), Snapshot()] if ground.can(Capability.CANCEL_ALL) else []
        plans.append(
            Plan(
                title=f"{kind} x cancel",
                actions=(*(facing if met != "nothing" else ()), order, Snapshot(), scene.place("b"), *again, *bulk),
            )
        )
    return plans


def unlike_orders(ground: Ground) -> list[Plan]:
    """Orders that were placed in every manner there is, cancelled one by one, or all at once (CXL-01, ALL-01)."""
    plans = []
    kinds = [(bulk, fill) for fill in (False, True) for bulk in (False, True, True, False)]
    for (bulk, fill), scene in zip(kinds, scenes(ground), strict=False):
        if (bulk and not ground.can(Capability.CANCEL_ALL)) or (fill and not ground.can(Capability.FILL)):
            continue
        placed = _unlike(scene, ground)
        own = [place.order for place in placed if place.account == PRIMARY]
        cancels = [Cancel(order=name) for name in own]
        cancel: Sequence[Action] = [CancelAll()] if bulk else cancels
        led: list[Action] = [*_each_filled(placed, scene)] if fill else [*placed, *(Read(order=name) for name in own)]
        plans.append(
            Plan(
                title=f"{'cancel-all' if bulk else 'cancels'} of unlike orders{', filled in part' if fill else ''}",
                actions=(*led, Snapshot(), *cancel, Settle(), Snapshot(), *cancels, Snapshot()),
            )
        )
    return plans


def _unlike(scene: Scene, ground: Ground) -> list[Place]:
    """Orders placed in every manner that the target offers; one of them takes from an order that faces it."""
    placed: list[Place] = []
    if COUNTERPARTY in ground.accounts and ground.can(Capability.FILL):
        facing = scene.place("f", side=scene.side.opposite, account=COUNTERPARTY, quantity=scene.part)
        placed += [facing, scene.place("taker", price=scene.improved)]
    placed.append(scene.place("plain"))
    if ground.client_ids:
        placed.append(scene.place("named", client_id_length=LONG_CLIENT_ID))
    if ground.post_only and ground.can(Capability.REJECTED_ORDERS):
        placed.append(scene.place("passive", post_only=True))
    if ground.can(Capability.EXPIRE):
        placed.append(scene.place("timed", time_in_force=TimeInForce.GTD))
    return placed


def _each_filled(placed: Sequence[Place], scene: Scene) -> Iterator[Action]:
    """The placings, each order filled in part once it stands; the later stand at better prices, and are met first."""
    resting = [place for place in placed if place.account == PRIMARY and place.order != "taker"]
    yield from (place for place in placed if place not in resting)
    for number, place in enumerate(resting):
        yield replace(place, price=_away(scene, len(resting) - number))
        yield Fill(order=place.order, quantity=scene.part)


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


def newcomers(ground: Ground) -> list[Plan]:
    """Accounts that may never have placed an order: nothing is there to cancel, and nothing found (ALL-04, NTF-01)."""
    actions: list[Action] = []
    for account in ground.accounts:
        if ground.can(Capability.CANCEL_ALL):
            actions += [CancelAll(account=account), Snapshot()]
        actions += [CancelUnknown(order_id=UNKNOWN_IDS[0], account=account), Snapshot()]
    return [Plan(title="accounts without an order", actions=tuple(actions))]


def own_orders(ground: Ground) -> list[Plan]:
    """Orders of one account that would meet, before it has ever cancelled one and after that (CXL-05).

    Whether they trade is the venue's choice. Where they do at first, or where one of them ends, the plan ends.
    """
    scene = next(scenes(ground))
    first, second = (scene.place(name, side=scene.side.opposite) for name in ("c", "d"))
    before = (scene.place("a"), scene.place("b"), first, Read(order="b"), Read(order="c"), Snapshot())
    after = (Cancel(order="a"), Settle(), second, Read(order="b"), Read(order="d"), Snapshot())
    return [Plan(title="orders of one account that would meet, around a cancel", actions=(*before, *after))]


def several_fills(ground: Ground) -> list[Plan]:
    """Orders that traded with several others before their cancel: on arrival, or many times while they stood (FND-03).

    And an opposite order that trades with two of the account's orders at two prices.
    """
    if not ground.can(Capability.FILL):
        return []
    plans: list[Plan] = []
    places = scenes(ground)
    end: tuple[Action, ...] = (Snapshot(), Cancel(order="a"), Settle(), Snapshot())
    for _ in Side:
        scene = next(places)
        if COUNTERPARTY in ground.accounts:
            opposite: dict[str, object] = {"side": scene.side.opposite, "account": COUNTERPARTY}
            small = max(scene.market.min_quantity, scene.market.on_grid(scene.quantity / 5))
            makers = (
                scene.place("f", quantity=small, **opposite),
                scene.place("g", quantity=small, price=_nearer(scene, 2), **opposite),
            )
            taker = scene.place("a", price=scene.improved)
            plans.append(Plan(title="filled in part by taking twice x cancel", actions=(*makers, taker, *end)))
        scene = next(places)
        least = scene.market.min_quantity
        count = min(MANY_FILLS, int(scene.quantity / least) - 1)
        fills = [Fill(order="a", quantity=least)] * count
        plans.append(Plan(title="filled many times x cancel", actions=(scene.place("a"), *fills, *end)))
        scene = next(places)
        both = (scene.place("b", quantity=scene.part), scene.place("a", price=_away(scene, 2)))
        sweep = Fill(order="a", quantity=2 * scene.part)
        plans.append(Plan(title="one opposite order fills two x cancel", actions=(*both, Snapshot(), sweep, *end)))
    return plans


def takers_after_a_cancel(ground: Ground) -> list[Plan]:
    """Opposite orders of every kind meet the price of a cancelled order: a market order, one that rests (CXL-04)."""
    if COUNTERPARTY not in ground.accounts or not ground.can(Capability.FILL):
        return []
    kinds: list[dict[str, object]] = [{}]
    if ground.can(Capability.HOLD_MARKET) and not ground.waits_in:
        kinds += [{"type": OrderType.MARKET, "price": None}] * 2
    plans = []
    for changes, scene in zip([*kinds, *kinds], scenes(ground), strict=False):
        behind = [scene.place("b", price=_away(scene, 3))] if changes else []
        taker = scene.place(
            "t", **{"side": scene.side.opposite, "account": COUNTERPARTY, "quantity": scene.part, **changes}
        )
        plans.append(
            Plan(
                title="an opposite order of another kind at the price of a cancelled order",
                actions=(
                    scene.place("a"),
                    *behind,
                    Snapshot(),
                    Cancel(order="a"),
                    Settle(),
                    taker,
                    Read(order="t"),
                    Read(order="a"),
                    Snapshot(),
                    Cancel(order="t"),
                    Snapshot(),
                ),
            )
        )
    return plans


def _nearer(scene: Scene, ticks: int) -> Decimal:
    """A price that many ticks nearer to the other side of the book."""
    nearer = ticks * scene.market.tick
    return scene.price + nearer if scene.side is Side.BUY else max(scene.market.tick, scene.price - nearer)


def whole_pages(ground: Ground) -> list[Plan]:
    """Cancel-all of exactly as many orders as a page may hold, on one side of the markets or on both (ALL-03)."""
    if not ground.can(Capability.CANCEL_ALL):
        return []
    plans = []
    places = scenes(ground)
    for page, count in enumerate(PAGES):
        each = [next(places) for _ in range(2 * len(ground.markets))]  # sides take turns
        scenes_of_page = each[:: 1 + page % 2]
        if not ground.holds(count + 2):
            continue
        placed = []
        for number in range(count):
            scene = scenes_of_page[number % len(scenes_of_page)]
            small = scene.market.on_grid(scene.quantity / count)
            placed.append(scene.place(f"p{number}", price=_away(scene, number // 4), quantity=small))
        plans.append(
            Plan(
                title=f"cancel-all of exactly {count} orders",
                actions=(*placed, Snapshot(), CancelAll(), Settle(), Snapshot()),
            )
        )
    return plans


def _away(scene: Scene, ticks: int) -> Decimal:
    """A price that many ticks farther from the other side of the book."""
    away = ticks * scene.market.tick
    return scene.price + away if scene.side is Side.SELL else max(scene.market.tick, scene.price - away)
