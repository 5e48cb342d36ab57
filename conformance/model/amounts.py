"""Amounts that are known only to lie between two bounds.

Almost every amount is exact (both bounds equal). Trades by others in a shared market, unknown fees and an unknown lock
of an executing market order cannot be enumerated, so they are carried as bounds until a read pins them.
"""

from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)
INFINITE = Decimal("Infinity")


class Span(NamedTuple):
    """A closed range of amounts in one unit; ``low == high`` where the amount is known to the last unit."""

    low: Decimal
    high: Decimal

    @property
    def exact(self) -> bool:
        """Whether one amount alone is possible."""
        return self.low == self.high

    @property
    def bounded(self) -> bool:
        """Whether any amount is impossible: a range without an end on either side says nothing."""
        return self.low.is_finite() and self.high.is_finite()

    def holds(self, amount: Decimal) -> bool:
        """Whether ``amount`` is possible."""
        return self.low <= amount <= self.high

    def plus(self, other: "Span") -> "Span":
        """The range of the sum of two independent amounts."""
        return Span(self.low + other.low, self.high + other.high)

    def minus(self, other: "Span") -> "Span":
        """The range of the difference of two independent amounts."""
        return Span(self.low - other.high, self.high - other.low)

    def times(self, factor: Decimal) -> "Span":
        """The range of a multiple; ``factor`` must not be negative."""
        return Span(self.low * factor, self.high * factor)

    def negated(self) -> "Span":
        """The range of the amount with its sign changed."""
        return Span(-self.high, -self.low)

    def hull(self, other: "Span") -> "Span":
        """The smallest range that covers both."""
        return Span(min(self.low, other.low), max(self.high, other.high))

    def __str__(self) -> str:
        """The amount, or its two bounds."""
        return plain(self.low) if self.exact else f"{plain(self.low)} to {plain(self.high)}"


def exactly(amount: Decimal) -> Span:
    """The range that holds one amount alone."""
    return Span(amount, amount)


def plain(amount: Decimal) -> str:
    """An amount as people write it: no exponent, no trailing zeros."""
    if not amount.is_finite():
        return "any"
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


NOTHING = exactly(ZERO)
ANYTHING = Span(ZERO, INFINITE)
