"""A server that shows every request it was sent, and profiles of every scheme that point at it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fixtures.profiles import Profile, profile_from_data
from tests.signing.samples import account, table


class Echo(ThreadingHTTPServer):
    """Answers every request with what it was; a path that ends in ``/login`` with a new token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.refuses_logins = False

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
        lines = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        self.server.requests.append(f"{self.command} {self.path}\n{lines}\n\n{body}")
        status, document = 400, {"seen": self.server.requests[-1], "code": 400}
        if self.path.endswith("/login"):
            token = f"session-token-{len(self.server.tokens)}-0123456789abcdef"
            self.server.tokens.append(token)
            status, document = (401, {}) if self.server.refuses_logins else (200, {"jwt": token})
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Echo", (self.headers.get("X-Sign") or "none"))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of the test's own."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "state"))


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A running server."""
    with running() as server:
        yield server


@contextmanager
def running() -> Iterator[Echo]:
    """A server while it is needed."""
    server = Echo()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def profile_of() -> Callable[..., Profile]:
    """Builds a profile of a scheme: ``profile_of(echo, "hmac-sha256", parameters={...})``."""

    def build(server: Echo, scheme: str, fields: dict[str, Any] | None = None, **more: Any) -> Profile:
        accounts = {name: account(scheme) | {"fields": fields or {}} for name in ("primary", "counterparty")}
        section = dict.fromkeys(("payload_with_body", "payload", "signature_header", "key_value", "key_header"), False)
        section |= {"signature_value": False, "body_form": False}
        return profile_from_data(
            {
                "extends": "documented",
                "target": {"name": "echo", "base_url": server.base_url},
                "authentication": section | table(scheme, **more),
                "accounts": accounts,
            }
        )

    return build
