"""What a certificate claims, in plain words."""

from collections.abc import Iterator
from datetime import datetime

from conformance.requirements import Level, RequirementClass
from conformance.verdicts import Verdict
from reports.attestation.statement import Record, RequirementResult
from reports.attestation.verifying import Verified

_WIDTH = 14


def describe(verified: Verified) -> str:
    """The claim of a verified bundle: target, version, when, classes with their counts, and every reservation."""
    return "\n".join(f"{title:<{_WIDTH}}{printable(text)}".rstrip() for title, text in _rows(verified))


def printable(text: str) -> str:
    """A text from a bundle as one line that a terminal shows and does not obey: it was written by someone else."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _rows(verified: Verified) -> Iterator[tuple[str, str]]:
    statement, record = verified.statement, verified.statement.record
    yield "Target", f"{statement.target}, version {statement.target_version} ({record.environment})"
    yield "", verified.base_url
    yield "Judged", f"{_moment(record.started)} to {_moment(record.finished)}"
    yield "", f"by cancel-conformance {statement.suite_version}, level {record.level}, seed {record.seed}"
    yield "Signed", f"by the key {verified.key_id[:16]}…"
    yield "Valid", f"{_moment(record.issued)} to {_moment(record.expires)}"
    yield from _listed("Claimed", [_class(record, each) for each in record.claimed])
    yield from _listed("Not claimed", [f"{each}: {reason}" for each, reason in sorted(record.not_claimed.items())])
    yield from _listed("Warnings", [f"{result.id} (SHOULD): {result.verdict}" for result in _failed(record)])
    yield from _listed(
        "Relaxations",
        [
            f"{each.key} = {each.value}: {each.meaning}"
            + (f" ({', '.join(each.requirements)})" if each.requirements else "")
            for each in record.relaxations
        ],
        none="none",
    )
    yield from _listed("Not exercised", [_unjudged(result) for result in record.requirements if _open(record, result)])
    yield from _listed("Note", list(verified.notes))


def _listed(title: str, lines: list[str], none: str = "") -> Iterator[tuple[str, str]]:
    for place, line in enumerate(lines or ([none] if none else [])):
        yield ("" if place else title), line


def _class(record: Record, of: RequirementClass) -> str:
    results = [result for result in record.requirements if result.requirement_class is of]
    counts = []
    for level in (Level.MUST, Level.SHOULD):
        some = [result for result in results if result.level is level]
        if some:
            passed = sum(result.verdict is Verdict.PASS for result in some)
            counts.append(f"{passed} of {len(some)} {level} passed")
    return f"{of}: {', '.join(counts)}, exercised {sum(result.exercised for result in results):,} times"


def _failed(record: Record) -> list[RequirementResult]:
    return [result for result in record.requirements if result.verdict in (Verdict.FAIL, Verdict.INTERMITTENT)]


def _open(record: Record, result: RequirementResult) -> bool:
    """Whether a requirement of a claimed class has no verdict that says how it stands."""
    unjudged = result.verdict in (Verdict.NOT_EXERCISED, Verdict.INCONCLUSIVE)
    return unjudged and result.requirement_class in record.claimed


def _unjudged(result: RequirementResult) -> str:
    return f"{result.id} ({result.level}): {result.verdict}" + (f": {result.reason}" if result.reason else "")


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z")
