"""The signature class over other schemes: a clean exchange is not accused, every seeded fault is caught by its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.application.self_check import DELAY_MS, LANES, check, in_order, scheme_trials
from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import missing_reasons, open_session
from conformance.model.deviations import NONE
from conformance.requirements import Level
from conformance.runner.lane_memory import LaneMemory
from conformance.suite.listing import conformance_tests, run_suite
from conformance.verdicts import RunRecord, Verdict, judgements
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeProcess, ExchangeSettings
from fixtures.exchange.schemes import SCHEMES
from fixtures.faults import FAULTS, OF_SCHEMES

TESTS = conformance_tests()
GENERAL = ("key-id-optional", "signature-optional", "signature-unchecked", "any-registered-key")
"""Faults of the documented scheme that say nothing of how it verifies: they show in every scheme."""


class Bench:
    """An exchange for each scheme, reset between trials."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._open: dict[str, tuple[Explorer, ExchangeProcess]] = {}

    def ready(self, scheme: str, *faults: str) -> Explorer:
        """A fresh explorer over a fresh exchange in the scheme, with the faults."""
        if scheme not in self._open:
            settings = ExchangeSettings(scheme=scheme, delay_ms=DELAY_MS)
            profile, exchange = self._stack.enter_context(embedded_target(settings, lanes=LANES))
            session = open_session(profile, level=LEVELS[LevelName.SMOKE], seed=1, lanes=LANES)
            self._open[scheme] = self._stack.enter_context(session), exchange
        explorer, exchange = self._open[scheme]
        exchange.control.reset(faults=list(faults), seed=1)
        for lane in explorer.lanes.lanes:
            lane.memory = LaneMemory()
            journal = lane.venue.desk.journal
            for left in journal.open_orders():
                journal.never_placed(left.client_id)
        return replace(explorer, record=RunRecord(), done=set(), established=NONE, expiries=0, test="", wanted=())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The exchanges of this file."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path_factory.mktemp("state")))
        yield Bench(stack)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_clean_exchange_is_not_accused(bench: Bench, scheme: str) -> None:
    """Nothing is found, and every requirement on signatures that the scheme can show is passed."""
    explorer = bench.ready(scheme)
    run_suite(explorer, [one for one in TESTS if any(name.startswith("SIG-") for name in one.requirements)])
    record = explorer.record
    assert (record.findings, record.errors, record.stopped) == ({}, [], None)
    profile = explorer.lanes.lanes[0].venue.profile
    missing = missing_reasons(profile)
    found = {one.requirement.id: one.verdict for one in judgements(record, missing=missing)}
    due = {
        one.requirement.id
        for one in judgements(record, missing=missing)
        if one.requirement.id.startswith("SIG-") and one.requirement.id not in missing
        and one.requirement.level is Level.MUST
    }  # fmt: skip
    assert {name: found[name] for name in due if found[name] is not Verdict.PASS} == {}


@pytest.mark.parametrize("name", OF_SCHEMES)
def test_a_fault_of_a_scheme_is_caught(bench: Bench, name: str) -> None:
    """At smoke, by the tests of its own requirement."""
    fault = OF_SCHEMES[name]
    explorer = replace(bench.ready(fault.scheme, name), stop_at_first=frozenset({fault.requirement}))
    run_suite(explorer, [one for one in in_order(TESTS, fault) if fault.requirement in one.requirements])
    assert explorer.record.errors == []
    assert fault.requirement in {
        found for finding in explorer.record.findings.values() for found in finding.violation.requirements
    }


@pytest.mark.parametrize("name", GENERAL)
@pytest.mark.parametrize("scheme", ["hmac-sha256", "ed25519"])
def test_a_fault_of_keys_shows_in_every_scheme(bench: Bench, scheme: str, name: str) -> None:
    """What is wrong with keys is found whatever the signature is made of."""
    fault = FAULTS[name]
    explorer = replace(bench.ready(scheme, name), stop_at_first=frozenset({fault.requirement}))
    run_suite(explorer, [one for one in in_order(TESTS, fault) if fault.requirement in one.requirements])
    assert fault.requirement in {
        found for finding in explorer.record.findings.values() for found in finding.violation.requirements
    }


def test_every_scheme_has_faults_of_its_own() -> None:
    """Two at least for each."""
    for scheme in SCHEMES:
        assert sum(fault.scheme == scheme for fault in OF_SCHEMES.values()) >= 2


def test_self_check_tries_every_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean run and every fault of each; one of them, tried as the command does, is caught."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path))
    trials = scheme_trials(seed=1)
    assert {trial.scheme for trial in trials if trial.fault is None} == set(SCHEMES)
    assert [trial.fault for trial in trials if trial.fault is not None] == list(OF_SCHEMES)
    (one,) = (trial for trial in trials if trial.fault == "hmac-truncated-taken")
    (result,) = check([one], level=LevelName.SMOKE, processes=1)
    assert result.good
    assert result.requirement == "SIG-04"
