"""The search finds what trying every order of the calls finds: the same verdict, and the same worlds afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.model.events import CancelAll, Place
from conformance.model.history import Call, Legal, Read, explain
from conformance.model.lifecycle import OrderState
from conformance.model.matching import World
from conformance.model.order import Status, TimeInForce
from conformance.model.prediction import Outcome, predict, silent
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief, as_seen

if TYPE_CHECKING:
    from tests.model.conftest import Histories

Possible = set[frozenset[tuple[object, ...]]]


@dataclass(frozen=True)
class Step:
    """One call, or what a cancel-all does to one order."""

    began: float
    latest: float
    results: Callable[[World], list[World]]


def every_order(belief: Belief, calls: list[Call], rules: VenueRules) -> Possible:
    """All that may be true afterwards, by trying every order of the calls; empty where none explains the answers."""
    steps = [step for call in calls for step in steps_of(belief, call, calls, rules)]
    start = belief.together(list(belief.names()))
    ends: Possible = set()
    for order in permutations(steps):
        if any(later.latest < earlier.began for at, earlier in enumerate(order) for later in order[at + 1 :]):
            continue
        worlds = list(start)
        for step in order:
            worlds = distinct(
                after for world in worlds for here in silent(world, 0.0, rules) for after in step.results(here)
            )
        ends |= {as_key(later) for world in worlds for later in silent(world, 0.0, rules)}
    return ends


def as_key(world: World) -> frozenset[tuple[object, ...]]:
    """A world without the order in which its states are listed."""
    return frozenset(state.key for state in world)


def distinct(worlds: Iterator[World]) -> list[World]:
    """The worlds, each once."""
    return list({as_key(world): world for world in worlds}.values())


def steps_of(belief: Belief, call: Call, calls: list[Call], rules: VenueRules) -> list[Step]:
    """A call as steps: a cancel-all is one for each order of the account that is there or comes."""
    if not isinstance(call.event, CancelAll):
        return [Step(call.began, call.latest, lambda world: results_of(world, call, calls, rules))]
    orders = [name for name in belief.names() if belief.states(name)[0].terms.account == call.event.account]
    coming = [c.event for c in calls if isinstance(c.event, Place) and c.event.terms.account == call.event.account]
    return [Step(call.began, call.latest, reaching(name, None, call, rules)) for name in orders] + [
        Step(call.began, call.latest, reaching(place.order, place, call, rules)) for place in coming
    ]


def reaching(name: str, coming: Place | None, call: Call, rules: VenueRules) -> Callable[[World], list[World]]:
    """What a cancel-all does when it comes to one order."""

    def results(world: World) -> list[World]:
        here = tuple(state for state in world if state.name == name)
        rest = tuple(state for state in world if state.name != name)
        found = [world] if call.lost else []
        for outcome in predict(here, call.event, rules):  # type: ignore[arg-type]  # a cancel-all, as the caller saw
            judged = outcome
            if not here and coming is not None:
                ghost = OrderState(name=name, terms=coming.terms, status=Status.OPEN, arrival=0)
                judged = replace(outcome, world=(ghost,))
            if call.lost or call.accepts(judged):
                found.append((*rest, *outcome.world))
        return found

    return results


def results_of(world: World, call: Call, calls: list[Call], rules: VenueRules) -> list[World]:
    """The worlds after a call whose answer is explained."""
    match call.event:
        case Read(order=name, seen=seen):
            looked = [(state, as_seen(state, seen, rules)) for state in world if state.name == name]
            return [
                tuple(after if other is state else other for other in world)
                for state, after in looked
                if after is not None
            ]
        case Place() as event:
            queue = [other for other in resting(calls) if same_queue(other, event)] or [event]
            turn = sum(1 for state in world if state.name in {other.order for other in queue})
            arrival = sorted(other.arrival for other in queue)[turn]
            return matching(predict(world, replace(event, arrival=arrival), rules), call)
        case event:
            return [*matching(predict(world, event, rules), call), *([world] if call.lost else [])]


def matching(outcomes: tuple[Outcome, ...], call: Call) -> list[World]:
    """The worlds of the outcomes that the answer recognises."""
    return [outcome.world for outcome in outcomes if call.lost or call.accepts(outcome)]


def resting(calls: list[Call]) -> list[Place]:
    """The placings of the history that may stand in the book."""
    placed = [call.event for call in calls if isinstance(call.event, Place)]
    return [event for event in placed if event.terms.time_in_force is not TimeInForce.IOC]


def same_queue(one: Place, other: Place) -> bool:
    """Whether two placings stand at one price of one side."""
    return (one.terms.side, one.terms.price) == (other.terms.side, other.terms.price) and other.terms.time_in_force is (
        TimeInForce.GTC
    )


ANSWERS = {
    "cancel a": ("accepted", "cannot-cancel", "accepted", "cannot-cancel", "not-found"),
    "cancel b": ("accepted", "cannot-cancel"),
    "cancel a by third": ("not-found", "accepted"),
    "cancel-all": ("a b", "a", "b", "", "p", "a p", "a b p"),
    "place p": ("accepted",),
    "place q": ("accepted",),
    "fill f 4": ("accepted",),
    "fill g 10": ("accepted",),
    "trade a 3": ("accepted", "refused"),
    "read a": ("OPEN 0", "CANCELED 0", "PARTIALLY_FILLED 4", "FILLED 10", "CANCELED 4", "PENDING_CANCEL 0"),
    "read b": ("OPEN 0", "CANCELED 0", "PARTIALLY_FILLED 4", "FILLED 10"),
}
ONCE = {"place p", "place q", "fill f 4", "fill g 10", "cancel-all"}


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Small histories: up to four calls, overlapping or not, answered or lost, with answers that may or may not fit."""
    lines, used = [], set()
    for _ in range(draw(st.integers(1, 4))):
        what = draw(st.sampled_from([name for name in ANSWERS if name not in used]))
        used.update({what} & ONCE)
        began = draw(st.integers(0, 6))
        lost = what.startswith("cancel") and draw(st.integers(0, 7)) == 0
        ended = "?" if lost else str(began + draw(st.integers(0, 8)))
        answer = "" if lost else f" -> {draw(st.sampled_from(ANSWERS[what]))}"
        lines.append(f"{began} {ended} {what}{answer}")
    return "\n".join(lines)


@given(orders=st.sampled_from(("a", "a b", "a+4 b", "a b t")), table=tables())
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_search_agrees_with_trying_every_order(histories: "Histories", orders: str, table: str) -> None:
    """Verdict and final worlds are those of the enumeration, whatever overlaps and whatever was answered."""
    if "b" not in orders:
        table = "\n".join(line for line in table.splitlines() if line.split()[3:4] != ["b"])
    belief, calls = histories.standing(orders), histories.calls(table)
    expected = every_order(belief, calls, histories.rules)
    found = explain(belief, calls, histories.rules, until=0.0)
    assert (histories.possible(found.belief) if isinstance(found, Legal) else set()) == expected
