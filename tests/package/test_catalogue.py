"""Catalogue, conformance tests and seeded faults belong together: none of the three has an end that hangs loose."""

import tomllib
from pathlib import Path

import pytest

from conformance.requirements import Level, catalogue
from conformance.suite.listing import conformance_tests
from fixtures.faults import FAULTS, OF_SCHEMES

UNPROVEN = frozenset(tomllib.loads(Path(__file__).with_name("unproven.toml").read_text(encoding="utf-8"))["unproven"])
TESTED = {name for test in conformance_tests() for name in test.requirements}
PROVEN = {fault.requirement for fault in (*FAULTS.values(), *OF_SCHEMES.values())}
JUDGED = [entry for entry in catalogue().values() if entry.judged]


@pytest.mark.parametrize("name", [entry.id for entry in JUDGED if entry.id not in UNPROVEN])
def test_every_requirement_has_a_conformance_test(name: str) -> None:
    """A requirement that is judged, and not listed as open, is exercised by a test of the suite."""
    assert name in TESTED


@pytest.mark.parametrize(
    "name", [entry.id for entry in JUDGED if entry.level is Level.MUST and entry.id not in UNPROVEN]
)
def test_every_must_has_a_seeded_fault(name: str) -> None:
    """A MUST that is not listed as open has a seeded fault that shows that a breach of it is found."""
    assert name in PROVEN


def test_every_conformance_test_names_requirements_of_the_catalogue() -> None:
    """A test of the suite names at least one requirement, names no unknown one, and says what it checks."""
    tests = conformance_tests()
    assert tests
    assert [test.name for test in tests if not test.requirements] == []
    assert {(test.name, name) for test in tests for name in test.requirements if name not in catalogue()} == set()
    assert [test.name for test in tests if not test.summary] == []


def test_every_seeded_fault_names_a_requirement_that_is_judged() -> None:
    """A seeded fault names a requirement of the catalogue that can fail."""
    judged = {entry.id for entry in JUDGED}
    assert {fault.name: fault.requirement for fault in FAULTS.values() if fault.requirement not in judged} == {}


def test_the_list_of_open_requirements_only_shrinks() -> None:
    """What is listed as open is known and still lacks a test or, where it is a MUST, a seeded fault."""
    assert UNPROVEN.issubset(entry.id for entry in JUDGED)
    covered = {name for name in UNPROVEN & TESTED if name in PROVEN or catalogue()[name].level is not Level.MUST}
    assert covered == set()
