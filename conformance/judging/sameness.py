"""Whether two answers are alike (TRM-06, NTF-03, SIG-10): what tells them apart, but for ids and times."""

import re
from dataclasses import replace

from conformance.judging.case import Unauthenticated
from conformance.judging.causes import FOREIGN_AS_UNKNOWN, NOTHING_TOLD_APART, SAME_REFUSAL
from conformance.judging.judgement import Judgement
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import Cancelling, Forging
from conformance.model.lifecycle import NotOwn, OrderState, Reply
from conformance.plans import Forge
from fixtures.venue.answers import Answer, AnswerClass, Unknown

UNKNOWN_ORDER = "cancel of an unknown order"

_MASKS = (
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{16,64}\b"), "<id>"),
    (re.compile(r"\b1[5-9]\d{8}(?:\d{3}|\d{6}|\.\d+)?\b"), "<time>"),
)

_OWN_ID = re.compile(
    r'("[\w-]*(?:request|trace|correlation|incident)[_-]?(?:id|ref|reference)"\s*:\s*)(?:"[^"]*"|\d+)', re.I
)
"""An answer's own id, whatever it looks like, by the name of its member."""

_VARIES = frozenset(
    {"date", "content-length", "age", "etag", "server-timing", "via", "x-response-time", "set-cookie", "retry-after"}
    | {"connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "alt-svc"}
)
"""Headers that say something of the moment or of the connection (RFC 9110, section 7.6.1), not of what was asked."""


_RARE = 8
"""From how many characters on a text is an id wherever it stands; a shorter one may be digits of any number."""


def masked(text: str, *known: str) -> str:
    """An answer's text without ids, times and the ``known`` words of the request, for comparing two answers.

    A short word, as serial order ids are, is masked last, and only where it stands by itself: the digits of a time or
    of another number are not the order's id.
    """
    for word in known:
        if len(word) >= _RARE:
            text = text.replace(word, "<id>")
    text = _OWN_ID.sub(r'\1"<id>"', text)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    for word in known:
        if 0 < len(word) < _RARE:
            text = re.sub(rf"(?<![0-9A-Za-z])(?<![0-9]\.){re.escape(word)}(?![0-9A-Za-z])(?!\.[0-9])", "<id>", text)
    return text


def alike_but_for_the_order(mine: Answer, order_id: str, unknown: str) -> bool:
    """Whether an answer is the ``unknown`` one's (its whole fingerprint), with ``order_id`` in place of its id or not.

    A serial id may be the same text as the answer's code, so that masking it wherever it stands would make two equal
    answers differ: each id of the unknown answer may stand there as any of its forms.
    """
    if whole_fingerprint(mine, order_id) == unknown:
        return True
    forms = "|".join(re.escape(form) for form in ("<id>", "<time>", order_id, masked(order_id)) if form)
    pattern = re.escape(unknown).replace(re.escape("<id>"), f"(?:{forms})")
    return re.fullmatch(pattern, whole_fingerprint(mine), re.DOTALL) is not None


def refusal_fingerprint(answer: Answer, *, by_pattern: bool = False) -> str:
    """The HTTP status and the error code of a refusal (TRM-06).

    ``by_pattern``: the venue's codes have ids or amounts in them, so that it is what they mean that must be the same.
    """
    code = "/".join(sorted(answer.classes)) if by_pattern else answer.code
    return f"HTTP {answer.status}, code {code}"


def whole_fingerprint(answer: Answer, *known: str) -> str:
    """Everything that tells two refusals apart: status, code, header names, content type and masked body (NTF-03)."""
    headers = sorted(
        f"{name.lower()}: {value}" if name.lower() == "content-type" else name.lower()
        for name, value in answer.exchange.response_headers
        if name.lower() not in _VARIES
    )
    body = masked(answer.exchange.response_body, *known)
    code = masked(answer.code or "None", *known)
    return f"HTTP {answer.status}, code {code}, headers [{', '.join(headers)}], body {body}"


def _fingerprint_again(answer: Answer | Unknown | None, *known: str) -> str | None:
    return whole_fingerprint(answer, *known) if isinstance(answer, Answer) else None


def judge_same_refusal(j: Judgement, before: tuple[OrderState, ...], answer: Answer) -> None:
    """TRM-06: the same refusal always has the same HTTP status and error code."""
    statuses = {state.status for state in before}
    if len(statuses) != 1 or j.case.profile.relaxations.refusal_may_vary:
        return
    question, seen = (
        f"cancel of a {next(iter(statuses))} order",
        refusal_fingerprint(answer, by_pattern=_has_patterns(j)),
    )
    first = j.case.known.fingerprints.get(question)
    if first is None:
        remember(j, question, seen)
    elif first != seen:
        j.breaks(f"the refusal of a {question}", first, seen, SAME_REFUSAL, kind="a refusal varies", ends=False)
    else:
        j.fits(f"the refusal of a {question}", seen, "the same", SAME_REFUSAL)


def _has_patterns(j: Judgement) -> bool:
    return any(accepts.pattern for accepts in j.case.profile.answers.of("cancel").values())


def remember(j: Judgement, question: str, fingerprint: str) -> None:
    """Keep how a question was answered first."""
    known = j.case.known
    j.learn(replace(known, fingerprints={**known.fingerprints, question: fingerprint}))


def judge_same_as_unknown(j: Judgement, seen: Cancelling, answer: Answer) -> None:
    """NTF-03: a foreign order and an unknown one are answered alike, but for ids and times.

    An answer that varies by itself says nothing: the unknown order is asked for again before any difference is one.
    """
    known = j.case.known
    taken = (NotOwn.FOREIGN, Reply.ACCEPTED) in j.case.rules.deviations.answers
    if j.case.profile.relaxations.foreign_order_differs or taken or answer.is_(AnswerClass.SERVER_ERROR):
        return  # whoever may cancel another's order, or is told of a failure, needs no difference to find it out
    unknown = known.fingerprints.get(UNKNOWN_ORDER)
    if unknown is None and answer.is_(AnswerClass.NOT_FOUND):
        return
    unknown = unknown or "the class not-found"
    order_id = j.case.orders[seen.order].order_id
    mine = whole_fingerprint(answer, order_id)
    what = "the answer to a cancel of another account's order"
    if alike_but_for_the_order(answer, order_id, unknown):
        j.fits(what, "the answer to an unknown order", "the same", FOREIGN_AS_UNKNOWN)
    elif known.unknown_id and seen.again is None:
        j.look_again(LookAgain(repeat=True))
    elif known.unknown_id and _fingerprint_again(seen.again, known.unknown_id) != unknown:
        # may: who cannot know the unknown order's answer learns nothing from this one
        j.note("answers to cancels of an unknown order vary by themselves")
    else:
        kind = "a foreign order is answered unlike an unknown one"
        j.breaks(what, unknown, mine, FOREIGN_AS_UNKNOWN, kind=kind, ends=False)


def judge_unauthenticated(j: Judgement, seen: Forging, answer: Answer) -> None:
    """SIG-10: who has no valid credentials gets the same answer for every order, whatever its state, and for none.

    An answer that varies by itself says nothing: both requests are sent again before any difference is one.
    """
    action, attack = seen.action, seen.attack
    about, order_id = _addressed(j, action)
    key = comparison(seen)
    fingerprint, plain = whole_fingerprint(answer, order_id), whole_fingerprint(answer)
    mine = Unauthenticated(about=about, fingerprint=fingerprint, plain=plain, order_id=order_id)
    first = j.case.unauthenticated.get(key)
    if first is None:
        j.become(unauthenticated={**j.case.unauthenticated, key: mine})
        return
    what = f"the answer to an unauthenticated {action.operation.replace('_', '-')} of {about} ({attack.note})"
    if first.fingerprint == mine.fingerprint or first.plain == mine.plain:
        j.fits(what, f"the answer for {first.about}", "the same", NOTHING_TOLD_APART)
    elif not seen.compared:
        j.look_again(LookAgain(repeat=True))
    elif (
        _fingerprint_again(seen.first_again, first.order_id) == first.fingerprint
        and _fingerprint_again(seen.again, order_id) == mine.fingerprint
    ):
        j.breaks(
            what,
            f"as for {first.about}: {first.fingerprint}",
            mine.fingerprint,
            NOTHING_TOLD_APART,
            kind="an unauthenticated caller can tell orders apart",
            ends=False,
        )
    else:
        j.note("answers to unauthenticated requests vary by themselves")  # may: as above


def comparison(seen: Forging) -> tuple[str, str, str]:
    """What unauthenticated requests have in common that must be answered alike: operation, flaw, claimed account."""
    return (seen.action.operation, seen.attack.name, seen.action.account)


def _addressed(j: Judgement, action: Forge) -> tuple[str, str]:
    if action.order is None:
        return ("an unknown order" if action.order_id else "the account"), action.order_id or ""
    order = j.case.orders[action.order]
    status = order.last.status if order.last is not None else "unread"
    foreign = "" if order.terms.account == action.account else " of another account"
    return f"an order{foreign} ({status})", order.order_id
