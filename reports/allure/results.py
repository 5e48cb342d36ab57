"""One Allure result of one requirement, whatever its verdict."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label, Link, Parameter, Status, StatusDetails, TestResult, TestStepResult
from allure_commons.types import AttachmentType, LabelType, LinkType, Severity

from conformance.requirements import FILE, Level
from conformance.verdicts import Verdict
from reports.allure.attachments import File, Shown, ShownStep, write
from reports.allure.circumstances import (
    DEVIATION,
    INTERMITTENT,
    NONCONFORMITY,
    NOT_EXERCISED,
    NOT_REACHED,
    SUITE_ERROR,
    UNAVAILABLE,
)
from reports.evidence import Evidence
from reports.proof import proof
from reports.stored_run import Entry, StoredRun

_SEVERITY: Final[Mapping[Level, Severity]] = {
    Level.MUST: Severity.CRITICAL,
    Level.SHOULD: Severity.MINOR,
    Level.INFO: Severity.TRIVIAL,
}


def result(entry: Entry, run: StoredRun, shown: Mapping[str, Shown], logger: AllureFileLogger) -> TestResult:
    """The result of one requirement; ``shown`` is what to attach of each finding, by the name of its evidence."""
    requirement, info = entry.requirement, run.info
    # a millisecond apart, so that a report sorted by time shows the order of the catalogue
    began = _milliseconds(str(info["started"])) + run.entries.index(entry)
    evidence = run.evidence[entry.evidence[0]] if entry.evidence else None
    behind = shown[entry.evidence[0]] if entry.evidence else Shown(files=(), steps=())
    found = TestResult(
        uuid=str(uuid5(NAMESPACE_URL, f"{info['target']} {info['started']} {requirement.id}")),
        name=f"{requirement.id}  {requirement.sentence}",
        fullName=f"{requirement.requirement_class}.{requirement.id}",
        testCaseId=_digest(requirement.id),
        historyId=_digest(f"{info['target']} {requirement.id}"),
        status=_status(entry, run),
        stage="finished",
        start=began,
        stop=began + round(behind.seconds * 1000),
        description=_description(entry),
        labels=_labels(entry, run),
        links=_links(requirement.id, str(info["catalogue_url"])),
        # left out of the identity of a result: another seed must not start another history
        parameters=[
            Parameter(name=name, value=str(value), excluded=True)
            for name, value in (
                ("level", info["level"]),
                ("seed", info["seed"]),
                ("plans", run.verdicts["plans"]),
                ("requests", run.verdicts["requests"]),
                ("exercised", entry.exercised),
            )
        ],
        titlePath=[str(info["target"]), str(requirement.requirement_class)],
    )
    found.statusDetails = _details(entry, run, evidence)
    if evidence is not None:
        text = File(name="proof", body=proof(evidence, requirement.id), kind=AttachmentType.TEXT)
        found.attachments = [write(logger, file) for file in (text, *behind.files)]
        found.steps = [_step(step, began, evidence, logger) for step in behind.steps]
    return found


def _step(step: ShownStep, began: int, evidence: Evidence, logger: AllureFileLogger) -> TestStepResult:
    return TestStepResult(
        name=step.name,
        status=Status.FAILED if step.violation else Status.PASSED,
        statusDetails=StatusDetails(message=f"predicted: {evidence.predicted}\nseen: {evidence.seen}")
        if step.violation
        else None,
        attachments=[write(logger, file) for file in step.files],
        start=began + round(step.began * 1000),
        stop=began + round(step.ended * 1000),
    )


def _status(entry: Entry, run: StoredRun) -> str:
    match entry.verdict:
        case Verdict.PASS:
            return Status.PASSED
        case Verdict.FAIL | Verdict.INTERMITTENT:
            return Status.FAILED
        case Verdict.NOT_EXERCISED:
            return Status.SKIPPED
        case Verdict.INCONCLUSIVE:
            return Status.UNKNOWN if _doubt(entry, run) == NOT_REACHED else Status.BROKEN


def _doubt(entry: Entry, run: StoredRun) -> str:
    """Why a requirement could not be judged: the category that its message begins with."""
    if entry.reason in run.verdicts["errors"]:
        return SUITE_ERROR
    if entry.reason == run.verdicts["stopped"] or entry.reason in run.verdicts["troubles"]:
        return UNAVAILABLE
    return NOT_REACHED


def _details(entry: Entry, run: StoredRun, evidence: Evidence | None) -> StatusDetails | None:
    if evidence is not None:
        deviation = run.deviation(entry.requirement.id)
        accepted = deviation is not None and deviation["state"] == "accepted"
        kind = DEVIATION if accepted else INTERMITTENT if entry.verdict is Verdict.INTERMITTENT else NONCONFORMITY
        because = f" ({deviation['reason']}; expires {deviation['expires']})" if accepted and deviation else ""
        return StatusDetails(
            message=f"{kind}{because}: {evidence.kind}\npredicted: {evidence.predicted}\nseen: {evidence.seen}\n"
            f"failed in {evidence.failed} of {evidence.runs} runs",
            trace=proof(evidence, entry.requirement.id),
            flaky=entry.verdict is Verdict.INTERMITTENT or None,
            known=accepted or None,
        )
    match entry.verdict:
        case Verdict.NOT_EXERCISED:
            return StatusDetails(message=f"{NOT_EXERCISED}: {entry.reason}")
        case Verdict.INCONCLUSIVE:
            return StatusDetails(message=f"{_doubt(entry, run)}: {entry.reason}")
        case _:
            return None


def _description(entry: Entry) -> str:
    requirement = entry.requirement
    authority = "; ".join(f"{word} ({word.meaning})" for word in requirement.authority)
    lines = [
        f"**{requirement.id}** ({requirement.level}, {requirement.requirement_class}): {requirement.sentence}",
        f"Authority: {authority}",
        f"Source: {requirement.source}",
        *([f"Note: {requirement.note}"] if requirement.note else []),
        f"Needs: {', '.join(sorted(requirement.needs)) or 'nothing beyond a reachable target'}",
        f"Verdict: {entry.verdict}; {_exercised(entry)}{'; ' + entry.reason if entry.reason else ''}",
        f"Catalogue: `{FILE}`, table `[{requirement.id}]`",
        f"How it is tested: `cancel-conformance explain {requirement.id}`",
    ]
    return "\n\n".join(lines)


def _exercised(entry: Entry) -> str:
    return f"{entry.exercised} observations agreed with it" if entry.exercised else "no observation agreed with it"


def _labels(entry: Entry, run: StoredRun) -> list[Label]:
    requirement, info = entry.requirement, run.info
    pairs = [
        (LabelType.EPIC, str(requirement.requirement_class)),
        (LabelType.FEATURE, requirement.id),
        (LabelType.PARENT_SUITE, str(info["target"])),
        (LabelType.SUITE, str(requirement.requirement_class)),
        (LabelType.SUB_SUITE, requirement.family),
        (LabelType.SEVERITY, str(_SEVERITY[requirement.level].value)),
        (LabelType.TAG, str(requirement.level)),
        (LabelType.TAG, requirement.id),
        (LabelType.FRAMEWORK, "cancel-conformance"),
        (LabelType.HOST, str(info["host"])),
    ]
    if entry.verdict is Verdict.INTERMITTENT:
        pairs.append((LabelType.TAG, "intermittent"))
    return [Label(name=name, value=value) for name, value in pairs]


def _links(requirement: str, catalogue_url: str) -> list[Link]:
    if not catalogue_url:
        return []
    address = catalogue_url.replace("{id}", requirement)
    return [Link(type=LinkType.TEST_CASE, url=address, name=f"{requirement} in the catalogue")]


def _milliseconds(started: str) -> int:
    return round(datetime.fromisoformat(started).timestamp() * 1000)


def _digest(text: str) -> str:
    """A short stable name, as Allure's own adapters make them."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
