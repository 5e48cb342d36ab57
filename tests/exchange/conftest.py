"""A running exchange for the tests, signed requests to it, and an exchange without HTTP on a clock of its own."""

import base64
import heapq
import json
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from http.client import HTTPConnection
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fixtures.exchange import ExchangeProcess, ExchangeSettings
from fixtures.exchange.identity import KeyRegistry
from fixtures.exchange.refusals import Refusal
from fixtures.exchange.requests import Request
from fixtures.exchange.service import Service
from fixtures.faults import compose

JsonObject = dict[str, Any]
IDLE = 1.0
"""Seconds after which a connection is not used again: the exchange closes idle ones."""


class Trader:
    """One account's connection: signs every request by the documented rules, written here a second time on purpose."""

    def __init__(self, base_url: str, key_id: str, private_pem: bytes) -> None:
        loaded = load_pem_private_key(private_pem, None)
        assert isinstance(loaded, RSAPrivateKey)
        self.key = loaded
        self.key_id = key_id
        self.connection = HTTPConnection(urlsplit(base_url).netloc, timeout=10)
        self.used_at = time.monotonic()

    def sign(self, payload: str) -> str:
        """The signature header for a payload."""
        return base64.b64encode(self.key.sign(payload.encode(), PKCS1v15(), SHA256())).decode()

    def headers(self, method: str, target: str, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The authentication headers of a request."""
        payload = f"{method}:{target}"
        if parameters is not None:
            texts = {
                name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in parameters.items()
                if value is not None
            }
            payload += ":" + "&".join(f"{name}={texts[name]}" for name in sorted(texts))
        return {"X-API-Key": self.key_id, "X-API-Signature": self.sign(payload)}

    def send(
        self, method: str, target: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, JsonObject]:
        """Send a request as it is; the status and the JSON body. A connection that was idle is made anew."""
        if time.monotonic() - self.used_at > IDLE:
            self.connection.close()
        self.used_at = time.monotonic()
        self.connection.request(method, target, body, dict(headers or {}))
        answer = self.connection.getresponse()
        text = answer.read()
        document: JsonObject = json.loads(text) if text else {}
        return answer.status, document

    def call(self, method: str, target: str, parameters: Mapping[str, Any] | None = None) -> tuple[int, JsonObject]:
        """Send a signed request."""
        body = None if parameters is None else json.dumps(parameters)
        return self.send(method, target, body, self.headers(method, target, parameters))

    def ticket(self, **changes: Any) -> JsonObject:
        """A limit buy of one BTC at 100 with the changes put in; an entry of None is left out."""
        terms: JsonObject = {
            "symbol": "BTC-USDT",
            "instType": "spot",
            "side": "buy",
            "orderType": "limit",
            "qty": "1",
            "px": "100",
            "timeInForce": "gtc",
        }
        return {name: value for name, value in (terms | changes).items() if value is not None}

    def place(self, **changes: Any) -> str:
        """Place an order that must be accepted; its id."""
        status, document = self.call("POST", "/api/v1/orders", self.ticket(**changes))
        assert status == 200, document
        return str(document["data"]["orderId"])

    def refused(self, **changes: Any) -> tuple[int, str]:
        """Place an order that must be refused; status and the code word of the details."""
        status, document = self.call("POST", "/api/v1/orders", self.ticket(**changes))
        return status, str(document["error"]["details"]).partition(":")[0]

    def cancel(self, order_id: str) -> int:
        """Cancel an order; the status of the answer."""
        return self.call("POST", f"/api/v1/orders/{order_id}/cancel")[0]

    def cancel_all(self) -> list[str]:
        """Cancel all; the ids listed."""
        status, document = self.call("POST", "/api/v1/orders/cancel-all")
        assert status == 200, document
        listed: list[str] = document["data"]["cancelledOrderIds"]
        return listed

    def order(self, order_id: str) -> JsonObject:
        """Read an order that must exist."""
        status, document = self.call("GET", f"/api/v1/orders/{order_id}")
        assert status == 200, document
        order: JsonObject = document["data"]["order"]
        return order

    def status(self, order_id: str) -> str:
        """The status word of an order."""
        return str(self.order(order_id)["status"])

    def listed(self, query: str = "instType=spot") -> list[str]:
        """The ids in the list of orders."""
        status, document = self.call("GET", f"/api/v1/orders?{query}")
        assert status == 200, document
        return [order["id"] for order in document["data"]["orders"]]

    def balance(self, asset: str) -> tuple[Decimal | int, Decimal | int, Decimal | int]:
        """Available, locked and total of an asset."""
        status, document = self.call("GET", "/api/v1/accounts/balance")
        assert status == 200, document
        entry = next(entry for entry in document["data"]["balances"] if entry["asset"] == asset)
        return Decimal(entry["available"]), Decimal(entry["lockedInOrders"]), Decimal(entry["current"])

    def wait_for(self, order_id: str, *words: str, seconds: float = 3.0) -> str:
        """The order's status word, once it is one of these, or when the time is over."""
        until = time.monotonic() + seconds
        while (word := self.status(order_id)) not in words and time.monotonic() < until:
            time.sleep(0.005)
        return word


class Floor:
    """The running exchange and its traders."""

    def __init__(self, process: ExchangeProcess) -> None:
        self.process = process
        self.control = process.control
        self._traders: list[Trader] = []
        self.primary, self.counterparty, self.third = (
            self.trader(name) for name in ("primary", "counterparty", "third")
        )

    def trader(self, name: str) -> Trader:
        """A further connection of an account."""
        account = self.process.accounts[name]
        self._traders.append(Trader(self.process.base_url, account.key_id, account.private_pem))
        return self._traders[-1]

    def close(self) -> None:
        """Close all connections."""
        for trader in self._traders:
            trader.connection.close()

    def totals(self) -> Mapping[str, str]:
        """What all accounts together hold, by asset."""
        totals: Mapping[str, str] = self.control.state()["totals"]
        return totals


@pytest.fixture(scope="session")
def running() -> Iterator[Floor]:
    """One exchange for all tests of this folder."""
    with ExchangeProcess(compose=compose) as process:
        floor = Floor(process)
        yield floor
        floor.close()


@pytest.fixture
def floor(running: Floor) -> Floor:
    """The exchange, fresh and honest, cancelling at once."""
    running.control.reset(
        cancel_mode="immediate",
        delay_ms=[20, 60],
        faults=[],
        variants=[],
        lock_model="spot",
        fee_asset="quote",
        fee_reserve=False,
        asset_scales={},
        rejected_orders="post-only",
        fills_while_pending=True,
        list_pending_cancel=True,
        market_orders_wait=False,
    )
    return running


class TrustingRegistry(KeyRegistry):
    """Takes the account's name for its key: for exchanges without HTTP."""

    def authenticate(self, request: Request) -> str:
        """The name in the key header."""
        return self.single(request, b"x-api-key").decode()


class Desk:
    """An exchange without HTTP, on a clock that moves only when told to; it notes every answer that it gets."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self.now = 1_700_000_000_000
        self.log: list[object] = []
        self._planned: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ids: dict[str, str] = {}
        self.service = Service(
            settings,
            keys=(),
            compose=lambda names: compose(names).overridden(TrustingRegistry),
            later=self._later,
            wall_clock_ms=lambda: self.now,
        )

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._planned, (self.now + round(seconds * 1000), next(self._numbers), action))

    def wait(self, milliseconds: int) -> Self:
        """Let time pass, and with it what was planned."""
        until = self.now + milliseconds
        while self._planned and self._planned[0][0] <= until:
            self.now, _, action = heapq.heappop(self._planned)
            action()
        self.now = until
        return self

    def call(self, account: str, method: str, target: str, parameters: Mapping[str, Any] | None = None) -> JsonObject:
        """Send a request and note what came, with ids replaced by the order in which they were first seen."""
        answer = self.service.api.handle(
            Request(
                method=method,
                target=target.encode(),
                headers=((b"x-api-key", account.encode()),),
                body=b"" if parameters is None else json.dumps(parameters).encode(),
            )
        )
        document: JsonObject = json.loads(answer.body)
        self.log.append((answer.status, self._masked(document)))
        return document

    def place(self, account: str = "primary", **changes: Any) -> str:
        """Place an order; its id, or the nil UUID where it was refused."""
        terms = {"symbol": "BTC-USDT", "side": "buy", "orderType": "limit", "qty": "1", "px": "100"} | changes
        document = self.call(
            account, "POST", "/api/v1/orders", {name: value for name, value in terms.items() if value is not None}
        )
        if document["error"] is not False:
            return "00000000-0000-0000-0000-000000000000"
        order_id = str(document["data"]["orderId"])
        if len(order_id) == 36:  # a UUID
            self.log.append((order_id[14], int(order_id.replace("-", "")[:12], 16) - self.now))
        return order_id

    def cancel(self, order_id: str, account: str = "primary") -> Self:
        """Cancel an order, then look at everything."""
        self.call(account, "POST", f"/api/v1/orders/{order_id}/cancel")
        return self.look()

    def cancel_all(self, account: str = "primary") -> Self:
        """Cancel all, then look at everything."""
        self.call(account, "POST", "/api/v1/orders/cancel-all")
        return self.look()

    def control(self, operation: Callable[[], None]) -> Self:
        """Drive the exchange, then look at everything."""
        operation()
        return self.look()

    def fill(self, order_id: str, quantity: str) -> Self:
        """Let the house trade with an order, and note where it cannot; then look at everything."""
        return self._driven(lambda: self.service.engine.fill(order_id, Decimal(quantity)))

    def expire(self, order_id: str) -> Self:
        """Let an order's time come, and note where it cannot; then look at everything."""
        return self._driven(lambda: self.service.engine.expire_now(order_id))

    def _driven(self, operation: Callable[[], None]) -> Self:
        try:
            operation()
        except Refusal as refusal:
            self.log.append(str(refusal))
        return self.look()

    def look(self) -> Self:
        """Read all orders and all balances of all accounts."""
        for account in ("primary", "counterparty", "third"):
            self.call(account, "GET", "/api/v1/orders")
            self.call(account, "GET", "/api/v1/orders?includeClosed=true")
            self.call(account, "GET", "/api/v1/accounts/balance")
        return self

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            kept = (item for item in value.items() if item[0] not in ("timestamp", "requestId", "updatedAt"))
            return {name: self._masked(item) for name, item in kept}
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
            return self._ids.setdefault(value, f"id {len(self._ids)}")
        return value


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """Opens an exchange without HTTP from settings."""
    return lambda **settings: Desk(ExchangeSettings(**settings))
