"""Venues without a word for PENDING_CANCEL: a cancel is done when it is answered, unless the profile gives it time."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.plans import Cancel, Read, Settle, Wait
from conformance.runner.translation import venue_rules
from fixtures.profiles import load_profile, profile_from_data
from fixtures.variants.timing import WITHOUT_PENDING
from tests.runner.actions import LOOK, buy, cancelled
from tests.runner.stage import JsonObject, Stage

Open = Callable[..., Stage]
NO_WORD: Mapping[str, Any] = {"vocabulary": {"status": WITHOUT_PENDING}, "contract": False}


def shows_open(stage: Stage, *, until: Callable[[int], bool]) -> Stage:
    """Let the reads of these numbers show an order as if it had not been cancelled."""

    def alter(document: JsonObject) -> None:
        document["data"]["order"].update(status="submitted", amountFilled="0")

    return stage.alters("read", alter, when=until)


@pytest.mark.parametrize(
    ("tables", "delays", "old_status"),
    [
        ({}, True, False),
        ({"timing": {"cancel_delay": 0.5}}, True, False),
        ({"vocabulary": NO_WORD["vocabulary"]}, False, False),
        ({"vocabulary": NO_WORD["vocabulary"], "timing": {"cancel_delay": 0.5}}, True, True),
    ],
    ids=["a word", "a word and a time", "no word", "no word but a time"],
)
def test_a_cancel_may_be_pending_where_there_is_a_word_or_a_time(
    tables: dict[str, Any], *, delays: bool, old_status: bool
) -> None:
    """Only a word for it, or a time for it, makes a pending cancel possible; only the word can show it."""
    rules = venue_rules(profile_from_data({"extends": "documented", **tables}))
    assert (rules.delays_cancels, rules.shows_old_status) == (delays, old_status)
    assert rules.pending_deadline == (0.5 if old_status else load_profile("documented").timing.pending_cancel_deadline)


def test_an_old_status_after_an_accepted_cancel_is_a_finding_without_the_time(stage: Open) -> None:
    """Where nothing says that cancels take time, an order that still shows OPEN was not cancelled (CXL-01)."""
    opened = shows_open(stage(**NO_WORD), until=lambda n: n == 1)
    result = opened.run(buy(), Cancel(order="a"), Read(order="a"))
    assert [v.requirements[0] for v in result.violations] == ["CXL-01"]


def test_an_old_status_within_the_time_is_no_finding(stage: Open) -> None:
    """Within timing.cancel_delay the order may show as before; what it becomes is judged as ever (CXL-01)."""
    opened = shows_open(stage(**NO_WORD, timing={"cancel_delay": 5.0}), until=lambda n: n == 1)
    result = opened.run(buy(), Cancel(order="a"), Read(order="a"), Settle(), Read(order="a"))
    assert (result.violations, result.trouble) == ([], None)
    assert result.exercised["CXL-01"]


def test_an_old_status_after_the_time_is_a_finding(stage: Open) -> None:
    """After timing.cancel_delay an order that still shows OPEN was not cancelled, though the answer said so."""
    opened = shows_open(stage(**NO_WORD, timing={"cancel_delay": 0.05}), until=lambda n: True)
    result = opened.run(buy(), Cancel(order="a"), Read(order="a"), Wait(seconds=0.1), Read(order="a"))
    assert "CXL-01" in {i for v in result.violations for i in v.requirements}


def test_a_first_read_after_the_time_is_a_finding_as_well(stage: Open) -> None:
    """The time runs from the cancel's answer, whenever the order is read."""
    opened = shows_open(stage(**NO_WORD, timing={"cancel_delay": 0.05}), until=lambda n: True)
    result = opened.run(buy(), Cancel(order="a"), Wait(seconds=0.2), Read(order="a"))
    assert "CXL-01" in {i for v in result.violations for i in v.requirements}


def test_a_second_cancel_that_fails_is_an_error_and_nothing_of_pending_cancels(stage: Open) -> None:
    """A 5xx to a second cancel breaks ERR-01; PND-05 is about cancels that may be pending."""
    opened = stage(**NO_WORD).answers("cancel", 500, {"error": {"code": 500, "message": "oh"}}, when=lambda n: n == 2)
    result = opened.run(buy(), LOOK, *cancelled(), Cancel(order="a"))
    broken = {v.requirements[0] for v in result.violations}
    assert "ERR-01" in broken
    assert not any(name.startswith("PND") for v in result.violations for name in (*v.requirements, *v.also))
