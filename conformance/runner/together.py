"""Starting several calls at the same moment, each in a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


LEAD = 0.001
"""Seconds between the moment when all threads are ready and the start: whoever came last must not run ahead."""


def start_together(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all ``calls`` at once and wait for the last; results in the order given.

    All threads stand at a barrier before the first one goes. Raises what a call raised, once all have ended: whatever
    the others did has happened by then.
    """
    results: list[Result | BaseException] = [RuntimeError("a call never ran")] * len(calls)
    start = 0.0

    def ready() -> None:
        nonlocal start
        start = time.monotonic() + LEAD

    barrier = threading.Barrier(len(calls), action=ready)

    def go(at: int) -> None:
        try:
            barrier.wait()
            time.sleep(max(0.0, start - time.monotonic()))
            results[at] = calls[at]()
        except BaseException as trouble:  # noqa: BLE001  # it is raised again below, in the thread that waits
            results[at] = trouble

    threads = [threading.Thread(target=go, args=(at,), name=f"race-{at}", daemon=True) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done: list[Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
