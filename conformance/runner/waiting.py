"""Reading the clock and waiting: the other modules of the runner call this one for both."""

import time
from collections.abc import Callable, Iterator


def now() -> float:
    """Seconds since the epoch, by this machine's clock: what deadlines of orders are compared with."""
    return time.time()


def moment() -> float:
    """Seconds of the monotonic clock: what durations are taken with."""
    return time.monotonic()


def let_pass(seconds: float) -> None:
    """Wait; no time at all where ``seconds`` is not above zero, since even a sleep of nothing gives the core away."""
    if seconds > 0:
        time.sleep(seconds)


def until_over(is_over: Callable[[], bool], *, within: float, every: float) -> bool:
    """Ask every so many seconds until something is over; says whether it was, ``within`` so many seconds."""
    give_up = moment() + within
    while not is_over():
        if moment() > give_up:
            return False
        let_pass(every)
    return True


def attempts(pauses: tuple[float, ...]) -> Iterator[bool]:
    """As many tries as pauses and one more, with the pauses between them; each with whether it is the last."""
    for pause in pauses:
        yield False
        let_pass(pause)
    yield True
