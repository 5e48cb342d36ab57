"""Funds as a function of orders: what is locked, what moved, to the last unit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model.amounts import ANYTHING, NOTHING, ZERO, Span, exactly
from conformance.model.deviations import NONE
from conformance.model.ledger import lock_of, locks_of, moved_by, seen_reserve
from conformance.model.lifecycle import OrderState, fee_of, filled
from conformance.model.matching import traded_by_others
from conformance.model.order import TERMINAL, Side, Status
from conformance.model.rules import FeeAsset, FeeReserve, LockModel, VenueRules
from tests.model.orders import MARKET, RULES, amount, known, state, terms

MARGIN = replace(RULES, lock_model=LockModel.MARGIN, margin_rate=Decimal("0.1"), margin_asset="USD")
RESERVING_MARGIN = replace(MARGIN, fee_reserve=FeeReserve.LOCKED)
OBSERVED = replace(RULES, lock_model=LockModel.OBSERVED)
RESERVING = replace(RULES, fee_reserve=FeeReserve.LOCKED)
SELL: dict[str, Any] = {"terms": terms(side="s")}
EXECUTING: dict[str, Any] = {"terms": terms(price=None)}
EXECUTING_SELL: dict[str, Any] = {"terms": terms(price=None, side="s")}
LEARNED: dict[str, Any] = {"reserve": amount("300")}


def with_fees(asset: FeeAsset, **changes: Any) -> VenueRules:
    """The rules of a market that takes its fees from another asset."""
    return replace(RULES, markets={"M": replace(MARKET, fee_asset=asset)}, **changes)


LOCKS = [
    # (rules, status, executed, changes, asset, locked)
    ("a buy locks its notional", RULES, Status.OPEN, "0", {}, "Q", amount("1000")),
    ("a buy locks the notional of its rest", RULES, Status.PARTIALLY_FILLED, "3", {}, "Q", amount("700")),
    ("a sell locks its quantity", RULES, Status.OPEN, "0", SELL, "B", amount("10")),
    ("a sell locks its rest", RULES, Status.PARTIALLY_FILLED, "3", SELL, "B", amount("7")),
    ("a pending cancel locks its rest", RULES, Status.PENDING_CANCEL, "3", {}, "Q", amount("700")),
    ("a market buy locks what nobody knows", RULES, Status.PENDING, "0", EXECUTING, "Q", ANYTHING),
    ("a market sell locks its rest", RULES, Status.PENDING, "0", EXECUTING_SELL, "B", amount("10")),
    ("a buy reserves its fee", RESERVING, Status.OPEN, "0", {}, "Q", amount("1002")),
    ("a sell reserves none", RESERVING, Status.OPEN, "0", SELL, "B", amount("10")),
    ("margin locks a share of a buy", MARGIN, Status.OPEN, "0", {}, "USD", amount("100")),
    ("margin locks a share of a sell", MARGIN, Status.PARTIALLY_FILLED, "5", SELL, "USD", amount("50")),
    ("margin reserves the fee as well", RESERVING_MARGIN, Status.OPEN, "0", {}, "USD", amount("102")),
    ("what was not learned is anything", OBSERVED, Status.OPEN, "0", {}, "Q", ANYTHING),
    ("what was learned", OBSERVED, Status.OPEN, "0", LEARNED, "Q", amount("300")),
    ("a learned lock falls with the rest", OBSERVED, Status.PARTIALLY_FILLED, "4", LEARNED, "Q", amount("180")),
]  # fmt: skip


APART = replace(RULES, fee_reserve=FeeReserve.QUOTE)
KEEPING = replace(APART, deviations=replace(NONE, keeps=True))


@pytest.mark.parametrize(
    ("rules", "status", "changes", "locks"),
    [
        (APART, Status.OPEN, SELL, {"B": amount("10"), "Q": amount("2")}),
        (APART, Status.OPEN, {}, {"Q": amount("1002")}),
        (APART, Status.CANCELED, SELL, {"B": NOTHING, "Q": NOTHING}),
        (KEEPING, Status.CANCELED, SELL, {"B": Span(ZERO, Decimal(10)), "Q": Span(ZERO, Decimal(2))}),
        (RESERVING, Status.OPEN, SELL, {"B": amount("10")}),
    ],
)
def test_a_sell_may_lock_its_fee_apart(
    rules: VenueRules, status: Status, changes: dict[str, Any], locks: dict[str, Span]
) -> None:
    """Where the fee is reserved in the quote a sell locks two assets, and both are free once it is over (FND-02)."""
    assert dict(locks_of(state(status, "0", **changes), rules)) == locks


@pytest.mark.parametrize(
    ("rules", "status", "executed", "changes", "asset", "locked"), [row[1:] for row in LOCKS], ids=[r[0] for r in LOCKS]
)
def test_what_an_order_locks(
    rules: VenueRules, status: Status, executed: str, changes: dict[str, Any], asset: str, locked: Span
) -> None:
    """Each lock model locks so much of this asset for an order in this state (FND-02, PND-04)."""
    assert lock_of(state(status, executed, **changes), rules) == (asset, locked)


@pytest.mark.parametrize("rules", [RULES, MARGIN, OBSERVED, RESERVING], ids=["spot", "margin", "observed", "reserve"])
@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_terminal_order_locks_nothing(status: Status, rules: VenueRules) -> None:
    """Whatever the lock model, and whatever was learned, an order that has ended locks nothing (FND-06)."""
    for reserve in (None, amount("5")):
        assert lock_of(state(status, "3", reserve=reserve), rules)[1] == NOTHING


def test_a_learned_lock_loses_no_digit() -> None:
    """A third of what was learned is exactly a third where it can be: 100 of 300, not 99.99…"""
    third = state(Status.PARTIALLY_FILLED, "2", terms=terms("3"), reserve=amount("300"))
    assert lock_of(third, OBSERVED)[1] == amount("100")


def test_a_lock_is_learned_from_what_was_seen() -> None:
    """What an order locks as a whole follows from what a part of it was seen to lock."""
    assert seen_reserve(state(Status.PARTIALLY_FILLED, "4"), amount("60")) == amount("100")
    assert seen_reserve(state(Status.OPEN), Span(Decimal(1), Decimal(2))) == ANYTHING


MOVES = [
    # (side, fees from, maker?) -> what 4 at 100 moved
    (Side.BUY, FeeAsset.QUOTE, True, {"B": "4", "Q": "-400.4"}),
    (Side.BUY, FeeAsset.QUOTE, False, {"B": "4", "Q": "-400.8"}),
    (Side.SELL, FeeAsset.QUOTE, True, {"B": "-4", "Q": "399.6"}),
    (Side.SELL, FeeAsset.QUOTE, False, {"B": "-4", "Q": "399.2"}),
    (Side.BUY, FeeAsset.RECEIVED, True, {"B": "3.996", "Q": "-400"}),
    (Side.BUY, FeeAsset.RECEIVED, False, {"B": "3.992", "Q": "-400"}),
    (Side.SELL, FeeAsset.RECEIVED, False, {"B": "-4", "Q": "399.2"}),
]


@pytest.mark.parametrize(("side", "fees", "maker", "expected"), MOVES)
def test_what_a_trade_moves(side: Side, fees: FeeAsset, maker: bool, expected: dict[str, str]) -> None:
    """A trade moves its quantity and its value, and the fee from the asset that the market takes fees from (FND-05)."""
    rules = with_fees(fees)
    order = state(Status.OPEN, terms=terms(side=side.value[0]))
    after = filled(order, Decimal(4), exactly(Decimal(100)), maker=maker, rules=rules)
    assert dict(moved_by(after, rules)) == {asset: amount(value) for asset, value in expected.items()}


def test_unknown_fees_leave_the_totals_open() -> None:
    """Where nobody knows the fees, a trade may have moved anything, until it was seen once; locks stay exact."""
    rules = with_fees(FeeAsset.UNKNOWN)
    after = filled(state(Status.OPEN), Decimal(4), exactly(Decimal(100)), maker=True, rules=rules)
    assert {asset: span.bounded for asset, span in moved_by(after, rules)} == {"B": False, "Q": False}
    assert moved_by(replace(after, booked=Decimal(4)), rules) == []
    assert lock_of(after, rules) == ("Q", amount("600"))


def test_a_position_leaves_its_margin_asset_open() -> None:
    """What a position's trade does to the margin asset is no formula's business, and nothing else moves."""
    after = filled(state(Status.OPEN), Decimal(4), exactly(Decimal(100)), maker=True, rules=MARGIN)
    assert [(asset, span.bounded) for asset, span in moved_by(after, MARGIN)] == [("USD", False)]


@pytest.mark.parametrize(
    ("decimals", "low", "high"),
    [(None, "0.0333", "0.0333"), (4, "0.0333", "0.0333"), (2, "0.03", "0.04"), (0, "0", "1")],
)
def test_a_rounded_fee_may_be_rounded_either_way(decimals: int | None, low: str, high: str) -> None:
    """Where a venue rounds fees, both neighbours of the exact fee are possible; what needs no rounding is exact."""
    fee = fee_of(terms(), Decimal(1), Decimal("33.3"), maker=True, rules=replace(RULES, fee_precision=decimals))
    assert fee == Span(Decimal(low), Decimal(high))


def test_an_order_that_did_not_trade_moved_nothing() -> None:
    """Resting, being cancelled or ended, an order without a trade leaves the totals as they are."""
    assert [moved_by(state(status), RULES) for status in Status] == [[]] * len(Status)


def test_accounts_are_added_up_apart() -> None:
    """Amounts of one account are the sum over its own orders, by asset, and no other account's."""
    mine = [state(Status.OPEN), state(Status.PARTIALLY_FILLED, "4", name="b"), state(Status.OPEN, name="s", **SELL)]
    theirs = state(Status.PARTIALLY_FILLED, "1", name="x", terms=terms(account="counterparty"))
    belief = known(*mine, theirs)
    assert belief.locked("primary", RULES) == {"Q": amount("1600"), "B": amount("10")}
    assert belief.moved("counterparty", RULES) == {"B": amount("1"), "Q": amount("-100")}


AMOUNTS = st.decimals("0.001", "9", places=3)
FILLS = st.lists(st.tuples(AMOUNTS, st.booleans()), max_size=6)
KINDS = st.sampled_from([RULES, MARGIN, RESERVING])


@given(parts=FILLS, side=st.sampled_from("bs"), price=st.decimals("0.01", "9999", places=2), rules=KINDS)
def test_the_lock_falls_exactly_with_executions(
    parts: list[tuple[Decimal, bool]], side: str, price: Decimal, rules: VenueRules
) -> None:
    """Each execution takes exactly its share from the lock, and an order that is executed whole locks nothing."""
    whole = sum((quantity for quantity, _ in parts), Decimal(0)) + Decimal("0.001")
    order: OrderState = state(Status.OPEN, terms=terms(str(whole), str(price), side))
    each = lock_of(order, rules)[1].low / whole
    for quantity, maker in (*parts, (Decimal("0.001"), True)):
        before = lock_of(order, rules)[1]
        order = filled(order, quantity, exactly(price), maker=maker, rules=rules)
        after = lock_of(order, rules)[1]
        assert before.minus(after) == exactly(each * quantity)
    assert (order.status, lock_of(order, rules)[1]) == (Status.FILLED, NOTHING)


@given(
    parts=FILLS, price=st.decimals("0.01", "9999", places=2), fees=st.sampled_from([FeeAsset.QUOTE, FeeAsset.RECEIVED])
)
def test_trades_conserve_both_assets_but_for_the_fees(
    parts: list[tuple[Decimal, bool]], price: Decimal, fees: FeeAsset
) -> None:
    """What one side of a trade pays the other side gets; together they lose the two fees and nothing else (FND-05)."""
    rules = with_fees(fees)
    buyer: OrderState = state(Status.OPEN, terms=terms("100", str(price)))
    seller: OrderState = state(Status.OPEN, name="s", terms=terms("100", str(price), "s", account="counterparty"))
    for quantity, buyer_makes in parts:
        buyer = filled(buyer, quantity, exactly(price), maker=buyer_makes, rules=rules)
        seller = filled(seller, quantity, exactly(price), maker=not buyer_makes, rules=rules)
    moved: dict[str, Decimal] = {"B": Decimal(0), "Q": Decimal(0)}
    for one in (buyer, seller):
        for asset, span in moved_by(one, rules):
            moved[asset] += span.low
    in_base = fees is FeeAsset.RECEIVED
    assert moved == {
        "B": -buyer.fee.low if in_base else Decimal(0),
        "Q": -seller.fee.low - (Decimal(0) if in_base else buyer.fee.low),
    }


SPANS = st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(lambda p: Span(Decimal(p[0]), Decimal(p[0] + p[1])))


@given(left=SPANS, right=SPANS, share=st.integers(0, 4))
def test_spans_hold_what_their_parts_hold(left: Span, right: Span, share: int) -> None:
    """The span of a sum, a difference, a multiple or a hull holds what any two amounts of its parts give."""
    for a in (left.low, left.high):
        assert left.times(Decimal(share)).holds(a * share)
        assert left.negated().holds(-a)
        assert left.hull(right).holds(a)
        for b in (right.low, right.high):
            assert left.plus(right).holds(a + b)
            assert left.minus(right).holds(a - b)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (exactly(Decimal("1E+3")), "1000"),
        (amount("0.500"), "0.5"),
        (ANYTHING, "0 to any"),
        (Span(Decimal(1), Decimal(2)), "1 to 2"),
    ],
)
def test_amounts_are_written_without_exponents(span: Span, text: str) -> None:
    """People read plain digits: no exponent, no trailing zeros, and a word for what has no bound."""
    assert str(span) == text


@pytest.mark.parametrize(("decimals", "low", "high"), [(None, "-0.0333", "-0.0333"), (2, "-0.04", "-0.03")])
def test_a_maker_may_be_paid_a_rebate(decimals: int | None, low: str, high: str) -> None:
    """A negative rate is a fee that the maker is paid; rounded, both neighbours are possible."""
    market = replace(RULES.markets[terms().market], maker_fee=Decimal("-0.001"))
    rules = replace(RULES, markets={terms().market: market}, fee_precision=decimals)
    assert fee_of(terms(), Decimal(1), Decimal("33.3"), maker=True, rules=rules) == Span(Decimal(low), Decimal(high))
    shared = replace(rules, fee_precision=None, markets={terms().market: replace(market, isolated=False)})
    _, wide, filled_whole = traded_by_others(state(Status.OPEN), shared)
    assert wide.fee == Span(Decimal("-1.000"), Decimal(0))
    assert filled_whole.fee == Span(Decimal("-1.000"), Decimal("-1.000"))
