"""The files that a run leaves: verdicts, coverage, times, evidence, JUnit XML and a Markdown summary."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from conformance.verdicts import Finding, Judgement, RunRecord
from reports.allure import write_allure
from reports.atomic_files import write_bytes, write_json, write_text
from reports.coverage import coverage
from reports.evidence import Evidence, evidence_of
from reports.evidence_files import EvidenceFolder
from reports.junit import junit
from reports.latency import latency
from reports.run_info import RunInfo
from reports.stored_run import COVERAGE, LATENCY, VERDICTS, load_run
from reports.stored_run import VERDICTS_FORMAT as FORMAT
from reports.summary import conclusion, summary

SUMMARY: Final = "summary.md"
JUNIT: Final = "junit.xml"


def write_reports(
    directory: Path,
    record: RunRecord,
    judgements: Sequence[Judgement],
    info: RunInfo,
    status: int,
    *,
    folder: EvidenceFolder | None = None,
    allure_history: Path | None = None,
) -> dict[str, Evidence]:
    """Write every file of a run into ``directory``, each whole; evidence of an earlier run there is removed.

    ``folder`` is the one that already wrote findings as they were seen, so that their names stay. ``allure_history`` is
    an earlier Allure 2 report whose history is carried over. Returns the evidence by file name. Raises
    :class:`~conformance.errors.UserError` where the folder cannot be written.
    """
    folder = folder or EvidenceFolder(directory, info)
    names = {finding.key: folder.write(finding) for finding in record.findings.values()}
    folder.finish()
    # by what each finding is now: made smaller, it may show the same requirement broken in another way
    now = {finding.key: finding for finding in record.findings.values()}
    kept = {name: evidence_of(now[key], info, file=str(directory / name)) for key, name in names.items()}
    of = {
        judgement.requirement.id: [(names[f.key], kept[names[f.key]]) for f in judgement.findings if f.key in names]
        for judgement in judgements
    }
    write_json(directory / COVERAGE, coverage(record.cells))
    write_json(directory / LATENCY, latency(record))
    write_bytes(directory / JUNIT, junit(judgements, {name: [e for _, e in found] for name, found in of.items()}, info))
    write_text(directory / SUMMARY, summary(record, judgements, of, info, status))
    # last: a reader that finds the verdicts finds all that they name
    write_json(directory / VERDICTS, verdicts(record, judgements, info, status, names))
    write_allure(load_run(directory), history_from=allure_history)
    return kept


def verdicts(
    record: RunRecord,
    judgements: Sequence[Judgement],
    info: RunInfo,
    status: int,
    names: dict[tuple[str, str], str],
) -> dict[str, Any]:
    """The verdicts as JSON data; ``names`` are the evidence files by finding."""
    return {
        "format": FORMAT,
        "exit_status": int(status),
        "conclusion": conclusion(status, judgements),
        "requirements": [_requirement(judgement, names) for judgement in judgements],
        "violations": [_violation(finding, names[finding.key]) for finding in record.findings.values()],
        "run": info.to_json(),
        "plans": record.plans,
        "repeated_plans": record.repeated_plans,
        "requests": record.requests,
        "stopped": record.stopped,
        "errors": list(record.errors),
        "troubles": dict(record.troubles.most_common()),
        "notes": dict(record.notes.most_common()),
        "attacks": dict(record.attacks.most_common()),
    }


def _requirement(judgement: Judgement, names: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "id": judgement.requirement.id,
        "level": str(judgement.requirement.level),
        "class": str(judgement.requirement.requirement_class),
        "verdict": str(judgement.verdict),
        "exercised": judgement.exercised,
        "reason": judgement.reason,
        "evidence": [names[finding.key] for finding in judgement.findings if finding.key in names],
    }


def _violation(finding: Finding, name: str) -> dict[str, Any]:
    return {
        "requirement": finding.violation.requirements[0],
        "requirements": list(finding.violation.requirements),
        "kind": finding.violation.kind,
        "what": finding.violation.what,
        "predicted": finding.violation.predicted,
        "seen": finding.violation.seen,
        "count": finding.count,
        "failed": finding.failed,
        "runs": finding.runs,
        "intermittent": finding.intermittent,
        "actions": len(finding.result.plan.actions),
        "evidence": name,
    }
