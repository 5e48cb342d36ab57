"""Parallel calls: is there one order of them that :func:`~conformance.model.prediction.predict` explains?

A history is a set of calls, each with the moment it began and the moment its answer came. It is *linearizable* (Herlihy
and Wing, 1990) where the calls can be put into one order, no call before another that had ended when it began, so that
each answer is one that the specification allows at its place. Silent steps (a pending cancel is confirmed) may fall
between any two. No second model: the same ``predict`` is asked, call by call.

Reading a result. :class:`Legal` holds everything that may be true afterwards, since several orders may explain the
answers and later reads tell them apart. :class:`Illegal` means that no order does. :class:`Undecided` means that the
search was given up: it says nothing about the target, and is never a pass.

Why a cancel-all is taken apart. The source asks that all active orders of the account are cancelled; it does not ask
that this happens in one moment. A correct venue may walk over its list, or over its markets, while other calls go on:
an order placed meanwhile may or may not be reached. So each order is cancelled at a moment of its own between request
and answer, and is listed where this call cancelled it. What must hold is unchanged: an order that was there before the
call began is reached, and one placed after it answered is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.model.calls import Call, Read
from conformance.model.linearization import MOST_STATES, Move, SearchGivenUpError, Stuck, linearize
from conformance.model.matching import TooManyWorldsError
from conformance.model.moves import parts
from conformance.model.prediction import MOST_WORLDS, describe
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief

__all__ = ["Call", "Illegal", "Legal", "Read", "Undecided", "explain"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Legal:
    """Some order of the calls explains the answers; ``belief`` is all that may be true after any such order."""

    belief: Belief


@dataclass(frozen=True, kw_only=True, slots=True)
class Illegal:
    """No order of these calls explains their answers.

    ``calls`` are positions in the history, of the calls that hang together and cannot be explained together; ``orders``
    which they concern. ``explained`` is the longest run of calls that could be put in order, ``states`` what the orders
    may have been after it, and ``expected`` what each call that could have come next should have been answered.
    """

    calls: frozenset[int]
    orders: frozenset[str]
    explained: tuple[str, ...]
    states: tuple[str, ...]
    expected: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Undecided:
    """The search was given up after ``size`` states and outcomes; inconclusive, never a pass."""

    size: int


def explain(
    belief: Belief, calls: Sequence[Call], rules: VenueRules, *, until: float, most: int = MOST_STATES
) -> Legal | Illegal | Undecided:
    """Judge a history that began when ``belief`` held; ``until`` is the time it had ended (seconds since the epoch).

    Calls on orders that do not hang together are judged apart: a history is linearizable where each part is, since
    each call takes effect on the orders of one part alone. Funds never join parts: they are judged by later reads.
    """
    given_up = 0
    for names, moves in parts(belief, calls, rules):
        known = [name for name in names if name in belief.home]
        try:
            worlds = belief.together(known)
            found = linearize(worlds, moves, rules, until=until, most=most)
        except SearchGivenUpError as bound:
            given_up = max(given_up, bound.size)
            continue
        except TooManyWorldsError:
            given_up = max(given_up, MOST_WORLDS)
            continue
        if isinstance(found, Stuck):
            return _illegal(frozenset(names), moves, found)
        if not given_up:
            belief = belief.replaced(known, found.worlds)
    return Undecided(size=given_up) if given_up else Legal(belief=belief)


def _illegal(names: frozenset[str], moves: Sequence[Move], stuck: Stuck) -> Illegal:
    return Illegal(
        calls=frozenset(move.call for move in moves),
        orders=names,
        explained=tuple(dict.fromkeys(moves[at].label for at in stuck.explained)),
        states=tuple(dict.fromkeys(f"{state.name} {describe(state)}" for world in stuck.worlds for state in world)),
        expected=tuple(
            f"{moves[at].label}: {' or '.join(replies) or 'nothing that fits'}" for at, replies in stuck.expected
        ),
    )
