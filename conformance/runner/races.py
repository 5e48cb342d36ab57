"""Races: calls that start at the same moment, judged by whether any order of them explains the answers (RCE-01..04).

What a race judges is what the answers say together. What they leave open stays open in the belief, and later reads are
judged on it: that no fill was lost and no lock released twice shows there, under the rules that a race puts on orders.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import NoReturn

from conformance.model.events import CancelAll, Place
from conformance.model.history import Call, Illegal, Legal, Undecided, explain
from conformance.model.lifecycle import OrderState
from conformance.plans import Parallel
from conformance.requirements import Capability
from conformance.runner.arrival import reach_the_book
from conformance.runner.attribution import Rule
from conformance.runner.bulk_cancels import listed_names
from conformance.runner.cancels import said
from conformance.runner.context import PlanAbandonedError, RunningPlan
from conformance.runner.entrants import Entrant, Kind, call_of, earliest, entrants, overlap
from conformance.runner.observing import judge_foreign_read
from conformance.runner.placing import judge_id
from conformance.runner.race_rules import raced_rules, spread
from conformance.runner.together import start_together
from conformance.runner.tracker import Tracked, wrong_terms
from fixtures.venue.answers import Answer, AnswerClass, CancelledAll, OrderRead, Placed, Unknown

COLD_AFTER = 2.0
"""Seconds of idleness after which a connection is warmed before a race, since servers close those that rest."""


def warm(run: RunningPlan, count: int) -> None:
    """Open the connections of a race, so that its calls start together and not one handshake after the other."""
    cold = [venue for venue in run.venue.siblings(count) if venue.idle > COLD_AFTER]
    if not cold or Capability.BALANCES not in run.offered:
        return
    for funds in start_together([partial(venue.balances, run.accounts[0]) for venue in cold]):
        run.took(funds.answer)


def race(run: RunningPlan, action: Parallel) -> None:
    """Make the calls of ``action`` at the same time and judge their answers together."""
    found = entrants(run, action)
    if not found:
        return
    tracker = run.tracker
    tracker.belief = tracker.belief.by_now(run.until(), run.rules)
    before = {name: tracker.belief.states(name) for name in tracker.orders}
    warm(run, len(found))
    _start(run, found)
    _register(run, found)
    if run.broken:
        return
    _read_takers(run, found)
    _judge(run, found, before)


def _start(run: RunningPlan, found: list[Entrant]) -> None:
    venues = run.venue.siblings(len(found))
    for entrant, venue in zip(found, venues, strict=True):
        entrant.ready(venue)
    sent = start_together([partial(entrant.send, venue) for entrant, venue in zip(found, venues, strict=True)])
    for entrant, result in zip(found, sent, strict=True):
        entrant.sent = result
    run.changed()
    for entrant in sorted(found, key=lambda e: e.answer.exchange.began):
        run.took(entrant.answer)


def _register(run: RunningPlan, found: list[Entrant]) -> None:
    """Make placed orders known by their ids; abandon the plan where a call cannot be judged."""
    placed = [e for e in found if isinstance(e.sent, Placed)]
    for entrant in placed:
        assert isinstance(entrant.sent, Placed)
        entrant.order_id = entrant.sent.order_id
        if isinstance(entrant.answer, Unknown) and entrant.answer.sent and Capability.LIST in run.offered:
            time.sleep(run.venue.profile.timing.read_delay)
            view = run.venue.find_by_client_id(entrant.account, entrant.sent.client_id)
            entrant.order_id = None if view is None else view.order_id
        if entrant.order_id is not None and entrant.terms is not None:
            order = Tracked(name=entrant.order, terms=entrant.terms, order_id=entrant.order_id)
            run.tracker.orders[entrant.order] = order
            reach_the_book(run, entrant.terms, entrant.order_id)
            entrant.reached = time.monotonic() if run.memory.places_later else 0.0
            if isinstance(entrant.event, Place) and entrant.event.waits:
                run.held_markets.add(entrant.terms.market)
    for order_id in sorted(e.order_id for e in placed if e.order_id is not None):
        judge_id(run, order_id)  # in the order of their times: answers come in any order
    for entrant in found:
        answer = entrant.answer
        if isinstance(answer, Answer) and answer.is_(AnswerClass.THROTTLED):
            _abandon(run, placed, f"{entrant.label} was throttled beyond the profile's allowance")
        if not isinstance(entrant.sent, Placed) or entrant.order_id is not None:
            continue
        if isinstance(answer, Unknown):
            _abandon(run, placed, f"{entrant.label} had no answer, and the order is not in the list: {answer.reason}")
        elif entrant.terms is None or not entrant.terms.post_only:
            _abandon(run, placed, f"{entrant.label} was refused: {said(answer)}: {answer.exchange.response_body[:160]}")


def _abandon(run: RunningPlan, placed: Iterable[Entrant], reason: str) -> NoReturn:
    """Give the plan up, and leave none of the orders behind that this race placed."""
    for entrant in placed:
        if entrant.order_id is not None:
            run.venue.cancel(entrant.account, entrant.order_id)
    raise PlanAbandonedError(reason)


def _read_takers(run: RunningPlan, found: Iterable[Entrant]) -> None:
    """Read the immediate orders of the race once: how they ended is final, and settles most of the search."""
    takers = [e for e in found if e.kind is Kind.FILL and e.order_id is not None]
    if takers:
        run.quiet(run.venue.profile.timing.read_delay)
    for entrant in takers:
        result = run.asked(partial(run.venue.order, entrant.account, entrant.order_id or ""))
        run.took(result.answer)
        entrant.view = result.view


# -- judging ----------------------------------------------------------------------------------------------------------


def _judge(run: RunningPlan, found: list[Entrant], before: dict[str, tuple[OrderState, ...]]) -> None:
    tracker = run.tracker
    listed: dict[str, set[str] | None] = {}
    for entrant in found:
        if entrant.kind is Kind.READ:
            _judge_read(run, entrant)
        elif isinstance(entrant.sent, CancelledAll):
            listed[entrant.label] = _listed(run, entrant, found)
        if run.broken:
            return
    calls = [(e, call_of(e, listed.get(e.label))) for e in found]
    history = [(entrant, call) for entrant, call in calls if call is not None]
    until = run.until()
    rules = raced_rules(run, found, before)
    words = "; ".join(e.words(earliest(found)) for e in sorted(found, key=lambda e: e.answer.exchange.began))
    what = f"the answers to {len(found)} calls at once"
    match explain(tracker.belief, [call for _, call in history], run.rules, until=until):
        case Undecided(size=size):
            _abandon(
                run,
                found,
                f"{what}: no order of the calls was found or ruled out within {size} states; "
                "fewer calls at once can be judged",
            )
        case Illegal() as illegal:
            ids = _broken(run, history, illegal, rules, until)
            _break(run, what, words, ids, [e for at, (e, _) in enumerate(history) if at in illegal.calls], illegal)
        case Legal(belief=belief):
            tracker.belief = belief
            _record(run, what, words, found, rules)
            spread(run, found, before, rules, listed)
            for entrant in found:
                if entrant.view is not None and not run.broken:
                    tracker.judge_view(entrant.order, entrant.view, until=until, listed=False)


def _judge_read(run: RunningPlan, entrant: Entrant) -> None:
    """What a read among the calls says for itself; where it stands among them is the search's question."""
    order, answer = run.tracker.orders[entrant.order], entrant.answer
    view = entrant.sent.view if isinstance(entrant.sent, OrderRead) else None
    if isinstance(answer, Unknown):
        return
    if entrant.account != order.terms.account:
        judge_foreign_read(run, entrant.order, answer.is_(AnswerClass.ACCEPTED) or view is not None, answer.status)
        return
    what, predicted = f"a read of {entrant.order} among calls at once", run.tracker.allowed(entrant.order)
    if view is None:
        if not answer.is_(AnswerClass.SERVER_ERROR):
            kind = f"an order cannot be read any more: {answer.status}"
            run.tracker.breaks(what, predicted, f"HTTP {answer.status}, no order", ("CXL-08",), kind=kind)
        return
    if view.status is None:
        run.result.trouble = (
            f"status `{view.word}` is not in the vocabulary; seen at {what}. "
            "Add it to the profile's [vocabulary] under the canonical status that it means."
        )
        return
    wrong = wrong_terms(order.terms, view)
    if wrong:
        run.tracker.breaks(what, wrong[0], wrong[1], ("CXL-08",), kind=f"terms changed: {wrong[2]}")


def _listed(run: RunningPlan, entrant: Entrant, found: list[Entrant]) -> set[str] | None:
    """The orders that a cancel-all's answer names; judges that it was accepted and names orders of the account once."""
    answer = entrant.answer
    if isinstance(answer, Unknown) or not isinstance(entrant.sent, CancelledAll):
        return None
    what = f"the answer to {entrant.label}"
    if not entrant.accepted:
        broken = ("RCE-03", "ALL-01") if len(found) > 1 else ("ALL-01",)
        run.tracker.breaks(
            what, "accepted", said(answer), broken, kind=f"cancel-all in a race answered {answer.status}"
        )
        return None
    placed = any(e.kind is Kind.PLACE and e.account == entrant.account for e in found)
    nothing = not placed and not run.tracker.live(entrant.account)
    ids = entrant.sent.order_ids
    return listed_names(run, what, entrant.account, ids, nothing=nothing, raced=len(found) > 1)


def _broken(
    run: RunningPlan,
    history: list[tuple[Entrant, Call]],
    illegal: Illegal,
    rules: dict[str, list[Rule]],
    until: float,
) -> tuple[str, ...]:
    """The requirements that a history breaks: those of the pairs of calls that met an order of it at once."""
    ids = [i for name in sorted(illegal.orders) for rule in rules.get(name, ()) for i in rule.status]
    guilty = [entrant for at, (entrant, _) in enumerate(history) if at in illegal.calls]
    orders = run.tracker.orders
    if any(e.kind is Kind.CANCEL and e.account != orders[e.order].terms.account for e in guilty):
        ids.append("NTF-02")
    if any(e.kind is Kind.CANCEL_ALL for e in guilty):
        calls = [replace(c, accepts=lambda _: True) if isinstance(c.event, CancelAll) else c for _, c in history]
        if isinstance(explain(run.tracker.belief, calls, run.rules, until=until), Legal):
            ids.append("ALL-03")  # but for what cancel-all lists, some order would explain the answers
        elif not ids:
            ids.append("ALL-01")
    return tuple(dict.fromkeys(ids or ["CXL-06"]))


def _break(
    run: RunningPlan, what: str, words: str, ids: tuple[str, ...], guilty: list[Entrant], illegal: Illegal
) -> None:
    """No order of the calls explains the answers: say how far an order went, and what could have come next."""
    kinds = sorted({str(entrant.kind) for entrant in guilty if entrant.kind is not Kind.READ}) or ["read"]
    run.tracker.breaks(
        what,
        "an order of the calls, each between its request and its answer, that explains them all",
        words,
        ids,
        kind=f"no order of the calls explains their answers: {', '.join(kinds)} at once",
        because=(
            f"explained as far as: {', then '.join(illegal.explained) or 'none of them'}",
            f"then: {'; '.join(illegal.states)}",
            f"next could have come: {'; '.join(illegal.expected)}",
        ),
    )


def _record(run: RunningPlan, what: str, words: str, found: list[Entrant], rules: dict[str, list[Rule]]) -> None:
    """Some order of the calls explains them; that exercises the races whose calls really ran at the same time."""
    if not any(overlap(one, other) for at, one in enumerate(found) for other in found[at + 1 :]):
        run.result.notes["the calls of a race did not run at the same time"] += 1
        rules.clear()
    ids = sorted({i for raced in rules.values() for rule in raced for i in rule.status})
    run.tracker.fits(what, "some order of the calls that explains them all", words, ids)
