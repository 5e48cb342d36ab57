"""Running the plan of kept evidence again: to reproduce it, to make it small, to carry it into another repository."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.application.run import Options, opened_target, run_info
from conformance.engine.lanes import Lanes
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.minimise import minimise as made_small
from conformance.engine.session import open_session
from conformance.errors import UserError
from conformance.model.deviations import NONE, Deviations
from conformance.plans import Plan, from_data, to_data
from conformance.requirements import catalogue
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding
from fixtures.profiles.profile import Profile
from reports.atomic_files import write_json, write_text
from reports.evidence import Evidence, evidence_of
from reports.evidence import to_json as evidence_json

TRIES = 5
"""How often a plan is run to show an intermittent violation again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """One more run of a kept plan: whether it broke the same requirement, or any, and what in words."""

    same: bool
    seen: bool
    sentence: str


def plan_of(kept: Evidence) -> Plan:
    """The plan of an evidence file; raises :class:`~conformance.errors.UserError` where it is none."""
    return from_data(kept.plan, source=f"the evidence of {kept.requirement}")


def breach(result: PlanResult, kept: Evidence) -> Violation | None:
    """The breach of the kept requirements that a run shows: like the kept one if it can be, or in another way.

    When a fill or an end of a cancel comes between two reads, the same fault is seen as another wrong status.
    """
    broken = [
        violation for violation in result.violations if not set(kept.requirements).isdisjoint(violation.requirements)
    ]
    return min(broken, key=lambda violation: violation.kind != kept.kind, default=None)


@contextmanager
def _opened(kept: Evidence, options: Options) -> Iterator[tuple[Profile, Lanes]]:
    """The target, with the lanes up to the one that showed the violation, as far as its profile has them."""
    with (
        opened_target(replace(options, workers=kept.lane)) as profile,
        open_session(profile, level=LEVELS[LevelName.SMOKE], seed=kept.seed, lanes=kept.lane) as explorer,
    ):
        impatient(explorer.lanes)
        yield profile, explorer.lanes


def known_of(kept: Evidence) -> Deviations:
    """What the target was known to do wrong when the kept plan began. Raises :class:`UserError` where it is no such."""
    if not kept.known:
        return NONE
    try:
        return Deviations.from_data(kept.known)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"the evidence: known: expected deviations as a run writes them, found {error!r}") from error


def impatient(lanes: Lanes) -> None:
    """Take a request that has no answer for dropped at once: that the target drops it was seen in several plans."""
    for lane in lanes.lanes:
        lane.memory.known = replace(lane.memory.known, patience=1)


def replays(kept: Evidence, options: Options, *, times: int) -> Iterator[Replay]:
    """Run the plan ``times`` times and tell what each run showed."""
    plan, known = plan_of(kept), known_of(kept)
    with _opened(kept, options) as (_, lanes):
        for _ in range(times):
            result = lanes.run(plan, number=kept.lane, taken_for=known)
            shown = breach(result, kept)
            first = shown or next(iter(result.violations), None)
            sentence = result.trouble or "every observation was as predicted"
            if first is not None:
                sentence = f"{first.what}: expected {first.predicted}, seen {first.seen}"
            yield Replay(same=shown is not None, seen=first is not None, sentence=sentence)


def _same(result: PlanResult, kept: Evidence) -> bool:
    """Whether a run shows the kept violation in the same way: a smaller plan must not drift to another one."""
    shown = breach(result, kept)
    return shown is not None and shown.kind == kept.kind


def smaller(kept: Evidence, options: Options, *, requests: int, write_to: Path) -> tuple[int, int | None, int]:
    """Minimise the kept plan and write the evidence of the smallest one: actions before, after, requests spent."""
    plan, known = plan_of(kept), known_of(kept)
    with _opened(kept, options) as (profile, lanes):
        spent = 0
        first: PlanResult | None = None
        for _ in range(TRIES):
            result = lanes.run(plan, number=kept.lane, taken_for=known)
            spent += result.requests
            if _same(result, kept):
                first = result
                break
        if first is None:
            return len(plan.actions), None, spent
        tries = TRIES if kept.intermittent else 1
        best = made_small(
            first,
            lambda candidate: lanes.run(candidate, number=kept.lane, by_itself=True, taken_for=known),
            lambda r: _same(r, kept),
            requests=requests,
            tries=tries,
            in_a_row=1 if kept.intermittent else 2,
        )
        violation = next(v for v in best.violations if v.kind == kept.kind)
        ids = (kept.requirement, *(i for i in violation.requirements if i != kept.requirement))
        finding = Finding(
            violation=replace(violation, requirements=ids),
            result=best,
            failed=kept.failed,
            runs=kept.runs,
            count=kept.count,
            first_size=kept.minimised.before,
            spent=best.spent,
            test=kept.test,
        )
        info = replace(run_info(options, profile, None), level=kept.level, seed=kept.seed)
        write_json(write_to, evidence_json(evidence_of(finding, info, file=str(write_to))))
        return len(plan.actions), len(best.plan.actions), spent + best.spent


_TEST = '''"""A violation that was kept: the target does not show it any more.

Its plan stands beside this file, in the one of the same name that ends in .plan.json.
Run it with: pytest FILE --target TARGET
"""

import json
from pathlib import Path

import pytest

from conformance.engine.explorer import Explorer
from conformance.plans import from_data

KEPT = json.loads(Path(__file__).with_suffix(".plan.json").read_text(encoding="utf-8"))


@pytest.mark.requirement(*KEPT["requirements"])
def test_kept_violation(explorer: Explorer) -> None:
    """Nothing that the plan meets breaks a requirement."""
    explorer.run([from_data(KEPT["plan"], source="the kept plan")], lane=KEPT["lane"])
'''
"""The same for every violation: evidence may come from anywhere, and none of its text becomes code."""


def export_test(kept: Evidence, path: Path) -> None:
    """Write a pytest file that runs a kept plan against ``--target``, and beside it the plan, as data.

    It needs this package, and nothing else. Raises :class:`~conformance.errors.UserError` where the evidence holds no
    plan or names a requirement that is none of the catalogue's, and where ``path`` does not end in ``.py``.
    """
    if path.suffix != ".py":
        raise UserError(f"{path}: expected the name of a pytest file, which ends in .py.")
    strange = [one for one in kept.requirements if one not in catalogue()]
    if strange:
        raise UserError(f"The evidence names {strange[0]!r}, which is no requirement of this suite.")
    data = {
        "requirements": list(kept.requirements),
        "kind": kept.kind,
        "expected": kept.predicted,
        "seen": kept.seen,
        "lane": kept.lane,
        "plan": to_data(plan_of(kept)),
    }
    write_json(path.with_suffix(".plan.json"), data)
    write_text(path, _TEST)
