"""What a case and its lane know: what a plan begins with, what is kept from plan to plan, and what is forgotten."""

from dataclasses import replace

import pytest

from conformance.judging import case as cases_of_plans
from conformance.judging.case import Case, Closed, LaneKnowledge
from conformance.judging.causes import CANCELLED_OPEN, CauseAt
from conformance.model.deviations import NONE, Deviations
from conformance.model.order import Status
from conformance.model.worlds import Belief, Seen
from conformance.plans import Plan
from tests.judging.cases import case, funds, target
from tests.model.orders import NOW, known, state, terms

KNOWN = LaneKnowledge(
    fingerprints={"a question": "HTTP 400"},
    places_later=True,
    answered=frozenset({"read"}),
    missed={"list": 2},
    patience=7,
    deviations=Deviations(keeps=True),
    base={"primary": funds("1", "0", "1")},
)
"""What a lane may know after some plans."""


def closed(order_id: str) -> Closed:
    """A cancelled order of an earlier plan."""
    over = state(Status.CANCELED)
    seen, plan = Seen(status=Status.CANCELED, executed=None), Plan(actions=())
    return Closed(order_id=order_id, name="a", account="primary", seen=seen, state=over, at=NOW, plan=plan)


def test_a_plan_begins_with_the_rules_and_what_its_target_does_wrong() -> None:
    """Nothing but that is known of it: no order, no cause, no balance."""
    about = target()
    begun = Case.opened(about, ("primary",), KNOWN)
    assert begun.rules == replace(about.rules, deviations=KNOWN.deviations)
    assert (begun.target, begun.accounts, begun.known) == (about, ("primary",), KNOWN)
    assert not begun.orders


def test_the_oldest_closed_orders_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full generation is kept beside the one that is filled; with the next one it goes."""
    monkeypatch.setattr(cases_of_plans, "MOST_REMEMBERED", 2)
    lane = LaneKnowledge()
    for number in range(5):
        lane = lane.remembering(closed(f"id-{number}"))
    remembered = [number for number in range(5) if lane.closed_order(f"id-{number}") is not None]
    assert remembered == [2, 3, 4]
    assert lane.closed_order("id-4") == closed("id-4")


def test_a_request_id_is_met_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is met again says so, until two generations have passed."""
    monkeypatch.setattr(cases_of_plans, "MOST_REQUEST_IDS", 2)
    lane = LaneKnowledge()
    for number in range(5):
        after = lane.having_met(str(number))
        assert after is not None
        lane = after
        assert lane.having_met(str(number)) is None
    assert [number for number in range(5) if lane.having_met(str(number)) is None] == [2, 3, 4]


def test_what_a_plan_is_judged_by_anew() -> None:
    """By itself it knows how the target is asked; unprejudiced all but what it does wrong; both can be given back."""
    assert KNOWN.by_itself() == LaneKnowledge(
        places_later=True, answered=frozenset({"read"}), missed={"list": 2}, patience=7
    )
    assert KNOWN.unprejudiced() == replace(KNOWN, deviations=NONE, base={})
    assert KNOWN.unprejudiced().prejudiced_as(KNOWN) == KNOWN
    asked = LaneKnowledge().having_asked(KNOWN)
    assert asked == LaneKnowledge(answered=KNOWN.answered, missed=KNOWN.missed)


def test_which_accounts_a_case_concerns() -> None:
    """Those with a live order, an order that is to be read, or funds that are to be looked at."""
    over = case(known(state(Status.CANCELED)))
    put = CauseAt(cause=CANCELLED_OPEN, step=1, order="a")
    assert not over.concerns("primary")
    assert case(known(state(Status.OPEN))).concerns("primary")
    assert not case(known(state(Status.OPEN))).concerns("counterparty")
    assert replace(over, account_causes={"primary": (put,)}).concerns("primary")
    unread = replace(over, orders={"a": replace(over.orders["a"], causes=(put,))})
    assert unread.unread("primary") == ["a"]
    assert unread.unread("counterparty") == []
    assert unread.concerns("primary")


def test_orders_by_their_ids() -> None:
    """The plan's name of an id, or none."""
    two = case(known(state(Status.OPEN), state(Status.OPEN, name="b")))
    assert (two.name_of("id-b"), two.name_of("id-z")) == ("b", None)


@pytest.mark.parametrize(
    ("statuses", "active", "live"),
    [
        ((Status.OPEN,), True, True),
        ((Status.OPEN, Status.PARTIALLY_FILLED), True, True),
        ((Status.OPEN, Status.CANCELED), False, True),
        ((Status.CANCELED, Status.FILLED), False, False),
        ((Status.PENDING_CANCEL,), False, True),
    ],
)
def test_active_and_live_orders(statuses: tuple[Status, ...], *, active: bool, live: bool) -> None:
    """Active in every possible world; live in one of them; and of the account that is asked about."""
    worlds = tuple((state(one, "3" if one is Status.PARTIALLY_FILLED else "0"),) for one in statuses)
    begun = case(Belief({0: worlds}, {"a": 0}))
    assert begun.active("primary") == (["a"] if active else [])
    assert begun.live("primary") == begun.live() == (["a"] if live else [])
    assert begun.active("counterparty") == begun.live("counterparty") == []
    assert begun.is_surely_active("a", NOW) is active


def test_orders_of_both_accounts_are_live() -> None:
    """Without an account all live orders are meant, in the order of placing."""
    theirs = state(Status.OPEN, name="x", terms=terms(account="counterparty"))
    begun = case(known(state(Status.OPEN), theirs))
    assert begun.live() == ["a", "x"]
    assert begun.live("counterparty") == ["x"]
