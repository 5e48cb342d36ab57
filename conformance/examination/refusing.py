"""Cancels that must be refused: of an order that is over, of ids that name none, of somebody else's order."""

from collections.abc import Iterator

from conformance.examination.checks import Check, Examined, expect_class, skipped, warning
from conformance.examination.orders import placed_order
from conformance.model.order import Side
from conformance.requirements import Capability
from fixtures.venue.answers import Answer, AnswerClass

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
MALFORMED = "not-an-order-id"


def refused_cancels(examined: Examined) -> Iterator[Check]:
    """One of each kind of refusal, and the codes they bring."""
    venue = examined.venue
    known = examined.profile.order.unknown_ids
    no_order = known[0] if known else venue.desk.journal.handed_out.unknown(UNKNOWN) or UNKNOWN
    unknown = venue.cancel("primary", no_order, market=examined.market).answer
    yield expect_class(examined, "refusals", unknown, AnswerClass.NOT_FOUND, "cancel of an unknown order")
    malformed = venue.cancel("primary", MALFORMED, market=examined.market).answer
    yield expect_class(examined, "refusals", malformed, AnswerClass.MALFORMED, "cancel of a malformed id")
    placed, check = placed_order(examined, examined.terms(Side.BUY, examined.size()), "refusals")
    if placed.order_id is None:
        yield check
        return
    if Capability.SECOND_ACCOUNT in venue.capabilities:
        foreign = venue.cancel("counterparty", placed.order_id, market=examined.market).answer
        yield expect_class(examined, "refusals", foreign, AnswerClass.NOT_FOUND, "cancel of another account's order")
        if isinstance(foreign, Answer) and foreign.is_(AnswerClass.ACCEPTED):
            yield warning("accounts", "primary and counterparty may be keys of one account; they must be two accounts")
    else:
        yield skipped("refusals", "there is no second account to try a foreign cancel with")
    first = venue.cancel("primary", placed.order_id, market=examined.market)
    if examined.over(placed.order_id, first.answer):
        again = venue.cancel("primary", placed.order_id, market=examined.market).answer
        yield expect_class(examined, "refusals", again, AnswerClass.CANNOT_CANCEL, "cancel of a cancelled order")
