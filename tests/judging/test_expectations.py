"""What a target may answer to an attack: which paths an ordinary router takes for one."""

import pytest

from conformance.judging.expectations import same_to_a_router

CANCEL = "/api/v1/orders/42/cancel"


@pytest.mark.parametrize(
    ("target", "correct", "same"),
    [
        ("/orders/42/", "/orders/42", True),
        ("/orders/42%2F", "/orders/42", True),
        ("/api/v1/orders/42//cancel", CANCEL, True),
        ("/api/v1/orders/x/../42/cancel", CANCEL, True),
        ("/orders/42;a=1", "/orders/42", True),
        ("/orders/42?a=1", "/orders/42", True),
        ("/orders/42#a", "/orders/42", True),
        ("/cancel?id=42", "/cancel?id=42", False),
        ("/cancel?id=42/", "/cancel?id=42", False),
        ("/api/v1/orders/42?a=1/cancel", CANCEL, False),
        ("/orders/42%20", "/orders/42", False),
        ("/orders/42%252F", "/orders/42", False),
        ("/orders/42,43", "/orders/42", False),
        ("/rpc", "/rpc", False),
    ],
)
def test_what_an_ordinary_router_takes_for_one_path(target: str, correct: str, same: bool) -> None:
    """Slashes, dot segments, path parameters and queries that nobody reads make no other path; ids with more in do."""
    assert same_to_a_router(target, correct) is same
