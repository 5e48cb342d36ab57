"""The files that a run leaves."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from conformance.errors import UserError
from conformance.requirements import catalogue
from conformance.verdicts import RunRecord, judgements
from reports.coverage import possible_cells
from reports.evidence_files import EvidenceFolder
from reports.verdict_files import write_reports

if TYPE_CHECKING:
    from tests.reports.conftest import FinishedRun

JUDGED = [requirement.id for requirement in catalogue().values() if requirement.judged]


def test_verdicts_name_every_requirement_and_its_evidence(faulty_run: "FinishedRun", run_folder: Path) -> None:
    """verdicts.json holds each judged requirement once, and every evidence file that it names is there."""
    data = json.loads((run_folder / "verdicts.json").read_text())
    assert [entry["id"] for entry in data["requirements"]] == JUDGED
    by_id = {entry["id"]: entry for entry in data["requirements"]}
    assert by_id["CXL-01"]["verdict"] == "FAIL"
    assert by_id["TRM-01"]["verdict"] == "INTERMITTENT"
    assert (by_id["RCE-01"]["verdict"], by_id["RCE-01"]["reason"]) == (
        "NOT EXERCISED",
        "the profile allows one request in flight",
    )
    assert by_id["CXL-01"]["evidence"]
    for entry in data["requirements"]:
        assert bool(entry["evidence"]) == (entry["verdict"] in ("FAIL", "INTERMITTENT"))
        assert all((run_folder / name).is_file() for name in entry["evidence"])
    assert data["exit_status"] == 1
    assert data["run"]["seed"] == 7
    assert data["troubles"] == {"the exchange was busy": 1}
    assert {v["requirement"] for v in data["violations"]} >= {"CXL-01", "ALL-03", "TRM-01"}


def test_coverage_splits_the_possible_table(run_folder: Path) -> None:
    """Every possible cell is either reached or named as never reached, never both."""
    data = json.loads((run_folder / "coverage.json").read_text())
    reached = {(cell["state"], cell["event"]) for cell in data["reached"]}
    never = {(cell["state"], cell["event"]) for cell in data["never"]}
    assert ("OPEN", "cancel") in reached
    assert reached.isdisjoint(never)
    assert set(possible_cells()) <= reached | never


def test_junit_tells_failures_skips_and_errors_apart(run_folder: Path) -> None:
    """JUnit has a case a requirement; a violation is a failure with its proof, nothing unjudged looks passed."""
    suite = ElementTree.parse(run_folder / "junit.xml").getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == JUDGED
    failure = cases["CXL-01"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "cancel-conformance replay" in failure.text
    intermittent = cases["TRM-01"].find("failure")
    assert intermittent is not None
    assert intermittent.get("type") == "intermittent"
    assert cases["RCE-01"].find("skipped") is not None
    assert cases["SIG-02"].find("error") is not None
    assert cases["CXL-01"].get("classname") == "cancel-conformance.Core"
    kinds = ("failure", "skipped", "error")
    passed = [name for name, case in cases.items() if all(case.find(kind) is None for kind in kinds)]
    assert {"CXL-08", "ERR-01"} <= set(passed)
    assert sum(int(suite.get(count, "0")) for count in ("failures", "skipped", "errors")) == len(cases) - len(passed)


def test_the_summary_is_safe_markdown(run_folder: Path) -> None:
    """The summary names the violations with their proofs, and a target's name cannot inject markup."""
    text = (run_folder / "summary.md").read_text()
    assert "**CXL-01** (MUST, FAIL)" in text
    assert "TRM-01" in text
    assert "fixed in the next release" in text
    assert "embedded \\<exchange\\> & co" in text
    assert "INF-01 time to answer a cancel" in text
    assert text.count("```") % 2 == 0


def test_a_run_leaves_no_evidence_of_the_one_before(faulty_run: "FinishedRun", run_folder: Path) -> None:
    """A second run into the same folder removes the evidence that is no longer true."""
    assert list((run_folder / "evidence").iterdir())
    clean = RunRecord()
    write_reports(run_folder, clean, judgements(clean, missing={}), faulty_run.info, 3)
    assert not (run_folder / "evidence").exists()


def test_evidence_keeps_its_name_when_a_smaller_plan_is_found(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """A finding that is written again replaces its own file; another finding gets another file."""
    folder = EvidenceFolder(tmp_path, faulty_run.info)
    findings = list(faulty_run.record.findings.values())
    names = [folder.write(finding) for finding in findings]
    assert [folder.write(finding) for finding in findings] == names
    assert sorted(names) == sorted(f"evidence/{path.name}" for path in (tmp_path / "evidence").iterdir())
    assert len(set(names)) == len(findings)


def test_a_folder_that_cannot_be_written_is_a_clear_mistake(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """Where the folder is a file, the message names the path and the option."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match=r"Cannot write .*file") as caught:
        faulty_run.write(blocked)
    assert "--out" in caught.value.message


def test_no_secret_stands_in_any_file(faulty_run: "FinishedRun", run_folder: Path) -> None:
    """Neither key ids, nor pieces of private keys, nor the control token are in anything that was written."""
    files = [path for path in run_folder.rglob("*") if path.is_file()]
    assert len(files) >= 8
    assert len(faulty_run.secrets) > 20
    for path in files:
        text = path.read_text()
        assert [secret for secret in faulty_run.secrets if secret in text] == [], path.name
        # a signature of RSA-2048 is 344 characters of base64; nothing else here is as long
        assert re.search(r"[A-Za-z0-9+/]{300}", text) is None, path.name
    assert any("redacted" in path.read_text() for path in files)


def test_a_finding_that_a_smaller_plan_shows_in_another_way_is_written(
    faulty_run: "FinishedRun", tmp_path: Path
) -> None:
    """Made smaller, a finding may be of another kind than it was found under: it has its evidence all the same."""
    changed = copy.copy(faulty_run.record)
    changed.findings = {(key[0], "as it was seen first"): finding for key, finding in changed.findings.items()}
    replace(faulty_run, record=changed).write(tmp_path)
    written = json.loads((tmp_path / "verdicts.json").read_text())["violations"]
    assert all((tmp_path / violation["evidence"]).is_file() for violation in written)
