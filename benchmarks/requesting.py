"""How fast a run asks its target, beside a bare loop of signed requests to the same exchange."""

import base64
import json
import time
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from benchmarks.figures import Figure
from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import open_session
from conformance.suite.listing import conformance_tests, run_suite
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeProcess, ExchangeSettings

WANTED = 0.6
DELAY_MS = (20, 60)


class BareLoop:
    """What anybody would write: one httpx client, each request signed anew, the answer parsed and nothing judged."""

    def __init__(self, exchange: ExchangeProcess) -> None:
        account = exchange.accounts["primary"]
        key = load_pem_private_key(account.private_pem, None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"expected an RSA key of the exchange, found {type(key).__name__}")
        self._key = key
        self._key_id = account.key_id
        self._client = httpx.Client(base_url=exchange.base_url)
        self.requests = 0

    def call(self, method: str, path: str, ticket: dict[str, str] | None = None) -> dict[str, dict[str, str]]:
        """One signed request."""
        payload = f"{method}:{path}"
        if ticket is not None:
            payload += ":" + "&".join(f"{name}={ticket[name]}" for name in sorted(ticket))
        signature = base64.b64encode(self._key.sign(payload.encode(), PKCS1v15(), SHA256())).decode()
        headers = {"X-API-Key": self._key_id, "X-API-Signature": signature, "Content-Type": "application/json"}
        content = None if ticket is None else json.dumps(ticket)
        answer = self._client.request(method, path, headers=headers, content=content)
        self.requests += 1
        data: dict[str, dict[str, str]] = answer.json()["data"]
        return data

    def life(self, number: int) -> None:
        """One order's life: placed, looked at, cancelled, looked at; the mix of requests of an ordinary plan."""
        ticket = {
            "symbol": "BTC-USDT",
            "instType": "spot",
            "side": "buy",
            "orderType": "limit",
            "qty": f"0.{1 + number % 9}",
            "px": f"{900 + number % 50}",
        }
        order_id = self.call("POST", "/api/v1/orders", ticket)["orderId"]
        for _ in range(2):
            self.call("GET", "/api/v1/orders?instType=spot")
            self.call("GET", "/api/v1/accounts/balance")
        self.call("POST", f"/api/v1/orders/{order_id}/cancel")
        self.call("GET", f"/api/v1/orders/{order_id}")

    def rate(self, seconds: float) -> float:
        """Requests per second over so many seconds."""
        began, number = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self.life(number)
            number += 1
        self._client.close()
        return self.requests / (time.perf_counter() - began)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCost:
    """What one run with one lane cost."""

    requests: int
    plans: int
    seconds: float


def run_cost(level: LevelName, mode: CancelMode, *, bare_seconds: float) -> tuple[float, RunCost]:
    """Requests per second of the bare loop, and the cost of a run, one after the other on the same exchange."""
    settings = ExchangeSettings(cancel_mode=mode, delay_ms=DELAY_MS)
    with embedded_target(settings) as (profile, exchange):
        bare = BareLoop(exchange).rate(bare_seconds)
        exchange.control.reset()
        with open_session(profile, level=LEVELS[level], seed=1) as explorer:
            began = time.perf_counter()
            run_suite(explorer, conformance_tests())
            seconds = time.perf_counter() - began
            limits = explorer.lanes.lanes[0].venue.desk.limits
            cost = RunCost(requests=limits.requests, plans=explorer.record.plans, seconds=seconds)
    return bare, cost


def measure(level: LevelName, *, bare_seconds: float = 4.0) -> list[Figure]:
    """The bare loop, a run at once after it, and their ratio, for cancels that are immediate and for mixed ones."""
    figures = []
    for mode in (CancelMode.IMMEDIATE, CancelMode.MIXED):
        bare, cost = run_cost(level, mode, bare_seconds=bare_seconds)
        rate = cost.requests / cost.seconds
        wanted = mode is CancelMode.IMMEDIATE  # with delayed cancels a run waits for them, as it must
        figures += [
            Figure(name=f"bare signed httpx loop ({mode})", value=bare, unit="requests/s"),
            Figure(name=f"{level} run, one lane ({mode})", value=rate, unit="requests/s"),
            Figure(
                name=f"ratio ({mode})",
                value=100 * rate / bare,
                unit="%",
                target=f">= {WANTED:.0%}" if wanted else "",
                met=rate / bare >= WANTED if wanted else None,
            ),
            Figure(name=f"wall time ({mode})", value=cost.seconds, unit="s"),
            Figure(name=f"requests a plan ({mode})", value=cost.requests / cost.plans, unit=""),
            Figure(name=f"time a plan ({mode})", value=1000 * cost.seconds / cost.plans, unit="ms"),
        ]
    return figures
