"""The shortest plans, tried before all others: what they show is not booked on the longer ones that show it too.

A placing alone, a trade without any cancel, one cancel, each of the wrong ones once: in small amounts, so that what a
target keeps locked for ever is found for little.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from conformance.model.order import Side
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Fill,
    Plan,
    Settle,
    Snapshot,
)
from conformance.requirements import Capability
from strategies.cells import UNKNOWN_IDS, Scene, scenes
from strategies.grounds import Ground


def first_steps(ground: Ground) -> list[Plan]:
    """For a buy and a sell: what an order's placing and its fill do by themselves, then each cancel by itself."""
    found = [step for scene in islice(scenes(ground), len(Side)) for step in _steps(ground, scene)]
    return [Plan(title=f"first steps: {title}", actions=actions) for title, actions in found]


def _steps(ground: Ground, scene: Scene) -> Iterator[tuple[str, tuple[Action, ...]]]:
    place, look, end = scene.place("a", quantity=_least(scene)), Snapshot(), (Settle(), Snapshot())
    cancel = Cancel(order="a")
    yield "an order", (place, look)
    if ground.can(Capability.FILL):
        fill = Fill(order="a", quantity=scene.market.min_quantity)
        yield "an order that trades", (place, fill, look)
        yield "a cancel after a fill", (place, fill, look, cancel, *end)
    yield "a cancel", (place, look, cancel, *end)
    yield "a second cancel", (place, cancel, *end, cancel, *end)
    yield "an unknown order", (CancelUnknown(order_id=UNKNOWN_IDS[0]), look)
    if ground.can(Capability.SECOND_ACCOUNT):
        yield "another account's order", (place, Cancel(order="a", account=COUNTERPARTY), *end)
    if ground.can(Capability.CANCEL_ALL):
        everything = CancelAll(account=PRIMARY)
        yield "a cancel of all", (place, look, everything, *end)


def _least(scene: Scene) -> Decimal:
    """A small quantity of which a part can trade."""
    return min(scene.quantity, scene.market.on_grid(4 * scene.market.min_quantity))
