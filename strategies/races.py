"""Races: orders are led into a state, then several calls meet them at the same moment, round after round.

What makes a race worth running is how little time lies between its calls, and between them and what came before: rounds
begin with and without a look at the orders, and some follow each other at once. A plan is drawn whole, as all others.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hypothesis import strategies as st

from conformance.model.order import Side
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Call,
    Cancel,
    CancelAll,
    Fill,
    Parallel,
    Place,
    Plan,
    Read,
    Settle,
    Snapshot,
)
from conformance.requirements import Capability
from strategies.amounts import fill_quantities, prices, quantities
from strategies.cells import Scene
from strategies.grounds import ORDINARY_SHARE, Ground
from strategies.lifecycles import THIRD

MOST_CALLS = 8
"""Calls of one race: enough for every pair of kinds, few enough to be judged in milliseconds."""

SHARE = ORDINARY_SHARE / 6
"""The share of the funds that one order of a race may use; a plan holds many."""

LAST: tuple[Action, ...] = (Snapshot(), Settle(), Snapshot())


@st.composite
def cancel_races(draw: st.DrawFn, ground: Ground) -> Plan:
    """Two to eight cancels of one order at once, among reads, and again while it has just been cancelled (RCE-01)."""
    sides = _sides(draw, ground)
    actions = _bystanders(draw, ground, sides)
    for number in range(draw(st.integers(1, 3))):
        scene = _scene(draw, ground, sides)
        name = f"a{number}"
        actions += _led(draw, ground, scene, name)
        count = draw(st.integers(2, MOST_CALLS))
        reads = draw(st.integers(0, 2)) if count > 3 else 0
        calls: list[Call] = [*[Cancel(order=name)] * (count - reads), *[Read(order=name)] * reads]
        if COUNTERPARTY in ground.accounts and count > 2 and draw(st.integers(0, 5)) == 0:
            calls[0] = Cancel(order=name, account=COUNTERPARTY)
        actions.append(Parallel(calls=tuple(calls)))
        again = draw(st.integers(0, 3))
        if again:
            actions += [Read(order=name), Parallel(calls=(Cancel(order=name), Cancel(order=name)))]
        if again == 2:
            actions += [Snapshot()]
    return Plan(title="cancels of one order at once", actions=(*actions, *LAST))


@st.composite
def fill_races(draw: st.DrawFn, ground: Ground) -> Plan:
    """Opposite orders and cancels meet one order, or a queue of two, at once (RCE-02)."""
    sides = _sides(draw, ground)
    actions = _bystanders(draw, ground, sides)
    for number in range(draw(st.integers(1, 3))):
        scene = _scene(draw, ground, sides)
        names = [f"a{number}"]
        actions += _led(draw, ground, scene, names[0])
        if draw(st.integers(0, 2)) == 0:
            names.append(f"b{number}")
            actions.append(scene.place(names[1]))
        calls: list[Call] = [Cancel(order=names[0])]
        parts = _parts(draw, scene)
        if draw(st.booleans()):
            actions.append(Fill(order=names[0], quantity=parts[0]))
            parts = parts[1:] or parts
        calls += [Fill(order=draw(st.sampled_from(names)), quantity=part) for part in parts]
        calls += [Cancel(order=draw(st.sampled_from(names))) for _ in range(draw(st.integers(0, 2)))]
        if draw(st.integers(0, 2)) == 0:
            calls.append(Read(order=names[0]))
        actions.append(Parallel(calls=_shuffled(draw, calls)))
        actions += [Snapshot()] if draw(st.booleans()) else [Read(order=name) for name in names]
    return Plan(title="cancels and fills at once", actions=(*actions, *LAST))


@st.composite
def bulk_races(draw: st.DrawFn, ground: Ground) -> Plan:
    """Cancel-all meets places, cancels, fills, reads and itself at once; what is placed afterwards stays (RCE-03)."""
    sides = _sides(draw, ground)
    actions = _bystanders(draw, ground, sides)
    for number in range(draw(st.integers(1, 2))):
        scene = _scene(draw, ground, sides)
        filled = ground.can(Capability.FILL) and draw(st.booleans())
        names = [f"a{number}{at}" for at in range(draw(st.integers(1, 2 if filled else 3)))]
        for name in names:
            actions.append(scene.place(name, quantity=draw(quantities(scene.market, most=scene.quantity))))
        before = draw(st.integers(0, 4))
        if before == 0:
            actions.append(Snapshot())
        elif before == 1:
            actions += [Cancel(order=names[0]), Read(order=names[0])]
        elif before == 2 and ground.can(Capability.FILL):
            actions.append(Fill(order=names[0], quantity=scene.market.step))
        calls: list[Call] = [CancelAll()] * draw(st.sampled_from((1, 1, 1, 2)))
        # an opposite order ties all orders of a level together: fewer of them, so that the search stays short
        calls += [scene.place(f"p{number}{at}") for at in range(draw(st.integers(0, 1 if filled else 2)))]
        calls += [Cancel(order=draw(st.sampled_from(names))) for _ in range(draw(st.integers(0, 2)))]
        if filled:
            calls.append(Fill(order=draw(st.sampled_from(names)), quantity=_parts(draw, scene)[0]))
        if len(calls) == 1:
            calls.append(Read(order=names[0]))
        actions.append(Parallel(calls=_shuffled(draw, calls)))
        after = draw(st.integers(0, 3))
        if after:
            actions.append(scene.place(f"n{number}"))
        if after == 2:
            actions.append(Parallel(calls=(CancelAll(), Cancel(order=f"n{number}"))))
        actions.append(Snapshot())
    return Plan(title="cancel-all among other calls at once", actions=(*actions, *LAST))


@st.composite
def neighbour_races(draw: st.DrawFn, ground: Ground) -> Plan:
    """Different orders are cancelled at once: of one price level or several, of one account or more (RCE-04)."""
    sides = _sides(draw, ground)
    actions = _bystanders(draw, ground, sides)
    for number in range(draw(st.integers(1, 2))):
        count = draw(st.integers(2, MOST_CALLS))
        one_level = _scene(draw, ground, sides) if draw(st.booleans()) else None
        names: list[str] = []
        for at in range(count):
            name = f"a{number}{at}"
            account = draw(st.sampled_from((PRIMARY, PRIMARY, *ground.accounts)))
            if one_level is not None and account != COUNTERPARTY:
                actions.append(one_level.place(name, account=account))
            else:
                actions.append(_order(draw, ground, sides, name, account))
            names.append(name)
        actions += _part_fills(draw, ground, [action for action in actions[-count:] if isinstance(action, Place)])
        if draw(st.booleans()):
            actions.append(Snapshot())
        twice = draw(st.integers(0, 2)) if count < MOST_CALLS else 0
        stays = names[-1:] if draw(st.booleans()) and count > 2 else []
        calls: list[Call] = [Cancel(order=name) for name in names if name not in stays]
        calls += [Cancel(order=draw(st.sampled_from(names))) for _ in range(twice)][: MOST_CALLS - len(calls)]
        actions += [Parallel(calls=_shuffled(draw, calls)), Snapshot()]
    return Plan(title="different orders cancelled at once", actions=(*actions, *LAST))


def races(ground: Ground) -> st.SearchStrategy[Plan]:
    """Races of every kind that the target offers."""
    kinds = [cancel_races(ground), neighbour_races(ground)]
    if ground.can(Capability.FILL):
        kinds.append(fill_races(ground))
    if ground.can(Capability.CANCEL_ALL):
        kinds.append(bulk_races(ground))
    return st.one_of(kinds)


Sides = Mapping[str, Side]
"""One side per market and plan, so that no account ever trades with itself."""


def _sides(draw: st.DrawFn, ground: Ground) -> Sides:
    return {market.name: draw(st.sampled_from(Side)) for market in ground.markets}


def _scene(draw: st.DrawFn, ground: Ground, sides: Sides) -> Scene:
    market = draw(st.sampled_from(ground.markets))
    side = sides[market.name]
    price = draw(prices(market, side))
    most = min(
        ground.affordable(PRIMARY, market, side, price, SHARE),
        ground.affordable(COUNTERPARTY, market, side.opposite, price, SHARE),
    )
    quantity = draw(quantities(market, most=most))
    return Scene(market=market, side=side, price=price, quantity=max(quantity, market.on_grid(4 * market.step)))


def _bystanders(draw: st.DrawFn, ground: Ground, sides: Sides) -> list[Action]:
    """Orders that no cancel of the race names, mostly none or one."""
    account = THIRD if THIRD in ground.accounts else PRIMARY
    return [_order(draw, ground, sides, f"s{at}", account) for at in range(draw(st.sampled_from((0, 0, 1, 2))))]


def _led(draw: st.DrawFn, ground: Ground, scene: Scene, name: str) -> list[Action]:
    """An order placed a moment ago, looked at, or filled in part."""
    how = draw(st.integers(0, 4))
    if how == 0 and ground.can(Capability.FILL):
        part = draw(fill_quantities(scene.market, rest=scene.quantity))
        return [scene.place(name), Fill(order=name, quantity=part), Snapshot()]
    return [scene.place(name), *([Snapshot()] if how == 1 else [Read(order=name)] if how == 2 else [])]


def _parts(draw: st.DrawFn, scene: Scene) -> list[Decimal]:
    """What the opposite orders of a race ask for: all there is, or one to three parts of it."""
    if draw(st.integers(0, 3)) == 0:
        return [scene.quantity]
    return [draw(fill_quantities(scene.market, rest=scene.quantity)) for _ in range(draw(st.integers(1, 3)))]


def _part_fills(draw: st.DrawFn, ground: Ground, orders: Sequence[Place]) -> list[Action]:
    """Small opposite orders for up to two of the orders that the counterparty can reach."""
    reachable = [order for order in orders if order.account != COUNTERPARTY]
    if not reachable or not ground.can(Capability.FILL):
        return []
    steps = {market.name: market.step for market in ground.markets}
    chosen = draw(st.lists(st.sampled_from(reachable), max_size=2, unique=True))
    return [Fill(order=order.order, quantity=steps[order.market]) for order in chosen]


def _order(draw: st.DrawFn, ground: Ground, sides: Sides, name: str, account: str) -> Place:
    """An order of any market; the counterparty's stand on the other side of the book, away from all others."""
    market = draw(st.sampled_from(ground.markets))
    side = sides[market.name]
    price = draw(prices(market, side))
    if account == COUNTERPARTY:
        side = side.opposite
        price = market.resting_price(side, 90 + draw(st.integers(0, 20)))
    quantity = draw(quantities(market, most=ground.affordable(account, market, side, price, SHARE)))
    return Place(order=name, account=account, market=market.name, side=side, price=price, quantity=quantity)


def _shuffled(draw: st.DrawFn, calls: Sequence[Call]) -> tuple[Call, ...]:
    return tuple(draw(st.permutations(list(calls)))[:MOST_CALLS])
