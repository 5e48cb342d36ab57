"""Calls of a history: what was asked, when it began and ended, and how its answer is recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from conformance.model.events import Event
from conformance.model.prediction import Outcome
from conformance.model.worlds import Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """A read of one order that showed ``seen``; the one call that changes nothing."""

    order: str
    seen: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of a history; times are seconds on one monotonic clock.

    ``ended`` is ``None`` where no answer came; then ``lost`` says that nobody knows whether the call took effect, and
    its absence that it surely did (a placing that was found again). ``accepts`` recognises the answer among the
    predicted outcomes (for a cancel-all it is asked order by order, the outcome's world holding that order alone);
    calls of equal ``event`` and ``answer`` must accept the same.
    """

    label: str
    event: Event | Read
    began: float
    ended: float | None
    accepts: Callable[[Outcome], bool] = lambda _: True
    answer: str = ""
    lost: bool = False

    @property
    def latest(self) -> float:
        """The last moment at which the call may have taken effect, as far as its answer says."""
        return inf if self.ended is None else self.ended
