"""Having an order trade, by the driver that the profile names."""

import time
from dataclasses import replace
from decimal import Decimal

from conformance.examination.checks import Examined, said
from conformance.model.order import ACTIVE, Terms, TimeInForce
from fixtures.venue.answers import Answer, AnswerClass


def execute(examined: Examined, order_id: str, terms: Terms, quantity: Decimal) -> str | None:
    """Have the order trade; says what went wrong."""
    venue, driver = examined.venue, examined.profile.drivers.fill
    assert driver is not None
    if driver.how == "control":
        answer = venue.fill_control(order_id, quantity)
        examined.saw("fill driver", answer)
        accepted = isinstance(answer, Answer) and answer.is_(AnswerClass.ACCEPTED)
        return None if accepted else f"drivers.fill.request was answered: {said(answer)}"
    immediate = TimeInForce.IOC in examined.profile.order_kinds.times_in_force and not examined.lacks_ioc
    crossing = Terms(
        account=driver.account,
        market=terms.market,
        side=terms.side.opposite,
        quantity=quantity,
        price=terms.price,
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
    )
    placed = venue.place(crossing)
    examined.saw("crossing order", placed.answer)
    if placed.order_id is None and immediate and isinstance(placed.answer, Answer):
        resting = venue.place(replace(crossing, time_in_force=TimeInForce.GTC))
        if resting.order_id is not None:
            examined.lacks_ioc = True
            placed, immediate = resting, False
    if placed.order_id is None:
        return f"the crossing order of accounts.{driver.account} was not accepted: {said(placed.answer)}"
    view = venue.order(driver.account, placed.order_id, market=terms.market).view
    if view is not None:
        examined.word(view)
        if not immediate and view.status in ACTIVE:
            time.sleep(examined.profile.timing.fill_delay)
            venue.cancel(driver.account, placed.order_id, market=terms.market)
        venue.closed(placed.order_id)
    return None
