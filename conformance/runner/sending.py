"""Executing and judging plain requests of a plan: what a fuzzer has found is sent again here."""

import re
from typing import Final

from conformance.model import events
from conformance.model.worlds import Conflict
from conformance.plans import Send
from conformance.runner.cancels import said
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.expectations import WRONG_METHOD, accepted
from fixtures.venue.answers import Answer, AnswerClass, Unknown
from fixtures.venue.request import PreparedRequest

_NAME: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9._-]*)\}")


def send(run: RunningPlan, action: Send) -> None:
    """Send a request as it stands, with the credentials that it asks for, and judge what can be judged."""
    target = _target(run, action.target)
    if target is None:
        return  # it names an order whose placing was refused or cut out of the plan
    answer = run.venue.send(_request(run, action, target), hostile=True)
    run.took(answer, correct=False)
    if run.broken:
        return
    if not isinstance(answer, Unknown) and answer.is_(AnswerClass.THROTTLED):
        raise PlanAbandonedError(f"{action.operation} was throttled beyond the profile's allowance")
    if not isinstance(answer, Unknown):
        _judge(run, action, answer)
    if isinstance(answer, Unknown) or accepted(answer):
        _may_have_cancelled(run, action)


def _target(run: RunningPlan, template: str) -> str | None:
    """The request target with the ids of the plan's orders in the place of their names."""
    orders = run.tracker.orders
    if any(name not in orders for name in _NAME.findall(template)):
        return None
    return _NAME.sub(lambda found: orders[found[1]].order_id, template)


def _request(run: RunningPlan, action: Send, target: str) -> PreparedRequest:
    venue = run.venue
    plain = PreparedRequest(
        method=action.method,
        target=target,
        headers=action.headers,
        body=action.body.encode("latin-1", "replace"),
        account=action.account,
        operation=action.operation,
    )
    signed = venue.signed(plain)
    authentication = venue.profile.authentication
    parts = {"key": authentication.key_header.lower(), "signature": (authentication.signature_header or "").lower()}
    left_out = {header for part, header in parts.items() if part not in action.credentials}
    return PreparedRequest(
        method=signed.method,
        target=signed.target,
        headers=tuple(pair for pair in signed.headers if pair[0].lower() not in left_out),
        body=signed.body,
        account=signed.account,
        operation=signed.operation,
    )


def _judge(run: RunningPlan, action: Send, answer: Answer) -> None:
    what = f"the answer to {action.method} {action.target}"
    if action.expect == "wrong-method":
        if answer.status in WRONG_METHOD:
            run.tracker.fits(what, "405, or 404", said(answer), ("ERR-03",))
        else:
            kind = f"another method on the path of {action.operation} is answered {answer.status}"
            run.tracker.breaks(what, "405, or 404", said(answer), ("ERR-03",), kind=kind)
    elif action.expect == "unauthenticated":
        ids = ("SIG-02",) if "key" not in action.credentials else ("SIG-03",)
        if answer.is_(AnswerClass.UNAUTHENTICATED):
            run.tracker.fits(what, "unauthenticated", said(answer), ids)
        else:
            kind = f"{action.operation} without credentials is answered {answer.status}"
            run.tracker.breaks(what, "unauthenticated", said(answer), ids, kind=kind)
    else:
        run.tracker.fits(what, "any answer below 500", said(answer))


def _may_have_cancelled(run: RunningPlan, action: Send) -> None:
    """Whatever was asked for may have happened to every order that it could mean."""
    tracker = run.tracker
    if action.operation not in ("cancel", "cancel_all"):
        return
    run.changed()
    named = [name for name in _NAME.findall(action.target) if name in tracker.orders]
    asked: list[events.Event] = [events.Cancel(order=name, account=action.account) for name in named]
    if action.operation == "cancel_all":
        asked = [events.CancelAll(account=action.account)]
    for event in asked:
        after = tracker.belief.after(event, run.rules, accepts=lambda _: True, until=run.until(), lost=True)
        assert not isinstance(after, Conflict)  # a lost answer conflicts with nothing
        tracker.belief = after
