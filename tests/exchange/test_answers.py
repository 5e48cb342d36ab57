"""Paths, methods, ids and the shape of answers at the honest exchange."""

import json
import socket
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from fixtures.exchange.http import LARGEST_BODY

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        UNKNOWN[:-1],
        UNKNOWN + "0",
        UNKNOWN.upper(),
        "{" + UNKNOWN + "}",
        "urn:uuid:" + UNKNOWN,
        UNKNOWN.replace("-", ""),
        UNKNOWN + "/",
        UNKNOWN + "%00",
        UNKNOWN + "#",
        "../orders/" + UNKNOWN,
        "%30" + UNKNOWN[1:],
        "a%2Fb",
        "a" * 8192,
        "'; DROP TABLE orders; --".replace(" ", "%20"),
    ],
)
def test_a_malformed_id_is_refused_by_read_and_cancel(floor: "Floor", name: str) -> None:
    """What is no canonical lower-case UUID answers 400 to both, and nothing is decoded on the way."""
    for method, target in (("POST", f"/api/v1/orders/{name}/cancel"), ("GET", f"/api/v1/orders/{name}")):
        status, document = floor.primary.call(method, target)
        assert (status, document["error"]["message"]) == (400, "Malformed order id")


@pytest.mark.parametrize(
    "name",
    [
        UNKNOWN,
        UNKNOWN[:14] + "4" + UNKNOWN[15:],
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
def test_an_id_that_names_no_order_is_not_found(floor: "Floor", name: str) -> None:
    """A UUID of any version that names nothing answers 404, exactly as another account's order does."""
    foreign = floor.third.place()
    answers = []
    for order in (name, foreign):
        status, document = floor.primary.call("POST", f"/api/v1/orders/{order}/cancel")
        answers.append((status, document["error"]))
        assert floor.primary.call("GET", f"/api/v1/orders/{order}")[0] == 404
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert floor.third.status(foreign) == "submitted"
    assert foreign not in floor.primary.listed("includeClosed=true")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/Orders", 404),
        ("POST", "/api/v1/accounts/balance", 405),
        ("DELETE", "/api/v1/orders", 405),
        ("GET", "/api/v1/orders/cancel-all", 405),
        ("PUT", "/api/v1/orders/cancel-all", 405),
        ("GET", f"/api/v1/orders/{UNKNOWN}/cancel", 405),
        ("DELETE", f"/api/v1/orders/{UNKNOWN}", 405),
        ("HEAD", f"/api/v1/orders/{UNKNOWN}/cancel", 405),
        ("GET", "/api/v1/orders?includeClosed=perhaps", 400),
    ],
)
def test_paths_and_methods_that_do_not_exist(floor: "Floor", method: str, path: str, status: int) -> None:
    """An unknown path is 404 and an unknown method 405, once the caller is known."""
    order = floor.primary.place()
    assert floor.primary.call(method, path)[0] == status
    assert floor.primary.status(order) == "submitted"


def test_a_wrong_method_names_the_right_ones(floor: "Floor") -> None:
    """405 carries the Allow header (RFC 9110, section 15.5.6)."""
    trader = floor.primary
    trader.connection.request(
        "GET", "/api/v1/orders/cancel-all", headers=trader.headers("GET", "/api/v1/orders/cancel-all")
    )
    answer = trader.connection.getresponse()
    answer.read()
    assert answer.headers["Allow"] == "POST"


def test_errors_have_the_documented_shape(floor: "Floor") -> None:
    """Code equal to the status, message, details, an ISO 8601 time with a zone, and a request id of its own."""
    seen = set()
    for _ in range(3):
        status, document = floor.primary.call("POST", f"/api/v1/orders/{UNKNOWN}/cancel")
        assert document["error"]["code"] == status == 404
        assert document["error"]["message"]
        assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
        seen.add(document["requestId"])
    assert len(seen) == 3


def test_answers_have_the_documented_shape(floor: "Floor") -> None:
    """Success is data beside error false; balances add up; nothing else is in the answer to a cancel."""
    order = floor.primary.place()
    status, document = floor.primary.call("GET", "/api/v1/accounts/balance")
    assert status == 200
    assert set(document) == {"data", "error"}
    assert document["error"] is False
    assert {entry["asset"] for entry in document["data"]["balances"]} == {"BTC", "USDT", "ETH", "EUR", "DOGE"}
    assert isinstance(document["data"]["lastUpdated"], int)
    assert floor.primary.call("POST", f"/api/v1/orders/{order}/cancel") == (
        200,
        {"data": {"success": True}, "error": False},
    )


def _raw(floor: "Floor", request: bytes) -> tuple[int, dict[str, object]]:
    with socket.create_connection((floor.process.host, urlsplit(floor.process.base_url).port or 0), timeout=5) as peer:
        peer.sendall(request)
        answer = b""
        while chunk := peer.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    document: dict[str, object] = json.loads(body)
    return int(head.split()[1]), document


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /api/v1/orders/\x00/cancel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/orders/\xc3\xa9/cancel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX-API-Key: a\x00b\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX-API-Key: \xff\xfe\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX-API-Key: " + b"a" * 65536 + b"\r\nConnection: close\r\n\r\n",
        b"GET http://elsewhere/api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"BREW /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        b"this is no HTTP\r\n\r\n",
    ],
)
def test_hostile_requests_are_answered_in_the_dialect(floor: "Floor", request_bytes: bytes) -> None:
    """Whatever comes in, the answer is a 4xx in the documented shape, and the next request is served."""
    status, document = _raw(floor, request_bytes)
    assert 400 <= status < 500
    assert set(document) == {"error", "timestamp", "requestId"}
    assert floor.primary.listed() == []


def test_a_body_beyond_the_limit_is_refused(floor: "Floor") -> None:
    """413, without reading it into an order."""
    body = b" " * (LARGEST_BODY + 1)
    head = f"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    assert _raw(floor, head.encode() + body)[0] == 413
