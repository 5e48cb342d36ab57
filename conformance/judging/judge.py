"""The judge's one door: a case and what was seen, in; a case and rulings, out. Pure: the same in gives the same out."""

from collections.abc import Callable
from typing import Any, Final

from conformance.judging import (
    answers,
    attacks,
    bulk_cancels,
    cancels,
    earlier_orders,
    funds,
    placings,
    races,
    reads,
    seen,
)
from conformance.judging.case import Case
from conformance.judging.judgement import Judgement, ends_the_plan
from conformance.judging.rulings import Breaks, Fits, LookAgain, Ruling
from conformance.judging.seen import Fact, ListSeen, OrderSeen, StepBegun


def _begin_step(j: Judgement, fact: StepBegun) -> None:
    j.become(step=fact.index)


def _give_up(j: Judgement, fact: seen.GivenUp) -> None:
    j.cannot_judge(fact.reason)


_RULES: Final[dict[type, Callable[[Judgement, Any], None]]] = {
    seen.StepBegun: _begin_step,
    seen.StartSeen: funds.judge_start,
    seen.GivenUp: _give_up,
    seen.Ended: earlier_orders.remember_closed,
    # every answer
    seen.Answered: answers.judge_answer,
    seen.Asked: answers.judge_silence,
    # what changes the book
    seen.Placing: placings.judge_placing,
    seen.LockSeen: placings.learn_lock,
    seen.Driven: placings.judge_driven,
    seen.Approached: placings.approached,
    seen.Overdue: placings.overdue,
    seen.Released: placings.released,
    # cancels
    seen.Cancelling: cancels.judge_cancel,
    seen.CancellingUnknown: cancels.judge_unknown_cancel,
    seen.CancellingAll: bulk_cancels.judge_cancel_all,
    seen.MayHaveHappened: cancels.may_have_happened,
    # looks
    seen.OrderSeen: reads.judge_order,
    seen.ListSeen: reads.judge_list,
    seen.EarlierOrderSeen: earlier_orders.judge_earlier_order,
    seen.BalancesSeen: funds.judge_balances,
    # hostile and plain requests
    seen.Forging: attacks.judge_forged,
    seen.DisguisedCancel: attacks.judge_disguised,
    seen.SpelledOtherwise: attacks.judge_spelling,
    seen.Sending: attacks.judge_sent,
    # what a fuzzer proposes
    seen.Complained: answers.judge_complaint,
    seen.Proposed: answers.note_cases,
    # races
    seen.Raced: races.judge_race,
}


def judge(case: Case, fact: Fact) -> tuple[Case, tuple[Ruling, ...]]:
    """Judge one fact. The case that comes out is the one to judge the next fact with.

    Where the ruling is to look again, the case is the one that came in: nothing of the observation stays. Raises
    :class:`~conformance.model.prediction.TooManyWorldsError` where more is possible than can be enumerated.
    """
    judgement = Judgement(case)
    _RULES[type(fact)](judgement, fact)
    if judgement.again is not None:
        return case, (judgement.again,)
    if isinstance(fact, OrderSeen | ListSeen) and fact.again and judgement.ended:
        doubted = tuple(map(_perhaps_late, judgement.rulings))
        return case, (*(ruling for ruling in doubted if ruling is not None), LookAgain(after=fact.again))
    return judgement.case, tuple(judgement.rulings)


def _perhaps_late(ruling: Ruling) -> Fits | None:
    """What a read that may be late showed against all predictions, for the reader of a trace; it exercises nothing."""
    if not isinstance(ruling, Breaks) or not ends_the_plan(ruling):
        return None
    violation = ruling.violation
    seen_so = f"{violation.seen}: perhaps late, so it is looked at again"
    return Fits(what=violation.what, predicted=violation.predicted, seen=seen_so)
