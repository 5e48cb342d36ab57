"""Evidence as a value: written, read back, and refused where it is not ours."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import UserError
from conformance.plans import from_data
from reports.evidence import KEPT_BODY, read_evidence, to_json
from reports.evidence_files import read_folder

if TYPE_CHECKING:
    from tests.reports.conftest import FinishedRun


def test_evidence_reads_back_as_it_was_written(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """Reading an evidence file gives the value that was written, and its plan is the plan that failed."""
    written = faulty_run.write(tmp_path)
    assert read_folder(tmp_path) == written
    plans = {finding.result.plan for finding in faulty_run.record.findings.values()}
    assert {from_data(evidence.plan) for evidence in written.values()} == plans


def test_the_trace_tells_what_was_done_predicted_and_seen(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """Each step has its sentence, its exchanges with times since the plan began, what was held possible and locked."""
    evidence = next(e for e in faulty_run.write(tmp_path).values() if e.requirement == "CXL-01")
    place, cancel = evidence.steps[1], evidence.steps[3]
    assert place.text == "place a: buy 0.5 BTC-USDT at 50000"
    assert place.held == {"a": ["OPEN with 0 of 0.5 executed"]}
    assert place.locked == {"primary": {"USDT": "25000"}}
    assert cancel.held["a"] == ["CANCELED with 0 of 0.5 executed", "PENDING_CANCEL with 0 of 0.5 executed"]
    assert cancel.locked == {"primary": {"USDT": "0 to 25000"}}
    assert not all(observation.fits for observation in evidence.steps[evidence.step].observations)
    times = [exchange.began for step in evidence.steps for exchange in step.exchanges]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] < 60


def test_the_replay_command_can_be_pasted_into_a_shell(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """Paths with blanks are quoted, and the command names the file that holds it."""
    folder = tmp_path / "my run"
    for name, evidence in faulty_run.write(folder).items():
        command = shlex.split(evidence.replay)
        assert command == ["cancel-conformance", "replay", str(folder / name), "--target", "my venue.toml"]


def test_long_bodies_are_cut_and_say_so(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """No body in evidence is longer than what is kept."""
    for evidence in faulty_run.write(tmp_path).values():
        for step in evidence.steps:
            assert all(len(exchange.response_body) <= KEPT_BODY for exchange in step.exchanges)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("plan"), "plan"),
        (lambda data: data.update(format="someone's/else"), "format"),
        (lambda data: data["trace"].update(steps="none"), "trace.steps"),
    ],
)
def test_a_file_that_is_no_evidence_is_refused_by_key(
    faulty_run: "FinishedRun", tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    """The message names the file and the key that is wrong."""
    evidence = next(iter(faulty_run.write(tmp_path).values()))
    data = to_json(evidence)
    change(data)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UserError) as caught:
        read_evidence(path)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_a_missing_evidence_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is a user's mistake, not a trace."""
    with pytest.raises(UserError, match="nowhere"):
        read_evidence(tmp_path / "nowhere.json")
