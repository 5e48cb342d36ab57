"""A small judge of hostile requests: sends attacks to an exchange and says which of them went otherwise than expected.

It is not the suite: it knows the embedded exchange, and only has to show that the vectors catch what they are meant to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from conformance.model.order import Side, Status, Terms
from fixtures.attacks import Attack, Expectation, NotApplicable, attack, select
from fixtures.attacks.accounts import attack_keys, setting_for
from fixtures.attacks.forge import Forger
from fixtures.exchange import ExchangeProcess
from fixtures.venue import Answer, AnswerClass, Unknown, Venue
from fixtures.venue.request import PreparedRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """An attack that went otherwise than expected."""

    attack: str
    requirement: str
    seen: str


class Battery:
    """Attacks on the orders of one account of an embedded exchange."""

    def __init__(self, venue: Venue, exchange: ExchangeProcess) -> None:
        self.venue = venue
        self.exchange = exchange
        self.host = exchange.base_url.partition("//")[2]
        self.forger = Forger()
        self.keys = attack_keys(venue.account_keys)
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.order_id = ""
        self.other_id = ""

    def fresh(self, *faults: str) -> None:
        """An exchange without orders but two, with these faults."""
        self.faults = list(faults)
        self.exchange.control.reset(faults=self.faults)
        self.order_id, self.other_id = self.place(), self.place()

    def terms(self, quantity: str = "0.01", account: str = "primary") -> Terms:
        """An order that rests."""
        market = self.venue.profile.markets["BTC-USDT"]
        return Terms(
            account=account,
            market="BTC-USDT",
            side=Side.BUY,
            quantity=Decimal(quantity),
            price=market.resting_price(Side.BUY),
        )

    def place(self, account: str = "primary") -> str:
        """The id of a new order."""
        placed = self.venue.place(self.terms(account=account))
        assert placed.order_id is not None, placed.answer
        self.ids.append(placed.order_id)
        return placed.order_id

    def request(self, operation: str, *, other: bool = False) -> PreparedRequest:
        """A correct request; with ``other`` one of the same kind that says something else."""
        if operation in ("cancel", "read"):
            return self.venue.prepare("primary", operation, order_id=self.other_id if other else self.order_id)
        if operation == "place":
            return self.venue.prepare("primary", operation, terms=self.terms("0.02" if other else "0.01"))
        return self.venue.prepare("primary", operation)

    def answer(self, one: Attack, operation: str) -> Answer | Unknown:
        """The answer to a forged request.

        Raises:
            NotApplicable: if it cannot be forged.
        """
        setting = setting_for(
            self.venue,
            self.keys,
            order_id=self.order_id if operation in ("cancel", "read") else None,
            other=None if operation in ("cancel_all", "list", "balances") else self.request(operation, other=True),
        )
        forged = self.forger.forge(one, self.request(operation), replace(setting, host=self.host))
        if forged.raw:
            return self.venue.send_raw(forged.request.wire(self.host))
        return self.venue.send(forged.request, hostile=True)

    def untouched(self) -> bool:
        """Whether both orders are open and lock what they locked."""
        for name in (self.order_id, self.other_id):
            view = self.venue.order("primary", name).view
            if view is None or view.status is not Status.OPEN or view.executed != 0:
                return False
        funds = self.venue.balances("primary").balances
        assert funds is not None
        terms = self.terms()
        assert terms.price is not None
        return funds["USDT"].locked == 2 * terms.quantity * terms.price

    def run(self, attacks: Iterable[Attack], operation: str) -> Iterator[Deviation]:
        """Send the attacks in turn; the deviations as they come."""
        for one in attacks:
            if operation == "cancel" and self.venue.order("primary", self.order_id).view is None:
                self.order_id = self.place()
            try:
                answer = self.answer(one, operation)
            except NotApplicable:
                continue
            wrong = self.wrong(one, answer)
            if wrong:
                yield Deviation(attack=one.name, requirement=one.requirements[0], seen=wrong)
            may_act = one.expect in (Expectation.ACCEPTED, Expectation.UNJUDGED, Expectation.SAME_OR_REFUSED)
            if not self.untouched():
                if not may_act and not wrong:
                    yield Deviation(attack=one.name, requirement=one.requirements[0], seen="refused, with an effect")
                self.renew()

    def renew(self) -> None:
        """Two open orders again, and nothing else."""
        self.venue.cancel_all("primary")
        self.order_id, self.other_id = self.place(), self.place()

    def wrong(self, one: Attack, answer: Answer | Unknown) -> str:
        """What is wrong with an answer, or nothing."""
        if isinstance(answer, Unknown):
            return f"no answer: {answer.reason}"
        if answer.status < 500 and _fits(one.expect, answer):
            return ""
        return f"{answer.status}: {one.expect} was expected"

    def spelled(self, attacks: Iterable[Attack]) -> Iterator[Deviation]:
        """Send each attack as a read and as a cancel; they must agree, and a cancel that is accepted must cancel."""
        for one in attacks:
            try:
                read, cancel = self.answer(one, "read"), self.answer(one, "cancel")
            except NotApplicable:
                continue
            accepted = [isinstance(answer, Answer) and answer.is_(AnswerClass.ACCEPTED) for answer in (read, cancel)]
            refused = [isinstance(answer, Answer) and 400 <= answer.status < 500 for answer in (read, cancel)]
            open_still = self.untouched()
            if not (all(refused) and open_still) and not (all(accepted) and not open_still):
                yield Deviation(
                    attack=one.name, requirement=one.requirements[0], seen=f"read and cancel differ: {accepted}"
                )
            if not open_still:
                self.renew()


def _fits(expect: Expectation, answer: Answer) -> bool:
    refused = 400 <= answer.status < 500
    match expect:
        case Expectation.ACCEPTED:
            return answer.is_(AnswerClass.ACCEPTED)
        case Expectation.UNAUTHENTICATED:
            return answer.is_(AnswerClass.UNAUTHENTICATED)
        case Expectation.NOT_FOUND:
            return answer.is_(AnswerClass.NOT_FOUND)
        case Expectation.MALFORMED:
            return answer.is_(AnswerClass.MALFORMED)
        case Expectation.NOT_FOUND_OR_MALFORMED:
            return answer.is_(AnswerClass.NOT_FOUND) or answer.is_(AnswerClass.MALFORMED)
        case Expectation.WRONG_METHOD:
            return answer.status in (404, 405)
        case Expectation.REFUSED:
            return refused
        case _:
            return refused or answer.is_(AnswerClass.ACCEPTED)


def plain_attacks(*, operation: str, **conditions: Any) -> list[Attack]:
    """Every vector that satisfies the conditions, with its defaults."""
    return [attack(one) for one in select(operation=operation, **conditions)]
