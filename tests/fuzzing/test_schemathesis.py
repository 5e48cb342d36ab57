"""Schemathesis as a program of its own: what it may call, what it says, and that it touches nothing here."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.engine.explorer import Explorer, NonconformityError
from conformance.engine.fuzzing import fuzz_contract
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.judging.causes import OF_CHECKS
from conformance.requirements import catalogue
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeProcess, ExchangeSettings
from fixtures.fuzzing.relay import relay
from fixtures.fuzzing.schemathesis import SWITCHED_OFF, fuzz

LEVEL = replace(LEVELS[LevelName.STANDARD], name=LevelName.SMOKE, repeats=1, minimise=20)


@pytest.fixture
def opened() -> Iterator[tuple[Explorer, ExchangeProcess]]:
    """A run over an exchange of its own."""
    settings = ExchangeSettings(delay_ms=(5, 20))
    with embedded_target(settings) as (profile, exchange), open_session(profile, level=LEVEL, seed=1) as explorer:
        explorer.begin("test_contract::test_contract_by_schemathesis", ("ERR-01", "ERR-02", "ERR-04"))
        yield explorer, exchange


def test_every_check_is_mapped_or_switched_off_with_a_reason() -> None:
    """No check of the tool runs that nothing is made of, and none is left out silently."""
    ask = "import schemathesis.specs.openapi.checks, schemathesis.checks as c; print(*c.CHECKS.get_all_names())"
    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    names = set(said.stdout.split()) - {"max_response_time"}
    assert set(OF_CHECKS) | set(SWITCHED_OFF) == names
    assert not set(OF_CHECKS) & set(SWITCHED_OFF)
    assert {name for names in OF_CHECKS.values() for name in names} <= set(catalogue())
    assert all(reason for reason in SWITCHED_OFF.values())


@pytest.mark.slow
def test_a_correct_exchange_draws_no_complaint(opened: tuple[Explorer, ExchangeProcess]) -> None:
    """It sends requests in all its phases, breaks nothing, leaves no order, and is no part of this process."""
    explorer, exchange = opened
    loaded = "schemathesis" in sys.modules
    fuzz_contract(explorer)
    record = explorer.record
    assert record.findings == {}
    assert record.troubles == {}
    assert record.notes["cases of Schemathesis"] > 50
    assert record.exercised["ERR-01"] > 50
    assert record.exercised["ERR-04"] > 50
    assert ("schemathesis" in sys.modules) is loaded
    lane = explorer.lanes.lanes[0]
    assert lane.venue.orders("primary").views == ()
    assert exchange.control.state() is not None


@pytest.mark.slow
def test_what_it_finds_becomes_plans(opened: tuple[Explorer, ExchangeProcess]) -> None:
    """A wrong shape of errors is found, sent again by a plan, repeated, and recorded with the plan as its evidence."""
    explorer, exchange = opened
    exchange.control.reset(faults=["error-message-missing"])
    with pytest.raises(NonconformityError):
        fuzz_contract(explorer)
    broken = {name for finding in explorer.record.findings.values() for name in finding.violation.requirements}
    assert {"ERR-02", "ERR-04"} <= broken
    for finding in explorer.record.findings.values():
        assert finding.failed == finding.runs == 1 + LEVEL.repeats
        assert finding.result.plan.actions[-1].do == "send"


@pytest.mark.slow
def test_it_is_ended_when_the_run_stops_or_takes_too_long(opened: tuple[Explorer, ExchangeProcess]) -> None:
    """Neither an interrupted run nor a slow target waits for it; why it ended is said."""
    venue = opened[0].lanes.lanes[0].venue
    contract = venue.desk.contract
    assert contract is not None
    with relay(venue, "primary", lambda _: None, lambda: False) as (url, headers):
        late = fuzz(contract, url, headers, order_ids=(), examples=3, seed=1, seconds=0.2, stop=lambda: False)
        asked = fuzz(contract, url, headers, order_ids=(), examples=3, seed=1, seconds=60, stop=lambda: True)
    assert late.stopped == "Schemathesis was ended after 0.2 s"
    assert asked.stopped == "the run was interrupted"
