"""``explain``: a requirement in words, with what stands behind it."""

import pytest

import conformance.cli
from conformance.requirements import catalogue
from conformance.suite.listing import conformance_tests
from fixtures.faults import FAULTS


def explained(capsys: pytest.CaptureFixture[str], *ids: str) -> str:
    """What ``explain`` prints for these ids, its line breaks taken out."""
    assert conformance.cli.main(["explain", *ids]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_a_requirement_is_explained_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence, source, authority, needs, a test's description and the seeded faults are all there."""
    monkeypatch.setenv("COLUMNS", "200")
    shown = explained(capsys, "FND-03")
    requirement = catalogue()["FND-03"]
    assert requirement.sentence in shown
    assert requirement.source in shown
    assert "D (follows from the source document by logic)" in shown
    assert ", ".join(sorted(requirement.needs)) in shown
    tests = [test for test in conformance_tests() if "FND-03" in test.requirements]
    faults = [fault for fault in FAULTS.values() if fault.requirement == "FND-03"]
    assert tests
    assert faults
    assert all(test.name.partition("::")[2] in shown for test in tests)
    assert all(fault.name in shown for fault in faults)


def test_without_an_id_everything_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every id of the catalogue is in the list."""
    shown = explained(capsys)
    assert all(f"{name} " in shown for name in catalogue())


def test_a_family_stands_for_its_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    """A family's name, in either case, explains each requirement of it and no other."""
    shown = explained(capsys, "pnd")
    assert all(requirement.sentence in shown for requirement in catalogue().values() if requirement.family == "PND")
    assert catalogue()["CXL-01"].sentence not in shown


def test_what_is_only_measured_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """INF has no test to name: it says that it is measured and never judged."""
    assert "measured, never judged" in explained(capsys, "INF-01")
