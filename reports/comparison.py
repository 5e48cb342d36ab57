"""What changed between two runs: verdicts that got better or worse, violations that are new or gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.requirements import Requirement
from conformance.verdicts import Verdict
from reports.stored_run import BAD, StoredRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One requirement whose verdict changed."""

    requirement: Requirement
    before: Verdict
    now: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The later run seen against the earlier one.

    ``other`` are changes between verdicts that are neither a pass nor a failure. ``new`` and ``gone`` are entries of
    the list ``violations`` of ``verdicts.json``; equal violations are told by requirements and kind. ``caveats`` say
    where the two runs cannot be compared like with like.
    """

    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    other: tuple[Change, ...]
    new: tuple[Mapping[str, Any], ...]
    gone: tuple[Mapping[str, Any], ...]
    same: int
    caveats: tuple[str, ...]


def compare(now: StoredRun, before: StoredRun) -> Comparison:
    """Compare two runs, requirement by requirement and violation by violation."""
    earlier = {entry.requirement.id: entry.verdict for entry in before.entries}
    changes = [
        Change(requirement=entry.requirement, before=earlier[entry.requirement.id], now=entry.verdict)
        for entry in now.entries
        if entry.requirement.id in earlier and earlier[entry.requirement.id] is not entry.verdict
    ]
    ranked = [(change, _RANK[change.now] - _RANK[change.before]) for change in changes]
    mine, theirs = _by_key(now.verdicts["violations"]), _by_key(before.verdicts["violations"])
    return Comparison(
        better=tuple(change for change, step in ranked if step > 0),
        worse=tuple(change for change, step in ranked if step < 0),
        other=tuple(change for change, step in ranked if step == 0),
        new=tuple(violation for key, violation in mine.items() if key not in theirs),
        gone=tuple(violation for key, violation in theirs.items() if key not in mine),
        same=len(now.entries) - len(changes),
        caveats=tuple(_caveats(now, before)),
    )


_RANK: Final[Mapping[Verdict, int]] = {
    Verdict.PASS: 2,
    Verdict.NOT_EXERCISED: 1,
    Verdict.INCONCLUSIVE: 1,
    **dict.fromkeys(BAD, 0),
}


def _by_key(violations: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {(*violation["requirements"], violation["kind"]): violation for violation in violations}


def _caveats(now: StoredRun, before: StoredRun) -> Iterable[str]:
    for key, word in (
        ("target", "targets"),
        ("level", "levels"),
        ("suite_version", "versions of the suite"),
        ("selected", "selections of requirements"),
    ):
        if now.info[key] != before.info[key]:
            yield f"The runs are of different {word}: {_shown(before.info[key])} before, {_shown(now.info[key])} now."


def _shown(value: object) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
