"""Focused plans: one requirement's states and events, with earlier actions and other orders drawn at random."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from conformance.model.order import Side, TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    Fill,
    Place,
    Plan,
    Read,
    Settle,
    Snapshot,
    Wait,
)
from conformance.requirements import Capability
from strategies.amounts import fill_quantities, prices, quantities
from strategies.cells import Scene, event_actions, state_actions
from strategies.grounds import ORDINARY_SHARE, Ground, MarketShape
from strategies.lifecycles import THIRD


@st.composite
def random_scenes(draw: st.DrawFn, ground: Ground, *, markets: tuple[MarketShape, ...] = ()) -> Scene:
    """Scenes of any market and side; quantities of every size and precision; one to three partial fills.

    ``markets``: those to choose from, where it may not be any.
    """
    market = draw(st.sampled_from(markets or ground.markets))
    side = draw(st.sampled_from(Side))
    price = draw(prices(market, side))
    most = min(
        ground.affordable(PRIMARY, market, side, price, ORDINARY_SHARE),
        ground.affordable(COUNTERPARTY, market, side.opposite, price, ORDINARY_SHARE),
    )
    quantity = draw(quantities(market, most=most))
    rest, fills = quantity, []
    for _ in range(draw(st.integers(1, 3))):
        if rest <= market.step:
            break
        part = draw(fill_quantities(market, rest=rest))
        fills.append(part)
        rest -= part
    return Scene(market=market, side=side, price=price, quantity=quantity, fills=tuple(fills) if rest else ())


@st.composite
def aimed_plans(
    draw: st.DrawFn,
    ground: Ground,
    *,
    states: Sequence[str],
    events: Sequence[str],
    crowd: int = 3,
) -> Plan:
    """Plans that lead an order into one of ``states`` and let one of ``events`` meet it, amid up to ``crowd`` others.

    Before it there may be a history (a refusal, a bulk cancel, a filled order); after it the order is tried once more.
    """
    scene = draw(random_scenes(ground))
    state, event = draw(st.sampled_from(states)), draw(st.sampled_from(events))
    if state == "executing" and not ground.holds_orders_of(scene.market):
        markets = tuple(market for market in ground.markets if ground.holds_orders_of(market))
        scene = draw(random_scenes(ground, markets=markets)) if markets else scene
    before = state_actions(state, scene, ground)
    after = event_actions(event, scene, ground)
    if before is None or after is None:
        return Plan(title=f"{state} x {event}: not offered", actions=())
    size = draw(st.integers(0, crowd))
    others = [draw(neighbours(ground, scene=scene, number=number)) for number in range(size)]
    actions: list[Action] = [*draw(histories(ground, scene=scene)), *before]
    actions[-1:-1] = others  # behind the order in the queue, before the last look at it
    actions += after
    tail = draw(st.integers(0, 5))
    if tail in (1, 2):
        actions += [Cancel(order="a"), Settle(), Snapshot()]
    elif tail == 3 and ground.can(Capability.FILL):
        actions += [Fill(order="a", quantity=scene.part), Snapshot()]
    elif tail == 4 and size:
        actions += [Cancel(order=others[draw(st.integers(0, size - 1))].order), Snapshot()]
    return Plan(title=f"{state} x {event}", actions=tuple(actions))


@st.composite
def neighbours(draw: st.DrawFn, ground: Ground, *, scene: Scene, number: int) -> Place:
    """Another resting order: at the same price or near it, of the same account or a third one."""
    same = draw(st.booleans())
    price = scene.price if same else draw(prices(scene.market, scene.side))
    account = THIRD if THIRD in ground.accounts and draw(st.integers(0, 3)) == 0 else PRIMARY
    most = ground.affordable(account, scene.market, scene.side, price, ORDINARY_SHARE)
    quantity = draw(quantities(scene.market, most=most))
    return scene.place(f"n{number}", price=price, quantity=quantity, account=account)


@st.composite
def histories(draw: st.DrawFn, ground: Ground, *, scene: Scene) -> list[Action]:
    """What the account may have done before the order is placed; mostly nothing."""
    kind = draw(st.integers(0, 7))
    order = scene.place("h")
    if kind == 1:
        return [order, Cancel(order="h"), Settle(), Cancel(order="h"), Snapshot()]
    if kind == 2 and ground.can(Capability.CANCEL_ALL):
        return [order, CancelAll(), Settle(), Snapshot()]
    if kind == 3 and ground.can(Capability.FILL):
        return [order, Fill(order="h", quantity=scene.quantity), Snapshot()]
    if kind == 4 and ground.can(Capability.FILL):
        return [order, Fill(order="h", quantity=scene.part), Cancel(order="h"), Settle(), Snapshot()]
    if kind == 5:
        return [order, Cancel(order="h"), Settle(), Snapshot(), scene.place("h2"), Cancel(order="h2"), Settle()]
    return []


@st.composite
def queues(draw: st.DrawFn, ground: Ground) -> Plan:
    """Several orders at one price; some are cancelled, then opposite orders come: who trades (CXL-04, CXL-05)."""
    scene = draw(random_scenes(ground))
    count = draw(st.integers(2, 12))
    orders = [scene.place(f"q{number}") for number in range(count)]
    share = max(scene.market.step, scene.market.on_grid(scene.quantity / count))
    orders = [
        scene.place(order.order, quantity=share, account=_maybe_third(draw, ground) if number else PRIMARY)
        for number, order in enumerate(orders)
    ]
    victims = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3, unique=True))
    actions: list[Action] = [*orders, Snapshot()]
    for victim in victims:
        actions += [Cancel(order=f"q{victim}"), Snapshot()]
    if ground.can(Capability.FILL):
        left = [number for number in range(count) if number not in victims] or victims
        target = draw(st.sampled_from(left))
        actions += [Fill(order=f"q{target}", quantity=share), Snapshot()]
        actions += [Fill(order=f"q{victims[0]}", quantity=scene.part), Settle(), Snapshot()]
    return Plan(title="a queue at one price", actions=tuple(actions))


def _maybe_third(draw: st.DrawFn, ground: Ground) -> str:
    return THIRD if THIRD in ground.accounts and draw(st.integers(0, 3)) == 0 else PRIMARY


@st.composite
def bulk_plans(draw: st.DrawFn, ground: Ground, *, most: int = 9, many: bool = False) -> Plan:
    """Orders of every state, market and side, then cancel-all, once and again (ALL-01..06)."""
    count = ground.many + draw(st.integers(0, 4)) if many else draw(st.integers(0, most))
    count = min(count, ground.most_open - 2)  # with one of another account's, and one that fills
    sides = {market.name: draw(st.sampled_from(Side)) for market in ground.markets}
    both = draw(st.integers(0, 2)) == 0
    share = ORDINARY_SHARE / (8 if many else 1)
    actions: list[Action] = []
    names: list[str] = []
    for number in range(count):
        market = ground.markets[draw(st.integers(0, len(ground.markets) - 1))]
        side = draw(st.sampled_from(Side)) if both else sides[market.name]
        actions.append(_bulk_order(draw, ground, f"b{number}", market, side, PRIMARY, share))
        names.append(f"b{number}")
    actions.append(Snapshot())
    if COUNTERPARTY in ground.accounts:
        market = draw(st.sampled_from(ground.markets))
        side = Side.BUY if both else sides[market.name].opposite  # far below, no order of either account meets it
        price = market.resting_price(side, 90)
        quantity = market.on_grid(ground.affordable(COUNTERPARTY, market, side, price, ORDINARY_SHARE) / 7)
        other = Place(
            order="other", account=COUNTERPARTY, market=market.name, side=side, price=price, quantity=quantity
        )
        actions.insert(draw(st.integers(0, len(actions))), other)
    for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)) if names else []:
        placed = next(a for a in actions if isinstance(a, Place) and a.order == name)
        actions += _before_bulk(draw, ground, placed)
    actions += [CancelAll(), Snapshot()]
    again = draw(st.integers(0, 2))
    if again:
        actions += [CancelAll(), Snapshot(), Settle(), Snapshot()]
    if again == 2 and names:
        actions += [Cancel(order=names[-1]), Snapshot()]
    return Plan(title="cancel-all of many" if many else "cancel-all", actions=tuple(actions))


def _before_bulk(draw: st.DrawFn, ground: Ground, placed: Place) -> list[Action]:
    """What happens to an order before cancel-all: it is cancelled, or filled in part or whole."""
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return [Cancel(order=placed.order), Snapshot()]
    if not ground.can(Capability.FILL):
        return []
    market = next(m for m in ground.markets if m.name == placed.market)
    part = draw(fill_quantities(market, rest=placed.quantity)) if kind == 1 else placed.quantity
    return [Fill(order=placed.order, quantity=part), Snapshot()]


def _bulk_order(
    draw: st.DrawFn, ground: Ground, name: str, market: MarketShape, side: Side, account: str, share: Decimal
) -> Place:
    price = draw(prices(market, side))
    most = min(
        ground.affordable(account, market, side, price, share),
        ground.affordable(COUNTERPARTY, market, side.opposite, price, ORDINARY_SHARE),
    )
    quantity = draw(quantities(market, most=most))
    until = ground.can(Capability.EXPIRE) and draw(st.integers(0, 4)) == 0
    return Place(
        order=name,
        account=account,
        market=market.name,
        side=side,
        price=price,
        quantity=quantity,
        time_in_force=TimeInForce.GTD if until else TimeInForce.GTC,
    )


def old_orders(ground: Ground, *, seconds: float) -> list[Plan]:
    """Orders that have rested for a while when they are cancelled, on both sides of each market; some filled in part.

    One by one, or by cancel-all; and those that have been closed for a while, which are tried once more. A plan waits
    once, so that lanes wait at the same time.
    """
    begin, names = _resting(ground)
    bulk: list[Action] = [CancelAll()] if ground.can(Capability.CANCEL_ALL) else []
    cancels = [Cancel(order=name) for name in names]
    age, end = Wait(seconds=seconds), (Settle(), Snapshot())
    plans = [
        Plan(title=f"orders {seconds:g} s old", actions=(*begin, age, *_one_by_one(names), Settle())),
        Plan(
            title=f"orders closed for {seconds:g} s",
            actions=(*begin, *cancels[::2], *(bulk or cancels[1::2]), *end, age, *bulk, *cancels, Snapshot()),
        ),
    ]
    if bulk:
        title = f"orders {seconds:g} s old, cancelled all at once"
        plans.append(Plan(title=title, actions=(*begin, age, *bulk, *end, *cancels, Snapshot())))
    return plans


def older_orders(ground: Ground, *, seconds: float) -> Plan:
    """The same in one plan, where the wait is too long for several: open and closed orders wait side by side."""
    begin, names = _resting(ground)
    closed, last = [Cancel(order=name) for name in names[::3]], [Cancel(order=name) for name in names[2::3]]
    bulk: list[Action] = [CancelAll()] if ground.can(Capability.CANCEL_ALL) else [*last]
    actions = [*begin, *closed, Settle(), Snapshot(), Wait(seconds=seconds), *closed, Snapshot()]
    actions += [*_one_by_one(names[1::3]), *bulk, Settle(), Snapshot()]
    actions += [*(Cancel(order=name) for name in names), Snapshot()]
    return Plan(title=f"orders {seconds:g} s old, open and closed", actions=tuple(actions))


def _resting(ground: Ground) -> tuple[list[Action], list[str]]:
    """Orders to rest, three in each market, the second of them a sell that is filled in part; and their names."""
    orders: list[Place] = []
    fills: list[Action] = []
    for market in ground.markets:
        for side, ticks in ((Side.BUY, 3), (Side.SELL, 3), (Side.BUY, 5)):
            price = market.resting_price(side, ticks)
            quantity = market.on_grid(ground.affordable(PRIMARY, market, side, price, ORDINARY_SHARE) / 9)
            name = f"o{len(orders)}"
            orders.append(Place(order=name, market=market.name, side=side, price=price, quantity=quantity))
        if ground.can(Capability.FILL) and market.divisible:
            fills.append(Fill(order=orders[-2].order, quantity=market.on_grid(orders[-2].quantity / 3)))
    return [*orders, *fills, Snapshot()], [order.order for order in orders]


def _one_by_one(names: Sequence[str]) -> list[Action]:
    return [action for name in names for action in (Cancel(order=name), Snapshot())]


@st.composite
def pending_plans(draw: st.DrawFn, ground: Ground) -> Plan:
    """Cancels that may be pending, met by fills, second cancels and bulk cancels before they end (PND-01..05)."""
    scene = draw(random_scenes(ground))
    actions: list[Action] = [scene.place("a")]
    if draw(st.booleans()):
        actions.append(draw(neighbours(ground, scene=scene, number=0)))
    if ground.can(Capability.FILL) and draw(st.booleans()):
        actions += [Fill(order="a", quantity=scene.part)]
    actions += [Snapshot(), Cancel(order="a"), Snapshot()]
    for kind in draw(st.lists(st.integers(0, 5), min_size=1, max_size=4)):
        if kind in (0, 1) and ground.can(Capability.FILL):
            part = scene.part if kind == 0 else scene.quantity
            actions += [Fill(order="a", quantity=part), Snapshot()]
        elif kind == 2:
            actions += [Cancel(order="a"), Snapshot()]
        elif kind == 3 and ground.can(Capability.CANCEL_ALL):
            actions += [CancelAll(), Snapshot()]
        elif kind == 4:
            actions += [Wait(seconds=0.03), Snapshot()]
        else:
            actions += [Read(order="a")]
    actions += [Settle(), Snapshot()]
    return Plan(title="while a cancel is pending", actions=tuple(actions))


@st.composite
def reuse_plans(draw: st.DrawFn, ground: Ground) -> Plan:
    """An order whose size would not fit once more, cancelled, and placed again (FND-07).

    One of more than half of the funds, or the first of several of the largest size that together take most of them.
    """
    market, side = draw(st.sampled_from(ground.exhaustible() or [(m, side) for m in ground.markets for side in Side]))
    price = draw(prices(market, side))
    if ground.exhausting(market, side, price) is None:
        price = market.resting_price(side, 0)
    count, quantity = ground.exhausting(market, side, price) or (1, market.max_quantity)
    scene = Scene(market=market, side=side, price=price, quantity=quantity)
    cancel: list[Action] = [Cancel(order="a")]
    if ground.can(Capability.CANCEL_ALL) and draw(st.booleans()):
        cancel = [CancelAll()]
    fill: list[Action] = []
    if ground.can(Capability.FILL) and draw(st.booleans()):
        fill = [Fill(order="a", quantity=market.on_grid(quantity / 200)), Snapshot()]
    smaller = market.on_grid(quantity - 2 * (quantity / 200)) if fill else quantity
    return Plan(
        title="released funds used again",
        actions=(
            scene.place("a"),
            *(scene.place(f"a{number}") for number in range(2, count + 1)),
            Snapshot(),
            *fill,
            *cancel,
            Settle(),
            scene.place("b", quantity=smaller),
            Snapshot(),
            Cancel(order="b"),
            Settle(),
            Snapshot(),
        ),
    )
