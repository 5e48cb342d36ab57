"""Crossing orders: who trades with whom, at which price, and what is left."""

from dataclasses import replace
from decimal import Decimal

import pytest

from conformance.model.events import Execute, Place, Release
from conformance.model.lifecycle import Reply
from conformance.model.matching import MOST_WITHOUT_PRIORITY, TooManyWorldsError, crosses
from conformance.model.order import Status, Terms, TimeInForce
from conformance.model.prediction import predict
from conformance.model.rules import Priority, TradePrice, VenueRules
from conformance.model.worlds import Belief, Conflict
from tests.model.orders import NOW, RULES, SHARED, any_of, happen, immediate, known, placed, seen, shown, state, terms

CROSSINGS = [
    # (resting order), (incoming order), do they meet
    (terms(price="100", side="s"), terms(price="100", account="x"), True),
    (terms(price="100", side="s"), terms(price="101", account="x"), True),
    (terms(price="100", side="s"), terms(price="99.99", account="x"), False),
    (terms(price="100"), terms(price="100", side="s", account="x"), True),
    (terms(price="100"), terms(price="99", side="s", account="x"), True),
    (terms(price="100"), terms(price="100.01", side="s", account="x"), False),
    (terms(price="100"), terms(price=None, side="s", account="x"), True),
    (terms(price="100"), terms(price="100", account="x"), False),
    (terms(price="100"), terms(price="100", side="s"), False),
    (terms(price="100"), terms(price="100", side="s", account="x", market="N"), False),
]


@pytest.mark.parametrize(("resting", "incoming", "meet"), CROSSINGS)
def test_prices_that_meet(resting: Terms, incoming: Terms, meet: bool) -> None:
    """A buy meets sells at its price or below, a sell buys at its price or above, of another account in its market."""
    maker = state(Status.OPEN, name="m", terms=resting)
    assert crosses(maker, state(Status.OPEN, name="t", terms=incoming)) is meet


def outcome_of(book: list[tuple[str, Terms]], taker: Terms) -> dict[str, tuple[str, str]]:
    """What each order is after ``taker`` met the book, where one outcome alone is possible."""
    belief = happen(placed(book), Place(order="t", terms=taker, arrival=99))
    found = {}
    for name in belief.names():
        one = belief.state(name)
        if one is None:
            assert name == "t"
            one = belief.states(name)[0]
        found[name] = (str(one.executed), str(one.cost))
    return found


def test_the_better_price_trades_first() -> None:
    """An incoming sell takes the highest buy first, whenever it came, and each at its own price."""
    book = [("low", terms("4", "99")), ("high", terms("4", "101")), ("middle", terms("4", "100"))]
    assert outcome_of(book, immediate("6", "99")) == {
        "low": ("0", "0"),
        "high": ("4", "404"),
        "middle": ("2", "200"),
        "t": ("6", "604"),
    }


def test_the_lower_sell_trades_first() -> None:
    """An incoming buy takes the lowest sell first."""
    book = [("high", terms("4", "101", "s")), ("low", terms("4", "99", "s"))]
    assert outcome_of(book, immediate("5", "101", "b")) == {
        "high": ("1", "101"),
        "low": ("4", "396"),
        "t": ("5", "497"),
    }


def test_the_older_order_trades_first_at_one_price() -> None:
    """At one price the order that came first is executed whole before the next one trades at all."""
    book = [("first", terms("4")), ("second", terms("4", account="third"))]
    assert outcome_of(book, immediate("5"))["first"] == ("4", "400")
    assert outcome_of(book, immediate("5"))["second"] == ("1", "100")


def test_a_better_priced_taker_trades_at_the_resting_price() -> None:
    """Price improvement goes to whoever comes: it trades at the price that rests, and pays the taker's fee."""
    belief = happen(placed([("m", terms("10", "100"))]), Place(order="t", terms=immediate("10", "90"), arrival=9))
    maker, taker = belief.state("m"), belief.state("t")
    assert maker is not None
    assert taker is not None
    assert (maker.cost.low, maker.fee.low) == (Decimal(1000), Decimal(1))
    assert (taker.cost.low, taker.fee.low) == (Decimal(1000), Decimal(2))


def test_the_rest_of_a_partly_executed_taker_rests() -> None:
    """A limit order that found too little waits in the book for the rest, and trades there as a maker."""
    resting = terms("10", "100", "s", account="counterparty")
    belief = happen(placed([("m", terms("4"))]), Place(order="t", terms=resting, arrival=2))
    assert shown(belief, "t") == {(Status.PARTIALLY_FILLED, "4")}
    belief = happen(belief, Place(order="u", terms=immediate("6", "100", "b", account="third"), arrival=3))
    assert shown(belief, "t") == {(Status.FILLED, "10")}
    taker = belief.state("t")
    assert taker is not None
    assert taker.fee.low == Decimal("0.8") + Decimal("0.6")


def test_a_pending_cancel_may_still_trade_and_need_not() -> None:
    """An opposite order that meets an order being cancelled trades with it or passes it by, both whole (PND-02)."""
    belief = happen(known(state(Status.PENDING_CANCEL)), Place(order="t", terms=immediate("4"), arrival=2))
    assert shown(belief, "a") == {(s, e) for s in (Status.PENDING_CANCEL,) for e in ("0", "4")} | {
        (Status.CANCELED, "0")
    }
    together = {(w[0].executed.low, w[1].executed.low) for w in belief.together(["a", "t"])}
    assert together == {(Decimal(0), Decimal(0)), (Decimal(4), Decimal(4))}


def test_a_pending_cancel_that_is_passed_by_leaves_the_trade_to_the_next_in_line() -> None:
    """Where an order being cancelled does not trade, the one behind it does, and their outcomes hang together."""
    first, second = state(Status.PENDING_CANCEL), state(Status.OPEN, name="b", arrival=2)
    belief = happen(known(first, second), Place(order="t", terms=immediate("10"), arrival=3))
    together = {(w[0].executed.low, w[1].executed.low) for w in belief.together(["a", "b"])}
    assert together == {(Decimal(10), Decimal(0)), (Decimal(0), Decimal(10))}
    assert belief.companions("a") == {"a", "b"}


@pytest.mark.parametrize("status", [Status.CANCELED, Status.FILLED, Status.EXPIRED, Status.REJECTED, Status.PENDING])
def test_what_is_not_in_the_book_does_not_trade(status: Status) -> None:
    """An order that has ended, or an executing market order, is not met by anybody (CXL-04)."""
    ended = state(status, terms=terms(price=None) if status is Status.PENDING else terms())
    belief = happen(known(ended), Place(order="t", terms=immediate("4"), arrival=2))
    assert {one.executed.low for one in belief.states("t")} == {Decimal(0)}


def test_two_orders_of_one_account_do_not_meet() -> None:
    """What a venue does with a trade of an account with itself is not predicted; plans do not make one."""
    belief = happen(placed([("m", terms("4"))]), Place(order="t", terms=terms("4", side="s"), arrival=2))
    assert shown(belief, "t") == {(Status.OPEN, "0")}


def test_a_third_account_is_met_like_any_other() -> None:
    """An order of a third account in front of the queue is executed before the plan's own."""
    book = [("theirs", terms("4", account="third")), ("mine", terms("4"))]
    assert outcome_of(book, immediate("4"))["mine"] == ("0", "0")


def test_an_immediate_order_never_rests() -> None:
    """What an immediate-or-cancel order does not find ends CANCELED or EXPIRED, which the source leaves open."""
    belief = happen(placed([("m", terms("4"))]), Place(order="t", terms=immediate("10"), arrival=2))
    assert shown(belief, "t") == {(Status.CANCELED, "4"), (Status.EXPIRED, "4")}


def test_a_market_order_takes_every_price() -> None:
    """A market order trades through the book, and its rest ends in one of three words."""
    book = [("m", terms("4", "100")), ("n", terms("4", "1"))]
    taker = terms("10", None, "s", account="counterparty")
    belief = happen(placed(book), Place(order="t", terms=taker, arrival=3))
    assert shown(belief, "t") == {(s, "8") for s in (Status.CANCELED, Status.EXPIRED, Status.REJECTED)}
    assert {str(one.cost) for one in belief.states("t")} == {"404"}


def test_a_post_only_order_that_would_trade_is_rejected_or_refused() -> None:
    """It is created and REJECTED, or refused without an order; it never trades."""
    book = (state(Status.OPEN, name="m"),)
    crossing = terms("4", "100", "s", account="counterparty", post_only=True)
    outcomes = predict(book, Place(order="t", terms=crossing, arrival=2), RULES)
    assert {(o.reply, o.world[1:]) for o in outcomes} == {
        (Reply.ACCEPTED, (state(Status.REJECTED, name="t", terms=crossing, arrival=2),)),
        (Reply.REFUSED, ()),
    }


def test_a_post_only_order_that_would_not_trade_rests() -> None:
    """A post-only order behind the best opposite price is an order like any other."""
    resting = terms("4", "101", "s", account="counterparty", post_only=True)
    outcomes = predict((state(Status.OPEN, name="m"),), Place(order="t", terms=resting, arrival=2), RULES)
    assert [o.world[1].status for o in outcomes] == [Status.OPEN]


def test_a_post_only_order_may_pass_an_order_that_is_being_cancelled() -> None:
    """Whether an order being cancelled still counts is open: a post-only order that meets it rests or is rejected."""
    crossing = terms("4", "100", "s", account="counterparty", post_only=True)
    outcomes = predict((state(Status.PENDING_CANCEL, name="m"),), Place(order="t", terms=crossing, arrival=2), RULES)
    resting = [o for o in outcomes if o.reply is Reply.ACCEPTED and o.world[1].status is not Status.REJECTED]
    assert {Status.REJECTED, Status.OPEN} <= {o.world[1].status for o in outcomes if o.reply is Reply.ACCEPTED}
    assert resting


def test_a_held_market_order_waits_for_its_market() -> None:
    """A held market order stays PENDING and is met by nobody; once its market goes on, it executes against the book."""
    belief = placed([("m", terms("4", "100", "s", account="counterparty"))])
    belief = happen(belief, Place(order="t", terms=terms("4", None), arrival=2, held=True))
    assert shown(belief, "t") == {(Status.PENDING, "0")}
    belief = happen(belief, Release(market="M"))
    assert shown(belief, "t") == {(Status.FILLED, "4")}
    assert shown(belief, "m") == {(Status.FILLED, "4")}


def test_held_market_orders_execute_in_the_order_of_their_arrival() -> None:
    """Of two held market orders the first takes what there is."""
    belief = placed([("m", terms("4", "100", "s", account="counterparty"))])
    for arrival, name in enumerate(("first", "second"), start=2):
        belief = happen(belief, Place(order=name, terms=terms("4", None), arrival=arrival, held=True))
    belief = happen(belief, Release(market="M"))
    assert shown(belief, "first") == {(Status.FILLED, "4")}
    assert {executed for _, executed in shown(belief, "second")} == {"0"}


class TestWaitingForACounterOrder:
    """A market order that finds nobody to trade with, at a venue where it then waits."""

    ASKING = terms("4", None)

    @staticmethod
    def seller(quantity: str, price: str = "100") -> Terms:
        """The counter-order."""
        return terms(quantity, price, "s", account="counterparty")

    def test_in_an_empty_book_it_stays_pending(self) -> None:
        """Orders on its own side, of its own account, or at rest no more do not face it."""
        belief = placed([("same side", terms("4", "99")), ("own", terms("4", "101", "s"))])
        belief = happen(belief, Place(order="t", terms=self.ASKING, arrival=9, waits=True))
        assert shown(belief, "t") == {(Status.PENDING, "0")}

    def test_against_a_full_book_it_is_an_ordinary_market_order(self) -> None:
        """What faces it is taken; nothing of it waits."""
        belief = happen(placed([("m", self.seller("5"))]), Place(order="t", terms=self.ASKING, arrival=2, waits=True))
        assert shown(belief, "t") == {(Status.FILLED, "4")}

    def test_whether_a_rest_waits_is_open(self) -> None:
        """One that finds too little ends, in any word, or waits for the rest of it."""
        belief = happen(placed([("m", self.seller("3"))]), Place(order="t", terms=self.ASKING, arrival=2, waits=True))
        endings = (Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.PENDING)
        assert shown(belief, "t") == {(status, "3") for status in endings}

    def test_a_pending_cancel_may_face_it(self) -> None:
        """Where what faces it is being cancelled it is filled or waits, and the two hang together."""
        resting = state(Status.PENDING_CANCEL, name="m", terms=self.seller("4"))
        belief = happen(known(resting), Place(order="t", terms=self.ASKING, arrival=2, waits=True))
        assert {(Status.PENDING, "0"), (Status.FILLED, "4")} == shown(belief, "t")
        assert belief.companions("t") == {"t", "m"}

    def test_the_counter_order_ends_it_at_its_price(self) -> None:
        """It does not trade until both are there; then at the counter-order's price, either of them as the maker."""
        belief = happen(Belief.empty(), Place(order="t", terms=self.ASKING, arrival=1, waits=True))
        belief = happen(belief, Place(order="c", terms=self.seller("4"), arrival=2))
        assert shown(belief, "t") == {(Status.PENDING, "0")}
        belief = happen(belief, Release(market="M", either_makes=True))
        assert shown(belief, "t") == shown(belief, "c") == {(Status.FILLED, "4")}
        assert {str(one.cost) for one in belief.states("t")} == {"400"}
        (worlds,) = {home: belief.clusters[home] for home in belief.home.values()}.values()
        fees = {tuple(str(one.fee) for one in sorted(world, key=lambda s: s.name)) for world in worlds}
        assert fees == {("0.4", "0.8"), ("0.8", "0.4")}


class TestControlledTrades:
    """A trade that the target was told to make, whatever is in the book."""

    @pytest.mark.parametrize("status", [Status.OPEN, Status.PENDING_CANCEL])
    def test_it_executes_at_the_order_s_own_price(self, status: Status) -> None:
        """So much of a live order is executed, at its price and the maker's fee."""
        belief = happen(
            known(state(status)),
            Execute(order="a", quantity=Decimal(4)),
            accepts=lambda o: o.reply is Reply.ACCEPTED,
        )
        assert {(str(s.executed), str(s.cost), str(s.fee)) for s in belief.states("a")} == {("4", "400", "0.4")}

    @pytest.mark.parametrize("status", [Status.CANCELED, Status.FILLED, Status.EXPIRED, Status.REJECTED])
    def test_it_is_refused_where_nothing_is_live(self, status: Status) -> None:
        """An order that has ended cannot be executed."""
        outcomes = predict((state(status, "10"),), Execute(order="a", quantity=Decimal(1)), RULES)
        assert [o.reply for o in outcomes] == [Reply.REFUSED]


class TestSharedMarket:
    """Where others trade too, nothing can be enumerated: quantities are ranges until a read pins them."""

    def test_a_resting_order_may_have_traded_at_any_moment(self) -> None:
        """A live order may be partly executed or filled, at its own price and the maker's fee, and nothing else."""
        belief = placed([("m", terms("10"))], rules=SHARED).by_now(NOW, SHARED)
        assert shown(belief, "m") == {
            (Status.OPEN, "0"),
            (Status.PARTIALLY_FILLED, "0 to 10"),
            (Status.FILLED, "10"),
        }
        whole = {(str(s.cost), str(s.fee)) for s in belief.states("m") if s.status is Status.FILLED and not s.took}
        assert whole == {("1000", "1")}

    def test_a_taker_may_have_done_better_than_its_price(self) -> None:
        """A buy that came to a shared market may have paid less than its own price, down to nothing."""
        belief = placed([("t", immediate("10", "100", "b"))], rules=SHARED)
        spent = {str(s.cost) for s in belief.states("t") if s.status is Status.FILLED}
        assert spent == {"0 to 1000"}

    def test_a_read_pins_what_strangers_left(self) -> None:
        """Once a read has shown how much of a resting order is executed, its cost and fee are known exactly."""
        belief = known(state(Status.OPEN, name="m"))
        after = seen(belief, "m", Status.PARTIALLY_FILLED, "4", rules=SHARED)
        assert isinstance(after, Belief)
        assert {(str(s.executed), str(s.cost), str(s.fee)) for s in after.states("m")} == {("4", "400", "0.4")}

    def test_a_cancel_may_come_after_a_stranger_s_trade(self) -> None:
        """An order that was being cancelled may be found CANCELED with something executed that nobody here did."""
        belief = known(state(Status.PENDING_CANCEL, name="m"))
        after = seen(belief, "m", Status.CANCELED, "4", rules=SHARED)
        assert isinstance(after, Belief)
        assert shown(after, "m") == {(Status.CANCELED, "4")}
        assert isinstance(seen(belief, "m", Status.CANCELED, "4"), Conflict)

    def test_a_post_only_order_may_meet_a_stranger(self) -> None:
        """It rests, or it is rejected or refused since a stranger's order stood in its way; it never takes."""
        only = terms("4", "100", post_only=True)
        outcomes = predict((), Place(order="t", terms=only, arrival=1), SHARED)
        assert {(o.reply, o.world[0].status if o.world else None) for o in outcomes} == {
            (Reply.ACCEPTED, Status.OPEN),
            (Reply.ACCEPTED, Status.REJECTED),
            (Reply.REFUSED, None),
        }

    def test_a_large_book_is_many_small_uncertainties(self) -> None:
        """Thirty orders that may all have traded are uncertain one by one: nobody enumerates 3^30 worlds."""
        book = [(f"m{n}", terms("1", f"{100 - n}")) for n in range(30)]
        after = happen(
            placed(book, rules=SHARED), Place(order="t", terms=immediate("10", "1"), arrival=99), rules=SHARED
        )
        later = after.by_now(NOW, SHARED)
        assert all(1 < len(later.states(name)) <= 5 for name, _ in book)
        assert all(len(later.companions(name)) == 1 for name, _ in book)


def test_many_pending_cancels_at_one_price_are_refused_at_once() -> None:
    """Sixteen orders being cancelled may or may not trade, each: too many worlds, said at once and never guessed."""
    pending = [state(Status.PENDING_CANCEL, name=f"p{n}", arrival=n) for n in range(16)]
    with pytest.raises(TooManyWorldsError):
        happen(known(*pending), Place(order="t", terms=immediate("10"), arrival=99))


def test_an_expiring_maker_may_or_may_not_be_met() -> None:
    """Near its deadline an order is met or has expired already; both stay possible."""
    until = terms(time_in_force=TimeInForce.GTD, expires_at=NOW)
    belief = happen(known(state(Status.OPEN, terms=until)), Place(order="t", terms=immediate("4"), arrival=2))
    assert shown(belief, "a") == {(Status.PARTIALLY_FILLED, "4"), (Status.EXPIRED, "0")}


def test_a_venue_that_places_later_may_not_have_the_order_yet() -> None:
    """An asynchronous venue accepts an order before it is in the book: until then it is PENDING."""
    later = VenueRules(markets=RULES.markets, places_later=True)
    belief = happen(Belief.empty(), Place(order="a", terms=terms(), arrival=1), rules=later)
    assert shown(belief, "a") == {(Status.OPEN, "0"), (Status.PENDING, "0")}
    assert shown(any_of(state(Status.PENDING)).by_now(NOW, later), "a") == {(Status.PENDING, "0"), (Status.OPEN, "0")}


class TestTheVenuesOwnPrices:
    """At whose price two orders trade, and which of several trades first, is the venue's affair."""

    @staticmethod
    def costs(rules: VenueRules, price: str = "90") -> set[str]:
        """What a buy of 10 at 100 may have cost that a sell at a price below has met."""
        belief = happen(
            placed([("a", terms())]), Place(order="t", terms=immediate(price=price), arrival=9), rules=rules
        )
        return {str(one.cost) for one in belief.states("a")}

    @pytest.mark.parametrize(
        ("whose", "cost"),
        [
            (TradePrice.MAKER, "1000"),
            (TradePrice.TAKER, "900"),
            (TradePrice.MIDDLE, "950"),
            (TradePrice.BUYER, "1000"),
            (TradePrice.SELLER, "900"),
            (TradePrice.UNKNOWN, "900 to 1000"),
        ],
    )
    def test_the_price_is_the_one_that_the_profile_says(self, whose: TradePrice, cost: str) -> None:
        """Of a resting buy at 100 and a sell at 90: the one price, the other, the middle, or any between the two."""
        assert self.costs(replace(RULES, trade_price=whose)) == {cost}

    @pytest.mark.parametrize(("tick", "cost"), [("0", "945"), ("0.5", "945"), ("1", "940 to 950"), ("2", "940 to 960")])
    def test_a_middle_off_the_grid_is_one_of_its_neighbours(self, tick: str, cost: str) -> None:
        """Of 100 and 89 the middle is 94.5: where the market has no such price, the one below or the one above."""
        rules = replace(
            RULES, trade_price=TradePrice.MIDDLE, markets={"M": replace(RULES.markets["M"], tick=Decimal(tick))}
        )
        assert self.costs(rules, price="89") == {cost}

    @pytest.mark.parametrize("whose", TradePrice)
    def test_a_market_order_trades_at_the_resting_price(self, whose: TradePrice) -> None:
        """A market order has no price of its own: whatever the profile says, the resting order's holds."""
        taker = terms("10", None, "s", account="counterparty")
        rules = replace(RULES, trade_price=whose)
        belief = happen(placed([("a", terms())]), Place(order="t", terms=taker, arrival=9), rules=rules)
        assert {str(one.cost) for one in belief.states("a")} == {"1000"}

    @staticmethod
    def filled_first(rules: VenueRules) -> set[str]:
        """Which of three orders may be filled by a sell of one order's size: two at 100, the older first, one at 99."""
        book = [("older", terms()), ("newer", terms()), ("worse", terms(price="99"))]
        belief = happen(placed(book), Place(order="t", terms=immediate(price="99"), arrival=9), rules=rules)
        return {
            name
            for name in ("older", "newer", "worse")
            if any(one.status is Status.FILLED for one in belief.states(name))
        }

    @pytest.mark.parametrize(
        ("priority", "first"),
        [
            (Priority.PRICE_TIME, {"older"}),
            (Priority.PRICE, {"older", "newer"}),
            (Priority.UNKNOWN, {"older", "newer", "worse"}),
        ],
    )
    def test_the_first_is_one_that_the_profile_lets_be_first(self, priority: Priority, first: set[str]) -> None:
        """By price and time one order alone, by price alone any of the best price, else any that meets it."""
        assert self.filled_first(replace(RULES, priority=priority)) == first

    def test_somebody_is_filled_whatever_the_priority(self) -> None:
        """Nobody knows which of the orders trades, but one does, and no more than one."""
        book = [("older", terms()), ("newer", terms())]
        rules = replace(RULES, priority=Priority.UNKNOWN)
        belief = happen(placed(book), Place(order="t", terms=immediate(), arrival=9), rules=rules)
        belief = after_seeing(belief, "older", Status.OPEN, "0", rules)
        assert shown(belief, "newer") == {(Status.FILLED, "10")}
        assert isinstance(seen(belief, "newer", Status.OPEN, "0", rules=rules), Conflict)

    def test_too_many_orders_of_no_known_priority_are_refused(self) -> None:
        """More orders than whose every order can be tried are no judgement, and no guess."""
        book = [(f"o{n}", terms()) for n in range(MOST_WITHOUT_PRIORITY + 1)]
        belief, rules = placed(book), replace(RULES, priority=Priority.UNKNOWN)
        with pytest.raises(TooManyWorldsError):
            happen(belief, Place(order="t", terms=immediate(), arrival=9), rules=rules)

    @pytest.mark.parametrize(("dust", "ended"), [("0", False), ("0.5", False), ("1", True)])
    def test_a_rest_that_is_dust_may_be_cancelled_by_the_venue(self, dust: str, ended: bool) -> None:
        """A rest of one unit may end by itself where so much is dust; a whole order never does."""
        markets = {name: replace(market, dust=Decimal(dust)) for name, market in RULES.markets.items()}
        rules = replace(RULES, markets=markets)
        partly = known(state(Status.PARTIALLY_FILLED, "9"))
        assert isinstance(seen(partly.by_now(NOW, rules), "a", Status.CANCELED, "9", rules=rules), Belief) is ended
        whole = known(state(Status.OPEN)).by_now(NOW, rules)
        assert isinstance(seen(whole, "a", Status.CANCELED, "0", rules=rules), Conflict)


def after_seeing(belief: Belief, name: str, status: Status, executed: str, rules: VenueRules) -> Belief:
    """The belief after a read that fits."""
    after = seen(belief, name, status, executed, rules=rules)
    assert isinstance(after, Belief)
    return after
