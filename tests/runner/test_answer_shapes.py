"""The shape of answers: what breaks ERR-02 and ERR-04, what is nobody's fault, and that neither hides anything else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.plans import Action, Cancel, CancelUnknown
from conformance.runner.contract import AnswerShape, judge_shape
from fixtures.attacks.files import vector
from fixtures.attacks.vectors import attack
from fixtures.venue.answers import Answer, AnswerClass, Exchange, Headers
from strategies.cells import UNKNOWN_IDS
from tests.runner.actions import LOOK, buy, cancelled
from tests.runner.stage import JsonObject, Stage

Open = Callable[..., Stage]
UNKNOWN: tuple[Action, ...] = (buy("a"), LOOK, CancelUnknown(order_id=UNKNOWN_IDS[0]), LOOK, *cancelled())


def answer(status: int, body: Any, text: str = "{}", media: str = "application/json", **changes: Any) -> Answer:
    """An answer to a cancel as a client reads it."""
    headers: Headers = (("Content-Type", media),) if media else ()
    exchange = Exchange(
        method=changes.get("method", "POST"),
        path="/x",
        url_host="venue.example",
        request_headers=changes.get("sent", ()),
        request_body="",
        status=status,
        response_headers=headers,
        response_body=text,
        began=0.0,
        ended=0.1,
        operation="cancel",
    )
    classes = frozenset({changes.get("answer_class", AnswerClass.NOT_FOUND if status >= 400 else AnswerClass.ACCEPTED)})
    return Answer(status=status, classes=classes, code=changes.get("code"), body=body, exchange=exchange)


def error(**changes: Any) -> JsonObject:
    """An error document as documented."""
    whole = {
        "error": {"code": 404, "message": "no", "details": "x"},
        "timestamp": "2026-03-01T08:00:00.5Z",
        "requestId": "r",
    }
    return whole | changes


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (answer(404, error(), code="404"), None),
        (answer(200, {"data": {}, "error": False}), None),
        (answer(401, {"error": 401, "message": "no"}, code="401", answer_class=AnswerClass.UNAUTHENTICATED), None),
        (answer(404, error(), media="application/problem+json; charset=utf-8", code="404"), None),
        (answer(404, error(), media="text/plain", code="404"), "its media type is not JSON"),
        (answer(404, error(), media="", code="404"), "its media type is not JSON"),
        (answer(404, None, text="<html>"), "its body is not JSON"),
        (answer(404, None, text=" "), "no body"),
        (answer(404, error(), code="400"), "an error whose code is not its status"),
        (answer(404, error(error={"message": "no"})), "an error without a code"),
        (answer(404, error(error={"code": 404, "message": " "}), code="404"), "an error without a message"),
        (answer(404, error(timestamp=1772352000000), code="404"), "an error without an ISO 8601 time"),
        (answer(404, error(timestamp="Mon Jan 02 15:04:05 2006"), code="404"), "an error without an ISO 8601 time"),
        (answer(404, error(requestId=""), code="404"), "an error without a request id"),
        (answer(404, {"error": 404, "message": "no"}, code="404"), "an error without an ISO 8601 time"),
        (answer(200, error(), code="404", answer_class=AnswerClass.UNEXPECTED), "an error with a status of success"),
        (answer(200, {"ok": 1}, answer_class=AnswerClass.UNEXPECTED), "a success of another shape"),
    ],
)
def test_the_shape_of_an_answer(stage: Open, given: Answer, problem: str | None) -> None:
    """JSON that says it is, with a code that is the status, a message, a time, a request id; older 401s have less."""
    found = [what for what, _, _ in AnswerShape(stage().profile).problems(given)]
    assert (problem in found) if problem else found == []


def test_request_ids_are_of_their_own(stage: Open) -> None:
    """A request id that another answer had is told, unless the request had sent it."""
    shape = AnswerShape(stage().profile)
    assert list(shape.problems(answer(404, error(), code="404"))) == []
    again = [what for what, _, _ in shape.problems(answer(404, error(), code="404"))]
    assert again == ["a request id that another answer had"]
    assert list(shape.problems(answer(404, error(), code="404", sent=(("X-Request-Id", "r"),)))) == []


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [
        ("errors-as-text", "ERR-02"),
        ("errors-without-body", "ERR-02"),
        ("error-code-differs", "ERR-02"),
        ("error-request-id-repeated", "ERR-02"),
        ("cancel-answer-empty", "ERR-04"),
        ("balance-numbers", "ERR-04"),
    ],
)
def test_a_wrong_shape_hides_nothing(stage: Open, fault: str, requirement: str) -> None:
    """A wrong shape is recorded once in a plan, which goes on to its end and judges all else."""
    result = stage("mixed", faults=(fault,)).run(*UNKNOWN, CancelUnknown(order_id=UNKNOWN_IDS[1]))
    assert requirement in {name for violation in result.violations for name in violation.requirements}
    kinds = [violation.kind for violation in result.violations]
    assert len(kinds) == len(set(kinds))
    assert not result.ended
    assert result.trouble is None
    assert result.exercised["CXL-01"] + result.exercised["CXL-06"] > 0


def test_without_a_contract_less_is_asked(stage: Open) -> None:
    """A profile that names no document is asked for JSON, codes and messages, and not for times and request ids."""
    theatre = stage(contract=False).alters("cancel", lambda document: document.pop("requestId", None))
    result = theatre.run(*UNKNOWN)
    assert result.violations == []
    assert result.exercised["ERR-02"] > 0
    assert result.exercised["ERR-04"] == 0


def test_answers_of_something_before_the_target_are_nobodys_fault(stage: Open) -> None:
    """A proxy's page for a very long header is no answer of the target; the target's own error to an odd id is one."""
    page = answer(431, None, text="<html>", media="text/html", answer_class=AnswerClass.REJECTED)
    theatre = stage()
    run = _running(theatre)
    judge_shape(run, page, attack(vector("header-key-64k")))
    assert run.result.violations == []
    judge_shape(run, page, attack(vector("id-cut")))
    assert {violation.requirements for violation in run.result.violations} == {("ERR-02",), ("ERR-04",)}


def test_a_body_too_long_to_be_read_has_no_shape(stage: Open) -> None:
    """Where the client stopped reading, what is missing is not the target's doing."""
    run = _running(stage())
    whole = answer(200, None, text='{"data":{"orders":[', answer_class=AnswerClass.UNEXPECTED)
    judge_shape(run, replace(whole, cut=True), None)
    assert run.result.violations == []
    judge_shape(run, whole, None)
    assert {violation.requirements for violation in run.result.violations} == {("ERR-02",), ("ERR-04",)}


def test_heads_redirects_and_throttling_have_no_shape(stage: Open) -> None:
    """An answer without a body by its nature, and one that only throttles, are not judged."""
    run = _running(stage())
    for given in (
        answer(405, None, text="", method="HEAD"),
        answer(204, None, text=""),
        answer(302, None, text="", answer_class=AnswerClass.UNEXPECTED),
        answer(429, None, text="slow down", media="text/plain", answer_class=AnswerClass.THROTTLED),
    ):
        judge_shape(run, given, None)
    assert run.result.violations == []
    assert sum(run.result.exercised.values()) == 0


def test_a_correct_cancel_that_is_not_recognised(stage: Open) -> None:
    """A right signature that is refused as unauthenticated breaks SIG-01, whatever else it breaks."""
    refused = error(error={"code": 401, "message": "no", "details": "x"})
    theatre = stage().answers("cancel", 401, refused, when=lambda number: number == 1)
    result = theatre.run(buy("a"), LOOK, Cancel(order="a"), LOOK)
    assert ("SIG-01",) in {violation.requirements for violation in result.violations}


def _running(theatre: Stage) -> Any:
    from conformance.plans import Plan
    from conformance.runner.context import RunningPlan
    from conformance.runner.funds import FundsJudge
    from conformance.runner.terms import rules_of
    from conformance.runner.tracker import Tracker
    from conformance.trace import PlanResult, Step

    plan = Plan(actions=())
    rules, result = rules_of(theatre.profile), PlanResult(plan=plan)
    tracker = Tracker(rules=rules, result=result)
    tracker.begin(Step(index=1, action={"do": "cancel"}, at=0.0))
    return RunningPlan(
        plan=plan,
        venue=theatre.venue,
        rules=rules,
        tracker=tracker,
        funds=FundsJudge(tracker, {}),
        memory=theatre.memory,
        result=result,
        accounts=("primary",),
        offered=theatre.venue.capabilities,
    )
