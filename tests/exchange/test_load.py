"""The honest exchange under load: thirty-two connections, and funds are conserved to the last unit."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor, Trader

CONNECTIONS = 32
ROUNDS = 12


def _trade(trader: "Trader", seed: int) -> int:
    """Place crossing and resting orders, cancel some of them, cancel all now and then; how many answers came."""
    random = Random(seed)
    mine: list[str] = []
    answers = 0
    for _ in range(ROUNDS):
        mine.append(
            trader.place(
                side=random.choice(["buy", "sell"]),
                px=f"{random.randint(9_990, 10_010) / 100:.2f}",
                qty=f"0.{random.randint(1, 99_999):05d}",
                timeInForce=random.choice(["gtc", "gtc", "ioc"]),
            )
        )
        assert trader.cancel(random.choice(mine)) in (200, 400)
        answers += 2
        if random.random() < 0.1:
            trader.cancel_all()
            answers += 1
    return answers


@pytest.mark.parametrize(
    "settings",
    [
        {"cancel_mode": "immediate"},
        {"cancel_mode": "mixed", "delay_ms": [5, 30]},
        {"cancel_mode": "immediate", "lock_model": "margin", "fee_reserve": True},
    ],
    ids=["immediate", "mixed", "margin"],
)
def test_funds_are_conserved_under_load(floor: "Floor", settings: dict[str, object]) -> None:
    """All accounts cross each other from 32 connections; afterwards nothing is locked and the totals are as before."""
    floor.control.reset(**settings)
    before = floor.totals()
    names = ["primary", "counterparty", "third"]
    traders = [floor.trader(names[number % 3]) for number in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = list(pool.map(_trade, traders, range(CONNECTIONS)))
    assert sum(answers) >= CONNECTIONS * ROUNDS * 2
    for name in names:
        trader = floor.trader(name)
        for order in trader.listed():
            trader.cancel(order)
        for order in trader.listed():
            trader.wait_for(order, "cancelled", "partiallyfilledcancelled", "filled")
        assert trader.listed() == []
    state = floor.control.state()
    assert state["trades"] > 50
    assert set(state["orders"]) <= {"filled", "cancelled", "partiallyfilledcancelled"}
    locked = {amount["locked"] for balances in state["accounts"].values() for amount in balances.values()}
    assert locked == {"0"}
    # A position's result is settled when it closes: until then its entry value stands for what is outstanding.
    outstanding = sum(Decimal(position["entryValue"]) for position in state["positions"])
    assert sum(Decimal(position["qty"]) for position in state["positions"]) == 0
    assert bool(state["positions"]) == ("lock_model" in settings)
    after = {asset: Decimal(total) for asset, total in state["totals"].items()}
    after["USDT"] -= outstanding
    assert after == {asset: Decimal(total) for asset, total in before.items()}
