"""Strategies for quantities and prices: all the decimals that a market allows, dust, round numbers, several sizes."""

from decimal import Decimal
from functools import lru_cache

from hypothesis import strategies as st

from conformance.model.order import Side
from strategies.grounds import MarketShape


@lru_cache(maxsize=4096)  # making a strategy takes longer than drawing from it
def quantities(market: MarketShape, *, most: Decimal) -> st.SearchStrategy[Decimal]:
    """Order quantities between the market's smallest and ``most`` base units, small and large alike.

    A third uses every decimal of the grid, a third is a round number, the rest is close to the smallest order.
    """
    low = int(market.min_quantity / market.step)
    high = max(low, int(most / market.step))
    if high == low:
        return st.just(market.min_quantity)
    digits = len(str(high))

    def sized(choice: tuple[int, int, int]) -> Decimal:
        kind, length, raw = choice
        steps = raw % (10 ** min(length, digits))
        if kind == 0:
            steps = steps - steps % 10 + 1 + raw % 9  # the last decimal is not zero
        elif kind == 1:
            steps -= steps % 10 ** max(0, min(length, digits) - 1)  # one digit, then zeros
        elif kind == 2:
            steps = low + raw % 4
        return Decimal(min(max(steps, low), high)) * market.step

    return st.tuples(st.integers(0, 3), st.integers(1, digits), st.integers(0, high)).map(sized)


@lru_cache(maxsize=4096)  # making a strategy takes longer than drawing from it
def fill_quantities(market: MarketShape, *, rest: Decimal) -> st.SearchStrategy[Decimal]:
    """Quantities that leave something of ``rest``: the smallest order, all but one step, or anything between.

    All of it where nothing can be left: no order may be smaller than the market's smallest.
    """
    steps, least = int(rest / market.step), int(market.min_quantity / market.step)
    if steps <= least:
        return st.just(max(rest, market.min_quantity))

    def part(choice: tuple[int, int]) -> Decimal:
        kind, raw = choice
        count = (1, steps - 1, max(1, steps // 2), 1 + raw % (steps - 1))[kind]
        return max(count, least) * market.step

    return st.tuples(st.integers(0, 3), st.integers(0, 10**9)).map(part)


@lru_cache(maxsize=4096)  # making a strategy takes longer than drawing from it
def prices(market: MarketShape, side: Side, *, reach: int = 60) -> st.SearchStrategy[Decimal]:
    """Prices that rest; a third stands at one common level, so that several orders queue there."""

    def level(choice: tuple[int, int]) -> Decimal:
        kind, ticks = choice
        return market.resting_price(side, (0, ticks % 4, ticks)[kind])

    return st.tuples(st.integers(0, 2), st.integers(0, reach)).map(level)
