"""Venues that accept a limit order first and put it into the book later: it is PENDING until then."""

from collections.abc import Callable

import pytest

from conformance.plans import Action, Cancel, CancelAll, Read, Settle
from conformance.trace import PlanResult
from fixtures.exchange.orders import Order, Word
from tests.runner.actions import LOOK, buy, cancelled, fill, sell
from tests.runner.stage import Stage

Open = Callable[..., Stage]

PLANS: dict[str, tuple[Action, ...]] = {
    "is looked at": (buy(), LOOK, *cancelled()),
    "is read": (buy(), Read(order="a"), *cancelled()),
    "is cancelled": (buy(), Cancel(order="a"), LOOK),
    "is cancelled with all": (buy(), buy("b"), CancelAll(), LOOK, Settle(), LOOK),
    "trades": (sell(), buy(price="1010.00"), LOOK),
    "is traded with": (buy(), fill("1"), LOOK, *cancelled()),
}


def placing_later(opened: Stage, seconds: float, *, never: bool = False) -> Stage:
    """A stage whose limit orders reach the book so much later than they are accepted."""
    engine = opened.service.engine
    submit = engine.submit_limit

    def accept(order: Order) -> None:
        order.status = Word.EXECUTING

        def arrive() -> None:
            order.status = Word.SUBMITTED
            submit(order)

        if not never:
            engine.later(seconds, arrive)

    engine.submit_limit = accept  # type: ignore[method-assign]  # what differs from the embedded exchange
    return opened


def verdict(result: PlanResult) -> tuple[list[str], str | None]:
    """What a plan found, in words, and its trouble."""
    return [f"{violation.requirements}: {violation.kind}" for violation in result.violations], result.trouble


@pytest.mark.parametrize("plan", PLANS)
def test_an_order_on_its_way_to_the_book(stage: Open, plan: str) -> None:
    """The first plan that meets one is run again with that known, and judged to its end; nobody is accused."""
    opened = placing_later(stage(), 0.05)
    assert verdict(opened.run(*PLANS[plan])) == ([], None)
    assert opened.live_orders() == 0


def test_who_places_at_once_is_not_waited_for(stage: Open) -> None:
    """No order is read after its placing where none was seen on its way."""
    opened = stage()
    opened.run(buy(), LOOK, *cancelled())
    assert not opened.memory.known.places_later
    asked = opened.sent[opened.sent.index("place") + 1]
    assert asked != "read"


def test_an_order_that_never_reaches_the_book_is_trouble(stage: Open) -> None:
    """After timing.place_delay the plan is given up, and says which key of the profile that is."""
    opened = placing_later(stage(timing={"place_delay": 0.02}), 0.0, never=True)
    found, trouble = verdict(opened.run(buy(), LOOK))
    assert found == []
    assert "timing.place_delay" in (trouble or "")


def test_what_is_wrong_with_a_cancel_is_found_all_the_same(stage: Open) -> None:
    """Where orders reach the book later, a refused cancel of one that is there is a finding like anywhere else."""
    opened = placing_later(stage(), 0.01)
    opened.run(buy(), LOOK)
    document = {"error": {"code": 400, "message": "no"}, "timestamp": "2026-03-01T08:00:00Z", "requestId": "1"}
    opened.answers("cancel", 400, document)
    result = opened.run(buy(), LOOK, Cancel(order="a"), LOOK)
    assert result.violations[0].requirements[0] == "CXL-01"
