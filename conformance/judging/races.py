"""Races: whether any order of the calls explains the answers (RCE-01..04), and what a race puts on later reads.

What a race judges is what the answers say together. What they leave open stays open in the belief, and later reads are
judged on it: that no fill was lost and no lock released twice shows there.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from conformance.judging import causes
from conformance.judging.bulk_cancels import bulk_cause, listed_names, lists
from conformance.judging.cancels import explains, price_level
from conformance.judging.case import Case, TrackedOrder
from conformance.judging.causes import Cause
from conformance.judging.judgement import Judgement
from conformance.judging.placings import incoming, judge_id, track
from conformance.judging.reads import Look, judge_foreign_read, judge_vanished, judge_view, unknown_word, wrong_terms
from conformance.judging.replies import means, said
from conformance.judging.seen import Kind, RaceCall, Raced
from conformance.model import history
from conformance.model.events import Cancel, CancelAll, Event, Execute, Place
from conformance.model.history import Call, Illegal, Legal, Undecided, explain
from conformance.model.lifecycle import OrderState, Reply
from conformance.model.matching import crosses
from conformance.model.order import TERMINAL, Status
from conformance.model.prediction import Outcome
from conformance.model.worlds import Seen
from fixtures.venue.answers import Answer, AnswerClass, Cancelled, CancelledAll, OrderRead, Placed, Unknown

Before = Mapping[str, tuple[OrderState, ...]]
Listed = Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Race:
    """One race: its calls, the states that orders may have been in before, what cancel-alls listed, what met whom."""

    calls: tuple[RaceCall, ...]
    before: Before
    listed: Listed
    met: Mapping[str, frozenset[str]]
    raced: Mapping[str, tuple[Cause, ...]]
    words: str

    @property
    def what(self) -> str:
        """The race in words."""
        return f"the answers to {len(self.calls)} calls at once"


def is_accepted(call: RaceCall) -> bool:
    """Whether the call was answered, and accepted."""
    return isinstance(call.answer, Answer) and means(call.answer, Reply.ACCEPTED)


def judge_race(j: Judgement, seen: Raced) -> None:
    """Judge the calls of a race by their answers: each for itself, then all together."""
    j.become(belief=j.case.belief.by_now(seen.asked, j.case.rules))
    before = {name: j.case.states(name) for name in j.case.orders}
    _register(j, seen.calls)
    if j.ended or not seen.judged:
        return
    listed: dict[str, frozenset[str] | None] = {}
    for call in seen.calls:
        if call.kind is Kind.READ:
            _judge_read(j, call, at=seen.at)
        elif isinstance(call.sent, CancelledAll):
            listed[call.label] = _listed(j, call, seen.calls)
        if j.ended:
            return
    met = {call.label: _met(j.case, call, before) for call in seen.calls if call.kind is not Kind.READ}
    race = _Race(
        calls=seen.calls,
        before=before,
        listed=listed,
        met=met,
        raced=_raced(j.case, seen.calls, met),
        words="; ".join(_words(seen.calls)),
    )
    _judge_together(j, race, at=seen.at)


def _register(j: Judgement, calls: Iterable[RaceCall]) -> None:
    """Make placed orders known by their ids, in the order of their times: answers come in any order."""
    for call in calls:
        if call.order_id is not None and isinstance(call.event, Place):
            track(j, call.event, call.order_id, client_id=call.event.terms.client_id)
    for order_id in sorted(call.order_id for call in calls if call.order_id is not None):
        judge_id(j, order_id)


def _judge_together(j: Judgement, race: _Race, *, at: float) -> None:
    calls = [(call, call_of(call, race.listed.get(call.label))) for call in race.calls]
    told = [(call, one) for call, one in calls if one is not None]
    match explain(j.case.belief, [one for _, one in told], j.case.rules, until=at):
        case Undecided(size=size):
            j.cannot_judge(
                f"{race.what}: no order of the calls was found or ruled out within {size} states; "
                "fewer calls at once can be judged"
            )
        case Illegal() as illegal:
            _break(j, race, told, illegal, at)
        case Legal(belief=belief):
            j.become(belief=belief)
            _note_explained(j, race)
            _judge_takers(j, race.calls, at=at)


def _note_explained(j: Judgement, race: _Race) -> None:
    """What a race exercises, where its calls really ran at the same time, and what it puts on later reads."""
    raced = race.raced if _overlap(race.calls) else {}
    if not raced and race.raced is not raced:  # may: they were judged all the same, and exercise nothing of races
        j.note("the calls of a race did not run at the same time")
    ids = sorted({i for found in raced.values() for cause in found for i in cause.status})
    j.fits(race.what, "some order of the calls that explains them all", race.words, tuple(ids))
    _spread(j, race, raced)


def _judge_takers(j: Judgement, calls: Iterable[RaceCall], *, at: float) -> None:
    """Judge what reads after the race showed of its immediate orders."""
    for call in calls:
        if call.view is not None and not j.ended:
            judge_view(j, call.order, call.view, Look(asked=at, at=at, moment=call.answer.exchange.ended))


# -- each call for itself ---------------------------------------------------------------------------------------------


def _judge_read(j: Judgement, call: RaceCall, *, at: float) -> None:
    """What a read among the calls says for itself; where it stands among them is the search's question."""
    order, answer = j.case.orders[call.order], call.answer
    view = call.sent.view if isinstance(call.sent, OrderRead) else None
    if isinstance(answer, Unknown):
        return
    if call.account != order.terms.account:
        judge_foreign_read(j, call.order, answer.is_(AnswerClass.ACCEPTED) or view is not None, answer.status)
        return
    what = f"a read of {call.order} among calls at once"
    if view is None:
        if not answer.is_(AnswerClass.SERVER_ERROR):
            judge_vanished(j, call.order, what, f"HTTP {answer.status}, no order", at=at)
    elif view.status is None:
        j.cannot_judge(unknown_word(view.word, what))
    elif wrong := wrong_terms(order.terms, view):
        j.breaks(what, wrong[0], wrong[1], causes.CONSISTENT, kind=f"terms changed: {wrong[2]}")


def _listed(j: Judgement, call: RaceCall, calls: Sequence[RaceCall]) -> frozenset[str] | None:
    """The orders that a cancel-all's answer names; judges that it was accepted and names orders of the account once."""
    answer, what, raced = call.answer, f"the answer to {call.label}", len(calls) > 1
    if isinstance(answer, Unknown) or not isinstance(call.sent, CancelledAll):
        return None
    if not is_accepted(call):
        broken = (*((causes.RACED_LIST,) if raced else ()), causes.LEFT_ACTIVE)
        kind = f"cancel-all in a race answered {answer.status}"
        j.breaks(what, "accepted", said(answer), broken, kind=kind)
        return None
    placed = any(other.kind is Kind.PLACE and other.account == call.account for other in calls)
    nothing = not placed and not j.case.live(call.account)
    return listed_names(j, what, call.account, call.sent.order_ids, nothing=nothing, raced=raced)


# -- all together -----------------------------------------------------------------------------------------------------


def _break(j: Judgement, race: _Race, told: Sequence[tuple[RaceCall, Call]], illegal: Illegal, at: float) -> None:
    """No order of the calls explains the answers: say how far an order went, and what could have come next."""
    guilty = [call for number, (call, _) in enumerate(told) if number in illegal.calls]
    kinds = sorted({str(call.kind) for call in guilty if call.kind is not Kind.READ}) or ["read"]
    j.breaks(
        race.what,
        "an order of the calls, each between its request and its answer, that explains them all",
        race.words,
        _broken(j.case, race, told, illegal, guilty, at),
        kind=f"no order of the calls explains their answers: {', '.join(kinds)} at once",
        because=(
            f"explained as far as: {', then '.join(illegal.explained) or 'none of them'}",
            f"then: {'; '.join(illegal.states)}",
            f"next could have come: {'; '.join(illegal.expected)}",
        ),
    )


def _broken(
    case: Case,
    race: _Race,
    told: Sequence[tuple[RaceCall, Call]],
    illegal: Illegal,
    guilty: Iterable[RaceCall],
    at: float,
) -> tuple[str, ...]:
    """The requirements that a history breaks: those of the pairs of calls that met an order of it at once."""
    if _cancelled_too_often(case, told, at):
        return causes.RACED_CANCELS.status
    ids = [i for name in sorted(illegal.orders) for cause in race.raced.get(name, ()) for i in cause.status]
    guilty = list(guilty)
    if any(c.kind is Kind.CANCEL and c.account != case.orders[c.order].terms.account for c in guilty):
        ids += causes.FOREIGN_CANCEL
    if any(call.kind is Kind.CANCEL_ALL for call in guilty):
        calls = [replace(c, accepts=_anything) if isinstance(c.event, CancelAll) else c for _, c in told]
        if isinstance(explain(case.belief, calls, case.rules, until=at), Legal):
            ids.append(causes.LISTED_WRONG)  # but for what cancel-all lists, some order would explain the answers
        elif not ids:
            ids.append(causes.LEFT_ACTIVE)
    return tuple(dict.fromkeys(ids)) or causes.ANSWER_AGREES


def _cancelled_too_often(case: Case, told: Sequence[tuple[RaceCall, Call]], at: float) -> bool:
    """Whether a history is wrong in one thing alone: several cancels of one order by its owner were accepted.

    With one of them accepted, whichever it is, and any answer to the others, some order of the calls explains it.
    """
    accepted: dict[str, list[RaceCall]] = {}
    for call, _ in told:
        if call.kind is Kind.CANCEL and is_accepted(call) and case.orders[call.order].terms.account == call.account:
            accepted.setdefault(call.order, []).append(call)
    several = [calls for calls in accepted.values() if len(calls) > 1]
    for kept in product(*several) if several else ():
        open_to_all = [call for calls in several for call in calls if call not in kept]
        calls = [replace(one, accepts=_anything) if call in open_to_all else one for call, one in told]
        if isinstance(explain(case.belief, calls, case.rules, until=at), Legal):
            return True
    return False


def _met(case: Case, call: RaceCall, before: Before) -> frozenset[str]:
    """The orders that a call takes effect on."""
    match call.event:
        case Place() as event:
            order = incoming(event)
            facing = {name for name, states in before.items() if any(crosses(state, order) for state in states)}
            return frozenset(facing | {event.order})
        case CancelAll(account=account):
            return frozenset(name for name, order in case.orders.items() if order.terms.account == account)
        case Execute(order=name):
            return frozenset({name})
        case _:
            return frozenset({call.order})


def _raced(case: Case, calls: Iterable[RaceCall], met: Mapping[str, frozenset[str]]) -> dict[str, tuple[Cause, ...]]:
    """By order, the pairs of calls that met it at once (RCE-01..04)."""
    owners = {name: order.terms.account for name, order in case.orders.items()}
    acting = [call for call in calls if call.kind is not Kind.READ]
    cancels = [call for call in acting if call.kind is Kind.CANCEL and owners[call.order] == call.account]
    several = len({call.order for call in cancels}) > 1

    def at(name: str, owner: str) -> _Here:
        here = [call for call in acting if name in met[call.label]]
        others = [call for call in acting if any(owners.get(other) == owner for other in met[call.label])]
        return _Here(here, [call for call in here if call in cancels], len(others), several)

    found = {name: _pairs_of(at(name, owner)) for name, owner in owners.items()}
    for call in acting:
        if call.kind is Kind.FILL and any(causes.RACED_FILL in found.get(name, ()) for name in met[call.label]):
            found.setdefault(call.order, []).append(causes.RACED_FILL)
    return {name: tuple(dict.fromkeys(raced)) for name, raced in found.items()}


@dataclass(frozen=True, slots=True)
class _Here:
    """The calls that met one order: all, its owner's cancels, how many met orders of its owner, several cancelled."""

    calls: Sequence[RaceCall]
    own: Sequence[RaceCall]
    others: int
    several: bool

    def has(self, *kinds: Kind) -> bool:
        """Whether some call is of one of these kinds."""
        return any(call.kind in kinds for call in self.calls)


_PAIRS: tuple[tuple[Cause, Callable[[_Here], bool]], ...] = (
    (causes.RACED_CANCELS, lambda here: len(here.own) > 1),
    (causes.RACED_FILL, lambda here: bool(here.own) and here.has(Kind.FILL, Kind.PLACE)),
    (causes.RACED_BULK, lambda here: here.has(Kind.CANCEL_ALL) and here.others > 1),
    (causes.RACED_OTHERS, lambda here: bool(here.own) and here.several),
)
"""What calls that met an order at once put on it, and when."""


def _pairs_of(here: _Here) -> list[Cause]:
    """The pairs of calls that met an order; that others were cancelled beside it counts where nothing else met it."""
    found = [cause for cause, holds in _PAIRS if holds(here)]
    return [cause for cause in found if cause is not causes.RACED_OTHERS] or found


# -- what it puts on later reads --------------------------------------------------------------------------------------


def _spread(j: Judgement, race: _Race, raced: Mapping[str, tuple[Cause, ...]]) -> None:
    """Put on every order, and on the funds of its owner, what later reads of them are judged under."""
    for name, order in j.case.orders.items():
        here = [call for call in race.calls if name in race.met.get(call.label, ())]
        own = [call for call in here if call.kind is Kind.CANCEL and call.account == order.terms.account]
        taken = any(is_accepted(call) for call in own) or any(
            name in (race.listed.get(call.label) or ()) for call in here
        )
        found = [*raced.get(name, ()), *_further(j.case, race, name, _Here(here, own, 0, several=False), taken=taken)]
        if not here and any(state.status not in TERMINAL for state in j.case.states(name)):
            found = _bystander(order, race.calls)
        for cause in found:
            j.put_with_owner(cause, name)
        if taken:
            j.change(name, cancelled=True)
            j.become(cancelled_prices=j.case.cancelled_prices | {price_level(order.terms)})
    if len(race.calls) > 1:
        bulk = {call.account for call in race.calls if call.kind is Kind.CANCEL_ALL}
        j.become(raced_bulk=j.case.raced_bulk | bulk)


def _further(case: Case, race: _Race, name: str, here: _Here, *, taken: bool) -> list[Cause]:
    """What holds for an order after these calls, raced or not."""
    before = race.before.get(name, ())
    found: list[Cause] = []
    if any(call.kind is Kind.CANCEL and call not in here.own for call in here.calls):
        found.append(causes.FOREIGN)
    if here.own:
        lost = any(isinstance(call.answer, Unknown) for call in here.own)
        found.append(causes.CANCELLED_UNPINNED if taken or lost else causes.REFUSED)
    elif before and here.has(Kind.CANCEL_ALL):
        found.append(bulk_cause(before))
    if here.has(Kind.FILL, Kind.PLACE):
        if not before:
            found.append(causes.PLACED)
        found.append(_crossed(before, pending=case.orders[name].seen_pending))
    return found


def _crossed(before: tuple[OrderState, ...], *, pending: bool) -> Cause:
    if {state.status for state in before} == {Status.CANCELED}:
        return causes.CROSSED_AFTER_CANCEL
    return causes.FILLED_WHILE_PENDING if pending else causes.FILLED


def _bystander(order: TrackedOrder, calls: Iterable[RaceCall]) -> list[Cause]:
    """What is put on a live order that no call of the race took effect on."""
    callers = {call.account for call in calls if call.kind is Kind.CANCEL}
    if callers:
        return [causes.SIBLING if order.terms.account in callers else causes.OTHER_ACCOUNT]
    return [causes.BULK_OTHER] if any(call.kind is Kind.CANCEL_ALL for call in calls) else []


# -- as calls of a history --------------------------------------------------------------------------------------------


def call_of(call: RaceCall, listed: frozenset[str] | None) -> Call | None:
    """The call in the words of a history; ``None`` where it changed nothing and says nothing.

    ``listed`` are the orders that a cancel-all's answer named (``None``: it names none).
    """
    answer, exchange = call.answer, call.answer.exchange
    lost = isinstance(answer, Unknown)
    if isinstance(answer, Unknown) and not answer.sent:
        return None
    event, accepts, told = _in_model_words(call, listed)
    if event is None:
        return None
    found_again = lost and isinstance(call.sent, Placed)
    return Call(
        label=call.label,
        event=event,
        began=exchange.began,
        ended=None if lost else max(exchange.ended, call.reached),
        accepts=accepts,
        answer=told,
        lost=lost and not found_again,
    )


Accepts = Callable[[Outcome], bool]


def _in_model_words(call: RaceCall, listed: frozenset[str] | None) -> tuple[Event | history.Read | None, Accepts, str]:
    """The event, how its answer is recognised among the outcomes, and a word that equal answers share."""
    answer, sent = call.answer, call.sent
    match call.event:
        case None:
            view = sent.view if isinstance(sent, OrderRead) else None
            if view is None or view.status is None:
                return None, _anything, ""
            seen = Seen(status=view.status, executed=view.executed)
            return history.Read(order=call.order, seen=seen), _anything, ""
        case Cancel():
            if not isinstance(answer, Answer) or not isinstance(sent, Cancelled):
                return call.event, _anything, "lost"
            told = ",".join(sorted(answer.classes)) + (sent.status or "")
            return call.event, explains(call.order, answer, sent), told
        case CancelAll():
            return call.event, lists(listed), "" if listed is None else ",".join(sorted(listed))
        case Place():
            return call.event, _placed(call), ""
        case _:
            done = is_accepted(call)
            return call.event, (lambda outcome: (outcome.reply is Reply.ACCEPTED) is done), str(done)


def _anything(_: Outcome) -> bool:
    return True


def _placed(call: RaceCall) -> Accepts:
    """A placing that was accepted, and whose immediate order ended as the read after the race said."""
    seen: Seen | None = None
    if call.view is not None and call.view.status in TERMINAL:
        seen = Seen(status=call.view.status, executed=call.view.executed)

    def recognises(outcome: Outcome) -> bool:
        if call.order_id is None:
            return outcome.reply is Reply.REFUSED
        if outcome.reply is not Reply.ACCEPTED:
            return False
        return seen is None or any(s.name == call.order and _fits(s, seen) for s in outcome.world)

    return recognises


def _fits(state: OrderState, seen: Seen) -> bool:
    return state.status is seen.status and (seen.executed is None or state.executed.holds(seen.executed))


def _overlap(calls: Sequence[RaceCall]) -> bool:
    """Whether any two calls ran at the same time, as far as the client's clock tells."""
    spans = sorted((call.answer.exchange.began, call.answer.exchange.ended) for call in calls)
    return any(ended >= began for (_, ended), (began, _) in pairwise(spans))


def _words(calls: Sequence[RaceCall]) -> Iterator[str]:
    """The calls in words: when each ran, in milliseconds since the first began, and what it was answered."""
    start = min((call.answer.exchange.began for call in calls), default=math.inf)
    for call in sorted(calls, key=lambda call: call.answer.exchange.began):
        began, ended = call.answer.exchange.began - start, call.answer.exchange.ended - start
        yield f"{call.label} [{began * 1e3:.1f} to {ended * 1e3:.1f} ms] {_answer_in_words(call)}"


def _answer_in_words(call: RaceCall) -> str:
    answer, sent, later = call.answer, call.sent, call.view
    if isinstance(sent, OrderRead) and sent.view is not None:
        return f"{sent.view.status or sent.view.word} with {sent.view.executed} executed"
    heard = "no answer" if isinstance(answer, Unknown) else said(answer)
    if later is not None:
        heard += f", later read {later.status} with {later.executed} executed"
    elif isinstance(sent, CancelledAll) and sent.order_ids is not None:
        heard += f", listing {len(sent.order_ids)}"
    return heard
