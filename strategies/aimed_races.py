"""Aimed races: every pair of kinds of calls meets on purpose, right after a placing, a fill or a look."""

from collections.abc import Iterator

from conformance.plans import (
    COUNTERPARTY,
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
    Wait,
)
from conformance.requirements import Capability
from strategies.cells import Scene, scenes
from strategies.grounds import Ground
from strategies.lifecycles import THIRD

LATER = 0.6
"""Seconds within which work that a cancel-all left for later has been done."""

LAST: tuple[Action, ...] = (Snapshot(), Settle(), Snapshot())


def aimed_cancel_races(ground: Ground) -> list[Plan]:
    """Cancels of one order at once (RCE-01): after a look, after its placing, after a fill, and once it is closed."""
    places = scenes(ground)

    def plans() -> Iterator[Plan]:
        scene = next(places)
        yield _plan("cancel x cancel, at once after placing", scene.place("a"), _at_once(_cancels("a", 2)))
        scene = next(places)
        again = [
            step
            for name in "abc"
            for step in (scene.place(name), _at_once(_cancels(name, 2)), Read(order=name), _at_once(_cancels(name, 2)))
        ]
        yield _plan("cancel x cancel, and again at once", *again)
        scene = next(places)
        calls = [*_cancels("a", 2), Read(order="a"), Read(order="a")]
        yield _plan("cancel x cancel x read", scene.place("a"), Snapshot(), _at_once(calls))
        scene = next(places)
        yield _plan("eight cancels", scene.place("a"), scene.place("b"), Snapshot(), _at_once(_cancels("a", 8)))
        if ground.can(Capability.FILL):
            scene = next(places)
            part = Fill(order="a", quantity=scene.part)
            yield _plan("cancel x cancel of a part", scene.place("a"), part, _at_once(_cancels("a", 3)))
            scene = next(places)
            whole = Fill(order="a", quantity=scene.quantity)
            yield _plan("cancel x cancel once filled", scene.place("a"), whole, _at_once(_cancels("a", 2)))

    return list(plans())


def aimed_fill_races(ground: Ground) -> list[Plan]:
    """A cancel meets opposite orders at once (RCE-02); none where the target cannot be made to fill."""
    if not ground.can(Capability.FILL):
        return []
    places = scenes(ground)

    def plans() -> Iterator[Plan]:
        scene = next(places)
        whole: list[Call] = [Cancel(order="a"), Fill(order="a", quantity=scene.quantity)]
        yield _plan("cancel x fill of all", scene.place("a"), Snapshot(), _at_once(whole))
        scene = next(places)
        parts: list[Call] = [Fill(order="a", quantity=scene.part)] * 2
        yield _plan("cancel x two fills", scene.place("a"), _at_once([Cancel(order="a"), *parts]))
        scene = next(places)
        part = Fill(order="a", quantity=scene.part)
        yield _plan("cancel x fill, just after a fill", scene.place("a"), part, _at_once([Cancel(order="a"), part]))
        scene = next(places)
        part = Fill(order="a", quantity=scene.part)
        yield _plan("two cancels x fill", scene.place("a"), part, _at_once([part, *_cancels("a", 2), Read(order="a")]))
        scene = next(places)
        whole = [Cancel(order="a"), Fill(order="b", quantity=scene.quantity)]
        yield _plan("cancel x fill in a queue", scene.place("a"), scene.place("b"), _at_once(whole))
        scene = next(places)
        many: list[Call] = [Cancel(order="a"), *[Fill(order="a", quantity=scene.quantity)] * 3]
        yield _plan("cancel x three fills of all", scene.place("a"), _at_once(many))
        scene = next(places)
        most: list[Call] = [Fill(order="a", quantity=scene.quantity - scene.market.step), Cancel(order="a")]
        yield _plan("cancel x fill of all but a step", scene.place("a"), _at_once(most))

    return list(plans())


def aimed_bulk_races(ground: Ground) -> list[Plan]:
    """Cancel-all meets every other call at once (RCE-03); none where the target has no cancel-all."""
    if not ground.can(Capability.CANCEL_ALL):
        return []
    places = scenes(ground)

    def plans() -> Iterator[Plan]:
        scene = next(places)
        calls: list[Call] = [CancelAll(), scene.place("p"), scene.place("q")]
        yield _plan("cancel-all x place", scene.place("a"), Snapshot(), _at_once(calls), scene.place("n"), Snapshot())
        scene = next(places)
        two = (scene.place("a"), scene.place("b"))
        yield _plan(
            "cancel-all x cancel", *two, _at_once([CancelAll(), *_cancels("a", 1)]), scene.place("n"), Snapshot()
        )
        scene = next(places)
        steps: list[Action] = []
        for name in "abc":
            steps += [scene.place(name), scene.place(f"{name}2"), Cancel(order=name), Read(order=name)]
            steps.append(_at_once([CancelAll(), *_cancels(f"{name}2", 1), scene.place(f"{name}3")]))
        yield _plan("cancel-all x cancel, just after a cancel", *steps)
        scene = next(places)
        two = (scene.place("a"), scene.place("b"))
        yield _plan("cancel-all x cancel-all", *two, _at_once([CancelAll(), CancelAll()]), scene.place("n"), Snapshot())
        scene = next(places)
        again = _at_once([CancelAll(), *_cancels("n", 1)])
        first = _at_once([CancelAll(), Read(order="a")])
        yield _plan("cancel-all x read, then again", scene.place("a"), first, scene.place("n"), again)
        scene = next(places)
        calls = [CancelAll(), Read(order="a")]
        later = (scene.place("n"), scene.place("m"), Snapshot(), Wait(seconds=LATER), Snapshot())
        yield _plan("cancel-all x read, what comes next stays", scene.place("a"), _at_once(calls), *later)
        if COUNTERPARTY in ground.accounts:
            scene = next(places)
            pair = (scene.place("a"), _of(COUNTERPARTY, scene, ground), Snapshot())
            two_accounts = _at_once([CancelAll(), CancelAll(account=COUNTERPARTY)])
            yield _plan("cancel-all x cancel-all of another account", *pair, two_accounts)
        if ground.can(Capability.FILL):
            scene = next(places)
            part = Fill(order="a", quantity=scene.part)
            yield _plan("cancel-all x fill", scene.place("a"), part, _at_once([CancelAll(), part, part]))

    return list(plans())


def aimed_neighbour_races(ground: Ground) -> list[Plan]:
    """Different orders are cancelled at once (RCE-04): of one level, of several markets, of several accounts."""
    places = scenes(ground)

    def plans() -> Iterator[Plan]:
        scene = next(places)
        three = [scene.place(name) for name in "abc"]
        yield _plan("cancel x cancel of a neighbour", *three, Snapshot(), _at_once(_each("ab")), Snapshot())
        scene = next(places)
        eight = [scene.place(name) for name in "abcdefgh"]
        yield _plan("eight orders cancelled at once", *eight, _at_once(_each("abcdefgh")))
        first, _, second = next(places), next(places), next(places)  # sides take turns: these two are of one side
        pair = (first.place("a"), second.place("b"))
        yield _plan("cancel x cancel in two markets", *pair, _at_once(_each("ab")))
        if ground.can(Capability.FILL):
            scene = next(places)
            filled = (scene.place("a"), scene.place("b"), Fill(order="a", quantity=scene.part))
            yield _plan("cancel x cancel of a neighbour filled in part", *filled, _at_once(_each("ab")))
        others = [account for account in (THIRD, COUNTERPARTY) if account in ground.accounts]
        for other in others:
            scene = next(places)
            pair = (scene.place("a"), _of(other, scene, ground))
            yield _plan(f"cancel x cancel of the {other} account's order", *pair, _at_once(_each("ab")), Snapshot())

    return list(plans())


def aimed_races(ground: Ground) -> list[Plan]:
    """The aimed races of all kinds."""
    return [
        *aimed_cancel_races(ground),
        *aimed_fill_races(ground),
        *aimed_bulk_races(ground),
        *aimed_neighbour_races(ground),
    ]


def _of(account: str, scene: Scene, ground: Ground) -> Place:
    """Order ``b`` of another account; the counterparty's stands on the other side, away from the scene."""
    if account != COUNTERPARTY:
        return scene.place("b", account=account)
    side = scene.side.opposite
    return scene.place("b", account=account, side=side, price=scene.market.resting_price(side, 90))


def _plan(title: str, *actions: Action) -> Plan:
    return Plan(title=title, actions=(*actions, *LAST))


def _at_once(calls: list[Call]) -> Parallel:
    return Parallel(calls=tuple(calls))


def _cancels(order: str, count: int) -> list[Call]:
    return [Cancel(order=order)] * count


def _each(orders: str) -> list[Call]:
    return [Cancel(order=order) for order in orders]
