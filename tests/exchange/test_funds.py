"""Funds at the honest exchange: exact locks, exact trades, nothing made and nothing lost."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor


def test_a_buy_locks_its_notional_and_a_sell_its_quantity(floor: "Floor") -> None:
    """To the last decimal, in the right asset; a cancel brings exactly that back."""
    buy = floor.primary.place(qty="1.00001", px="50000.01")
    sell = floor.primary.place(side="sell", qty="2.00003", px="60000.01")
    assert floor.primary.balance("USDT")[1] == Decimal("50000.5100001")
    assert floor.primary.balance("BTC")[1] == Decimal("2.00003")
    assert [floor.primary.cancel(order) for order in (buy, sell)] == [200, 200]
    assert floor.primary.balance("USDT") == (1_000_000, 0, 1_000_000)
    assert floor.primary.balance("BTC") == (1000, 0, 1000)


def test_a_trade_moves_base_quote_and_fees_exactly(floor: "Floor") -> None:
    """Buyer and seller pay their maker and taker fees in quote; all accounts together hold what they held."""
    before = floor.totals()
    maker = floor.primary.place(qty="1.00001", px="50000.01")
    floor.counterparty.place(side="sell", qty="0.50003", px="49999")
    notional = Decimal("0.50003") * Decimal("50000.01")
    rest = Decimal("0.49998") * Decimal("50000.01")
    spent = notional * Decimal("1.001")
    assert floor.primary.balance("USDT") == (1_000_000 - spent - rest, rest, 1_000_000 - spent)
    assert floor.primary.balance("BTC")[2] == Decimal("1000.50003")
    assert floor.counterparty.balance("USDT")[2] == 1_000_000 + notional * Decimal("0.998")
    assert floor.counterparty.balance("BTC") == (Decimal("999.49997"), 0, Decimal("999.49997"))
    assert floor.primary.cancel(maker) == 200
    assert floor.primary.balance("USDT") == (1_000_000 - spent, 0, 1_000_000 - spent)
    assert floor.totals() == before


def test_a_better_price_frees_the_difference(floor: "Floor") -> None:
    """A buy that trades below its limit locks rest x limit afterwards, not what it saved."""
    floor.counterparty.place(side="sell", qty="0.4", px="90")
    floor.primary.place(qty="1", px="100")
    available, locked, total = floor.primary.balance("USDT")
    assert (locked, total) == (60, 1_000_000 - 36 - Decimal("0.072"))
    assert available == total - locked


def test_fees_in_the_received_asset(floor: "Floor") -> None:
    """The buyer pays in base, the seller in quote."""
    floor.control.reset(fee_asset="received")
    floor.primary.place(qty="1", px="100")
    floor.counterparty.place(side="sell", qty="1", px="100")
    assert floor.primary.balance("BTC")[2] == Decimal("1000.999")
    assert floor.primary.balance("USDT")[2] == 999_900
    assert floor.counterparty.balance("USDT")[2] == Decimal("1000099.8")


def test_the_fee_reserve_is_locked_and_released(floor: "Floor") -> None:
    """With a reserve a buy locks the taker fee too, and shrinks with each fill."""
    floor.control.reset(fee_reserve=True)
    order = floor.primary.place(qty="1", px="100")
    assert floor.primary.balance("USDT")[1] == Decimal("100.2")
    floor.control.fill(order, Decimal("0.5"))
    assert floor.primary.balance("USDT")[1] == Decimal("50.1")
    floor.primary.cancel(order)
    assert floor.primary.balance("USDT") == (Decimal("999949.95"), 0, Decimal("999949.95"))


def test_amounts_at_a_scale_are_rounded_half_up_and_conserved(floor: "Floor") -> None:
    """An asset with a scale shows no more decimals than that, and nothing is lost to the rounding."""
    floor.control.reset(asset_scales={"USDT": 2})
    before = floor.totals()
    order = floor.primary.place(qty="0.12345", px="33.33")
    assert floor.primary.balance("USDT")[1] == Decimal("4.11")
    floor.control.fill(order, Decimal("0.00345"))
    assert floor.primary.balance("USDT")[1] == Decimal("4.00")
    floor.primary.cancel(order)
    assert floor.primary.balance("USDT")[1] == 0
    assert floor.totals() == before


def test_all_funds_can_be_locked_and_used_again(floor: "Floor") -> None:
    """An order for everything is accepted, one unit more is not; after its cancel the same order is accepted again."""
    everything = {"qty": "1000", "px": "1000"}
    order = floor.primary.place(**everything)
    assert floor.primary.balance("USDT") == (0, 1_000_000, 1_000_000)
    assert floor.primary.refused(qty="0.00001", px="0.01") == (400, "INSUFFICIENT_FUNDS")
    floor.primary.cancel(order)
    assert floor.primary.status(floor.primary.place(**everything)) == "submitted"


def test_a_market_buy_spends_no_more_than_there_is(floor: "Floor") -> None:
    """A market buy stops where the available funds end; the remainder is cancelled."""
    floor.control.hold("BTC-USDT", held=True)
    order = floor.primary.place(orderType="market", px=None, timeInForce=None, qty="19")
    floor.counterparty.place(side="sell", qty="19", px="100000")
    floor.control.hold("BTC-USDT", held=False)
    assert floor.primary.status(order) == "partiallyfilledcancelled"
    assert 0 <= floor.primary.balance("USDT")[0] < 2
    assert floor.primary.balance("USDT")[1] == 0


@pytest.mark.parametrize("asset", [None, "USDT"])
def test_margin_locks_a_rate_on_both_sides(floor: "Floor", asset: str | None) -> None:
    """In margin mode buys and sells lock a tenth of their notional, in the margin asset, and release it on cancel."""
    floor.control.reset(lock_model="margin", margin_asset=asset)
    orders = [floor.primary.place(side=side, qty="2", px="100") for side in ("buy", "sell")]
    assert floor.primary.balance("USDT") == (999_960, 40, 1_000_000)
    assert floor.primary.balance("BTC")[1] == 0
    assert floor.primary.cancel_all() == orders
    assert floor.primary.balance("USDT") == (1_000_000, 0, 1_000_000)


def test_margin_positions_open_and_close(floor: "Floor") -> None:
    """A trade posts margin for both positions; closing at another price settles the result and gives it back."""
    floor.control.reset(lock_model="margin", maker_fee="0", taker_fee="0")
    before = floor.totals()
    floor.primary.place(qty="2", px="100")
    floor.counterparty.place(side="sell", qty="2", px="100")
    assert floor.primary.balance("USDT") == (999_980, 0, 999_980)
    assert floor.counterparty.balance("USDT") == (999_980, 0, 999_980)
    floor.primary.place(side="sell", qty="2", px="110")
    floor.counterparty.place(qty="2", px="110")
    assert floor.primary.balance("USDT") == (1_000_020, 0, 1_000_020)
    assert floor.counterparty.balance("USDT") == (999_980, 0, 999_980)
    assert floor.primary.balance("BTC") == (1000, 0, 1000)
    assert floor.totals() == before
