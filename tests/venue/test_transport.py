"""What a target can do to a client, and what becomes of it: an answer with a class, or a lost answer."""

import gzip
import socket
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fixtures.venue import Answer, AnswerClass, TargetUnavailable, Unknown

ORDER = "0190b6f0-0000-7000-8000-000000000001"


def _send(*pieces: bytes, then_wait: float = 0.0) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        time.sleep(then_wait)

    return act


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        time.sleep(0.1)
        connection.sendall(b" ")


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n")
    for _ in range(1600):
        connection.sendall(b"x" * 65536)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def test_a_refused_connection_is_known_not_to_have_been_sent(venue_at: Callable[..., Any]) -> None:
    """Nothing listens: the lost answer says that nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    lost = venue_at(f"http://127.0.0.1:{port}").cancel("primary", ORDER).answer
    assert isinstance(lost, Unknown)
    assert not lost.sent
    assert "refused" in lost.reason
    assert lost.exchange.status is None


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param(_send(), "closed", id="closes"),
        pytest.param(_reset, "connection", id="resets"),
        pytest.param(_send(then_wait=1.0), "time-out", id="never answers"),
        pytest.param(_send(b"\x00\x01garbage\r\n\r\n"), "not HTTP", id="garbage"),
        pytest.param(_send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "closed", id="truncated"),
        pytest.param(_send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", then_wait=1.0), "time-out", id="stalls"),
        pytest.param(_drip, "longer than 0.5 s", id="drips"),
        pytest.param(_send(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 300_000), "not HTTP", id="endless header"),
    ],
)
def test_a_lost_answer_may_have_been_acted_on(
    serve: Callable[..., Any], venue_at: Callable[..., Any], behaviour: Any, reason: str
) -> None:
    """Whatever breaks after the request went out is Unknown with ``sent``, and the reason says what broke."""
    lost = venue_at(serve(behaviour).base_url).cancel("primary", ORDER).answer
    assert isinstance(lost, Unknown)
    assert lost.sent
    assert reason in lost.reason
    assert 0 <= lost.exchange.seconds < 1.5


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, b"<html><body>Welcome</body></html>", id="HTML"),
        pytest.param(200, b"", id="empty"),
        pytest.param(200, b'{"data":{"success":true},"error":false} trailing', id="trailing text"),
        pytest.param(200, b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(200, b"[" * 200_000, id="nested without end"),
        pytest.param(200, b'{"data":{"success":true},"error":{"code":400}}', id="error as success"),
        pytest.param(200, b'{"data":{"success":true},"error":0}', id="number for a boolean"),
        pytest.param(204, b"", id="no content"),
        pytest.param(100 + 199, b"{}", id="unnamed 2xx"),
    ],
)
def test_an_answer_that_is_not_the_documented_success_is_unexpected(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], status: int, body: bytes
) -> None:
    """A 2xx that is not what the profile calls accepted never counts as accepted."""
    answer = venue_at(serve(reply(status, body)).base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.UNEXPECTED}


def test_a_huge_body_is_not_read_to_its_end(serve: Callable[..., Any], venue_at: Callable[..., Any]) -> None:
    """Of 100 MB, 8 MiB are read; the answer is unexpected, says so, and keeps no more than 64 KiB of it."""
    answer = venue_at(serve(_endless).base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.UNEXPECTED}
    assert answer.exchange.note == "body larger than 8 MiB"
    assert answer.cut
    assert len(answer.exchange.response_body) <= 64 * 1024


FOREVER = 4.0
"""Seconds for which a hostile server of these tests goes on: far longer than any time-out, for an end."""


def _for_ever(head: bytes, piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        connection.sendall(head)
        end = time.monotonic() + FOREVER
        while time.monotonic() < end:
            connection.sendall(piece)
            time.sleep(pause)

    return act


@pytest.mark.parametrize("raw", [False, True], ids=["library", "socket"])
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(_for_ever(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.1), id="a head of a byte at a time"),
        pytest.param(_for_ever(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.01), id="no end of interim answers"),
        pytest.param(
            _for_ever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.05), id="no last chunk"
        ),
        pytest.param(
            _for_ever(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n"
                b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\r\n",
                b"5\r\n\x00\x00\x00\xff\xff\r\n",
                0.01,
            ),
            id="a stream that inflates to nothing",
        ),
    ],
)
def test_no_exchange_takes_longer_than_its_deadline(
    serve: Callable[..., Any], venue_at: Callable[..., Any], behaviour: Any, raw: bool
) -> None:
    """Bytes that keep coming keep no request alive: one deadline holds for the whole of it."""
    venue = venue_at(serve(behaviour).base_url)
    began = time.monotonic()
    lost = venue.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") if raw else venue.cancel("primary", ORDER).answer
    assert isinstance(lost, Unknown)
    assert time.monotonic() - began < FOREVER - 0.5


def _bomb(layers: int) -> bytes:
    body = b" " * 64 * 1024 * 1024
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return body


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_answer_inflates_to_a_bound(serve: Callable[..., Any], venue_at: Callable[..., Any], layers: int) -> None:
    """A body that would be larger than any answer is cut off as one that is, in however many codings it comes."""
    body = _bomb(layers)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {', '.join(['gzip'] * layers)}\r\nContent-Length: {len(body)}\r\n\r\n"
    tracemalloc.start()
    answer = venue_at(serve(_send(head.encode() + body)).base_url).cancel("primary", ORDER).answer
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(answer, Answer)
    assert answer.cut
    assert most < 40 * 1024 * 1024


def test_codings_without_end_are_none(serve: Callable[..., Any], venue_at: Callable[..., Any]) -> None:
    """Nobody encodes a body five times; what says so is not encoded as it says."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip," * 5 + b"gzip\r\nContent-Length: 2\r\n\r\n{}"
    answer = venue_at(serve(_send(head)).base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert "Content-Encoding" in (answer.exchange.note or "")


def test_a_body_that_breaks_its_encoding_is_unexpected(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A body that is not gzip although the header says so is an unexpected answer, not an exception."""
    answer = venue_at(serve(reply(200, {}, "Content-Encoding: gzip")).base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.UNEXPECTED}
    assert "Content-Encoding" in (answer.exchange.note or "")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], status: int
) -> None:
    """Another host that the target points at never sees the credentials, nor any request."""
    other = serve(reply(200, {"data": {"success": True}, "error": False}))
    server = serve(reply(status, {}, f"Location: {other.base_url}/api/v1/orders/{ORDER}/cancel"))
    answer = venue_at(server.base_url).cancel("primary", ORDER).answer
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.UNEXPECTED}
    assert len(server.requests) == 1
    assert other.requests == []


def test_cookies_are_not_kept(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A cookie that the target sets is not sent back: every request stands on its own signature."""
    server = serve(reply(200, {}, "Set-Cookie: session=abcdefgh"))
    venue = venue_at(server.base_url)
    exchange = venue.cancel("primary", ORDER).answer.exchange
    venue.cancel("primary", ORDER)
    assert b"abcdefgh" not in server.requests[1]
    assert ("Set-Cookie", "[redacted]") in exchange.response_headers


def test_proxy_settings_of_the_environment_are_not_read(
    serve: Callable[..., Any],
    venue_at: Callable[..., Any],
    reply: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests go to the profile's host, whatever proxy the environment names."""
    proxy = serve(reply(502, {}))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.base_url)
    server = serve(reply(404, {}))
    assert venue_at(server.base_url).cancel("primary", ORDER).answer.is_(AnswerClass.NOT_FOUND)
    assert proxy.requests == []


def test_a_proxy_of_the_profile_is_told_the_whole_url(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Through a proxy, plain http names the target in the request line, and the signature stays that of the path."""
    proxy = serve(reply(404, {}))
    venue = venue_at(
        "http://127.0.0.1:9", target={"name": "far", "base_url": "http://127.0.0.1:9", "proxy": proxy.base_url}
    )
    assert venue.cancel("primary", ORDER).answer.status == 404
    assert proxy.requests[0].startswith(f"POST http://127.0.0.1:9/api/v1/orders/{ORDER}/cancel HTTP/1.1".encode())


def test_the_target_is_sent_byte_for_byte(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Dot segments, doubled slashes, percent signs and braces of an altered request are not repaired on the way."""
    server = serve(reply(400, {}))
    venue = venue_at(server.base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    for target in ("/api/v1/orders/../x/./cancel", "//a//b", "/%2f%00%zz", '/{x}|"<>`^', "/a?b=%2F&c==&&d"):
        venue.send(replace(request, target=target), hostile=True)
        assert server.requests[-1].split(b"\r\n")[0] == f"POST {target} HTTP/1.1".encode()


def test_what_the_library_refuses_is_sent_through_a_socket(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A header with a NUL, a target with a blank and a name that is no token arrive as they were altered."""
    server = serve(reply(400, {}))
    venue = venue_at(server.base_url)
    request = venue.prepare("primary", "cancel", order_id=ORDER)
    for altered, expected in (
        (replace(request, headers=(("X-API-Key", "a\0b"),)), b"X-API-Key: a\0b\r\n"),
        (replace(request, target="/a b"), b"POST /a b HTTP/1.1\r\n"),
        (replace(request, headers=(("X API Key", "k"),)), b"X API Key: k\r\n"),
        (replace(request, headers=(("X-API-Key", "caf\u00e9 \u20ac"),)), b"X-API-Key: caf\xe9 ?\r\n"),
    ):
        answer = venue.send(altered, hostile=True)
        assert isinstance(answer, Answer)
        assert answer.status == 400
        assert expected in server.requests[-1]


def test_repeated_transport_failures_end_the_run(serve: Callable[..., Any], venue_at: Callable[..., Any]) -> None:
    """After the profile's number of failures in a row the target counts as unavailable."""
    venue = venue_at(serve(_send()).base_url, limits={"transport_failures": 3})
    for _ in range(2):
        assert isinstance(venue.cancel("primary", ORDER).answer, Unknown)
    with pytest.raises(TargetUnavailable, match=r"3 requests in a row had no answer.*POST /api/v1/orders"):
        venue.cancel("primary", ORDER)


def test_an_answer_resets_the_count_of_failures(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """Failures that are not in a row do not add up; those of hostile requests do not count at all."""
    failing = _send()
    venue = venue_at(
        serve(failing, reply(404, {}), failing, failing, reply(404, {})).base_url, limits={"transport_failures": 2}
    )
    lost = [isinstance(venue.cancel("primary", ORDER).answer, Unknown) for _ in range(3)]
    hostile = venue.send(venue.prepare("primary", "cancel", order_id=ORDER), hostile=True)
    assert lost == [True, False, True]
    assert isinstance(hostile, Unknown)
    assert venue.cancel("primary", ORDER).answer.status == 404
