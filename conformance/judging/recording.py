"""From facts and rulings to the result of a plan: what a runner keeps, and what a stored history gives again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from conformance.judging.case import Case
from conformance.judging.judge import judge
from conformance.judging.rulings import Breaks, CannotJudge, CellReached, Exercised, Fits, Measured, Noted, Ruling
from conformance.judging.seen import Answered, Fact, StepBegun
from conformance.model.deviations import Deviations
from conformance.trace import Observation, PlanResult, Step


def record(result: PlanResult, fact: Fact, rulings: Iterable[Ruling], case: Case) -> None:
    """Keep one fact and what was ruled; ``case`` is the case afterwards."""
    if isinstance(fact, StepBegun):
        result.steps.append(Step(index=fact.index, action=dict(fact.action), at=fact.at))
    elif isinstance(fact, Answered):
        _keep_exchange(result, fact)
    for ruling in rulings:
        _keep(result, ruling)
    if result.steps:
        result.steps[-1].belief = case.belief


def judged_with(result: PlanResult, known: Deviations) -> tuple[PlanResult, Deviations]:
    """The result by what is ``known`` of the target now, and what is known with it.

    Another lane may have found the cause while the plan was under way: what follows from it is not told again.
    """
    if result.violations and not result.began_with.covers(known):
        result = judge_again(result, known.with_those_of(result.began_with))
    return result, known.with_those_of(result.ended_with)


def judge_again(result: PlanResult, deviations: Deviations) -> PlanResult:
    """The result of the same facts where the target is known to deviate so; nothing is sent."""
    assert isinstance(result.opened, Case)  # kept with the facts
    case = replace(
        result.opened,
        known=replace(result.opened.known, deviations=deviations),
        rules=replace(result.opened.rules, deviations=deviations),
    )
    again = replace(
        result,
        steps=[],
        violations=[],
        exercised=Counter(),
        cells=Counter(),
        timings=[],
        notes=Counter(),
        attacks=Counter(),
        trouble=None,
        requests=0,
        suspect=None,
        began_with=deviations,
    )
    for fact in result.facts:
        case, rulings = judge(case, fact)  # type: ignore[arg-type]  # nothing else is kept
        record(again, fact, rulings, case)  # type: ignore[arg-type]  # likewise
    again.requests, again.ended_with = result.requests, case.known.deviations
    again.trouble = again.trouble or result.trouble
    return again


def _keep_exchange(result: PlanResult, fact: Answered) -> None:
    exchange = fact.answer.exchange
    result.steps[-1].exchanges.append(exchange)
    result.requests += 1
    if fact.attack is not None:
        result.attacks[f"{exchange.operation.replace('_', '-')} {fact.attack.name}"] += 1


def _keep(result: PlanResult, ruling: Ruling) -> None:
    match ruling:
        case Fits():
            _observe(result, ruling, fits=True)
            result.exercised.update(ruling.ids)
        case Breaks(violation=violation, suspect=suspect):
            if not violation.ends and any(known.kind == violation.kind for known in result.violations):
                return  # what does not end a plan is reported once in it
            _observe(result, violation, fits=False)
            result.violations.append(violation)
            result.suspect = suspect or result.suspect
        case CannotJudge(reason=reason):
            result.trouble = reason
        case Exercised(ids=ids):
            result.exercised.update(ids)
        case CellReached(state=state, event=event):
            result.cells[(state, event)] += 1
        case Measured(timing=timing):
            result.timings.append(timing)
        case Noted(note=note, count=count):
            result.notes[note] += count
        case _:
            pass


def _observe(result: PlanResult, said: Any, *, fits: bool) -> None:
    seen = Observation(what=said.what, predicted=said.predicted, seen=said.seen, fits=fits)
    result.steps[-1].observations.append(seen)
