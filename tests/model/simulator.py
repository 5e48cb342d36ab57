"""A small exchange in memory, written without a look at the model: what is really true while a belief follows it.

Two currencies (B is traded for Q), fees from the quote currency or from what is received, and a clock of its own.
"""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(kw_only=True)
class Resting:
    """One order as it truly is."""

    name: str
    account: str
    side: str
    price: Decimal | None
    quantity: Decimal
    deadline: float | None
    status: str = "OPEN"
    executed: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)

    @property
    def live(self) -> bool:
        """Whether it may still trade."""
        return self.status in ("OPEN", "PARTIALLY_FILLED", "PENDING_CANCEL")

    @property
    def rest(self) -> Decimal:
        """What has not traded."""
        return self.quantity - self.executed


@dataclass(kw_only=True)
class Simulator:
    """Trades by price, then time; ``late`` seconds is how far its clock is behind (negative: ahead)."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.002")
    fee_received: bool = False
    late: float = 0.0
    now: float = 1000.0
    book: list[Resting] = field(default_factory=list)
    funds: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """What trades moved, by account and currency."""

    def find(self, name: str) -> Resting:
        """An order by its name."""
        return next(order for order in self.book if order.name == name)

    def tick(self, seconds: float) -> None:
        """Let time pass; what reaches its deadline expires."""
        self.now += seconds
        for order in self.book:
            if order.live and order.deadline is not None and self.now - self.late >= order.deadline:
                order.status = "EXPIRED"

    def place(
        self, order: Resting, *, at_once: bool, only_rest: bool, skip: frozenset[str], waiting: Decimal = Decimal(0)
    ) -> None:
        """Take an order in; orders named in ``skip`` are being cancelled and do not trade any more.

        ``waiting`` is what strangers have in the book for it, at a price that is better than its own.
        """
        facing = sorted(
            (o for o in self.book if o.live and o.name not in skip and self._meet(o, order)),
            key=lambda o: (o.price if o.side == "sell" else -(o.price or 0), self.book.index(o)),
        )
        self.book.append(order)
        if only_rest and facing:
            order.status = "REJECTED"
            return
        if waiting and not only_rest:
            own = order.price or Decimal(100)
            self._book(order, min(waiting, order.rest), own - 3 if order.side == "buy" else own + 3, self.taker)
        for other in facing:
            if order.rest:
                self._trade(other, order)
        if order.rest and (at_once or order.price is None):
            order.status = "CANCELED"

    def cancel(self, name: str, account: str, *, at_once: bool) -> str:
        """Cancel one order; the answer."""
        order = self.find(name)
        if order.account != account:
            return "not-found"
        if order.status == "PENDING_CANCEL":
            return "accepted" if at_once else "cannot-cancel"
        if not order.live:
            return "cannot-cancel"
        order.status = "CANCELED" if at_once else "PENDING_CANCEL"
        return "accepted"

    def cancel_all(self, account: str, *, at_once: bool) -> set[str]:
        """Cancel everything of an account; the names listed."""
        mine = [o for o in self.book if o.account == account and o.status in ("OPEN", "PARTIALLY_FILLED")]
        for order in mine:
            order.status = "CANCELED" if at_once else "PENDING_CANCEL"
        return {order.name for order in mine}

    def confirm(self) -> None:
        """All pending cancels end."""
        for order in self.book:
            if order.status == "PENDING_CANCEL":
                order.status = "CANCELED"

    def stranger_trades(self, name: str, quantity: Decimal) -> None:
        """Somebody else trades with a resting order, at its price."""
        order = self.find(name)
        if order.live and order.price is not None:
            self._book(order, min(quantity, order.rest), order.price, self.maker)

    def moved(self, account: str, asset: str) -> Decimal:
        """What trades and fees added to an account's currency."""
        return self.funds.get((account, asset), Decimal(0))

    def locked(self, account: str, asset: str) -> Decimal:
        """What the live orders of an account reserve."""
        mine = [o for o in self.book if o.live and o.account == account and o.price is not None]
        if asset == "B":
            return sum((o.rest for o in mine if o.side == "sell"), Decimal(0))
        return sum((o.rest * (o.price or 0) for o in mine if o.side == "buy"), Decimal(0))

    @staticmethod
    def _meet(resting: Resting, coming: Resting) -> bool:
        if resting.side == coming.side or resting.account == coming.account or resting.price is None:
            return False
        if coming.price is None:
            return True
        return coming.price >= resting.price if coming.side == "buy" else coming.price <= resting.price

    def _trade(self, maker: Resting, taker: Resting) -> None:
        quantity, price = min(maker.rest, taker.rest), maker.price or Decimal(0)
        self._book(maker, quantity, price, self.maker)
        self._book(taker, quantity, price, self.taker)

    def _book(self, order: Resting, quantity: Decimal, price: Decimal, rate: Decimal) -> None:
        notional = quantity * price
        in_base = self.fee_received and order.side == "buy"
        fee = (quantity if in_base else notional) * rate
        sign = 1 if order.side == "buy" else -1
        for asset, amount in (("B", sign * quantity), ("Q", -sign * notional), ("B" if in_base else "Q", -fee)):
            self.funds[order.account, asset] = self.moved(order.account, asset) + amount
        order.executed += quantity
        order.cost += notional
        order.fee += fee
        if not order.rest:
            order.status = "FILLED"
        elif order.status == "OPEN":
            order.status = "PARTIALLY_FILLED"
