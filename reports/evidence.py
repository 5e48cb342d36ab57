"""Evidence: one nonconformity with everything that shows it, in one JSON file.

The file holds the plan that failed (the smallest that was found), what was predicted, sent and seen in each step, and
the command that runs it again. Keys and signatures were taken out before anything reached the trace.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from conformance.errors import UserError
from conformance.model.deviations import NONE
from conformance.plans import to_data
from conformance.trace import Observation, PlanResult, Step
from conformance.verdicts import Finding
from fixtures.venue.answers import Exchange
from reports.narration import action_text, held_possible, locked_possible
from reports.run_info import RunInfo

FORMAT: Final = "cancel-conformance/evidence/1"
KEPT_BODY: Final = 16 * 1024
"""Characters of a body that evidence keeps: enough for a list of forty orders, too little for a hostile answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepEvidence:
    """One step: ``at`` and the exchanges' times are seconds since the plan began.

    ``held`` says, for each order whose possible states this step changed, what it could be afterwards; ``locked`` what
    the orders of each account may lock together, by asset.
    """

    index: int
    text: str
    action: Mapping[str, Any]
    at: float
    exchanges: tuple[Exchange, ...] = ()
    observations: tuple[Observation, ...] = ()
    held: Mapping[str, list[str]]
    locked: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The steps of the run that failed, in order; step 0 is what was read before the plan began."""

    steps: tuple[StepEvidence, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimised:
    """How much smaller the plan was made: actions before and after, and the requests that it took."""

    before: Annotated[int, Field(alias="from")]
    after: Annotated[int, Field(alias="to")]
    requests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One nonconformity, as it is written to and read from an evidence file.

    ``requirement`` is the closest of ``requirements``, all of which it breaks. ``failed`` of ``runs`` repetitions of
    the plan showed it, and ``count`` plans of the whole run did. ``lane`` names the accounts and markets that it used,
    ``known`` what the target was known to do wrong when the plan began, which would end it before.
    """

    format: Literal["cancel-conformance/evidence/1"] = FORMAT
    requirement: str
    requirements: tuple[str, ...]
    kind: str
    what: str
    predicted: str
    seen: str
    because: tuple[str, ...]
    step: int
    failed: int
    runs: int
    intermittent: bool
    count: int = 1
    seed: int
    level: str
    target: str
    test: str = ""
    lane: int = 1
    known: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any]
    trace: Trace
    minimised: Minimised
    replay: str

    @property
    def steps(self) -> tuple[StepEvidence, ...]:
        """The steps of the trace."""
        return self.trace.steps


def evidence_of(finding: Finding, info: RunInfo, *, file: str) -> Evidence:
    """The evidence of a finding; ``file`` is the path that the replay command names."""
    violation, result = finding.violation, finding.result
    plan = to_data(result.plan)
    assert isinstance(plan, dict)
    return Evidence(
        requirement=violation.requirements[0],
        requirements=violation.requirements,
        kind=violation.kind,
        what=violation.what,
        predicted=violation.predicted,
        seen=violation.seen,
        because=violation.because,
        step=violation.step,
        failed=finding.failed,
        runs=finding.runs,
        intermittent=finding.intermittent,
        count=finding.count,
        seed=info.seed,
        level=info.level,
        target=info.target,
        test=finding.test,
        lane=result.lane,
        known={} if result.began_with == NONE else result.began_with.to_data(),
        plan=plan,
        trace=Trace(steps=tuple(_steps(result, info))),
        minimised=Minimised(
            before=max(finding.first_size, len(result.plan.actions)),
            after=len(result.plan.actions),
            requests=finding.spent,
        ),
        replay=shlex.join(["cancel-conformance", "replay", file, *info.replay_options]),
    )


def to_json(evidence: Evidence) -> dict[str, Any]:
    """The evidence as JSON data."""
    data: dict[str, Any] = _adapter().dump_python(evidence, mode="json", by_alias=True)
    return data


def read_evidence(path: Path) -> Evidence:
    """Read an evidence file. Raises :class:`~conformance.errors.UserError` naming the file and what is wrong in it."""
    try:
        return _adapter().validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"Cannot read the evidence {path}: {error.strerror or error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise UserError(
            f"{path}: {where}: {first['msg']}.\n"
            f"Expected an evidence file of this suite ({FORMAT}), as a run writes into its folder evidence/."
        ) from None


@cache
def _adapter() -> TypeAdapter[Evidence]:
    return TypeAdapter(Evidence)


def _steps(result: PlanResult, info: RunInfo) -> Iterable[StepEvidence]:
    zero = _beginning(result.steps)
    before: Mapping[str, list[str]] = {}
    for step in result.steps:
        action = _plain(step.action)
        held = held_possible(step.belief)
        yield StepEvidence(
            index=step.index,
            text=action_text(action),
            action=action,
            at=round(step.at, 6),
            exchanges=tuple(_kept(exchange, zero) for exchange in step.exchanges),
            observations=tuple(step.observations),
            held={name: states for name, states in held.items() if before.get(name) != states},
            locked=locked_possible(step.belief, info.rules),
        )
        before = held


def _beginning(steps: list[Step]) -> float:
    """The monotonic time at which the plan began, as near as its exchanges tell."""
    return min((step.exchanges[0].began - step.at for step in steps if step.exchanges), default=0.0)


def _kept(exchange: Exchange, zero: float) -> Exchange:
    body, note = exchange.response_body, exchange.note
    if len(body) > KEPT_BODY:
        note = "; ".join(filter(None, (note, f"{len(body)} characters, the first {KEPT_BODY} are kept")))
    return replace(
        exchange,
        began=round(exchange.began - zero, 6),
        ended=round(exchange.ended - zero, 6),
        request_body=exchange.request_body[:KEPT_BODY],
        response_body=body[:KEPT_BODY],
        note=note,
    )


def _plain(value: Any) -> Any:
    """An action as JSON data: amounts and words as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float) else str(value)
