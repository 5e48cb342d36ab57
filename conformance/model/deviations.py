"""What a target was seen to do against the specification: possible from then on, so that one cause is told once.

A deviation is established by the first violation that shows it, in the shortest plan that does. From then on it is a
possible world like any other: what it explains is not told again under another name, and the plan goes on behind it.
It never turns a verdict into a pass: the finding that established it stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviations:
    """Everything that a target was seen to do wrong, as far as later predictions depend on it.

    ``answers`` are pairs of what a cancel met (a status, or an order that is not the caller's) and the reply that it
    got; ``failures`` errors of the server, by operation and what the answer looks like, with the requirements of the
    request that showed each first; ``keeps`` whether orders that are over may keep what they locked, ``frees`` whether
    more than that may be released; ``trades`` whether trades move other amounts than they should, ``locks`` whether
    orders lock other amounts than the profile says; ``open_when_partly`` whether a partly executed order may be shown
    OPEN, ``untold`` whether the executed quantity that is shown is wrong.
    """

    answers: frozenset[tuple[str, str]] = frozenset()
    failures: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    keeps: bool = False
    frees: bool = False
    trades: bool = False
    locks: bool = False
    open_when_partly: bool = False
    untold: bool = False

    def answering(self, met: str, reply: str) -> "Deviations":
        """With a reply that a cancel got though no row of the table has it."""
        return replace(self, answers=self.answers | {(met, reply)})

    def to_data(self) -> dict[str, object]:
        """As plain lists, words and truth values, ready for :mod:`json`."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        failures = [[*failure, list(ids)] for failure, ids in self.failures.items()]
        answers = sorted(map(list, self.answers))
        return {**data, "answers": answers, "failures": failures}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Deviations":
        """As :meth:`to_data` wrote it. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where it did not."""
        answers = frozenset((str(met), str(reply)) for met, reply in data["answers"])
        failures = {(str(asked), str(shown)): tuple(map(str, ids)) for asked, shown, ids in data["failures"]}
        return cls(**{**data, "answers": answers, "failures": failures})

    def covers(self, other: "Deviations") -> bool:
        """Whether everything that ``other`` knows is known here."""
        return self.with_those_of(other) == self

    def with_those_of(self, other: "Deviations") -> "Deviations":
        """What either knows."""
        return Deviations(
            answers=self.answers | other.answers,
            failures={**other.failures, **self.failures},
            keeps=self.keeps or other.keeps,
            frees=self.frees or other.frees,
            trades=self.trades or other.trades,
            locks=self.locks or other.locks,
            open_when_partly=self.open_when_partly or other.open_when_partly,
            untold=self.untold or other.untold,
        )


NONE = Deviations()
