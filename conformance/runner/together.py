"""Starting several calls at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def start_together(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all ``calls`` at once and wait for the last; results in the order given.

    All threads stand at a barrier before the first one goes. Raises what a call raised, once all have ended: whatever
    the others did has happened by then.
    """
    results: list[Result | BaseException] = [RuntimeError("a call never ran")] * len(calls)
    barrier = threading.Barrier(len(calls))

    def go(at: int) -> None:
        try:
            barrier.wait()
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
