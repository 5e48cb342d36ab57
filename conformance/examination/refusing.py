"""Cancels that must be refused: of an order that is over, of ids that name none, of somebody else's order."""

from collections.abc import Iterator

from conformance.examination.checks import (
    Check,
    Examined,
    class_lines,
    expect_class,
    failed,
    is_not_found,
    ok,
    said,
    skipped,
    warning,
)
from conformance.examination.orders import placed_order
from conformance.judging.causes import FOREIGN_CANCEL
from conformance.judging.expectations import is_refusal
from conformance.model.order import Side
from conformance.requirements import Capability, touched_by
from fixtures.venue.answers import Answer, AnswerClass, Unknown

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
MALFORMED = "not-an-order-id"


def refused_cancels(examined: Examined) -> Iterator[Check]:
    """One of each kind of refusal, and the codes they bring."""
    venue = examined.venue
    known = examined.profile.order.unknown_ids
    no_order = known[0] if known else venue.desk.journal.handed_out.unknown(UNKNOWN) or UNKNOWN
    unknown = venue.cancel("primary", no_order, market=examined.market).answer
    yield expect_class(examined, "refusals", unknown, AnswerClass.NOT_FOUND, "cancel of an unknown order")
    if Capability.READ in venue.capabilities:
        yield _unknown_read(examined, no_order, unknown)
    malformed = venue.cancel("primary", MALFORMED, market=examined.market).answer
    yield expect_class(examined, "refusals", malformed, AnswerClass.MALFORMED, "cancel of a malformed id")
    placed, check = placed_order(examined, examined.terms(Side.BUY, examined.size()), "refusals")
    if placed.order_id is None:
        yield check
        return
    if Capability.SECOND_ACCOUNT in venue.capabilities:
        foreign = venue.cancel("counterparty", placed.order_id, market=examined.market).answer
        yield _foreign(examined, foreign, unknown)
    else:
        yield skipped("refusals", "there is no second account to try a foreign cancel with")
    first = venue.cancel("primary", placed.order_id, market=examined.market)
    if examined.over(placed.order_id, first.answer):
        again = venue.cancel("primary", placed.order_id, market=examined.market).answer
        wanted = AnswerClass.CANNOT_CANCEL
        if examined.forgets_cancelled and is_not_found(again):
            wanted = AnswerClass.NOT_FOUND
        yield expect_class(examined, "refusals", again, wanted, "cancel of a cancelled order")


def _foreign(examined: Examined, answer: Answer | Unknown, unknown: Answer | Unknown) -> Check:
    """A cancel by an account whose order it is not."""
    what = "cancel of another account's order"
    examined.saw(what, answer)
    if isinstance(answer, Answer) and answer.classes & {AnswerClass.ACCEPTED, AnswerClass.PENDING}:
        return warning(
            "refusals",
            f"{what}: accepted, {said(answer)}. A run will call this a nonconformity "
            f"({', '.join(FOREIGN_CANCEL)}), unless primary and counterparty are keys of one account: they must be two",
        )
    if isinstance(answer, Answer) and is_refusal(answer) and not is_not_found(answer) and not _same(answer, unknown):
        if examined.profile.relaxations.foreign_order_differs:
            return ok("refusals", f"{what}: refused, and otherwise than an unknown one, as the profile says")
        return warning(
            "refusals",
            f"{what}: refused otherwise than an unknown one: {said(answer)}. That tells that the order exists: a run "
            f"will find it ({', '.join(touched_by('relaxations.foreign_order_differs'))}), unless it is meant so",
            "[relaxations]",
            "foreign_order_differs = true",
        )
    return expect_class(examined, "refusals", answer, AnswerClass.NOT_FOUND, what)


def _same(answer: Answer, other: Answer | Unknown) -> bool:
    """Whether two refusals are the same but for the ids in them."""
    return class_lines("", answer) == class_lines("", other)


def _unknown_read(examined: Examined, order_id: str, unknown: Answer | Unknown) -> Check:
    """A read of an order that nobody has: what it says there it also says of orders that are gone."""
    read = examined.venue.order("primary", order_id, market=examined.market)
    if is_not_found(read.answer) or not isinstance(read.answer, Answer):
        return expect_class(examined, "refusals", read.answer, AnswerClass.NOT_FOUND, "read of an unknown order")
    section = "not_found" if _same(read.answer, unknown) else "read.not_found"
    lines = class_lines(section, read.answer) if is_refusal(read.answer) else ()
    return failed("refusals", f"read of an unknown order: expected not-found, found {said(read.answer)}", *lines)
