"""Schemathesis in a run: it proposes requests, their answers are judged here, and what it finds is run again.

Whatever an answer breaks, or the tool complains of, becomes a short plan that sends that request once more: so it is
repeated, made small, kept as evidence and replayed like every other finding. What a plan does not show again is
recorded as seen once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from conformance.engine.explorer import Explorer, NonconformityError
from conformance.engine.lanes import Lane
from conformance.engine.levels import LevelName
from conformance.judging.case import Case
from conformance.judging.causes import KEY_NEEDED, OF_CHECKS, OWN_METHODS, SIGNATURE_NEEDED
from conformance.judging.expectations import accepted
from conformance.judging.judge import judge
from conformance.judging.recording import record
from conformance.judging.seen import Answered, Complained, Fact, GivenUp, Proposed, StepBegun
from conformance.plans import PRIMARY, Place, Plan, Send, Snapshot
from conformance.runner.execute import target_of
from conformance.runner.translation import terms_of
from conformance.trace import PlanResult, Step, Violation
from conformance.verdicts import Finding
from fixtures.fuzzing.relay import Relayed, relay
from fixtures.fuzzing.schemathesis import Fuzzed, fuzz
from fixtures.venue.answers import Answer, Unknown
from fixtures.venue.trouble import VenueTrouble
from strategies.cells import scenes

ORDERS: Final = 4
"""Orders that are open while the tool runs, so that its cancels meet some."""

EXAMPLES: Final = {LevelName.SMOKE: 3, LevelName.STANDARD: 12, LevelName.CERTIFY: 80}
"""Cases for each operation and phase."""

SECONDS: Final = {LevelName.SMOKE: 20.0, LevelName.STANDARD: 60.0, LevelName.CERTIFY: 600.0}
"""The longest that the tool may run."""

CREDENTIALS: Final[tuple[Literal["key"], Literal["signature"]]] = ("key", "signature")


@dataclass(kw_only=True)
class _Session:
    """One run of the tool over one lane: the orders that it may cancel, and what was heard."""

    explorer: Explorer
    lane: Lane
    case: Case
    result: PlanResult
    place: Place
    order_ids: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    heard: dict[str, Relayed] = field(default_factory=dict)
    suspects: list[tuple[Relayed, Violation]] = field(default_factory=list)

    @property
    def market(self) -> str:
        """The lane's market that the orders are placed in."""
        return self.lane.venue.profile.markets_of(self.lane.number).get(self.place.market, self.place.market)

    def order(self) -> None:
        """Place one more order."""
        venue = self.lane.venue
        terms = terms_of(self.place, self.market, self.result.plan, venue.profile, venue.desk)
        placed = venue.place(terms)
        if placed.order_id is not None:
            self.order_ids.append(placed.order_id)
            self.open.append(placed.order_id)

    def saw(self, fact: Fact) -> list[Violation]:
        """Have a fact judged; the violations that it shows."""
        known, recorder = len(self.result.violations), self.lane.memory.recorder
        if recorder is not None:
            recorder.saw(fact, ended=self.result.ended)
        self.case, rulings = judge(self.case, fact)
        record(self.result, fact, rulings, self.case)
        self.result.steps[-1].exchanges.clear()
        return self.result.violations[known:]

    def hear(self, one: Relayed) -> None:
        """Judge an answer by what holds for all, and keep an order or two open."""
        found = self.saw(Answered(answer=one.answer, correct=False))
        if one.case:
            self.heard[one.case] = _light(one)
        self.suspects += [(_light(one), violation) for violation in found]
        if isinstance(one.answer, Unknown) or not accepted(one.answer):
            return
        if one.request.operation == "cancel_all":
            self.open.clear()
        elif one.request.operation == "cancel":
            self.open = [order_id for order_id in self.open if order_id not in one.request.target]
        while len(self.open) < ORDERS // 2 and len(self.order_ids) < 20 * ORDERS:
            before = len(self.open)
            self.order()
            if len(self.open) == before:
                return


def fuzz_contract(explorer: Explorer) -> None:
    """Run the tool over the contract's cancel operations, then plans of what it found; raises as the explorer does."""
    level = explorer.level.name
    with explorer.lanes.borrowed() as lane:
        session = _session(explorer, lane)
        gone = True
        try:
            doubts = _doubted(session, level)
            gone = False
        except VenueTrouble as trouble:
            explorer.record.stopped = str(trouble)
            return
        finally:
            _clean_up(session)
            if lane.memory.recorder is not None:
                lane.memory.recorder.ends(gone=gone)
    explorer.record.add_proposed(session.result, explorer.wanted)
    broken: NonconformityError | None = None
    for one, violation in doubts:
        try:
            explorer.run([_plan(session, one, violation)])
        except NonconformityError as shown:
            broken = broken or shown
        if not _known(explorer, violation):
            explorer.take_once(_seen_once(session, one, violation))
    if broken is not None:
        raise broken


def _doubted(session: "_Session", level: LevelName) -> list[tuple[Relayed, Violation]]:
    """Run the tool; what is to be run again. Raises :class:`~fixtures.venue.trouble.VenueTrouble`."""
    found = _run(session, level)
    session.saw(Proposed(cases=found.cases))
    if found.stopped is not None:
        session.saw(GivenUp(reason=found.stopped))
    return list(_doubts(session, found))


def _light(one: Relayed) -> Relayed:
    """Without the whole body, of which a list of all orders has very much; the exchange keeps the beginning."""
    return replace(one, answer=replace(one.answer, body=None, text="")) if isinstance(one.answer, Answer) else one


def _seen_once(session: _Session, one: Relayed, violation: Violation) -> Finding:
    plan = _plan(session, one, violation)
    result = PlanResult(plan=plan, steps=[_step(one, plan)], violations=[violation], requests=1)
    result.number = session.result.number
    return Finding(violation=violation, result=result, test=session.explorer.test, first_size=len(plan.actions))


def _session(explorer: Explorer, lane: Lane) -> _Session:
    case = Case.opened(target_of(lane.venue), (PRIMARY,), lane.memory.known)
    result = PlanResult(plan=Plan(title="Schemathesis", actions=()))
    if lane.memory.recorder is not None:
        known = lane.memory.known.deviations
        result.number = lane.memory.recorder.begins(result.plan, case.accounts, known, proposed=True)
    place = next(scenes(explorer.ground)).place("a")
    session = _Session(explorer=explorer, lane=lane, case=case, result=result, place=place)
    session.saw(StepBegun(index=1, action={}, at=0.0))
    return session


def _run(session: _Session, level: LevelName) -> Fuzzed:
    venue, explorer = session.lane.venue, session.explorer
    contract = venue.desk.contract
    assert contract is not None  # the requirement needs the capability
    for _ in range(ORDERS):
        session.order()
    if session.order_ids:
        venue.cancel(PRIMARY, session.order_ids[-1], market=session.market)
        session.open.remove(session.order_ids[-1])
    with relay(venue, PRIMARY, session.hear, explorer.stop) as (url, headers):
        return fuzz(
            contract,
            url,
            headers,
            order_ids=session.order_ids,
            examples=EXAMPLES[level],
            seed=explorer.seed,
            seconds=SECONDS[level],
            stop=explorer.stop,
        )


def _clean_up(session: _Session) -> None:
    venue = session.lane.venue
    try:
        for order_id in session.open:
            venue.cancel(PRIMARY, order_id, market=session.market)
        for order_id in session.order_ids:
            venue.order(PRIMARY, order_id, market=session.market)
    except VenueTrouble:
        return  # the run's journal knows the orders: whoever ends the run, or a later sweep, cancels them
    finally:
        session.lane.memory.changed_at = time.monotonic()
        session.lane.memory.known = session.case.known


def _doubts(session: _Session, found: Fuzzed) -> Iterator[tuple[Relayed, Violation]]:
    """What was wrong by our own judgement, then what the tool alone complains of; one of each kind."""
    kinds: set[str] = set()
    judged: set[str] = set()
    for one, violation in session.suspects:
        judged.update(f"{one.case} {name}" for name in violation.requirements)
        if violation.kind not in kinds:
            kinds.add(violation.kind)
            yield one, violation
    for complaint in found.complaints:
        heard = session.heard.get(complaint.case)
        names = OF_CHECKS.get(complaint.check, ())
        if heard is None or isinstance(heard.answer, Unknown):
            continue
        if any(f"{heard.case} {name}" in judged for name in names):
            continue
        seen = Complained(
            check=complaint.check,
            title=complaint.title,
            message=complaint.message,
            answer=heard.answer,
            method=heard.request.method,
            operation=heard.request.operation,
            credentials=tuple(heard.credentials),
            known=heard.known,
        )
        for violation in session.saw(seen):
            if violation.kind not in kinds:
                kinds.add(violation.kind)
                yield heard, violation


def _plan(session: _Session, one: Relayed, violation: Violation) -> Plan:
    """A plan that sends the request again, with an order of its own in the place of each that it named."""
    target, places = one.request.target, []
    for number, order_id in enumerate(o for o in session.order_ids if o in one.request.target):
        name = f"o{number + 1}"
        target = target.replace(order_id, f"{{{name}}}")
        places.append(replace(session.place, order=name))
    expect: Literal["any", "wrong-method", "unauthenticated"] = "any"
    if violation.requirements == OWN_METHODS:
        expect = "wrong-method"
    elif set(violation.requirements) <= {*KEY_NEEDED, *SIGNATURE_NEEDED}:
        expect = "unauthenticated"
    send = Send(
        operation=one.request.operation,
        method=one.request.method,
        target=target,
        headers=one.request.headers,
        body=one.request.body.decode("latin-1"),
        credentials=tuple(part for part in CREDENTIALS if part in one.credentials),
        expect=expect,
    )
    return Plan(title="found by Schemathesis", actions=(*places, *([Snapshot()] if places else []), send))


def _known(explorer: Explorer, violation: Violation) -> bool:
    """Whether the run has a finding of the same requirement and kind, or one that its own judgement gave the plan."""
    wanted = set(violation.requirements)
    return any(
        finding.test == explorer.test and wanted & set(finding.violation.requirements)
        for finding in explorer.record.findings.values()
    )


def _step(one: Relayed, plan: Plan) -> Step:
    return Step(
        index=len(plan.actions),
        action={"do": "send", "method": one.request.method, "target": one.answer.exchange.path},
        at=0.0,
        exchanges=[one.answer.exchange],
    )
