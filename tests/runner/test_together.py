"""Starting calls at the same moment."""

import threading

import pytest

from conformance.runner.racing import start_together


def test_calls_run_at_the_same_time() -> None:
    """Each call can wait for all the others: none of them is started only after another one has ended."""
    meeting = threading.Barrier(8)
    calls = [lambda number=number: (meeting.wait(timeout=5.0), number)[1] for number in range(8)]
    assert start_together(calls) == list(range(8))


def test_what_a_call_raises_is_raised_once_all_have_ended() -> None:
    """A call that fails does not hide what the others did: they have all run when its error comes out."""
    ran: list[int] = []

    def works() -> None:
        ran.append(1)

    def fails() -> None:
        raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        start_together([works, fails, works])
    assert ran == [1, 1]
