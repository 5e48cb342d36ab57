"""Known good histories of parallel calls are explained, known bad ones are not."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from conformance.model.history import Illegal, Legal, Undecided, explain
from conformance.model.order import Status

if TYPE_CHECKING:
    from tests.model.conftest import Histories

GOOD = {
    "one cancel wins, the other is refused": (
        "a",
        """
        0 2  cancel a -> accepted
        1 3  cancel a -> cannot-cancel
        """,
    ),
    "two cancels accepted while the first is pending": (
        "a",
        """
        0 2  cancel a -> accepted
        1 3  cancel a -> accepted
        """,
    ),
    "all of eight cancels but one refused": (
        "a",
        """
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> accepted
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> cannot-cancel
        0 9  cancel a -> cannot-cancel
        """,
    ),
    "a refusal may be answered before the cancel that caused it": (
        "a",
        """
        0 9  cancel a -> accepted
        1 2  cancel a -> cannot-cancel
        """,
    ),
    "reads around a cancel show both sides of it": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  read a -> CANCELED 0
        0 9  read a -> OPEN 0
        """,
    ),
    "the fill came first and the cancel took the rest": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  fill f 4 -> accepted
        9 9  read a -> CANCELED 4
        9 9  read f -> FILLED 4
        """,
    ),
    "the cancel came first and the opposite order found nothing": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  fill f 4 -> accepted
        9 9  read f -> CANCELED 0
        """,
    ),
    "a fill completes an order whose cancel was accepted": (
        "a+3",
        """
        0 9  cancel a -> accepted
        0 9  fill f 7 -> accepted
        9 9  read a -> FILLED 10
        """,
    ),
    "the next in the queue trades once the first is cancelled": (
        "a b",
        """
        0 9  cancel a -> accepted
        0 9  fill f 6 -> accepted
        9 9  read b -> PARTIALLY_FILLED 6
        """,
    ),
    "cancel-all reaches one new order and not the other": (
        "a",
        """
        0 9  cancel-all -> a p
        0 9  place p -> accepted
        0 9  place q -> accepted
        9 9  read q -> OPEN 0
        """,
    ),
    "cancel-all walks over its orders while others are placed and filled": (
        "a b",
        """
        0 9  cancel-all -> b
        0 3  fill f 10 -> accepted
        4 5  place p -> accepted
        9 9  read a -> FILLED 10
        9 9  read p -> OPEN 0
        """,
    ),
    "what a cancel took is not listed": (
        "a b",
        """
        0 9  cancel-all -> b
        0 9  cancel a -> accepted
        """,
    ),
    "what cancel-all took is refused to a cancel": (
        "a b",
        """
        0 9  cancel-all -> a b
        0 9  cancel a -> cannot-cancel
        """,
    ),
    "each order is listed by one of two cancel-alls": (
        "a b",
        """
        0 9  cancel-all -> a
        0 9  cancel-all -> b
        """,
    ),
    "another account's cancel is not found and changes nothing": (
        "a",
        """
        0 9  cancel a by third -> not-found
        0 9  cancel a -> accepted
        """,
    ),
    "a lost cancel may have happened": (
        "a",
        """
        0 ?  cancel a
        1 2  cancel a -> cannot-cancel
        """,
    ),
    "a lost cancel may not have happened": (
        "a",
        """
        0 ?  cancel a
        5 6  read a -> OPEN 0
        """,
    ),
    "two placings at one price stand in either order": (
        "",
        """
        0 9  place p -> accepted
        0 9  place q -> accepted
        9 9  fill f 4 -> accepted
        9 9  read q -> PARTIALLY_FILLED 4
        """,
    ),
    "of two equal trades one was seen alone": (
        "a",
        """
        0 9  trade a 3 -> accepted
        0 1  trade a 3 -> accepted
        2 3  read a -> PARTIALLY_FILLED 3
        """,
    ),
    "orders of two accounts are cancelled at once": (
        "a t x",
        """
        0 9  cancel a -> accepted
        0 9  cancel t -> accepted
        0 9  cancel x -> accepted
        """,
    ),
}

BAD = {
    "no cancel is accepted, yet the order is active": (
        "a",
        """
        0 2  cancel a -> cannot-cancel
        1 3  cancel a -> cannot-cancel
        """,
    ),
    "a cancel is accepted after a read had shown the order cancelled": (
        "a",
        """
        0 2  cancel a -> accepted
        3 4  read a -> CANCELED 0
        5 6  cancel a -> accepted
        """,
    ),
    "a second cancel does not find the order": (
        "a",
        """
        0 2  cancel a -> accepted
        1 3  cancel a -> not-found
        """,
    ),
    "the order is active once its cancel had been answered": (
        "a",
        """
        0 2  cancel a -> accepted
        1 3  cancel a -> cannot-cancel
        4 5  read a -> OPEN 0
        """,
    ),
    "an active order is read after a cancelled one was": (
        "a",
        """
        0 9  cancel a -> accepted
        1 2  read a -> CANCELED 0
        3 4  read a -> OPEN 0
        """,
    ),
    "a fill that was taken is lost": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  fill f 4 -> accepted
        9.1 9.2  read f -> FILLED 4
        9.1 9.2  read a -> CANCELED 0
        """,
    ),
    "a fill is booked twice": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  fill f 4 -> accepted
        9.1 9.2  read a -> CANCELED 8
        """,
    ),
    "a filled order turns to cancelled": (
        "a",
        """
        0 9  cancel a -> accepted
        0 9  fill f 10 -> accepted
        9.1 9.2  read a -> CANCELED 10
        """,
    ),
    "the order behind trades though the first was active all the time": (
        "a b",
        """
        0 1  fill f 4 -> accepted
        2 3  read b -> PARTIALLY_FILLED 4
        4 9  cancel a -> accepted
        """,
    ),
    "cancel-all leaves an order out that was there before": (
        "a b",
        """
        0 9  cancel-all -> a
        0 9  read b -> OPEN 0
        9.1 9.2  read b -> OPEN 0
        """,
    ),
    "cancel-all misses an order whose placing had been answered": (
        "",
        """
        0 1  place p -> accepted
        2 3  cancel-all ->
        """,
    ),
    "cancel-all takes an order that was placed after its answer": (
        "a",
        """
        0 1  cancel-all -> a p
        2 3  place p -> accepted
        """,
    ),
    "cancel-all lists what a read had shown cancelled": (
        "a b",
        """
        0 1  cancel a -> accepted
        2 3  read a -> CANCELED 0
        4 9  cancel-all -> a b
        4 9  cancel b -> cannot-cancel
        """,
    ),
    "cancel-all lists a filled order": (
        "a b",
        """
        0 1  fill f 10 -> accepted
        2 3  read a -> FILLED 10
        4 9  cancel-all -> a b
        4 9  cancel b -> cannot-cancel
        """,
    ),
    "cancel-all lists another account's order": (
        "a x",
        """
        0 9  cancel-all -> a x
        0 9  cancel x -> accepted
        9.1 9.2  cancel-all -> a
        9.1 9.2  read a -> OPEN 0
        """,
    ),
    "one of two cancels of different orders is dropped": (
        "a b",
        """
        0 9  cancel a -> accepted
        0 9  cancel b -> accepted
        9.1 9.2  read b -> OPEN 0
        """,
    ),
    "another account's cancel has an effect": (
        "a",
        """
        0 9  cancel a by third -> not-found
        0 9  read a -> CANCELED 0
        """,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_explained(histories: "Histories", name: str) -> None:
    """Some order of the calls explains each of these, so that a correct venue is not accused."""
    orders, table = GOOD[name]
    found = explain(histories.standing(orders), histories.calls(table), histories.rules, until=0.0)
    assert isinstance(found, Legal)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_not_explained(histories: "Histories", name: str) -> None:
    """No order of the calls explains any of these."""
    orders, table = BAD[name]
    found = explain(histories.standing(orders), histories.calls(table), histories.rules, until=0.0)
    assert isinstance(found, Illegal)


def test_everything_that_may_be_true_is_kept(histories: "Histories") -> None:
    """A cancel that raced a fill leaves all outcomes open that the answers do, and nothing else, for later reads."""
    calls = histories.calls("0 9 cancel a -> accepted\n0 9 fill f 10 -> accepted")
    found = explain(histories.standing("a"), calls, histories.rules, until=0.0)
    assert isinstance(found, Legal)
    ends = {(state.status, state.executed.low) for state in found.belief.states("a")}
    none, all_of_it = Decimal(0), Decimal(10)
    assert ends == {(Status.CANCELED, none), (Status.PENDING_CANCEL, none), (Status.FILLED, all_of_it)}


def test_a_crossing_ties_the_two_orders(histories: "Histories") -> None:
    """Where both orders are uncertain the worlds stay together: the taker is filled exactly where the maker is."""
    calls = histories.calls("0 9 cancel a -> accepted\n0 9 fill f 10 -> accepted")
    found = explain(histories.standing("a"), calls, histories.rules, until=0.0)
    assert isinstance(found, Legal)
    worlds = found.belief.together(["a", "f"])
    executed = {frozenset(state.executed.low for state in world) for world in worlds}
    assert executed == {frozenset({Decimal(0)}), frozenset({Decimal(10)})}


def test_independent_orders_are_judged_apart(histories: "Histories") -> None:
    """Cancels of forty different orders are explained at once, each by itself: nothing is searched over all of them."""
    names = [f"a{number}" for number in range(40)]
    calls = histories.calls("\n".join(f"0 9 cancel {name} -> accepted" for name in names))
    found = explain(histories.standing(" ".join(names)), calls, histories.rules, until=0.0, most=10)
    assert isinstance(found, Legal)
    assert all(found.belief.companions(name) == {name} for name in names)


def test_a_search_past_its_bound_is_undecided(histories: "Histories") -> None:
    """A search that is given up says how far it came; it is neither a pass nor a nonconformity."""
    table = "\n".join(f"0 9 cancel a{n} -> accepted\n0 9 fill f{n} 7 -> accepted" for n in range(4))
    found = explain(histories.standing("a0 a1 a2 a3"), histories.calls(table), histories.rules, until=0.0, most=500)
    assert isinstance(found, Undecided)
    assert found.size > 500


def test_a_bad_part_is_found_beside_one_that_is_too_large(histories: "Histories") -> None:
    """A history that no order explains in one part is illegal, though another part could not be decided."""
    large = "\n".join(f"0 9 cancel a{n} -> accepted\n0 9 fill f{n} 7 -> accepted" for n in range(4))
    table = large + "\n0 1 cancel x -> accepted\n2 3 cancel x -> not-found"
    found = explain(histories.standing("a0 a1 a2 a3 x"), histories.calls(table), histories.rules, until=0.0, most=500)
    assert isinstance(found, Illegal)
    assert found.orders == {"x"}


def test_the_explanation_names_how_far_an_order_went(histories: "Histories") -> None:
    """An illegal history tells the longest run of calls, the states then, and what each next call should have said."""
    calls = histories.calls("0 2 cancel a -> accepted\n3 4 read a -> CANCELED 0\n5 6 cancel a -> accepted")
    found = explain(histories.standing("a b"), calls, histories.rules, until=0.0)
    assert found == Illegal(
        calls=frozenset({0, 1, 2}),
        orders=frozenset({"a"}),
        explained=("cancel a", "read a"),
        states=("a CANCELED with 0 of 10 executed",),
        expected=("cancel a: cannot-cancel",),
    )
