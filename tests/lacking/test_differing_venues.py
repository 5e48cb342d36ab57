"""Venues that differ in answers and amounts: what is honest there is not accused, and a fault of theirs still is."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lacking.conftest import Judged

HONEST = [
    ("errors-in-200-by-code", "ERR-03,ERR-02"),
    ("errors-in-200-by-flag", "ERR-03,ERR-02"),
    ("nothing-found-is-an-empty-answer", "NTF-04,ERR-02"),
    ("market-in-every-request", "RCE-03,ALL-03"),
    ("binary-floating-point", "CXL-05,FND-05,RCE-04"),
    ("fee-reserve-in-the-other-asset", "FND-02,FND-03"),
    ("fees-in-the-given-asset", "FND-05"),
]


@pytest.mark.parametrize(("variant", "only"), HONEST, ids=[name for name, _ in HONEST])
def test_a_venue_that_differs_is_left_in_peace(judge: "Callable[..., Judged]", variant: str, only: str) -> None:
    """Nothing is accused, and nothing in doubt."""
    judged = judge((variant,), only=only)
    assert judged.accused == set()
    assert judged.troubles == {}


FAULTY = [
    # (variant, fault, the requirement that must catch it)
    ("errors-in-200-by-flag", "wrong-method-accepted", "ERR-03"),
    ("errors-in-200-by-code", "get-cancels", "ERR-03"),
    ("nothing-found-is-an-empty-answer", "id-malformed-accepted", "NTF-04"),
    ("market-in-every-request", "raced-place-locks-twice", "RCE-03"),
    ("binary-floating-point", "fifth-order-keeps-lock", "FND-01"),
    ("fee-reserve-in-the-other-asset", "lock-never-released", "FND-01"),
    ("fees-in-the-given-asset", "lock-never-released", "FND-01"),
]


@pytest.mark.parametrize(("variant", "fault", "requirement"), FAULTY, ids=[f"{v}+{f}" for v, f, _ in FAULTY])
def test_a_fault_is_caught_at_a_venue_that_differs(
    judge: "Callable[..., Judged]", variant: str, fault: str, requirement: str
) -> None:
    """The requirement that a fault breaks catches it there too."""
    assert requirement in judge((variant,), only=requirement, faults=(fault,)).accused
