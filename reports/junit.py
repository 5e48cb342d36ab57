"""JUnit XML, which every CI system shows: one test case a requirement."""

from collections.abc import Mapping, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from conformance.requirements import Requirement
from conformance.verdicts import Judgement, Verdict
from reports.evidence import Evidence
from reports.proof import headline, proof
from reports.run_info import RunInfo
from reports.xml_text import xml_text


def junit(judgements: Sequence[Judgement], evidence: Mapping[str, Sequence[Evidence]], info: RunInfo) -> bytes:
    """The verdicts as JUnit XML; ``evidence`` holds the evidence of each requirement, the smallest first.

    FAIL and INTERMITTENT are failures, NOT EXERCISED is skipped, INCONCLUSIVE is an error: none of them is a pass.
    """
    suite = TestSuite("cancel-conformance")
    suite.timestamp = info.started
    for name, value in (
        ("target", info.target),
        ("host", info.host),
        ("level", info.level),
        ("seed", str(info.seed)),
        ("suite version", info.suite_version),
    ):
        suite.add_property(name, xml_text(value))
    for judgement in judgements:
        suite.add_testcase(_case(judgement, evidence.get(judgement.requirement.id, ())))
    suite.time = round(info.seconds, 3)
    document = JUnitXml("cancel-conformance")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call] # junitparser leaves its methods untyped
    document.time = suite.time = round(info.seconds, 3)
    written = document.tostring()  # type: ignore[no-untyped-call] # likewise
    assert isinstance(written, bytes)
    return written


def _case(judgement: Judgement, evidence: Sequence[Evidence]) -> TestCase:
    requirement = judgement.requirement
    case = TestCase(requirement.id, f"cancel-conformance.{requirement.requirement_class}", 0.0)
    match judgement.verdict:
        case Verdict.FAIL | Verdict.INTERMITTENT:
            texts = [proof(one, requirement.id) for one in evidence[:3]]
            first = headline(evidence[0], requirement.id) if evidence else _title(requirement)
            failure = Failure(xml_text(first), _kind(judgement))
            failure.text = xml_text("\n\n".join(texts))
            case.result = [failure]
        case Verdict.NOT_EXERCISED:
            case.result = [Skipped(xml_text(judgement.reason or "not exercised"), _kind(judgement))]
        case Verdict.INCONCLUSIVE:
            case.result = [Error(xml_text(judgement.reason or "inconclusive"), _kind(judgement))]
        case Verdict.PASS:
            case.system_out = xml_text(f"{_title(requirement)}\nexercised {judgement.exercised} times")
    return case


def _title(requirement: Requirement) -> str:
    return f"{requirement.id} ({requirement.level}): {requirement.sentence}"


def _kind(judgement: Judgement) -> str:
    return judgement.verdict.replace(" ", "-").lower()
