"""Rulings: what the judge says of one observation. No other module makes a violation.

============================  =========================================================================================
:class:`Fits`                 some possible world explains it; it exercises requirements
:class:`Breaks`               no possible world explains it: a nonconformity
:class:`LookAgain`            it cannot be told yet: look again, then submit it once more
:class:`CannotJudge`          nothing that is seen from here on would tell anything: the plan ends without a finding
============================  =========================================================================================

The others only count: what was exercised, cells that were reached, times, notes.
"""

from dataclasses import dataclass

from conformance.plans import Plan
from conformance.trace import Timing, Violation


@dataclass(frozen=True, kw_only=True, slots=True)
class Fits:
    """An observation that some world explains: what was looked at, what was predicted and seen, what it exercises."""

    what: str
    predicted: str
    seen: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaks:
    """An observation that no world explains; ``suspect`` is the plan to repeat where an earlier one is to blame."""

    violation: Violation
    suspect: Plan | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAgain:
    """Look again, and submit the observation anew with what was seen then; the case is as it was before it.

    Look ``after`` so many seconds, read each of ``orders``, or where ``repeat`` is set send once more the request whose
    answer this one was compared with. ``doubt`` is what did not fit, to be handed back with the next look.
    """

    after: float = 0.0
    orders: tuple[str, ...] = ()
    repeat: bool = False
    doubt: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CannotJudge:
    """The plan cannot be judged further, through no fault that a requirement names; ``reason`` says why."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercised:
    """Requirements that an observation could have shown broken, and did not."""

    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CellReached:
    """An event met an order whose state was known: one more of a (state, event) cell."""

    state: str
    event: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A time (INF-01..03)."""

    timing: Timing


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """Something that a reader of the report should know, and no finding; ``count``: how often."""

    note: str
    count: int = 1


Ruling = Fits | Breaks | LookAgain | CannotJudge | Exercised | CellReached | Measured | Noted


def nonconformity(
    what: str,
    predicted: str,
    seen: str,
    ids: tuple[str, ...],
    *,
    kind: str,
    step: int,
    because: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    ends: bool = True,
) -> Violation:
    """A violation; ``ids`` are the requirements that it breaks, the closest first, ``also`` what follows from it."""
    return Violation(
        requirements=tuple(dict.fromkeys(ids)),
        kind=kind,
        step=step,
        what=what,
        predicted=predicted,
        seen=seen,
        because=because,
        also=tuple(i for i in dict.fromkeys(also) if i not in ids),
        ends=ends,
    )
