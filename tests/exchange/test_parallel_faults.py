"""Handlers that look first and act later: what goes wrong only where two requests are under way at once."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.exchange.requests import Request

if TYPE_CHECKING:
    from tests.exchange.conftest import Desk

Opening = Callable[..., "Desk"]
BULK = "/api/v1/orders/cancel-all"


def at_once(desk: "Desk", *sent: tuple[str, str, Any], account: str = "primary") -> list[tuple[int, Any]]:
    """Send requests of an account that are under way at once; the status and the document of each answer."""

    async def send() -> list[tuple[int, Any]]:
        requests = [
            Request(
                method="POST",
                target=target.encode(),
                headers=((b"x-api-key", (who or account).encode()),),
                body=b"" if body is None else json.dumps(body).encode(),
            )
            for who, target, body in sent
        ]
        answers = await asyncio.gather(*(desk.service.api.answer(request) for request in requests))
        return [(answer.status, json.loads(answer.body)) for answer in answers]

    return asyncio.run(send())


def cancel_of(order: str) -> tuple[str, str, None]:
    """The cancel of an order."""
    return ("", f"/api/v1/orders/{order}/cancel", None)


def crossing(quantity: str) -> tuple[str, str, dict[str, str]]:
    """An order of the counterparty that crosses one at 100."""
    terms = {"symbol": "BTC-USDT", "side": "sell", "orderType": "limit", "qty": quantity, "px": "100"}
    return ("counterparty", "/api/v1/orders", terms)


@pytest.mark.parametrize(
    ("fault", "statuses", "freed"),
    [
        ((), [200, 400], 0),
        (("parallel-cancels-both-accepted",), [200, 200], 0),
        (("parallel-cancels-both-release",), [200, 200], -100),
    ],
)
def test_two_cancels_at_once(desk: Opening, fault: tuple[str, ...], statuses: list[int], freed: int) -> None:
    """The honest exchange refuses the second; with a fault both are accepted, and the lock may go twice."""
    opened = desk(faults=fault)
    order = opened.place()
    assert [status for status, _ in at_once(opened, cancel_of(order), cancel_of(order))] == statuses
    assert opened.service.engine.ledger.balance("primary", "USDT").locked == freed
    alone = opened.place()
    assert [at_once(opened, cancel_of(alone))[0][0] for _ in range(2)] == [200, 400]


def test_a_fill_that_comes_while_a_cancel_is_under_way_is_lost(desk: Opening) -> None:
    """The order shows what was executed when the cancel came, though the trade moved funds."""
    for fault, executed in (((), Decimal(0)), (("parallel-fill-written-over",), Decimal(0))):
        opened = desk(faults=fault)
        order = opened.place()
        at_once(opened, cancel_of(order), crossing("0.5"))
        assert opened.service.engine.orders[order].executed == executed
        moved = opened.service.engine.ledger.balance("primary", "BTC").available - 1000
        assert moved == (Decimal("0.5") if fault else 0)


def test_a_filled_order_turns_cancelled_where_the_cancel_was_under_way(desk: Opening) -> None:
    """The cancel saw an active order; it is accepted after the last fill, and the order reads as cancelled."""
    opened = desk(faults=("parallel-cancel-takes-filled",))
    order = opened.place()
    answers = at_once(opened, cancel_of(order), crossing("1"))
    assert [status for status, _ in answers] == [200, 200]
    assert opened.service.engine.orders[order].status.value == "partiallyfilledcancelled"


def test_a_bulk_lists_what_a_cancel_took_meanwhile(desk: Opening) -> None:
    """Both the cancel and the cancel-all claim the order."""
    opened = desk(faults=("parallel-bulk-lists-cancelled",))
    order, other = opened.place(), opened.place()
    bulk, single = at_once(opened, ("", BULK, None), cancel_of(order))
    assert single[0] == 200
    assert sorted(bulk[1]["data"]["cancelledOrderIds"]) == sorted([order, other])
