"""Small servers that answer as scripted, and profiles that point at them."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fixtures.profiles import Profile, profile_from_data
from fixtures.venue import Venue


def answer(status: int, body: object = None, *headers: str) -> bytes:
    """The bytes of an HTTP answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Scripted",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


class ScriptedServer:
    """Answers the n-th request with the n-th reply (the last one for ever); a reply may be a function of the socket."""

    def __init__(self, replies: list[bytes | Callable[[socket.socket], None]], context: ssl.SSLContext | None) -> None:
        self._replies = replies
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._guard = threading.Lock()
        self.requests: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]
        scheme = "http" if context is None else "https"
        self.base_url = f"{scheme}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                buffer = b""
                while True:
                    while b"\r\n\r\n" not in buffer:
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        buffer += piece
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    length = 0
                    for line in head.lower().split(b"\r\n"):
                        if line.startswith(b"content-length:"):
                            length = int(line.split(b":")[1])
                    while len(buffer) < length:
                        buffer += connection.recv(65536)
                    body, buffer = buffer[:length], buffer[length:]
                    with self._guard:
                        self.requests.append(head + b"\r\n\r\n" + body)
                        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
                    if callable(reply):
                        reply(connection)
                        return
                    connection.sendall(reply)
        except OSError:
            return  # the client went away, which several tests want

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts a scripted server: ``serve(reply, ...)`` or ``serve(..., context=tls)``."""
    started: list[ScriptedServer] = []

    def start(
        *replies: bytes | Callable[[socket.socket], None], context: ssl.SSLContext | None = None
    ) -> ScriptedServer:
        started.append(ScriptedServer(list(replies), context))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Builds the bytes of an HTTP answer: ``reply(200, {...}, "Header: value")``."""
    return answer


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(folder))
    return folder


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    """An RSA key made for these tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def pem(private_key: rsa.RSAPrivateKey) -> str:
    """The key as PKCS#8 PEM."""
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def profile_at(pem: str) -> Callable[..., Profile]:
    """Builds a profile of the documented dialect for a base URL: ``profile_at(url, limits={...})``."""

    def build(base_url: str, **tables: Any) -> Profile:
        key = {"private_key": {"inline": pem}}
        data: dict[str, Any] = {
            "extends": "documented",
            "target": {"name": "scripted", "base_url": base_url, "timeouts": {"connect": 1.0, "answer": 0.5}},
            "accounts": {
                "primary": {"key_id": "key-of-primary", **key},
                "counterparty": {"key_id": "key-of-counterparty", **key},
            },
            "markets": {
                "BTC-USDT": {
                    "base": "BTC", "quote": "USDT", "tick": "0.01", "step": "0.001", "min_quantity": "0.001",
                    "max_quantity": "10", "rest_price": "100.00", "extra": {"instType": "spot"},
                }
            },
        }  # fmt: skip
        for name, table in tables.items():
            data[name] = {**data[name], **table} if isinstance(data.get(name), dict) else table
        return profile_from_data(data)

    return build


@pytest.fixture
def venue_at(profile_at: Callable[..., Profile]) -> Iterator[Callable[..., Venue]]:
    """Opens a venue of the documented dialect for a base URL: ``venue_at(url, limits={...})``."""
    opened: list[Venue] = []

    def open_venue(base_url: str, **tables: Any) -> Venue:
        opened.append(Venue(profile_at(base_url, **tables)))
        return opened[-1]

    yield open_venue
    for venue in opened:
        venue.close()
