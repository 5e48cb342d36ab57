"""The shape of answers: what breaks ERR-02 and ERR-04, what is nobody's fault, and that neither hides anything else."""

from collections.abc import Callable

import pytest

from conformance.plans import Action, Cancel, CancelUnknown
from strategies.cells import UNKNOWN_IDS
from tests.runner.actions import LOOK, buy, cancelled
from tests.runner.stage import Stage

Open = Callable[..., Stage]
UNKNOWN: tuple[Action, ...] = (buy("a"), LOOK, CancelUnknown(order_id=UNKNOWN_IDS[0]), LOOK, *cancelled())


UNAUTHENTICATED = {
    "error": {"code": 401, "message": "no", "details": "x"},
    "timestamp": "2026-03-01T08:00:00.5Z",
    "requestId": "r",
}


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [
        ("errors-as-text", "ERR-02"),
        ("errors-without-body", "ERR-02"),
        ("error-code-differs", "ERR-02"),
        ("error-request-id-repeated", "ERR-02"),
        ("cancel-answer-empty", "ERR-04"),
        ("balance-numbers", "ERR-04"),
    ],
)
def test_a_wrong_shape_hides_nothing(stage: Open, fault: str, requirement: str) -> None:
    """A wrong shape is recorded once in a plan, which goes on to its end and judges all else."""
    result = stage("mixed", faults=(fault,)).run(*UNKNOWN, CancelUnknown(order_id=UNKNOWN_IDS[1]))
    assert requirement in {name for violation in result.violations for name in violation.requirements}
    kinds = [violation.kind for violation in result.violations]
    assert len(kinds) == len(set(kinds))
    assert not result.ended
    assert result.trouble is None
    assert result.exercised["CXL-01"] + result.exercised["CXL-06"] > 0


def test_without_a_contract_less_is_asked(stage: Open) -> None:
    """A profile that names no document is asked for JSON, codes and messages, and not for times and request ids."""
    theatre = stage(contract=False).alters("cancel", lambda document: document.pop("requestId", None))
    result = theatre.run(*UNKNOWN)
    assert result.violations == []
    assert result.exercised["ERR-02"] > 0
    assert result.exercised["ERR-04"] == 0


def test_a_correct_cancel_that_is_not_recognised(stage: Open) -> None:
    """A right signature that is refused as unauthenticated breaks SIG-01, whatever else it breaks."""
    theatre = stage().answers("cancel", 401, UNAUTHENTICATED, when=lambda number: number == 1)
    result = theatre.run(buy("a"), LOOK, Cancel(order="a"), LOOK)
    assert ("SIG-01",) in {violation.requirements for violation in result.violations}
