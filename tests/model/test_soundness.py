"""Whatever a correct exchange does, the belief holds it possible; what no correct exchange shows, it refuses."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model.amounts import NOTHING
from conformance.model.events import Cancel, CancelAll, Event, Expire, Place
from conformance.model.lifecycle import OrderState
from conformance.model.matching import TooManyWorldsError
from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.model.prediction import Outcome
from conformance.model.rules import FeeAsset, VenueRules
from conformance.model.worlds import Belief, Conflict, Seen
from tests.model.orders import MARKET, RULES
from tests.model.simulator import Resting, Simulator

ACCOUNTS = {"primary": "buy", "third": "buy", "counterparty": "sell"}
"""One side an account, as plans keep it: what becomes of a trade with oneself is the venue's own business."""


@dataclass
class Follower:
    """A simulated exchange and the belief that follows what is seen of it."""

    simulator: Simulator
    rules: VenueRules
    belief: Belief = field(default_factory=Belief.empty)
    placed: int = 0

    def go(self, step: tuple[Any, ...]) -> None:
        """Let one step happen, follow it, and see that the truth is still possible."""
        action, *values = step
        getattr(self, action)(*values)
        self.truth_is_possible()

    def follow(self, after: Belief | Conflict) -> None:
        """Take the next belief; a conflict would be a false alarm."""
        assert isinstance(after, Belief), f"accused: {after.allowed} expected, truth {self.simulator.book}"
        self.belief = after

    def asked(self, event: Event, accepts: Any, *, lost: bool = False) -> None:
        """Follow a request."""
        self.follow(self.belief.after(event, self.rules, accepts=accepts, until=self.simulator.now, lost=lost))

    def place(self, account: str, price: int | None, steps: int, kind: str, at_once: bool, waiting: int) -> None:
        """Place an order; those being cancelled may trade with it, and strangers where there are any."""
        self.placed += 1
        name, quantity = f"o{self.placed}", Decimal(steps) / 10
        deadline = self.simulator.now + 3 if kind == "gtd" else None
        kind = kind if price is not None else "ioc"
        order = Resting(
            name=name,
            account=account,
            side=ACCOUNTS[account],
            price=None if price is None else Decimal(price),
            quantity=quantity,
            deadline=deadline,
        )
        skip = (
            frozenset(o.name for o in self.simulator.book if o.status == "PENDING_CANCEL") if at_once else frozenset()
        )
        self.simulator.place(order, at_once=kind == "ioc", only_rest=kind == "post-only", skip=skip)
        terms = Terms(
            account=account,
            market="M",
            side=Side(order.side),
            quantity=quantity,
            type=OrderType.LIMIT if price is not None else OrderType.MARKET,
            price=order.price,
            time_in_force={"gtd": TimeInForce.GTD, "ioc": TimeInForce.IOC}.get(kind, TimeInForce.GTC),
            expires_at=deadline,
            post_only=kind == "post-only",
        )
        self.asked(Place(order=name, terms=terms, arrival=self.placed), lambda o: o.reply == "accepted")

    def cancel(self, which: int, account: str | None, at_once: bool, fate: str) -> None:
        """Cancel an order; the answer may be lost, before or after it took effect."""
        order = self._chosen(which)
        if order is None:
            return
        caller = account or order.account
        answer = "" if fate == "never arrived" else self.simulator.cancel(order.name, caller, at_once=at_once)
        lost = fate != "answered"
        self.asked(Cancel(order=order.name, account=caller), lambda o: o.reply == answer, lost=lost)

    def cancel_all(self, account: str, at_once: bool, fate: str) -> None:
        """Cancel everything of an account."""
        listed = set() if fate == "never arrived" else self.simulator.cancel_all(account, at_once=at_once)

        def accepts(outcome: Outcome) -> bool:
            here = {state.name for state in outcome.world} & listed
            return outcome.listed <= here <= outcome.listed | outcome.may_list

        self.asked(CancelAll(account=account), accepts, lost=fate != "answered")

    def expire(self, which: int, lost: bool) -> None:
        """Move an order's deadline to now."""
        order = self._chosen(which)
        if order is not None and order.live:
            order.deadline = self.simulator.now
            self.asked(Expire(order=order.name, at=self.simulator.now), lambda _: True, lost=lost)
            self.simulator.tick(0)

    def wait(self, tenths: int) -> None:
        """Time passes."""
        self.simulator.tick(tenths / 10)

    def confirm(self) -> None:
        """Pending cancels end, which nobody is told."""
        self.simulator.confirm()

    def stranger(self, which: int, steps: int) -> None:
        """Somebody else trades, where others do."""
        order = self._chosen(which)
        if order is not None and not self.rules.markets["M"].isolated:
            self.simulator.stranger_trades(order.name, Decimal(steps) / 10)

    def read(self, which: int) -> None:
        """Read one order."""
        order = self._chosen(which)
        if order is not None:
            self.follow(self.sees(order.name, order.status, order.executed))

    def sees(self, name: str, status: str, executed: Decimal) -> Belief | Conflict:
        """What the belief makes of a read."""
        found = Seen(status=Status(status), executed=executed)
        return self.belief.having_seen(name, found, self.rules, until=self.simulator.now)

    def listing(self, account: str) -> None:
        """Read an account's list of active orders."""
        for order in self.simulator.book:
            if order.account != account:
                continue
            if order.status in ("OPEN", "PARTIALLY_FILLED"):
                self.follow(self.sees(order.name, order.status, order.executed))
            else:
                self.follow(self.belief.having_missed(order.name, self.rules, until=self.simulator.now))

    def balances(self, account: str) -> None:
        """Read an account's funds."""
        self.follow(self.sees_funds(account))

    def sees_funds(self, account: str, **more: Decimal) -> Belief | Conflict:
        """What the belief makes of funds; ``more`` is what a currency's locked amount is wrong by."""
        true = self.simulator

        def fits(locked: Any, moved: Any) -> bool:
            return all(
                locked.get(asset, NOTHING).holds(true.locked(account, asset) + more.get(asset, Decimal(0)))
                and moved.get(asset, NOTHING).holds(true.moved(account, asset))
                for asset in ("B", "Q")
            )

        return self.belief.by_now(true.now, self.rules).having_seen_funds(account, fits, self.rules)

    def everything(self) -> None:
        """Read all there is to read."""
        for account in ACCOUNTS:
            self.listing(account)
        for number in range(self.placed):
            self.read(number)
        for account in ACCOUNTS:
            self.balances(account)

    def truth_is_possible(self) -> None:
        """Every cluster holds a world in which all its orders are what they truly are, up to what happens by itself."""
        belief = self.belief.by_now(self.simulator.now, self.rules)
        for worlds in belief.clusters.values():
            assert any(all(self._is_true(state) for state in world) for world in worlds), (
                f"the truth {self.simulator.book} is not among "
                f"{[[(s.name, s.status, str(s.executed)) for s in world] for world in worlds]}"
            )

    def _is_true(self, state: OrderState) -> bool:
        order = self.simulator.find(state.name)
        return (
            state.status.value == order.status
            and state.executed.holds(order.executed)
            and state.cost.holds(order.cost)
            and state.fee.holds(order.fee)
        )

    def _chosen(self, which: int) -> Resting | None:
        return self.simulator.book[which % self.placed] if self.placed else None


NUMBERS = st.integers(0, 9)
NAMES = st.sampled_from(list(ACCOUNTS))
FATES = st.sampled_from(["answered", "answered", "lost", "never arrived"])
PLACES = st.tuples(
    st.just("place"),
    NAMES,
    st.sampled_from([99, 100, 100, 101, None]),
    st.integers(1, 50),
    st.sampled_from(["gtc", "gtc", "gtd", "ioc", "post-only"]),
    st.booleans(),
    st.sampled_from([0, 0, 1, 50]),
)
STEPS = st.lists(
    st.one_of(
        PLACES,
        PLACES,
        st.tuples(st.just("cancel"), NUMBERS, st.one_of(st.none(), NAMES), st.booleans(), FATES),
        st.tuples(st.just("cancel_all"), NAMES, st.booleans(), FATES),
        st.tuples(st.just("expire"), NUMBERS, st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("confirm")),
        st.tuples(st.just("stranger"), NUMBERS, st.integers(1, 30)),
        st.tuples(st.just("read"), NUMBERS),
        st.tuples(st.just("listing"), NAMES),
        st.tuples(st.just("balances"), NAMES),
    ),
    min_size=2,
    max_size=14,
)


def follower(*, received: bool = False, shared: bool = False, late: float = 0.0) -> Follower:
    """An empty exchange of some kind, and a belief that knows the kind."""
    fees = FeeAsset.RECEIVED if received else FeeAsset.QUOTE
    rules = replace(RULES, markets={"M": replace(MARKET, fee_asset=fees, isolated=not shared)})
    return Follower(Simulator(fee_received=received, late=late), rules)


@settings(max_examples=250)
@given(steps=STEPS, received=st.booleans(), late=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]))
def test_a_correct_exchange_is_never_accused(steps: list[tuple[Any, ...]], received: bool, late: float) -> None:
    """Whatever is placed, cancelled, lost or read, the true state of every order and fund stays possible."""
    following = follower(received=received, late=late)
    try:
        for step in steps:
            following.go(step)
        following.everything()
    except TooManyWorldsError:
        return  # said to be undecided, which accuses nobody


@settings(max_examples=150)
@given(steps=STEPS, received=st.booleans())
def test_a_correct_exchange_where_others_trade_is_never_accused(steps: list[tuple[Any, ...]], received: bool) -> None:
    """The same where strangers trade with resting orders at any moment."""
    following = follower(received=received, shared=True)
    try:
        for step in steps:
            following.go(step)
        following.everything()
    except TooManyWorldsError:
        return  # said to be undecided, which accuses nobody


LIES: dict[str, Callable[[Resting], tuple[str, Decimal]]] = {
    "a step more executed": lambda o: (o.status, o.executed + Decimal("0.1")),
    "a step less executed": lambda o: (o.status, o.executed - Decimal("0.1")),
    "active again": lambda o: ("OPEN" if not o.executed else "PARTIALLY_FILLED", o.executed),
    "filled": lambda o: ("FILLED", o.quantity),
    "expired": lambda o: ("EXPIRED", o.executed),
    "rejected": lambda o: ("REJECTED", o.executed),
    "executing": lambda o: ("PENDING", o.executed),
    "nothing executed": lambda o: (o.status, Decimal(0)),
}
"""What a faulty exchange may claim of an order, by name."""


@pytest.mark.parametrize("lie", LIES)
@settings(max_examples=40)
@given(steps=STEPS, which=NUMBERS)
def test_a_false_read_is_refused(lie: str, steps: list[tuple[Any, ...]], which: int) -> None:
    """Once all was read, a read that says anything else of an order that cannot change by itself is refused."""
    following = follower()
    for step in steps:
        if step[0] != "expire" and "gtd" not in step:
            following.go(tuple("answered" if value in ("lost", "never arrived") else value for value in step))
    following.confirm()
    following.everything()
    order = following._chosen(which)
    if order is None or order.price is None:
        return
    status, executed = LIES[lie](order)
    if (status, executed) == (order.status, order.executed):
        return
    assert isinstance(following.sees(order.name, status, executed), Conflict)


@settings(max_examples=60)
@given(steps=STEPS, account=NAMES, asset=st.sampled_from(["B", "Q"]), wrong=st.sampled_from(["0.1", "-0.1", "0.0001"]))
def test_false_funds_are_refused(steps: list[tuple[Any, ...]], account: str, asset: str, wrong: str) -> None:
    """Once all was read, funds that are locked by the smallest amount too much or too little are refused."""
    following = follower()
    for step in steps:
        if step[0] != "expire" and "gtd" not in step:
            following.go(tuple("answered" if value in ("lost", "never arrived") else value for value in step))
    following.confirm()
    following.everything()
    assert isinstance(following.sees_funds(account, **{asset: Decimal(wrong)}), Conflict)
