"""A violation as a proof, and what a terminal shows."""

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from reports.evidence import Evidence, StepEvidence, Trace
from reports.progress import RunProgress
from reports.proof import MOST_LINES, proof
from reports.terminal import print_result

if TYPE_CHECKING:
    from tests.reports.conftest import FinishedRun


@pytest.fixture
def evidence(faulty_run: "FinishedRun", tmp_path: Path) -> Evidence:
    """The evidence of the cancel without effect."""
    return next(e for e in faulty_run.write(tmp_path).values() if e.requirement == "CXL-01")


def test_a_proof_says_all_that_is_needed(evidence: Evidence) -> None:
    """The sentence, the steps with what was possible, prediction, observation, reason, count and replay are in it."""
    text = proof(evidence)
    for part in (
        "CXL-01 (MUST, Core) is violated",
        "Cancelling an OPEN order is accepted",
        "3  cancel a -> HTTP 200 (accepted)",
        "possible: a: CANCELED with 0 of 0.5 executed or PENDING_CANCEL",
        "predicted: CANCELED with 0 of 0.5 executed",
        "seen:      OPEN with 0 executed",
        "step 3: its cancel was accepted while it was OPEN (a)",
        "It breaks CXL-06",
        "failed in 5 of 5 runs",
        "from 9 to 4 actions",
        "seed 7",
        "Replay it: cancel-conformance replay ",
    ):
        assert part in text


def test_a_proof_is_shown_under_another_requirement_that_it_breaks(evidence: Evidence) -> None:
    """Under CXL-06 the proof quotes CXL-06."""
    text = proof(evidence, "CXL-06")
    assert text.startswith("CXL-06 (MUST, Core)")
    assert "It breaks CXL-01" in text


@pytest.mark.parametrize("width", [60, 80, 110])
@pytest.mark.parametrize("steps", [3, 40, 400])
def test_a_proof_is_short_however_long_the_plan(evidence: Evidence, steps: int, width: int) -> None:
    """A proof stays under forty lines and within its width, keeps the violating step and says what it left out."""
    base = evidence.steps[3]
    many = tuple(
        replace(base, index=i, text=f"cancel order-{i} " + "as somebody else " * 5, action={"do": "cancel"})
        for i in range(1, steps + 1)
    )
    long = replace(evidence, step=steps, trace=Trace(steps=many), because=("a reason " * 40,) * 9)
    lines = proof(long, width=width).splitlines()
    assert len(lines) <= MOST_LINES
    assert all(len(line) <= width for line in lines[:-1])
    assert any(line.startswith(f">{steps:3d}  cancel order-{steps}") for line in lines)
    assert ("more (all steps are in the evidence file)" in "\n".join(lines)) is (steps > 3)


def test_many_placings_share_a_line(evidence: Evidence) -> None:
    """Sixty placings before a cancel-all take three lines, not sixty."""
    places = tuple(
        StepEvidence(
            index=i,
            text=f"place o{i}: buy 1 BTC-USDT at {i}",
            action={"do": "place", "order": f"o{i}"},
            at=0.0,
            held={f"o{i}": ["OPEN with 0 of 1 executed"]},
            locked={},
        )
        for i in range(1, 61)
    )
    last = replace(evidence.steps[4], index=61)
    text = proof(replace(evidence, step=61, trace=Trace(steps=(*places, last))))
    assert "1-60  place 60 orders, from o1: buy 1 BTC-USDT at 1; to o60: buy 1 BTC-USDT at 60" in text
    assert "possible: each OPEN with 0 of 1 executed" in text


def test_an_intermittent_violation_says_so(evidence: Evidence) -> None:
    """k of n is in the proof, and the word."""
    assert "INTERMITTENT: it failed in 2 of 9 runs" in proof(replace(evidence, failed=2, runs=9, intermittent=True))


def test_the_terminal_shows_verdicts_without_colour(faulty_run: "FinishedRun", tmp_path: Path) -> None:
    """Without a terminal there are no control characters, and signs tell verdicts apart."""
    written = faulty_run.write(tmp_path)
    buffer = io.StringIO()
    print_result(
        Console(file=buffer, width=100),
        faulty_run.record,
        faulty_run.judgements,
        faulty_run.info,
        faulty_run.status,
        written,
    )
    text = buffer.getvalue()
    assert "\x1b" not in text
    for part in ("!CXL-01", "~TRM-01", "-RCE-01", "?SIG-02", "the profile allows one request in flight"):
        assert part in text
    assert "Not conformant: " in text.splitlines()[-1] + text.splitlines()[-2]


def test_a_pipe_gets_a_progress_line_now_and_then() -> None:
    """Where there is no terminal, progress is a plain line after the interval, and a note is a line at once."""
    buffer = io.StringIO()
    with RunProgress(Console(file=buffer, width=120), plain_seconds=3600) as progress:
        progress.update(requirement="CXL-01", plans=1)
        assert buffer.getvalue() == ""
        progress.note("CXL-01 violated")
        assert buffer.getvalue() == "CXL-01 violated\n"
    with RunProgress(Console(file=buffer, width=120), plain_seconds=0) as progress:
        progress.update(requirement="CXL-02", plans=3, requests=40, rate=20.4, seconds_left=5, violations=1, done=0.25)
    assert buffer.getvalue().splitlines()[-1].strip() == (
        "25%  CXL-02  3 plans, 40 requests (20/s), about 5 s left, 1 violation"
    )


def test_a_terminal_gets_a_live_line() -> None:
    """On a terminal the line is drawn in place and taken away at the end."""
    buffer = io.StringIO()
    with RunProgress(Console(file=buffer, force_terminal=True, width=120)) as progress:
        progress.update(requirement="FND-02", plans=7)
    assert "FND-02" in buffer.getvalue()
