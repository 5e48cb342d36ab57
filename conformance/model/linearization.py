"""The search for one order of parallel moves (Wing and Gong, 1993; remembered states as Lowe, 2017).

States are pairs of *which moves are done* and *the world then*. Each is visited once, however many orders lead to it.
Three cuts keep the number of states small, and none of them loses a final world:

- two moves that are alike (same event, same answer) are interchangeable, so that of those that may come next only the
  one with the earliest end is tried: any order that takes the other first can swap them;
- a move that touches no order of any other open move commutes with all of them, so that it is taken first, alone;
- a world that another one may become by itself is dropped: whatever follows from it follows from the other as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from conformance.model.lifecycle import OrderState
from conformance.model.matching import World
from conformance.model.order import Status
from conformance.model.prediction import bounded, silent
from conformance.model.rules import VenueRules

MOST_STATES = 30_000
"""States and outcomes after which a search is given up (inconclusive); a search that large takes a second or two."""


class SearchGivenUpError(Exception):
    """The search went past its bound; ``size`` says how far it had come."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the search was given up after {size} states")
        self.size = size


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Move:
    """What one call does to the orders that it touches, in one moment between ``began`` and ``latest``.

    ``apply(world)`` gives the worlds in which the call's answer is explained, and what may be answered, in words.
    ``call`` is the position of the call in its history; moves with an equal ``alike`` are interchangeable.
    ``covers_confirmed`` says that what it makes of a pending cancel covers what it makes of a confirmed one: an
    incoming order may pass over the one and must pass over the other.
    """

    call: int
    label: str
    touches: frozenset[str]
    began: float
    latest: float
    alike: tuple[object, ...]
    apply: Callable[[World], tuple[list[World], list[str]]]
    covers_confirmed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """Some order explains the moves; ``worlds`` are all that may be true after any such order."""

    worlds: tuple[World, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """No order explains the moves: the longest run that could be put in order, a world then, what was expected next."""

    explained: tuple[int, ...]
    worlds: tuple[World, ...]
    expected: tuple[tuple[int, tuple[str, ...]], ...]


def linearize(
    worlds: Iterable[World], moves: Sequence[Move], rules: VenueRules, *, until: float, most: int = MOST_STATES
) -> Explained | Stuck:
    """Search all orders of ``moves`` that start in one of ``worlds``; raises :class:`SearchGivenUpError`."""
    return _Search(moves, rules, until, most).run(worlds)


class _Search:
    """One search: the worlds by number, what moves make of them, and where each state was first reached from."""

    def __init__(self, moves: Sequence[Move], rules: VenueRules, until: float, most: int) -> None:
        self._moves = moves
        self._rules = rules
        self._until = until
        self._most = most
        self._spent = 0
        self._worlds: list[World] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._closures: dict[int, tuple[int, ...]] = {}
        kinds: dict[tuple[object, ...], int] = {}
        self._kinds = [kinds.setdefault(move.alike, len(kinds)) for move in moves]
        self._after: dict[tuple[int, int], tuple[int, ...]] = {}
        self._from: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}

    def run(self, worlds: Iterable[World]) -> Explained | Stuck:
        everything = (1 << len(self._moves)) - 1
        level = {0: {self._number(_sorted(world)) for world in worlds}}
        while level:
            if everything in level:
                final = {later for number in level[everything] for later in self._closure(number)}
                bounded(len(final))
                return Explained(worlds=tuple(self._worlds[number] for number in sorted(final)))
            following: dict[int, set[int]] = {}
            for done, here in level.items():
                nexts = self._next(done)
                for number in self._without_subsumed(here):
                    self._spend(1)
                    for at in nexts:
                        reached = done | 1 << at
                        for after in self._apply(at, number):
                            following.setdefault(reached, set()).add(after)
                            self._from.setdefault((reached, after), ((done, number), at))
            if not following:
                return self._stuck(level)
            level = following
        return Stuck(explained=(), worlds=(), expected=())

    def _next(self, done: int) -> list[int]:
        """The moves that may come next: no open move had ended when they began."""
        left = [at for at in range(len(self._moves)) if not done >> at & 1]
        deadline = min(self._moves[at].latest for at in left)
        ready: dict[int, int] = {}
        for at in left:
            move = self._moves[at]
            if move.began > deadline:
                continue
            rival = ready.get(self._kinds[at])
            if rival is None or move.latest < self._moves[rival].latest:
                ready[self._kinds[at]] = at
        for at in ready.values():
            touches = self._moves[at].touches
            if all(other == at or not touches & self._moves[other].touches for other in left):
                return [at]
        return list(ready.values())

    def _apply(self, at: int, number: int) -> tuple[int, ...]:
        key = (self._kinds[at], number)
        found = self._after.get(key)
        if found is None:
            results: dict[int, None] = {}
            for before in self._before(at, number):
                worlds, replies = self._moves[at].apply(self._worlds[before])
                self._spend(len(replies))
                results.update((self._number(world), None) for world in worlds)
            found = self._after[key] = tuple(self._without_subsumed(results))
        return found

    def _before(self, at: int, number: int) -> Iterable[int]:
        """The worlds in which a move may meet the orders of world ``number``, without those that others cover."""
        closure = self._closure(number)
        if len(closure) == 1 or not self._moves[at].covers_confirmed:
            return closure
        pending = [i for i, state in enumerate(self._worlds[number]) if state.status is Status.PENDING_CANCEL]
        return [n for n in closure if all(self._worlds[n][i].status is not Status.CANCELED for i in pending)]

    def _spend(self, amount: int) -> None:
        self._spent += amount
        if self._spent > self._most:
            raise SearchGivenUpError(self._spent)

    def _number(self, world: World) -> int:
        key = tuple(state.key for state in world)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._worlds)
            self._worlds.append(world)
        return number

    def _closure(self, number: int) -> tuple[int, ...]:
        """The worlds that this one may become by itself, itself included."""
        found = self._closures.get(number)
        if found is None:
            seen: dict[int, None] = {number: None}
            waiting = [number]
            while waiting:
                for world in silent(self._worlds[waiting.pop()], self._until, self._rules):
                    after = self._number(world)
                    if after not in seen:
                        seen[after] = None
                        waiting.append(after)
            found = self._closures[number] = tuple(seen)
        return found

    def _without_subsumed(self, numbers: Iterable[int]) -> list[int]:
        kept = list(numbers)
        if len(kept) < 2:
            return kept
        here = set(kept)
        dropped: set[int] = set()
        for number in kept:
            if number not in dropped:
                dropped.update(later for later in self._closure(number) if later != number and later in here)
        return [number for number in kept if number not in dropped]

    def _stuck(self, level: dict[int, set[int]]) -> Stuck:
        """Why nothing can follow the deepest states: one way to the first of them, and what was expected there."""
        done, number = next((done, next(iter(here))) for done, here in level.items() if here)
        path: list[int] = []
        state = (done, number)
        while state in self._from:
            state, at = self._from[state]
            path.append(at)
        expected: list[tuple[int, tuple[str, ...]]] = []
        for at in self._next(done):
            here = [self._worlds[before] for before in self._closure(number)]
            words = {word for world in here for word in self._moves[at].apply(world)[1]}
            expected.append((at, tuple(sorted(words))))
        return Stuck(explained=tuple(reversed(path)), worlds=(self._worlds[number],), expected=tuple(expected))


def _sorted(world: World) -> World:
    return tuple(sorted(world, key=_name))


def _name(state: OrderState) -> str:
    return state.name
