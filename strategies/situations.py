"""Aimed plans from a small grammar: what an order is, what ends it, what stands beside it, when, and whose that is.

A situation is one word of each kind; :func:`plan_of` derives its plan, and says where the words do not go together. No
run tries all of them: :func:`situations` puts those first that bring the most pairs of words that no earlier one had,
so that a small budget meets every pair, a larger one more and more of the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import combinations, product

from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    PRIMARY,
    Action,
    Cancel,
    CancelAll,
    Expire,
    Fill,
    HoldMarket,
    Plan,
    Read,
    Settle,
    Snapshot,
    Wait,
)
from conformance.requirements import Capability
from strategies.cells import Scene, scenes
from strategies.grounds import ORDINARY_SHARE, Ground, MarketShape
from strategies.lifecycles import THIRD

STATES = ("open", "partially filled", "partially filled by taking")
EVENTS = ("cancel", "cancel-all", "cancel twice", "expiry", "fill of all")
MOMENTS = ("at once", "at its deadline", "once it has rested", "with time before what follows")
ACCOUNTS: Mapping[str, str] = {"own": PRIMARY, "counterparty": COUNTERPARTY, "third": THIRD}

QUEUES: Mapping[str, tuple[int, int]] = {
    "ahead of it": (1, 0),
    "behind it": (0, 1),
    "it is the third of five": (2, 2),
    "it is the first of five": (0, 4),
    "it is the last of five": (4, 0),
}
"""Neighbours in the queue of its price: how many stand before it, and how many behind."""

OPPOSITE = ("opposite order afterwards", "opposite post-only order afterwards", "opposite order, rests and is met")
"""Neighbours on the other side, at its price, placed once it is over."""

HELD = "market order that is held meanwhile"
NEXT = "next order at its price"
NAMESAKE = "order of the same client id afterwards"
NEIGHBOURS = (*QUEUES, *OPPOSITE, HELD, NEXT, NAMESAKE)

LIFETIME = 0.25
"""Seconds that an order lives whose end is met at its deadline, where the target lets it be so short."""

BEFORE_DEADLINE = 0.025
"""Seconds before a deadline at which the event of that moment is sent."""

RESTED = 0.1
LATER = 1.1
"""Seconds between the end of the order and what follows, in plans that leave time: longer than a second.

Once every pair of words was met, those plans come after all others.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One word of each kind; ``account`` is that of the neighbour."""

    state: str
    event: str
    neighbour: str
    moment: str
    account: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words, each with its kind's place, so that equal words of two kinds are not the same."""
        return (self.state, self.event, self.neighbour, self.moment, self.account)

    @property
    def fits(self) -> bool:
        """Whether the words go together: each says below why some do not."""
        return not any(
            (
                # an order that has others before it cannot have traded, nor be filled while they stand
                self._has_others_ahead and (self.state != "open" or self.event == "fill of all"),
                # the counterparty fills it, and would meet its own orders behind it
                self.event == "fill of all" and self.neighbour in QUEUES and self.account == "counterparty",
                # only a cancel can come just before the deadline, or twice
                self.moment == "at its deadline" and self.event in ("expiry", "fill of all"),
                # a client id of another account's order says nothing
                self.neighbour == NAMESAKE and self.account != "own",
                # orders of one account never meet, whatever is between them
                self.neighbour == HELD and self.account == "own",
                # while market orders are held, an order that fills another is no market order
                self.neighbour == HELD and self.event == "fill of all",
            )
        )

    @property
    def _has_others_ahead(self) -> bool:
        return QUEUES.get(self.neighbour, (0, 0))[0] > 0


@cache
def situations() -> tuple[Situation, ...]:
    """Every situation whose words go together, those first that have the most pairs of words not met before."""
    left = [
        found
        for state, event, neighbour, moment, account in product(STATES, EVENTS, NEIGHBOURS, MOMENTS, ACCOUNTS)
        if (found := Situation(state=state, event=event, neighbour=neighbour, moment=moment, account=account)).fits
    ]
    ordered: list[Situation] = []
    met: set[tuple[object, ...]] = set()
    wanted = {pair for situation in left for pair in _pairs(situation)}
    while met != wanted:
        best = max(left, key=lambda situation: len(_pairs(situation) - met))
        left.remove(best)
        ordered.append(best)
        met |= _pairs(best)
    quick = [situation for situation in left if situation.moment != MOMENTS[-1]]
    slow = [situation for situation in left if situation.moment == MOMENTS[-1]]
    return (*ordered, *_mixed(quick), *_mixed(slow))


@cache
def _pairs(situation: Situation) -> frozenset[tuple[object, ...]]:
    return frozenset(combinations(enumerate(situation.words), 2))


def _mixed(rest: Sequence[Situation]) -> Iterable[Situation]:
    """The rest in an order that runs through all words soon, not through one after the other."""
    stride = next(n for n in (241, 239, 233, 229) if len(rest) % n)  # a prime that is no divisor: each comes once
    return (rest[at * stride % len(rest)] for at in range(len(rest)))


def situation_plans(ground: Ground, *, most: int) -> list[Plan]:
    """The plans of the first ``most`` situations that this target can be driven into."""
    plans: list[Plan] = []
    places = scenes(ground)
    for situation in situations():
        if len(plans) == most:
            break
        if _is_offered(situation, ground):
            plans.append(plan_of(situation, next(places), ground))
    return plans


_NEEDS: Mapping[str, frozenset[Capability]] = {
    "partially filled": frozenset({Capability.FILL}),
    "partially filled by taking": frozenset({Capability.FILL}),
    "cancel-all": frozenset({Capability.CANCEL_ALL}),
    "expiry": frozenset({Capability.EXPIRE}),
    "fill of all": frozenset({Capability.FILL}),
    "at its deadline": frozenset({Capability.EXPIRE}),
    HELD: frozenset({Capability.HOLD_MARKET}),
}
"""What a target must offer for a word."""


def _is_offered(situation: Situation, ground: Ground) -> bool:
    needed = frozenset[Capability]().union(*(_NEEDS.get(word, frozenset()) for word in situation.words))
    taking = situation.state == "partially filled by taking"
    return (
        ground.can(*needed)
        and ACCOUNTS[situation.account] in ground.accounts
        and (COUNTERPARTY in ground.accounts or not taking)
        and (ground.client_ids or situation.neighbour != NAMESAKE)
        and (ground.post_only or situation.neighbour != "opposite post-only order afterwards")
        and (not ground.waits_in or situation.neighbour != HELD)
    )


def plan_of(situation: Situation, scene: Scene, ground: Ground) -> Plan:
    """The plan of a situation: lead the order there, let the event meet it, look, and see what the neighbour does."""
    crowd = sum(QUEUES.get(situation.neighbour, (1, 0)))
    other = ACCOUNTS[situation.account]
    most = min(
        ground.affordable(account, scene.market, side, scene.price, ORDINARY_SHARE)
        for account, side in ((other, scene.side), (other, scene.side.opposite))
    )
    small = scene.market.on_grid(min(scene.quantity, most) / crowd)
    scene = replace(scene, quantity=max(small, scene.market.on_grid(3 * scene.market.min_quantity)))
    actions = [
        *_led(situation, scene),
        Snapshot(),
        *_event(situation, scene),
        Settle(),
        Snapshot(),
        *([Wait(seconds=LATER)] if situation.moment == "with time before what follows" else ()),
        *_followed(situation, _at_its_price(situation, scene), ground.accounts),
        Snapshot(),
    ]
    title = f"{situation.state} x {situation.event}, {situation.moment}; {situation.account} {situation.neighbour}"
    return Plan(title=title, actions=tuple(actions))


def _at_its_price(situation: Situation, scene: Scene) -> Scene:
    """The scene at the price at which the order stands: one that took stands at a price worse for it."""
    return replace(scene, price=scene.improved) if situation.state == "partially filled by taking" else scene


def _led(situation: Situation, scene: Scene) -> Iterator[Action]:
    """The order and its neighbours, until the event."""
    ahead, behind = QUEUES.get(situation.neighbour, (0, 0))
    other, place = ACCOUNTS[situation.account], _at_its_price(situation, scene)
    yield from (scene.place(f"ahead{number}", account=other) for number in range(ahead))
    if situation.state == "partially filled by taking":
        yield scene.place("f", side=scene.side.opposite, account=COUNTERPARTY, quantity=scene.part)
    yield place.place("a", **_terms(situation))
    if situation.state == "partially filled":
        yield Fill(order="a", quantity=scene.part)
    yield from (place.place(f"behind{number}", account=other) for number in range(behind))
    if situation.neighbour == HELD:
        yield scene.place("b", price=_away(place))
        yield HoldMarket(market=scene.market.name, held=True)
        market: dict[str, object] = {"type": OrderType.MARKET, "price": None}
        yield scene.place("t", side=scene.side.opposite, account=other, quantity=scene.part, **market)


def _terms(situation: Situation) -> dict[str, object]:
    if situation.moment == "at its deadline":
        return {"time_in_force": TimeInForce.GTD, "lifetime": LIFETIME}
    return {"time_in_force": TimeInForce.GTD} if situation.event == "expiry" else {}


def _away(scene: Scene) -> Decimal:
    """A price at which an order is met after those of the scene."""
    ticks = 2 * scene.market.tick
    return scene.price + ticks if scene.side is Side.SELL else max(scene.market.tick, scene.price - ticks)


def _event(situation: Situation, scene: Scene) -> Iterator[Action]:
    """What ends the order, at its moment; at a deadline, a while later that has passed."""
    if situation.moment == "at its deadline":
        yield Wait(seconds=BEFORE_DEADLINE, before_deadline_of="a")
    elif situation.moment == "once it has rested":
        yield Wait(seconds=RESTED)
    match situation.event:
        case "cancel":
            yield Cancel(order="a")
        case "cancel twice":
            yield from (Cancel(order="a"), Cancel(order="a"))
        case "cancel-all":
            yield CancelAll()
        case "expiry":
            yield Expire(order="a")
        case "fill of all":
            filled = scene.quantity if situation.state == "open" else scene.quantity - scene.part
            yield Fill(order="a", quantity=filled)
    if situation.moment == "at its deadline":
        yield from (Read(order="a"), Wait(seconds=2 * BEFORE_DEADLINE), Read(order="a"))


def _followed(situation: Situation, scene: Scene, accounts: Sequence[str]) -> Iterator[Action]:
    """What comes once the order is over: the queue is met, or the neighbour comes and is met."""
    other = ACCOUNTS[situation.account]
    filler = COUNTERPARTY if other == PRIMARY else PRIMARY
    opposite = scene.place("t", side=scene.side.opposite, account=other)
    match situation.neighbour:
        case neighbour if neighbour in QUEUES:
            yield from _queue_is_met(QUEUES[neighbour], scene, filler)
        case "opposite order afterwards":
            yield from (opposite, Read(order="t"), Read(order="a"))
        case "opposite post-only order afterwards":
            # one that meets nothing shows first that such orders are taken
            far = replace(opposite, order="p", price=_away(replace(scene, side=scene.side.opposite)), post_only=True)
            yield from (far, replace(opposite, post_only=True), Read(order="t"), Read(order="a"))
        case "opposite order, rests and is met":
            yield from (opposite, Fill(order="t", quantity=scene.part, by=filler), Read(order="a"))
        case "market order that is held meanwhile":
            yield HoldMarket(market=scene.market.name, held=False)
        case "next order at its price":
            yield from (scene.place("n", account=other), Fill(order="n", quantity=scene.quantity, by=filler))
        case "order of the same client id afterwards":
            yield scene.place("m", account=COUNTERPARTY)
            yield scene.place("n", client_id_of="a")
            if THIRD in accounts:  # neither of the two in the queue meets its own account's order, then
                yield Fill(order="m", quantity=scene.part, by=THIRD)


def _queue_is_met(queue: tuple[int, int], scene: Scene, filler: str) -> Iterator[Action]:
    """Opposite orders meet the queue that is left: the first of it and a part of the next, then all of it."""
    ahead, behind = queue
    first = "ahead0" if ahead else "behind0"
    if ahead + behind > 1:
        yield Fill(order=first, quantity=scene.quantity + scene.part, by=filler)
        yield Snapshot()
    yield Fill(
        order=f"behind{behind - 1}" if behind else f"ahead{ahead - 1}",
        quantity=(ahead + behind) * scene.quantity,
        by=filler,
    )


def whole_funds(ground: Ground) -> list[Plan]:
    """Orders that lock all there is, when they are cancelled one by one or all at once, or expire (FND-01, FND-06).

    None where a few orders of the largest size do not take all that the account has.
    """
    ends = [end for end in ("cancel", "expiry", "cancel-all", "cancel of a part") if ground.can(*_END_NEEDS[end])]
    places = ground.exhaustible()
    sales = [place for place in places if place[1] is Side.SELL]  # of a sale nothing is left, whatever its price
    if not places:
        return []
    taken = zip(ends, [*sales, *places], strict=False)
    return [_all_at_stake(end, market, side, ground) for end, (market, side) in taken]


_END_NEEDS: Mapping[str, frozenset[Capability]] = {
    "cancel": frozenset(),
    "expiry": frozenset({Capability.EXPIRE}),
    "cancel-all": frozenset({Capability.CANCEL_ALL}),
    "cancel of a part": frozenset({Capability.FILL}),
}


def _all_at_stake(end: str, market: MarketShape, side: Side, ground: Ground) -> Plan:
    price = market.resting_price(side, 0)
    count, quantity = ground.exhausting(market, side, price) or (1, market.max_quantity)
    scene = Scene(market=market, side=side, price=price, quantity=quantity)
    terms: dict[str, object] = {"time_in_force": TimeInForce.GTD} if end == "expiry" else {}
    names = [f"w{number}" for number in range(count + 1)]  # with one for what trades have brought
    part = Fill(order="w0", quantity=market.on_grid(4 * market.min_quantity))
    ending: Mapping[str, Sequence[Action]] = {
        "cancel": [step for name in names for step in (Cancel(order=name), Settle(), Snapshot())],
        "expiry": [step for name in names for step in (Expire(order=name), Snapshot())],
        "cancel-all": [CancelAll(), Settle(), Snapshot()],
        "cancel of a part": [part, Snapshot(), Cancel(order="w0"), Settle(), Snapshot()],
    }
    placed = [scene.place(name, whole_funds=True, **terms) for name in names]
    return Plan(title=f"{end} of an order that locks all there is", actions=(*placed, Snapshot(), *ending[end]))
