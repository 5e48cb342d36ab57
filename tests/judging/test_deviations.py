"""What a target was seen to do wrong: told once, possible from then on, and no cover for anything else."""

import json
from collections import Counter
from dataclasses import dataclass, fields, replace

import pytest

from conformance.judging import causes
from conformance.judging.case import LaneKnowledge
from conformance.judging.causes import Cause
from conformance.judging.recording import judge_again, judged_with
from conformance.judging.seen import Fact
from conformance.model.deviations import NONE, Deviations
from conformance.model.lifecycle import NotOwn, OrderState, Reply
from conformance.model.order import Status
from fixtures.venue.answers import AnswerClass
from tests.judging.cases import (
    Judged,
    balances_seen,
    cancelling,
    case,
    holding,
    judged,
    order_seen,
    seen_after_a_cancel,
    start_seen,
    view,
)
from tests.model.orders import known, state


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """An order in a state, what happened to it, and what is then seen."""

    order: OrderState
    sees: Fact
    causes: tuple[Cause, ...] = ()

    def judged(self, deviations: Deviations = NONE) -> Judged:
        """The look, judged at a target that is known to deviate so."""
        knowledge = LaneKnowledge(deviations=deviations)
        under = judged(case(known(self.order), *self.causes, known=knowledge))
        under.see(start_seen(holding("0")))
        under.see(self.sees)
        return under


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of deviation: what shows it, what it then is, and what is another fault all the same."""

    shows: Look
    deviation: Deviations
    requirement: str
    another: Look
    of_another: str


CANCELED, OPEN, FILLED = state(Status.CANCELED), state(Status.OPEN), state(Status.FILLED, "10")
PARTLY = state(Status.PARTIALLY_FILLED, "3")
UNDER_CANCEL = (causes.PLACED, causes.CANCELLED_OPEN)
UNTOUCHED = (causes.PLACED, causes.FILLED)

KINDS = {
    "a refused cancel": Kind(
        shows=Look(order=OPEN, sees=cancelling(AnswerClass.NOT_FOUND)),
        deviation=Deviations(answers=frozenset({(Status.OPEN, Reply.NOT_FOUND)})),
        requirement="CXL-01",
        another=Look(order=PARTLY, sees=cancelling(AnswerClass.NOT_FOUND)),
        of_another="CXL-02",
    ),
    "an accepted cancel of a filled order": Kind(
        shows=Look(order=FILLED, sees=cancelling(AnswerClass.ACCEPTED)),
        deviation=Deviations(answers=frozenset({(Status.FILLED, Reply.ACCEPTED)})),
        requirement="TRM-01",
        another=Look(order=CANCELED, sees=cancelling(AnswerClass.ACCEPTED)),
        of_another="TRM-02",
    ),
    "a foreign cancel that is accepted": Kind(
        shows=Look(order=OPEN, sees=cancelling(AnswerClass.ACCEPTED, account="counterparty")),
        deviation=Deviations(answers=frozenset({(NotOwn.FOREIGN, Reply.ACCEPTED)})),
        requirement="NTF-02",
        another=Look(order=OPEN, sees=cancelling(AnswerClass.NOT_FOUND)),
        of_another="CXL-01",
    ),
    "a lock that is kept": Kind(
        shows=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("1000"))),
        deviation=Deviations(keeps=True),
        requirement="FND-01",
        another=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("-1000"))),
        of_another="FND-04",
    ),
    "a lock that is released twice": Kind(
        shows=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("-1000"))),
        deviation=Deviations(frees=True),
        requirement="FND-04",
        another=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("1000"))),
        of_another="FND-01",
    ),
    "more kept than there was": Kind(
        shows=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("1000"))),
        deviation=Deviations(keeps=True),
        requirement="FND-01",
        another=Look(order=CANCELED, causes=UNDER_CANCEL, sees=balances_seen(holding("1001"))),
        of_another="FND-01",
    ),
    "trades that move nothing": Kind(
        shows=Look(order=PARTLY, causes=UNTOUCHED, sees=balances_seen(holding("700"))),
        deviation=Deviations(trades=True),
        requirement="FND-05",
        another=Look(order=PARTLY, causes=UNTOUCHED, sees=balances_seen(holding("1000"))),
        of_another="FND-03",
    ),
    "locks of another amount": Kind(
        shows=Look(order=OPEN, causes=(causes.PLACED,), sees=balances_seen(holding("900"))),
        deviation=Deviations(locks=True),
        requirement="FND-02",
        another=Look(order=OPEN, causes=(causes.PLACED,), sees=balances_seen(holding("900", "50"))),
        of_another="FND-05",
    ),
    "a part that shows as open": Kind(
        shows=Look(order=PARTLY, causes=UNTOUCHED, sees=order_seen(view(Status.OPEN, "3"))),
        deviation=Deviations(open_when_partly=True),
        requirement="CXL-08",
        another=Look(order=FILLED, causes=(causes.REFUSED,), sees=order_seen(view(Status.OPEN, "0"))),
        of_another="TRM-05",
    ),
    "an executed quantity that is not told": Kind(
        shows=Look(order=PARTLY, causes=UNTOUCHED, sees=order_seen(view(Status.PARTIALLY_FILLED, "0"))),
        deviation=Deviations(untold=True),
        requirement="CXL-08",
        another=Look(order=CANCELED, causes=(causes.CANCELLED_OPEN,), sees=order_seen(view(Status.OPEN, "0"))),
        of_another="CXL-01",
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of deviation."""
    return KINDS[request.param]


class TestEachKind:
    """What holds for every kind of deviation."""

    def test_a_violation_establishes_it(self, kind: Kind) -> None:
        """What a target does wrong is told once, under its own requirement, and known from then on."""
        under = kind.shows.judged()
        assert under.violation.requirements[0] == kind.requirement
        assert under.case.known.deviations == kind.deviation
        assert under.case.rules.deviations == kind.deviation

    def test_the_same_again_is_no_second_violation(self, kind: Kind) -> None:
        """A later plan that sees the same is explained by it, and goes on."""
        under = kind.shows.judged(kind.deviation)
        assert (under.result.violations, under.result.trouble) == ([], None)

    def test_nothing_is_exercised_by_it(self, kind: Kind) -> None:
        """What only the deviation explains proves nothing of the requirement that it breaks."""
        assert kind.shows.judged(kind.deviation).result.exercised[kind.requirement] == 0

    def test_another_fault_is_not_hidden(self, kind: Kind) -> None:
        """What it does not explain is told under its own requirement, as if the first fault were not there."""
        under = kind.another.judged(kind.deviation)
        assert under.violation.requirements[0] == kind.of_another


def test_what_is_known_is_joined() -> None:
    """What either knows is known by both together; a set that knows less covers only what it knows."""
    every: Deviations = NONE
    for one in KINDS.values():
        every = every.with_those_of(one.deviation)
    assert all(every.covers(one.deviation) for one in KINDS.values())
    assert not any(NONE.covers(one.deviation) for one in KINDS.values())
    assert len(every.answers) == 3


def test_a_plan_begins_with_what_its_lane_knows() -> None:
    """The rules of the first step already have the deviations of the lane."""
    deviations = Deviations(keeps=True)
    under = judged(case(known(CANCELED), known=LaneKnowledge(deviations=deviations)))
    assert under.case.rules.deviations == deviations


def test_what_an_answer_tells_of_an_order_is_not_what_it_is() -> None:
    """An accepted cancel that shows the order as it was is wrong once: a read of CANCELED contradicts nothing."""
    under = judged(case(known(OPEN)))
    under.see(cancelling(AnswerClass.ACCEPTED, shows=Status.OPEN))
    assert under.violation.requirements == ("CXL-01",)
    under.see(order_seen(view(Status.CANCELED)))
    assert len(under.result.violations) == 1
    assert under.case.known.deviations == NONE


class TestJudgedAgain:
    """A result that began without what is known by now."""

    def test_what_is_known_is_no_finding(self) -> None:
        """A kept lock that another lane has told is not told again; what was sent stays counted."""
        result = seen_after_a_cancel(balances_seen(holding("1000")))
        assert [v.requirements[0] for v in result.violations] == ["FND-01"]
        again = judge_again(result, Deviations(keeps=True))
        assert (again.violations, again.requests, again.began_with) == ([], 7, Deviations(keeps=True))
        assert again.exercised["FND-01"] == 0
        assert len(result.violations) == 1, "the first result is as it was"

    def test_another_finding_stays(self) -> None:
        """Funds that are released twice are told though the target is known to keep some, and are known then."""
        again = judge_again(seen_after_a_cancel(balances_seen(holding("-1000"))), Deviations(keeps=True))
        assert [v.requirements[0] for v in again.violations] == ["FND-04"]
        assert again.ended_with == Deviations(keeps=True, frees=True)

    def test_what_it_exercises_is_counted_anew(self) -> None:
        """Nothing that the first judgement counted is left in the second."""
        again = judge_again(
            replace(seen_after_a_cancel(balances_seen(holding("1000"))), exercised=Counter({"CXL-08": 5})), NONE
        )
        assert again.exercised["CXL-08"] == 0


def test_a_quantity_that_is_not_told_proves_nothing_of_it() -> None:
    """Where the executed quantity is known to be told wrongly, no read shows that it stayed as it was (CXL-02)."""
    executed = state(Status.CANCELED, "3")
    look = Look(order=executed, causes=(causes.CANCELLED_PARTIAL,), sees=order_seen(view(Status.CANCELED, "3")))
    assert look.judged().result.exercised["CXL-07"] == 1
    assert look.judged(Deviations(untold=True)).result.exercised["CXL-07"] == 0


def test_where_foreign_cancels_are_taken_their_words_follow_from_it() -> None:
    """A foreign cancel that is refused as its owner's would be is seen with NTF-02: it is no finding of NTF-03."""
    look = Look(order=CANCELED, sees=cancelling(AnswerClass.CANNOT_CANCEL, account="counterparty"))
    assert look.judged().violation.requirements == ("NTF-03",)
    taken = KINDS["a foreign cancel that is accepted"]
    assert look.judged(taken.deviation).result.violations == []
    assert taken.shows.judged().violation.also == ("NTF-03",)


FULL = Deviations(
    answers=frozenset({("OPEN", "not-found"), ("FILLED", "accepted")}),
    failures={("cancel", "HTTP 500"): ("ERR-01", "CXL-01")},
    **{one.name: True for one in fields(Deviations) if one.type == "bool" or one.type is bool},
)
"""Every deviation at once."""


def test_deviations_are_written_and_read_as_json() -> None:
    """What a run knew is kept with its history: the same comes back, from words, lists and truth values alone."""
    for known_so in (NONE, FULL):
        assert Deviations.from_data(json.loads(json.dumps(known_so.to_data()))) == known_so
    assert FULL.to_data()["answers"] == [["FILLED", "accepted"], ["OPEN", "not-found"]]


@pytest.mark.parametrize("name", [one.name for one in fields(Deviations)])
def test_what_either_knows_is_known_of_both(name: str) -> None:
    """Each deviation by itself: known to one side, it is known to both together, and covered by what has it alone."""
    alone = replace(NONE, **{name: getattr(FULL, name)})
    assert alone.with_those_of(NONE) == NONE.with_those_of(alone) == alone
    assert alone.covers(NONE)
    assert FULL.covers(alone)
    assert not NONE.covers(alone)


def test_a_failure_is_told_with_what_showed_it_first() -> None:
    """Both sides know the failure: the requirements of the own one stay; what only the other knows comes with it."""
    other = Deviations(failures={("cancel", "HTTP 500"): ("ERR-02",), ("read", "HTTP 502"): ("ERR-01",)})
    both = FULL.with_those_of(other).failures
    assert both == {("cancel", "HTTP 500"): ("ERR-01", "CXL-01"), ("read", "HTTP 502"): ("ERR-01",)}


def test_a_plan_is_judged_by_what_another_lane_has_found_meanwhile() -> None:
    """What follows from it is not told again, and both are known; what was known at the beginning changes nothing."""
    kept = Deviations(keeps=True)
    alone = seen_after_a_cancel(balances_seen(holding("1000")))
    assert [found.requirements[0] for found in alone.violations] == ["FND-01"]
    found, together = judged_with(alone, Deviations(untold=True))
    assert [one.requirements[0] for one in found.violations] == ["FND-01"]
    assert found.began_with == Deviations(untold=True)
    assert together == Deviations(untold=True, keeps=True)
    found, together = judged_with(alone, kept)
    assert (found.violations, together) == ([], kept)
    assert found.requests == alone.requests
    assert judged_with(alone, NONE) == (alone, kept)
