"""Orders that an asynchronous venue has accepted and not yet dealt with: they show as PENDING until then.

A limit order is not in the book yet; a market order, which the source itself lets be PENDING, is executing.

Most venues put an order into the book before they answer, so no placing is waited for at first. The first limit order
that shows as PENDING ends its plan without a finding; from then on the lane waits after each placing until the order is
in the book. No finding is lost by it: the plan is run again so.
"""

from dataclasses import replace

from conformance.judging.judgement import Judgement
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import Looked
from conformance.model.order import ACTIVE, Status


def _may_be_held(j: Judgement, name: str) -> bool:
    return any(state.status is Status.PENDING for state in j.case.states(name))


def is_on_its_way(j: Judgement, name: str, status: Status | None, *, perhaps: bool = False) -> bool:
    """Whether an order that was seen so is only on its way to the book; then the plan ends here, and is run again.

    ``perhaps``: something unexpected was seen of the order before this ``status``; it may have arrived meanwhile, so
    that an active one counts too.
    """
    order = j.case.orders[name]
    is_limit = order.terms.price is not None
    arrived = perhaps and is_limit and status in ACTIVE and _has_a_word_for_it(j)
    if (status is not Status.PENDING and not arrived) or order.last is not None:
        return False
    if j.case.known.places_later or (not is_limit and _may_be_held(j, name)):
        return False  # it was waited for already, or executes for as long as its market is held
    j.learn(replace(j.case.known, places_later=True))
    j.cannot_judge(
        f"{name} was accepted, and is PENDING before it is in the book or has traded: from now on each placing waits "
        "for that, at most timing.place_delay or timing.market_order_delay"
    )
    return True


def may_be_on_its_way(j: Judgement, name: str, looked: Looked) -> bool:
    """The same for an order that something unexpected was seen of before it was ever read: one look at it tells.

    Asks for that look where it was not taken; then nothing else is to be said of the observation.
    """
    order = j.case.orders[name]
    if order.terms.price is None or order.last is not None or not _has_a_word_for_it(j):
        return False
    if name not in looked:
        j.look_again(LookAgain(orders=(name,)))
        return True
    view = looked[name]
    return is_on_its_way(j, name, None if view is None else view.status, perhaps=True)


def _has_a_word_for_it(j: Judgement) -> bool:
    """Whether the target has a word for orders that are not in the book yet, and none was seen to be so."""
    return Status.PENDING in j.case.profile.vocabulary.status and not j.case.known.places_later
