"""The Markdown summary of a run, fit for a CI job's page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from conformance.exit_status import ExitStatus
from conformance.requirements import Level
from conformance.verdicts import Judgement, RunRecord, Verdict
from reports.evidence import Evidence
from reports.latency import MEASURES, latency, milliseconds
from reports.proof import proof
from reports.run_info import RunInfo

MARKS: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "\N{WHITE HEAVY CHECK MARK}",
    Verdict.FAIL: "\N{CROSS MARK}",
    Verdict.INTERMITTENT: "\N{LARGE ORANGE CIRCLE}",
    Verdict.NOT_EXERCISED: "\N{MEDIUM WHITE CIRCLE}",
    Verdict.INCONCLUSIVE: "\N{BLACK QUESTION MARK ORNAMENT}",
}
MOST_PROOFS: Final = 10


def conclusion(status: int, judgements: Sequence[Judgement]) -> str:
    """What a run says as a whole, in one sentence; a failed SHOULD is named as a warning."""
    found = Counter(judgement.verdict for judgement in judgements)
    failed = found[Verdict.FAIL] + found[Verdict.INTERMITTENT]
    shoulds = [
        j.requirement.id
        for j in judgements
        if j.requirement.level is Level.SHOULD and j.verdict in (Verdict.FAIL, Verdict.INTERMITTENT)
    ]
    match status:
        case ExitStatus.CONFORMANT if shoulds:
            return f"Conformant as far as it was exercised, with warnings: {', '.join(shoulds)}."
        case ExitStatus.CONFORMANT:
            return "Conformant as far as it was exercised."
        case ExitStatus.NONCONFORMANT if failed:
            return f"Not conformant: {failed} requirement{'s are' if failed > 1 else ' is'} violated."
        case ExitStatus.NONCONFORMANT:
            return "Not conformant."
        case _:
            return "Inconclusive: not every requirement could be judged."


def summary(
    record: RunRecord,
    judgements: Sequence[Judgement],
    evidence: Mapping[str, Sequence[tuple[str, Evidence]]],
    info: RunInfo,
    status: int,
) -> str:
    """The summary; ``evidence`` holds, by requirement, the evidence files with their names, the smallest first."""
    parts = [
        f"## Cancel conformance of {_cell(info.target)}: {conclusion(status, judgements)}",
        _size(record, info),
        _classes(judgements),
        _violations(judgements, evidence),
        _unexercised(judgements),
        _deviations(info),
        _latency(record),
    ]
    if record.stopped:
        parts.insert(2, f"**Stopped early:** {_cell(record.stopped)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _size(record: RunRecord, info: RunInfo) -> str:
    return (
        f"Level {info.level}, seed {info.seed}, {record.plans} plans, {record.requests} requests, "
        f"{f'{len(record.attacks)} distinct attacks, ' if record.attacks else ''}"
        f"{info.seconds:.0f} s, at `{info.host}` ({info.environment}), suite {info.suite_version}."
    )


def _classes(judgements: Sequence[Judgement]) -> str:
    rows = [
        "| class | " + " | ".join(f"{MARKS[v]} {v.lower()}" for v in Verdict) + " |",
        "|---|" + "---:|" * len(Verdict),
    ]
    for name in dict.fromkeys(j.requirement.requirement_class for j in judgements):
        found = Counter(j.verdict for j in judgements if j.requirement.requirement_class is name)
        rows.append(f"| {name} | " + " | ".join(str(found[v] or "") for v in Verdict) + " |")
    return "\n".join(rows)


def _violations(judgements: Sequence[Judgement], evidence: Mapping[str, Sequence[tuple[str, Evidence]]]) -> str:
    failed = [j for j in judgements if j.verdict in (Verdict.FAIL, Verdict.INTERMITTENT)]
    if not failed:
        return ""
    lines = ["### Violations", ""]
    shown: set[str] = set()
    for judgement in failed:
        requirement = judgement.requirement
        lines.append(
            f"{MARKS[judgement.verdict]} **{requirement.id}** ({requirement.level}, {judgement.verdict}): "
            f"{_cell(requirement.sentence)}"
        )
        lines.append("")
        for name, one in evidence.get(requirement.id, ())[:1]:
            if name in shown or len(shown) >= MOST_PROOFS:
                lines += [f"See `{name}`.", ""]
                continue
            shown.add(name)
            fence = "`" * max(3, _longest_run(proof(one, requirement.id)) + 1)
            lines += [f"{fence}text", proof(one, requirement.id), fence, ""]
    return "\n".join(lines).rstrip()


def _unexercised(judgements: Sequence[Judgement]) -> str:
    rows = [
        f"| {MARKS[j.verdict]} {j.requirement.id} | {j.requirement.level} | {j.verdict} | {_cell(j.reason)} |"
        for j in judgements
        if j.verdict in (Verdict.NOT_EXERCISED, Verdict.INCONCLUSIVE)
    ]
    if not rows:
        return ""
    return "\n".join(["### Not judged", "", "| id | level | verdict | reason |", "|---|---|---|---|", *rows])


def _deviations(info: RunInfo) -> str:
    rows = [f"| {d.requirement} | {_cell(d.reason)} | {d.expires} | {_cell(d.state)} |" for d in info.deviations]
    if not rows:
        return ""
    return "\n".join(["### Known deviations", "", "| id | reason | expires | state |", "|---|---|---|---|", *rows])


def _latency(record: RunRecord) -> str:
    found = latency(record)["measures"]
    rows = [
        f"| {name} {what} | {found[name]['count']} | "
        + " | ".join(milliseconds(found[name][key]) for key in ("median", "p95", "p99", "maximum"))
        + " |"
        for name, what in MEASURES.items()
        if found[name]["count"]
    ]
    if not rows:
        return ""
    title = "| measured, not judged | count | median | p95 | p99 | maximum |"
    return "\n".join(["### Times", "", title, "|---|---:|---:|---:|---:|---:|", *rows])


def _cell(text: str) -> str:
    """Text of others, made harmless inside Markdown."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
