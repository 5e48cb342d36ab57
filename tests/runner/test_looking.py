"""What a look asks for: no account that nothing concerns before the plan's last look, and nothing twice."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from conformance.plans import COUNTERPARTY, Action, Cancel, Read, Settle, Snapshot, Wait
from conformance.runner.plan_run import READS_REPEATED
from fixtures.venue.answers import Balances, Cancelled
from tests.runner.actions import LOOK, buy
from tests.runner.stage import Stage

Open = Callable[..., Stage]
FOREIGN = Read(order="a", account=COUNTERPARTY)


def asked(opened: Stage, *actions: Action) -> list[str]:
    """Whose balances are read, in turn, by a plan that finds nothing."""
    looked: list[str] = []
    balances = opened.venue.balances

    def told(account: str) -> Balances:
        looked.append(account)
        return balances(account)

    opened.venue.balances = told  # type: ignore[method-assign]  # the look is what is tested
    result = opened.run(*actions)
    assert not result.violations
    assert result.trouble is None
    return looked


def test_nothing_is_asked_again_where_nothing_was_sent(stage: Open) -> None:
    """A look straight after another, or after a settling with nothing to settle, sends no request."""
    once = asked(stage("immediate"), buy(), LOOK)
    assert asked(stage("immediate"), buy(), LOOK, Settle(), LOOK, LOOK) == once


def test_all_is_asked_again_after_a_wait(stage: Open) -> None:
    """Where time was let pass, something may have happened by itself."""
    once = asked(stage("immediate"), buy(), LOOK)
    assert len(asked(stage("immediate"), buy(), LOOK, Wait(seconds=0.001), LOOK)) == len(once) + 1


@pytest.mark.parametrize("operation", ["list", "balances"])
def test_all_is_asked_again_after_a_look_without_an_answer(stage: Open, operation: str) -> None:
    """Where an answer was lost as often as it was asked for, the look has not shown what it should."""
    begun = READS_REPEATED + (operation == "balances")  # balances are read when a plan begins
    opened = stage("immediate").loses(operation, arrives=True, when=lambda n: begun - READS_REPEATED < n <= begun)
    again = asked(opened, buy(), LOOK, LOOK)
    assert len(again) == len(asked(stage("immediate"), buy(), LOOK)) + (1 if operation == "list" else READS_REPEATED)


def test_an_account_that_nothing_concerns_is_left_for_the_last_look(stage: Open) -> None:
    """The account that only tries to read an order is looked at when the plan begins and when it ends."""
    looked = asked(stage("immediate"), buy(), LOOK, FOREIGN, LOOK, Cancel(order="a"), LOOK)
    assert looked.count(COUNTERPARTY) == 2
    assert looked.count("primary") > 3
    assert looked[1] == looked[-1] == COUNTERPARTY


@pytest.mark.parametrize("end", [(), (LOOK,), (LOOK, Snapshot())])
def test_the_last_look_leaves_out_no_account(stage: Open, end: tuple[Action, ...]) -> None:
    """FND-05: money that a cancel gives to an account without an order is found, whatever the plan ends with."""
    opened = stage("immediate")
    cancel, ledger = opened.venue.cancel, opened.service.engine.ledger

    def gives(account: str, order_id: str, *, market: str | None = None) -> Cancelled:
        ledger.balance(COUNTERPARTY, "USDT").available += Decimal(1)
        return cancel(account, order_id, market=market)

    opened.venue.cancel = gives  # type: ignore[method-assign]  # the look is what is tested
    (violation,) = opened.run(buy(), LOOK, FOREIGN, Cancel(order="a"), *end).violations
    assert COUNTERPARTY in violation.what
    assert "FND-05" in violation.requirements
