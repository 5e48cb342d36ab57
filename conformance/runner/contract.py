"""Judging the shape of answers: JSON that says what it is (ERR-02), as the profile's OpenAPI document has it (ERR-04).

Nothing found here ends a plan: an answer of a wrong shape has been understood all the same, and hides nothing of what
comes next.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from conformance.runner.expectations import accepted, knows_no_such_method
from fixtures.attacks.vectors import Attack
from fixtures.profiles.pointers import Place, place
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass

if TYPE_CHECKING:
    from conformance.runner.context import RunningPlan

MOST_REQUEST_IDS: Final = 50_000
"""Request ids remembered in a lane; the oldest are forgotten."""

_OWN_ANSWERS: Final = frozenset({400, 404, 405, 408, 411, 413, 414, 417, 431, 500, 501, 502, 505})
"""What HTTP servers and proxies answer by themselves to messages that they do not hand on."""


class AnswerShape:
    """What a profile says of the shape of errors, its pointers compiled; and the request ids that were seen."""

    def __init__(self, profile: Profile) -> None:
        answers, contract = profile.answers, profile.contract
        self.code = tuple(Place(pointer) for pointer in answers.code)
        self.message = tuple(Place(pointer) for pointer in answers.message)
        self.code_is_status = contract is not None and contract.error_code_is_status
        self.time = None if contract is None else place(contract.error_time)
        self.request_id = None if contract is None else place(contract.error_request_id)
        self._seen: dict[str, None] = {}

    def problems(self, answer: Answer) -> Iterator[tuple[str, str, str]]:
        """What is wrong with an answer: (in general words, expected, seen)."""
        exchange = answer.exchange
        media = next((v for n, v in exchange.response_headers if n.lower() == "content-type"), "")
        kind = media.partition(";")[0].strip().lower()
        if not exchange.response_body.strip():
            yield "no body", "a JSON document", "an empty body"
            return
        if kind != "application/json" and not kind.endswith("+json"):
            yield "its media type is not JSON", "application/json", media or "no media type"
        if answer.body is None and exchange.response_body.strip() != "null":
            yield "its body is not JSON", "a JSON document", exchange.response_body[:80]
            return
        if answer.status >= 400:
            yield from self._error(answer)
        elif answer.code is not None and not accepted(answer):
            yield "an error with a status of success", f"a status that says so (code {answer.code})", str(answer.status)
        elif answer.is_(AnswerClass.UNEXPECTED) and answer.status < 300:
            yield "a success of another shape", "what the profile says of accepted answers", exchange.response_body[:80]

    def _error(self, answer: Answer) -> Iterator[tuple[str, str, str]]:
        body = answer.body
        if self.code and answer.code is None:
            yield "an error without a code", f"a code at {' or '.join(c.source for c in self.code)}", "none"
        elif self.code_is_status and answer.code != str(answer.status):
            yield "an error whose code is not its status", f"code {answer.status}", f"code {answer.code}"
        if self.message and not any(
            isinstance(text := where.find(body), str) and text.strip() for where in self.message
        ):
            yield "an error without a message", f"a text at {' or '.join(m.source for m in self.message)}", "none"
        # An older form of authentication errors has its code in another place, and neither time nor request id.
        older = answer.is_(AnswerClass.UNAUTHENTICATED) and len(self.code) > 1 and self._bare(body)
        if self.time is not None and not older:
            moment = self.time.find(body)
            if not _is_iso_8601(moment):
                yield "an error without an ISO 8601 time", f"one at {self.time.source}", repr(moment)[:60]
        if self.request_id is not None and not older:
            yield from self._request_id(self.request_id, answer)

    def _bare(self, body: object) -> bool:
        found = [where.find(body) for where in self.code]
        return not _is_code(found[0]) and any(_is_code(code) for code in found[1:])

    def _request_id(self, where: Place, answer: Answer) -> Iterator[tuple[str, str, str]]:
        found = where.find(answer.body)
        if not isinstance(found, str | int) or isinstance(found, bool) or not str(found):
            yield "an error without a request id", f"one at {where.source}", repr(found)[:60]
            return
        name = str(found)
        if any(name == value for _, value in answer.exchange.request_headers):
            return  # the target gives back what it was sent
        if name in self._seen:
            yield "a request id that another answer had", "an id of its own", f"{name} again"
            return
        self._seen[name] = None
        if len(self._seen) > MOST_REQUEST_IDS:
            del self._seen[next(iter(self._seen))]


def judge_shape(run: "RunningPlan", answer: Answer, attack: Attack | None) -> None:
    """Judge one answer's shape, unless it was given by something before the target, or has no body by its nature."""
    exchange = answer.exchange
    if exchange.operation.startswith("control.") or answer.is_(AnswerClass.THROTTLED) or answer.cut:
        return
    if (
        exchange.method == "HEAD"
        or answer.status == 204
        or 300 <= answer.status < 400
        or _not_the_target(answer, attack)
        or knows_no_such_method(answer.exchange, run.venue.profile)
    ):
        return
    shape = run.memory.shape
    if shape is None:
        shape = run.memory.shape = AnswerShape(run.venue.profile)
    tracker, about = run.tracker, f"the answer to {exchange.operation.replace('_', '-')}"
    problems = list(shape.problems(answer))
    for what, expected, seen in problems:
        seen = "what must not be shown" if exchange.leaked else seen
        tracker.breaks(about, expected, f"HTTP {answer.status}: {seen}", ("ERR-02",), kind=what, ends=False)
    if not problems:
        run.result.exercised["ERR-02"] += 1
    contract = run.venue.desk.contract
    if contract is None or not contract.covers(exchange.operation, exchange.method) or _elsewhere(attack):
        return
    media = next((value for name, value in exchange.response_headers if name.lower() == "content-type"), "")
    misfit = contract.misfit(exchange.operation, answer.status, media, answer.body)
    if misfit is None:
        run.result.exercised["ERR-04"] += 1
        return
    seen = "what must not be shown" if exchange.leaked else misfit.seen
    tracker.breaks(about, misfit.expected, f"HTTP {answer.status}: {seen}", ("ERR-04",), kind=misfit.rule, ends=False)


def _not_the_target(answer: Answer, attack: Attack | None) -> bool:
    return attack is not None and bool(attack.flags & {"http-level", "long"}) and answer.status in _OWN_ANSWERS


def _elsewhere(attack: Attack | None) -> bool:
    """Whether the request may have reached another path than that of its operation."""
    return attack is not None and bool(attack.flags & {"path", "http-level"})


def _is_code(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_iso_8601(value: object) -> bool:
    if not isinstance(value, str) or "-" not in value:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
