"""Seeded faults that show in answers (SIG-01, SIG-10, SIG-11, ERR-01 to ERR-04): each is seen where it is seeded."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from conformance.model.order import Side
from fixtures.attacks import attack, vector
from fixtures.faults import FAULTS, Fault
from fixtures.venue import Answer
from fixtures.venue.answers import Unknown
from fixtures.venue.request import PreparedRequest
from tests.attacks.battery import Battery, plain_attacks

INSIDE = re.compile(
    r"Traceback|\bat [\w.]+\(\w+\.java:\d+\)|BEGIN (PUBLIC|RSA|PRIVATE)|(?:/\w+){2,}\.(?:pem|py|key)|"
    r"\bSELECT\b.+\bFROM\b|syntax error at or near"
)
VARYING = {"timestamp", "requestId", "date"}
SILENT = [one for one in FAULTS.values() if one.name.endswith("-unanswered")]
FAULTY = [
    one
    for one in FAULTS.values()
    if (one.family in ("contract", "disclosure") and one not in SILENT) or one.requirement == "SIG-01"
]


def sent(battery: Battery, request: PreparedRequest) -> Answer:
    """The answer to a request."""
    answer = battery.venue.send(request, hostile=True)
    assert isinstance(answer, Answer), answer
    return answer


def unsigned(request: PreparedRequest) -> PreparedRequest:
    """The request without its signature."""
    return replace(request, headers=tuple(line for line in request.headers if line[0] != "X-API-Signature"))


def shape(answer: Answer) -> object:
    """What of an answer may tell something: all but what differs each time."""
    body = answer.body if isinstance(answer.body, dict) else {}
    headers = sorted(name for name, _ in answer.exchange.response_headers if name.lower() not in VARYING)
    return answer.status, headers, {name: value for name, value in body.items() if name not in VARYING}


def right_ones_refused(battery: Battery) -> Iterator[str]:
    """Correct cancels that are refused as unauthenticated (SIG-01)."""
    for _ in range(40):
        name = battery.place()
        for _ in range(2):
            if sent(battery, battery.venue.prepare("primary", "cancel", order_id=name)).status == 401:
                yield "a correct request was refused"


def told_apart(battery: Battery) -> Iterator[str]:
    """Unsigned cancels that are answered differently by what they name (SIG-10)."""
    over = battery.place()
    battery.venue.cancel("primary", over)
    known, foreign = battery.order_id, battery.place("counterparty")
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    answers = {
        name: shape(sent(battery, unsigned(battery.venue.prepare("primary", "cancel", order_id=name))))
        for name in (known, foreign, over, unknown)
    }
    if len({repr(one) for one in answers.values()}) > 1:
        yield "a caller without a key can tell orders apart"


def told_inside(battery: Battery) -> Iterator[str]:
    """Answers that show what is inside, or what was sent (SIG-11)."""
    flaws = [attack(vector("signature-bit-flip")), *plain_attacks(operation="cancel", attack_class="text")]
    for one in flaws:
        answer = battery.answer(one, "cancel")
        assert isinstance(answer, Answer)
        told = data_of_error(answer)
        if INSIDE.search(told) or answer.exchange.leaked:
            yield f"{one.name}: {answer.body}"


def data_of_error(answer: Answer) -> str:
    """The text of an error, decoded: a stack trace's line ends are no letters."""
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return str(error.get("details")) if isinstance(error, dict) else ""


def misshapen(battery: Battery) -> Iterator[str]:
    """Errors that are not of the documented shape (ERR-02)."""
    venue = battery.venue
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    seen: set[str] = set()
    for request in (
        venue.prepare("primary", "cancel", order_id=unknown),
        venue.prepare("primary", "cancel", order_id="nonsense"),
        unsigned(venue.prepare("primary", "cancel", order_id=unknown)),
    ):
        answer = sent(battery, request)
        body = answer.body
        if answer.status < 400 or not isinstance(body, dict):
            yield f"{answer.status}, {body!r}"
            continue
        types = [value for name, value in answer.exchange.response_headers if name.lower() == "content-type"]
        error = body.get("error")
        right = (
            types == ["application/json"]
            and isinstance(error, dict)
            and error.get("code") == answer.status
            and bool(error.get("message"))
            and _is_iso(body.get("timestamp"))
            and bool(body.get("requestId"))
            and body["requestId"] not in seen
        )
        seen.add(str(body.get("requestId")))
        if not right:
            yield json.dumps(body)


def _is_iso(text: object) -> bool:
    try:
        return datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return False


def odd_requests(battery: Battery, requirement: str) -> Iterator[str]:
    """Requests that are signed correctly, odd all the same, and go otherwise than they must (ERR-01, ERR-03)."""
    for file in ("requests", "headers"):
        for operation in ("cancel", "cancel_all"):
            attacks = plain_attacks(operation=operation, file=file)
            if file == "requests":
                attacks = [one for one in attacks if one.requirements == (requirement,)]
            if requirement == "ERR-01":
                attacks += [attack(vector("header-extra-forwarded"), name="X-Real-IP", text="'")]
            yield from (one.seen for one in battery.run(attacks, operation))


def other_documents(battery: Battery) -> Iterator[str]:
    """Answers of success that are not of the documented shape (ERR-04)."""
    venue = battery.venue
    battery.exchange.control.reset(faults=battery.faults)
    nothing = sent(battery, venue.prepare("primary", "cancel_all"))
    battery.order_id = battery.place()
    read = sent(battery, venue.prepare("primary", "read", order_id=battery.order_id))
    funds = sent(battery, venue.prepare("primary", "balances"))
    cancelled = sent(battery, venue.prepare("primary", "cancel", order_id=battery.order_id))
    order = data(read)["order"]
    checks = {
        "cancel-all": isinstance(data(nothing).get("cancelledOrderIds"), list),
        "cancel": data(cancelled).get("success") is True,
        "order": isinstance(order.get("createdAt"), int) and isinstance(order["amountFilled"], str),
        "balances": all(isinstance(value, str) for one in data(funds)["balances"] for value in one.values()),
    }
    yield from (name for name, right in checks.items() if not right)


def data(answer: Answer) -> dict[str, Any]:
    """What an answer of success holds."""
    assert isinstance(answer.body, dict)
    found = answer.body["data"]
    assert isinstance(found, dict)
    return found


JUDGES: dict[str, Callable[[Battery], Iterator[str]]] = {
    "SIG-01": right_ones_refused,
    "SIG-10": told_apart,
    "SIG-11": told_inside,
    "ERR-01": lambda battery: odd_requests(battery, "ERR-01"),
    "ERR-02": misshapen,
    "ERR-03": lambda battery: odd_requests(battery, "ERR-03"),
    "ERR-04": other_documents,
}


@pytest.mark.parametrize("requirement", JUDGES)
def test_the_honest_exchange_shows_nothing(battery: Battery, requirement: str) -> None:
    """No judge finds anything in the honest exchange."""
    battery.fresh()
    assert list(JUDGES[requirement](battery)) == []


@pytest.mark.parametrize("fault", FAULTY, ids=lambda one: one.name)
def test_a_seeded_fault_shows_in_answers(battery: Battery, fault: Fault) -> None:
    """What the fault's requirement forbids is seen in an answer, or in its effect."""
    battery.fresh(fault.name)
    assert next(JUDGES[fault.requirement](battery), None) is not None


@pytest.mark.parametrize("fault", SILENT, ids=lambda one: one.name)
def test_a_fault_that_gives_no_answer_gives_none(battery: Battery, fault: Fault) -> None:
    """Of a refused cancel, the cancel of a part, and a cancel-all of nothing, the fault leaves its own unanswered."""
    battery.fresh(fault.name)
    venue, over = battery.venue, battery.order_id
    venue.cancel_all("primary")
    parts = battery.place()
    venue.place(replace(battery.terms("0.001", account="counterparty"), side=Side.SELL))
    answers = {
        "refused-cancel-unanswered": venue.cancel("primary", over).answer,
        "partial-cancel-unanswered": venue.cancel("primary", parts).answer,
        "bulk-of-nothing-unanswered": [venue.cancel_all("primary"), venue.cancel_all("primary")][1].answer,
    }
    assert {name for name, answer in answers.items() if isinstance(answer, Unknown)} == {fault.name}
