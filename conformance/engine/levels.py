"""How much a run tries: smoke on each change, standard before a release, certify for a certificate."""

from dataclasses import dataclass
from enum import StrEnum


class LevelName(StrEnum):
    """The three levels of a run."""

    SMOKE = "smoke"
    STANDARD = "standard"
    CERTIFY = "certify"


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Budgets in distinct plans; ``repeats`` and ``minimise`` (requests) are spent on each new finding.

    ``events_at_once`` is how many events a closed order meets in one plan of the table of states and events;
    ``ages`` are the seconds that orders rest, or stay closed, before they are cancelled: the first for several plans,
    each of the others for one;
    ``situations`` are plans of the grammar of strategies.situations;
    ``expiries`` bounds the orders whose deadline is waited for, where a target lets orders expire in no other way.
    """

    name: LevelName
    focused: int
    bulk_many: int
    explored: int
    events_at_once: int
    attacks: int
    races: int
    situations: int
    repeats: int
    minimise: int
    ages: tuple[float, ...]
    expiries: int

    def share(self, percent: int) -> int:
        """How many attacks a share of the level's budget is; a few at the least."""
        return max(4, self.attacks * percent // 100)


LEVELS = {
    LevelName.SMOKE: Level(
        name=LevelName.SMOKE,
        focused=3,
        bulk_many=1,
        explored=12,
        events_at_once=6,
        attacks=160,
        races=3,
        situations=22,
        repeats=2,
        minimise=80,
        ages=(1.2,),
        expiries=14,
    ),
    LevelName.STANDARD: Level(
        name=LevelName.STANDARD,
        focused=16,
        bulk_many=3,
        explored=240,
        events_at_once=1,
        attacks=900,
        races=24,
        situations=240,
        repeats=4,
        minimise=220,
        ages=(1.2, 31),
        expiries=30,
    ),
    LevelName.CERTIFY: Level(
        name=LevelName.CERTIFY,
        focused=150,
        bulk_many=12,
        explored=2500,
        events_at_once=1,
        attacks=3200,
        races=300,
        situations=2000,
        repeats=9,
        minimise=400,
        ages=(1.2, 31, 61),
        expiries=400,
    ),
}
