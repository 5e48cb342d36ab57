"""Every plan that is drawn can be played: on the grid, within bounds and funds, and never an account against itself."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.engine.drawing import draw_plans
from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import COUNTERPARTY, PRIMARY, Expire, Fill, HoldMarket, Parallel, Place, Plan
from strategies.amounts import fill_quantities, prices, quantities
from strategies.cells import EVENTS, STATES, cell_plans
from strategies.encounters import (
    bursts,
    deadlines_of_closed_orders,
    newcomers,
    orders_ended_at_once,
    several_fills,
    shared_levels,
    takers_after_a_cancel,
    unlike_orders,
    whole_pages,
)
from strategies.focused import aimed_plans, bulk_plans, old_orders, older_orders, pending_plans, queues, reuse_plans
from strategies.grounds import ORDINARY_SHARE
from strategies.lifecycles import lifecycles
from strategies.situations import situation_plans
from tests.strategies.plans import BARE, FUNDS, GROUND, MARKETS, Reading, explored, orders_named

DRAWN: dict[str, st.SearchStrategy[Plan]] = {
    "lifecycles": lifecycles(GROUND),
    "aimed": aimed_plans(GROUND, states=STATES, events=EVENTS, crowd=9),
    "queues": queues(GROUND),
    "bulk": bulk_plans(GROUND),
    "many": bulk_plans(GROUND, many=True),
    "pending": pending_plans(GROUND),
    "reuse": reuse_plans(GROUND),
}
COUNTS = {"aimed": 250, "many": 6}


@cache
def plans_of(name: str) -> list[Plan]:
    """The plans that the tests below look at, by strategy; the same ones in every run."""
    if name == "lifecycles":
        return explored()
    if name == "cells":
        return cell_plans(GROUND)
    if name == "situations":
        return situation_plans(GROUND, most=300)
    if name == "encounters":
        return [
            plan
            for make in (
                newcomers,
                shared_levels,
                deadlines_of_closed_orders,
                orders_ended_at_once,
                unlike_orders,
                bursts,
                several_fills,
                takers_after_a_cancel,
                whole_pages,
            )
            for plan in make(GROUND)
        ]
    if name == "old":
        return [*old_orders(GROUND, seconds=0.1), older_orders(GROUND, seconds=0.1)]
    return draw_plans(DRAWN[name], COUNTS.get(name, 60), seed_of=f"valid/{name}")


@pytest.fixture(params=[*DRAWN, "cells", "situations", "encounters", "old"])
def plans(request: pytest.FixtureRequest) -> list[Plan]:
    """The plans of one strategy."""
    return plans_of(request.param)


def places(plan: Plan) -> list[Place]:
    """The placings of a plan."""
    return [action for action in plan.actions if isinstance(action, Place)]


def test_something_is_drawn(plans: list[Plan]) -> None:
    """Every strategy gives plans with actions in them."""
    assert plans
    assert all(plan.actions for plan in plans)


def test_amounts_are_on_the_grid(plans: list[Plan]) -> None:
    """Quantities are whole steps, prices whole ticks, fills too; all within the market's bounds."""
    shapes = {shape.name: shape for shape in MARKETS}
    for plan in plans:
        known = {place.order: place for place in places(plan)}
        for action in plan.actions:
            if isinstance(action, Place | Fill):
                shape = shapes[(action if isinstance(action, Place) else known[action.order]).market]
                assert action.quantity % shape.step == 0, action
                assert shape.min_quantity <= action.quantity <= shape.max_quantity, action
            if isinstance(action, Place) and action.price is not None:
                assert action.price % shapes[action.market].tick == 0, action
                assert action.price > 0, action


def test_names_are_given_before_they_are_used(plans: list[Plan]) -> None:
    """Every action refers to an order that was placed before it, and no two orders share a name."""
    for plan in plans:
        known: set[str] = set()
        for action in plan.actions:
            if isinstance(action, Place):
                assert action.order not in known, plan
                known.add(action.order)
            if isinstance(action, Parallel):
                known.update(call.order for call in action.calls if isinstance(call, Place))
            assert known.issuperset(orders_named(action)), plan


def test_terms_belong_together(plans: list[Plan]) -> None:
    """Market orders have no price and limit orders have one; what expires is good till a time, and of this plan."""
    for plan in plans:
        until = {p.order for p in places(plan) if p.time_in_force is TimeInForce.GTD}
        for action in plan.actions:
            if isinstance(action, Place):
                assert (action.price is None) is (action.type is OrderType.MARKET), action
            if isinstance(action, Expire):
                assert action.order in until, plan


def test_no_account_meets_itself(plans: list[Plan]) -> None:
    """No account ever has an order in the book that another of its own would meet: the source says nothing of it."""
    for plan in plans:
        assert Reading(plan=plan).self_trades() == [], plan


def test_accounts_can_pay(plans: list[Plan]) -> None:
    """What an account locks and spends at any moment of a plan stays within its funds, with room for fees."""
    room = Decimal("0.995")
    for plan in plans:
        for (account, asset), amount in Reading(plan=plan).most_locked().items():
            assert amount <= FUNDS[asset] * room, (plan.title, account, asset, amount)


def test_held_markets_are_let_go_or_left_to_the_end(plans: list[Plan]) -> None:
    """A market is held once at a time, and only markets of the ground."""
    for plan in plans:
        held: set[str] = set()
        for action in plan.actions:
            if isinstance(action, HoldMarket):
                assert action.held is (action.market not in held), plan
                held ^= {action.market}
        assert len(held) <= 1


def test_plans_stay_short() -> None:
    """Free exploration stays below about forty actions: a failure must be readable before it is minimised."""
    assert max(len(plan.actions) for plan in plans_of("lifecycles")) <= 45


@pytest.mark.parametrize(
    "strategy",
    [
        lifecycles(BARE),
        aimed_plans(BARE, states=STATES, events=EVENTS),
        queues(BARE),
        bulk_plans(BARE),
        pending_plans(BARE),
        reuse_plans(BARE),
    ],
    ids=["lifecycles", "aimed", "queues", "bulk", "pending", "reuse"],
)
def test_a_target_that_offers_little_is_asked_for_little(strategy: st.SearchStrategy[Plan]) -> None:
    """Where a target has no second account, no drivers and no cancel-all, no plan of the free kind needs them."""
    for plan in draw_plans(strategy, 40, seed_of="bare"):
        for action in plan.actions:
            assert not isinstance(action, Fill | Expire | HoldMarket), plan.title
            if isinstance(action, Place):
                assert action.account == PRIMARY


@pytest.mark.parametrize(("funds", "orders"), [("30", 1), ("100", 1), ("150", 2), ("480", 8), ("100000", None)])
def test_released_funds_are_used_again_however_rich_the_account(funds: str, orders: int | None) -> None:
    """Where one order may not take most of the funds several do, and nothing is claimed where these are not enough."""
    market = replace(MARKETS[0], max_quantity=Decimal(60) / MARKETS[0].buy_price, max_notional=None)
    ground = replace(GROUND, markets=(market,), available={(PRIMARY, market.quote): Decimal(funds)})
    found = ground.exhausting(market, Side.BUY, market.buy_price)
    assert (found and found[0]) == orders
    assert bool(ground.exhaustible()) is (orders is not None)
    if found is None:
        return
    count, quantity = found
    need = quantity * market.buy_price
    assert count * need < Decimal(funds) < (count + 1) * need
    for plan in draw_plans(reuse_plans(ground), 20, seed_of="rich"):
        assert sum(isinstance(action, Place) for action in plan.actions) > count


def test_fills_are_no_smaller_than_an_order() -> None:
    """Where the smallest order has many steps, no part is smaller, and an order of a cell has three parts."""
    coarse = tuple(replace(market, min_quantity=20 * market.step) for market in MARKETS)
    ground = replace(GROUND, markets=coarse)
    least = {market.name: market.min_quantity for market in coarse}
    plans = [*cell_plans(ground), *draw_plans(aimed_plans(ground, states=STATES, events=EVENTS), 60, seed_of="coarse")]
    for plan in plans:
        placed = {action.order: action for action in plan.actions if isinstance(action, Place)}
        assert all(action.quantity >= least[action.market] for action in placed.values())
    assert all(
        action.quantity >= 3 * least[action.market]
        for plan in cell_plans(ground)
        for action in plan.actions
        if isinstance(action, Place) and action.order == "a"
    )
    part = fill_quantities(coarse[0], rest=45 * coarse[0].step)
    for plan in draw_plans(
        part.map(lambda quantity: Plan(actions=(Fill(order="a", quantity=quantity),))), 30, seed_of="x"
    ):
        fill = plan.actions[0]
        assert isinstance(fill, Fill)
        assert coarse[0].min_quantity <= fill.quantity < 45 * coarse[0].step


def test_a_rejected_order_asks_for_more_than_there_is() -> None:
    """Where unpaid orders are rejected, the order of that state cannot be paid; where it cannot be that large, none."""
    large = tuple(replace(market, max_quantity=10**12 * market.step) for market in MARKETS)
    ground = replace(GROUND, markets=large, rejects_unpaid=True)
    rejected = [plan for plan in cell_plans(ground) if plan.title.startswith("rejected")]
    assert rejected
    for plan in rejected:
        order = next(a for a in plan.actions if isinstance(a, Place) and a.order == "a")
        market = next(m for m in MARKETS if m.name == order.market)
        asset, unit = (market.quote, order.price) if order.side is Side.BUY else (market.base, 1)
        assert order.quantity * (unit or 1) > FUNDS[asset]
    small = tuple(replace(market, max_quantity=market.min_quantity) for market in MARKETS)
    assert not [p for p in cell_plans(replace(ground, markets=small)) if p.title.startswith("rejected")]


def test_cells_need_only_what_a_target_offers() -> None:
    """Cells that need an absent driver are left out, the others are walked all the same."""
    titles = {plan.title for plan in cell_plans(BARE)}
    assert "open x cancel" in titles
    assert not any("filled" in title or "expired" in title or "executing" in title for title in titles)
    assert len(cell_plans(GROUND)) == len(STATES) * len(EVENTS)


@pytest.mark.parametrize("size", [2, 6])
def test_events_at_once_leave_out_no_cell(size: int) -> None:
    """Where closed orders meet several events in one plan there are fewer plans, and every event meets every state."""
    plans = cell_plans(GROUND, events_at_once=size)
    assert len(plans) < len(STATES) * len(EVENTS) * 3 / 4
    for plan in plans:
        names = [place.order for place in places(plan)]
        assert len(names) == len(set(names)), plan.title
    for state in STATES:
        met = "".join(f", {plan.title.partition(' x ')[2]}, " for plan in plans if plan.title.startswith(f"{state} x "))
        assert all(f", {event}, " in met for event in EVENTS), state


@settings(max_examples=60)
@given(data=st.data(), shape=st.sampled_from(MARKETS), share=st.integers(1, 10**6))
def test_amounts_fit_their_market(data: st.DataObject, shape: object, share: int) -> None:
    """Whatever is asked for, quantities, parts and prices are on the grid and within what was asked for."""
    one = next(market for market in MARKETS if market is shape)
    most = max(one.min_quantity, one.on_grid(one.max_quantity * share / 10**6))
    quantity = data.draw(quantities(one, most=most))
    part = data.draw(fill_quantities(one, rest=quantity))
    assert one.min_quantity <= quantity <= most
    assert quantity % one.step == part % one.step == 0
    assert one.step <= part <= quantity
    assert part < quantity or quantity == one.step
    for side in ("buy", "sell"):
        price = data.draw(prices(one, Side(side)))
        assert price % one.tick == 0
        assert (price < one.buy_price) if side == "buy" else (price > one.sell_price)


def test_the_counterparty_can_always_fill() -> None:
    """Fills of one plan never ask more of the counterparty than it has, however many there are."""
    for name in ("lifecycles", "aimed", "queues", "bulk"):
        for plan in plans_of(name):
            for (account, asset), amount in Reading(plan=plan).most_locked().items():
                assert account != COUNTERPARTY or amount <= FUNDS[asset]


def test_market_orders_are_ordinary() -> None:
    """What a market order locks is the venue's own estimate, perhaps at another price: none takes a large share."""
    for plan in plans_of("lifecycles"):
        for place in places(plan):
            if place.type is OrderType.MARKET:
                shape = next(market for market in MARKETS if market.name == place.market)
                share = ORDINARY_SHARE * FUNDS[shape.quote if place.side is Side.BUY else shape.base]
                assert place.quantity * (shape.buy_price if place.side is Side.BUY else 1) <= share * 2, place


def test_another_account_at_the_price_takes_no_third_one() -> None:
    """With two accounts alone, another account's order still stands at the price of a cancelled one, on both sides."""
    two = (PRIMARY, COUNTERPARTY)
    sides = set()
    for plan in shared_levels(replace(GROUND, accounts=two)):
        own, other = (next(p for p in places(plan) if p.account == account) for account in two)
        assert (own.market, own.side, own.price) == (other.market, other.side, other.price)
        sides.add(own.side)
    assert sides == set(Side)


def test_expired_orders_meet_several_events_where_waiting_is_needed() -> None:
    """Where an order expires by waiting alone, few plans wait, and every event still meets an expired order."""
    waiting = [plan for plan in cell_plans(replace(GROUND, expiry_takes_time=True)) if plan.title.startswith("expired")]
    assert len(waiting) == 4
    for state in ("expired", "expired after a fill"):
        met = " ".join(plan.title for plan in waiting if plan.title.startswith(f"{state} x "))
        assert all(event in met for event in EVENTS), state
    for plan in waiting:
        assert sum(isinstance(action, Expire) for action in plan.actions) == 1
        names = [place.order for place in places(plan)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("funds", [Decimal(1), Decimal(4), Decimal("15.5")])
def test_funds_are_spent_by_as_many_orders_as_it_takes(funds: Decimal) -> None:
    """FND-07: what the largest order leaves over is spent by more of them; then there is no room for another."""
    market = replace(MARKETS[0], max_quantity=Decimal(1), max_notional=None)
    rich = {(PRIMARY, market.base): funds, (PRIMARY, market.quote): funds * market.buy_price}
    plans = draw_plans(reuse_plans(replace(GROUND, markets=(market,), available=rich)), 20, seed_of="spend")
    assert plans
    for plan in plans:
        first = [place for place in places(plan) if place.order.startswith("a")]
        unit = (first[0].price or Decimal(0)) if first[0].side is Side.BUY else Decimal(1)
        left = rich[PRIMARY, market.quote if first[0].side is Side.BUY else market.base] - sum(
            place.quantity * unit for place in first
        )
        assert Decimal(0) <= left < first[0].quantity * unit


def test_funds_that_no_orders_can_spend_are_known() -> None:
    """FND-07: where too many orders were needed the ground says so, and with it the verdict."""
    market = replace(MARKETS[0], max_quantity=Decimal(1), max_notional=None)
    rich = {(PRIMARY, market.base): Decimal(900), (PRIMARY, market.quote): 900 * market.buy_price}
    ground = replace(GROUND, markets=(market,), available=rich)
    assert not ground.exhaustible()
    assert replace(ground, available=dict.fromkeys(rich, Decimal(10))).exhaustible()
