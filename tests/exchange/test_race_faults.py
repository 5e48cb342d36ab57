"""Race faults show when requests overlap, and only then: judged against every order of the same requests."""

import asyncio
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from fixtures.exchange import ExchangeSettings
from fixtures.exchange.identity import KeyRegistry
from fixtures.exchange.requests import Request
from fixtures.exchange.service import Service
from fixtures.faults import FAULTS, compose

Call = Callable[[], Any]


class TrustingRegistry(KeyRegistry):
    """Takes the account's name for its key."""

    def authenticate(self, request: Request) -> str:
        """The name in the key header."""
        return self.single(request, b"x-api-key").decode()


class Ring:
    """An exchange with three resting orders of the first account and one of the third, and calls that may race."""

    def __init__(self, faults: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()

        def later(seconds: float, action: Callable[[], None]) -> None:
            loop.call_later(seconds, action)

        self.service = Service(
            ExchangeSettings(faults=tuple(faults)),
            keys=(),
            compose=lambda names: compose(names).overridden(TrustingRegistry),
            later=later,
        )
        self.orders: list[str] = []

    async def prepare(self) -> "Ring":
        """Place the orders, and let them grow older than a few milliseconds."""
        for account in ("primary", "primary", "primary", "third"):
            await self.place(account)
        await asyncio.sleep(0.01)
        return self

    async def call(self, account: str, method: str, path: str, parameters: object = None) -> tuple[int, Any]:
        """Send a request; status and what was answered, with ids replaced by their places."""
        body = b"" if parameters is None else json.dumps(parameters).encode()
        headers = ((b"x-api-key", account.encode()),)
        answer = await self.service.api.answer(Request(method=method, target=path.encode(), headers=headers, body=body))
        return answer.status, json.loads(answer.body).get("data")

    async def place(self, account: str) -> str:
        """Place a buy of one BTC at 100."""
        terms = {"symbol": "BTC-USDT", "side": "buy", "orderType": "limit", "qty": "1", "px": "100"}
        data = (await self.call(account, "POST", "/api/v1/orders", terms))[1]
        self.orders.append(data["orderId"])
        return "placed"

    async def cancel(self, place: int, account: str = "primary") -> int:
        """Cancel an order by its place; the status of the answer."""
        return (await self.call(account, "POST", f"/api/v1/orders/{self.orders[place]}/cancel"))[0]

    async def cancel_all(self) -> str:
        """Cancel all; the places of the listed orders."""
        data = (await self.call("primary", "POST", "/api/v1/orders/cancel-all"))[1]
        return str([self.orders.index(order) if order in self.orders else "?" for order in data["cancelledOrderIds"]])

    async def fill(self, place: int, quantity: str) -> str:
        """Trade with an order, where that is still possible."""
        await asyncio.sleep(0)
        try:
            self.service.engine.fill(self.orders[place], Decimal(quantity))
        except Exception as refusal:  # noqa: BLE001  # whatever it is, it is what was seen
            return str(refusal)
        return "filled"

    def seen(self) -> str:
        """All orders and all balances."""
        engine = self.service.engine
        orders = [(engine.orders[name].status.value, engine.orders[name].executed) for name in self.orders]
        accounts = {
            name: {
                asset: (str(held.available.normalize()), str(held.locked.normalize()))
                for asset, held in sorted(balances.items())
            }
            for name, balances in engine.ledger.accounts().items()
        }
        return repr((orders, accounts))


RACES: dict[str, list[Callable[[Ring], Any]]] = {
    "race-cancels-both-release": [lambda ring: ring.cancel(0), lambda ring: ring.cancel(0)],
    "race-second-cancel-500": [lambda ring: ring.cancel(0), lambda ring: ring.cancel(0)],
    "race-cancels-both-refused": [lambda ring: ring.cancel(0), lambda ring: ring.cancel(0)],
    "race-cancel-loses-fill": [lambda ring: ring.cancel(0), lambda ring: ring.fill(0, "0.4")],
    "race-cancel-doubles-fill": [lambda ring: ring.cancel(0), lambda ring: ring.fill(0, "0.4")],
    "race-cancel-releases-stale-lock": [lambda ring: ring.cancel(0), lambda ring: ring.fill(0, "0.4")],
    "race-filled-then-cancelled": [lambda ring: ring.cancel(0), lambda ring: ring.fill(0, "1")],
    "race-cancel-all-leaks-lock": [lambda ring: ring.cancel_all(), lambda ring: ring.place("primary")],
    "race-cancel-all-releases-twice": [lambda ring: ring.cancel_all(), lambda ring: ring.cancel(0)],
    "race-cancel-all-rewrites-fill": [lambda ring: ring.cancel_all(), lambda ring: ring.fill(0, "1")],
    "race-later-cancel-dropped": [lambda ring: ring.cancel(0), lambda ring: ring.cancel(1)],
    "race-accounts-mixed-up": [lambda ring: ring.cancel(0), lambda ring: ring.cancel(3, "third")],
}


async def at_once(fault: str, calls: Sequence[Callable[[Ring], Any]]) -> tuple[tuple[Any, ...], str]:
    """The answers and what is seen afterwards when all calls are sent at once."""
    ring = await Ring([fault]).prepare()
    answers = await asyncio.gather(*(call(ring) for call in calls))
    return tuple(answers), ring.seen()


async def one_by_one(
    faults: Sequence[str], calls: Sequence[Callable[[Ring], Any]], order: Sequence[int]
) -> tuple[tuple[Any, ...], str]:
    """The same when each call waits for the one before."""
    ring = await Ring(faults).prepare()
    answers: dict[int, Any] = {}
    for place in order:
        answers[place] = await calls[place](ring)
    return tuple(answers[place] for place in range(len(calls))), ring.seen()


@pytest.mark.parametrize("fault", RACES)
def test_a_race_fault_shows_when_calls_overlap(fault: str) -> None:
    """What parallel calls get is explained by no order of the same calls at the honest exchange."""
    calls = RACES[fault]
    explained = [asyncio.run(one_by_one((), calls, order)) for order in permutations(range(len(calls)))]
    assert asyncio.run(at_once(fault, calls)) not in explained


@pytest.mark.parametrize("fault", RACES)
def test_a_race_fault_is_right_one_call_at_a_time(fault: str) -> None:
    """Without overlap the exchange with the fault answers as the honest one."""
    calls = RACES[fault]
    for order in permutations(range(len(calls))):
        assert asyncio.run(one_by_one((fault,), calls, order)) == asyncio.run(one_by_one((), calls, order))


async def _after_cancel_all() -> list[str]:
    ring = await Ring(["race-cancel-all-kills-later"]).prepare()
    await ring.cancel_all()
    await ring.place("primary")
    words = [ring.service.engine.orders[ring.orders[-1]].status.value]
    await asyncio.sleep(0.05)
    return [*words, ring.service.engine.orders[ring.orders[-1]].status.value]


async def _young() -> list[tuple[int, str]]:
    ring = await Ring(["race-young-order-not-cancelled"]).prepare()
    await ring.place("primary")
    seen = []
    for place in (4, 0):
        answer = await ring.cancel(place)
        seen.append((answer, ring.service.engine.orders[ring.orders[place]].status.value))
    return seen


def test_faults_of_the_first_milliseconds() -> None:
    """An order right after a cancel-all is lost; a cancel right after placing is not carried out, a later one is."""
    assert asyncio.run(_after_cancel_all()) == ["submitted", "cancelled"]
    assert asyncio.run(_young()) == [(200, "submitted"), (200, "cancelled")]


def test_every_race_fault_is_covered() -> None:
    """No fault of the family is without its race."""
    tested = {*RACES, "race-cancel-all-kills-later", "race-young-order-not-cancelled"}
    assert {name for name, fault in FAULTS.items() if fault.family == "races"} == tested


async def _repeated(fault: str, times: int) -> set[str]:
    seen = set()
    ring = await Ring([fault]).prepare()
    for _ in range(times):
        await ring.place("primary")
        before = ring.service.engine.ledger.balance("primary", "USDT").locked
        first, second = [await ring.cancel(-1) for _ in range(2)]
        after = ring.service.engine.ledger.balance("primary", "USDT").locked
        seen.add(repr((first, second, ring.service.engine.orders[ring.orders[-1]].status.value, before - after)))
    return seen


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.family == "intermittent"])
def test_an_intermittent_fault_shows_sometimes(fault: str) -> None:
    """Of three hundred cancels, cancelled twice each, some go right and some do not."""
    right = repr((200, 400, "cancelled", Decimal(100)))
    seen = asyncio.run(_repeated(fault, 300))
    assert right in seen
    assert len(seen) > 1
