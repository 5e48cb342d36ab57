"""A target that asks for patience is obeyed, within a budget, without losing or doubling anything."""

import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from fixtures.venue import Answer, AnswerClass, BudgetSpent
from fixtures.venue.throttle import LONGEST_BACKOFF, backoff, retry_after

ORDER = "0190b6f0-0000-7000-8000-000000000001"
DONE = {"data": {"success": True}, "error": False}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], status: int
) -> None:
    """The same request is sent again after the named second, and its answer is the one that counts."""
    server = serve(reply(status, {}, "Retry-After: 1"), reply(200, DONE))
    began = time.monotonic()
    answer = venue_at(server.base_url).cancel("primary", ORDER).answer
    assert answer.classes == {AnswerClass.ACCEPTED}
    assert time.monotonic() - began >= 1.0
    assert server.requests[0] == server.requests[1]


def test_throttling_without_a_time_backs_off(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """429 without Retry-After is tried again after a short, growing wait."""
    server = serve(reply(429, {}), reply(429, {}), reply(200, DONE))
    venue = venue_at(server.base_url)
    assert venue.cancel("primary", ORDER).answer.classes == {AnswerClass.ACCEPTED}
    assert len(server.requests) == 3
    assert venue.desk.limits.throttled == 2
    assert 0.1 < venue.desk.limits.throttled_seconds < 1.0


def test_a_budget_ends_the_patience(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A wait beyond the budget is not begun: the answer comes back classed as throttled, at once."""
    server = serve(reply(429, {}, "Retry-After: 3600"))
    began = time.monotonic()
    answer = venue_at(server.base_url, limits={"throttled_seconds": 5.0}).cancel("primary", ORDER).answer
    assert answer.classes == {AnswerClass.THROTTLED}
    assert time.monotonic() - began < 0.5
    assert len(server.requests) == 1


@pytest.mark.parametrize("asked", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_target_that_says_now_for_ever_is_given_up(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], asked: str
) -> None:
    """A wait of nothing still counts: the pauses grow, and the budget ends them."""
    server = serve(reply(429, {}, f"Retry-After: {asked}"))
    answer = venue_at(server.base_url, limits={"throttled_seconds": 1.0}).cancel("primary", ORDER).answer
    assert answer.classes == {AnswerClass.THROTTLED}
    assert len(server.requests) < 8


def test_503_without_retry_after_is_a_server_error(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Nothing says that such a request was not executed, so it is neither repeated nor excused."""
    server = serve(reply(503, {}))
    answer = venue_at(server.base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.SERVER_ERROR}
    assert len(server.requests) == 1


def test_a_signature_that_carries_a_time_is_renewed(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """After a wait the request is signed anew where its payload holds the time, so that it is not refused as old."""
    server = serve(reply(429, {}, "Retry-After: 0"), reply(200, DONE))
    venue = venue_at(
        server.base_url,
        authentication={"payload": "{nonce}:{target}", "extra_headers": {"X-Nonce": "{nonce}"}},
    )
    assert venue.cancel("primary", ORDER).answer.status == 200
    nonces = [
        next(line for line in request.split(b"\r\n") if line.startswith(b"X-Nonce")) for request in server.requests
    ]
    assert len(set(nonces)) == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        (formatdate(1_000_030, usegmt=True), 30.0),
        (formatdate(999_000, usegmt=True), 0.0),
        ("999999999999", 86_400.0),
        ("-3", None),
        ("soon", None),
        ("\u0663", None),
    ],
)
def test_forms_of_retry_after(value: str, seconds: float | None) -> None:
    """Seconds and dates are understood, a past date means now, and nonsense means that nothing was said."""
    assert retry_after([("Date", "x"), ("retry-after", value)], now=1_000_000.0) == seconds


def test_backoff_grows_and_is_bounded() -> None:
    """The wait doubles with each attempt, varies, and never exceeds its bound."""
    waits = [[backoff(attempt) for _ in range(50)] for attempt in range(1, 12)]
    assert max(waits[0]) < min(waits[3])
    assert all(wait <= LONGEST_BACKOFF for attempt in waits for wait in attempt)
    assert len(set(waits[0])) > 40


def test_requests_are_paced(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """More requests than a second's worth take the time that the rate allows."""
    venue = venue_at(serve(reply(404, {})).base_url, limits={"requests_per_second": 20.0})
    began = time.monotonic()
    for _ in range(30):
        venue.cancel("primary", ORDER)
    # A burst of one second's worth (20) passes at once; the other ten come at 20 a second.
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"total_requests": 3}, "limits.total_requests"),
        ({"run_seconds": 0.2}, "limits.run_seconds"),
    ],
)
def test_spent_budgets_stop_the_run(
    serve: Callable[..., Any],
    venue_at: Callable[..., Any],
    reply: Callable[..., bytes],
    limits: dict[str, Any],
    named: str,
) -> None:
    """A budget that is spent raises with the profile's key, and nothing more is sent."""
    server = serve(reply(404, {}))
    venue = venue_at(server.base_url, limits=limits)
    for _ in range(3):
        venue.cancel("primary", ORDER)
    time.sleep(0.21)
    with pytest.raises(BudgetSpent) as spent:
        venue.cancel("primary", ORDER)
    assert spent.value.limit == named
    assert len(server.requests) == 3


def test_no_more_requests_at_once_than_allowed(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Two slots and six parallel calls: the server never sees more than two at a time."""
    guard = threading.Lock()
    inside: list[int] = [0]
    most: list[int] = [0]

    def slow(connection: socket.socket) -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        with guard:
            inside[0] -= 1
        connection.sendall(reply(404, {}, "Connection: close"))

    venue = venue_at(serve(slow).base_url, limits={"in_flight": 2})
    lanes = [venue.sibling() for _ in range(6)]
    threads = [threading.Thread(target=lane.cancel, args=("primary", ORDER)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2
