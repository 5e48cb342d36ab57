"""What the runner knows of a plan's orders: the belief, the causes that wait for a read, and how reads are judged."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from conformance.model.order import ACTIVE, TERMINAL, Status, Terms
from conformance.model.prediction import describe
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief, Conflict, Seen
from conformance.runner import attribution as rules_of
from conformance.runner.attribution import Aspect, Cause, Rule, broken, named, reasons
from conformance.trace import Observation, PlanResult, Step, Violation
from fixtures.venue.answers import OrderView

TERMS = ("market", "side", "quantity", "price", "client_id")
"""The terms of an order that a read may show, by the name of their attribute."""

LIVE = ACTIVE | {Status.PENDING, Status.PENDING_CANCEL}


@dataclass(kw_only=True, slots=True)
class Tracked:
    """One order of the plan: its id at the target, and what happened to it since it was last read."""

    name: str
    terms: Terms
    order_id: str
    causes: list[Cause] = field(default_factory=list)
    standing: list[Cause] = field(default_factory=list)
    last: Seen | None = None
    cancelled: bool = False
    shown: set[str] = field(default_factory=set)
    seen_pending: bool = False
    pending_since: float | None = None
    cancelled_at: float | None = None
    settled_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """How much was recorded at a moment."""

    violations: int
    observations: int


class Tracker:
    """The model's side of one running plan. It never calls the target.

    ``belief`` is replaced as the plan goes on; a violation is recorded once and ends the plan.
    """

    def __init__(self, *, rules: VenueRules, result: PlanResult, shown_closed: set[str] | None = None) -> None:
        self.rules = rules
        self.result = result
        self.shown_closed = set() if shown_closed is None else shown_closed
        self.belief = Belief.empty()
        self.orders: dict[str, Tracked] = {}
        self.account_causes: dict[str, list[Cause]] = {}
        self.step = Step(index=0, action={}, at=0.0)

    # -- recording ----------------------------------------------------------------------------------------------------

    def begin(self, step: Step) -> None:
        """Start a step: what is recorded from now on belongs to it."""
        self.step = step
        self.result.steps.append(step)

    def fits(self, what: str, predicted: str, seen: str, ids: Iterable[str] = ()) -> None:
        """Record an observation that some world explains; it exercises ``ids``."""
        self.step.observations.append(Observation(what=what, predicted=predicted, seen=seen, fits=True))
        for requirement in ids:
            self.result.exercised[requirement] += 1

    def breaks(
        self,
        what: str,
        predicted: str,
        seen: str,
        ids: tuple[str, ...],
        *,
        kind: str,
        because: tuple[str, ...] = (),
        ends: bool = True,
    ) -> None:
        """Record an observation that no world explains; one that does not end the plan is recorded once in it."""
        if not ends and any(known.kind == kind for known in self.result.violations):
            return
        self.step.observations.append(Observation(what=what, predicted=predicted, seen=seen, fits=False))
        self.result.violations.append(
            Violation(
                requirements=tuple(dict.fromkeys(ids)),
                kind=kind,
                step=self.step.index,
                what=what,
                predicted=predicted,
                seen=seen,
                because=because,
                ends=ends,
            )
        )

    def cause(self, name: str, rule: Rule) -> None:
        """Something happened to an order: the next read of it is judged under ``rule``."""
        self.orders[name].causes.append(Cause(rule=rule, step=self.step.index, order=name))

    def cause_funds(self, account: str, rule: Rule, name: str = "") -> None:
        """Something happened that the next balances of ``account`` are judged under."""
        self.account_causes.setdefault(account, []).append(Cause(rule=rule, step=self.step.index, order=name))

    def cell(self, name: str, event: str) -> None:
        """Count a (state, event) cell, where the state is pinned, for a pending cancel by the last read."""
        status = self.status(name)
        if status is not None:
            self.result.cells[(status, event)] += 1
        elif self.orders[name].seen_pending:
            self.result.cells[(Status.PENDING_CANCEL, event)] += 1

    def mark(self) -> "Mark":
        """Where the record stands, for :meth:`take_back`."""
        return Mark(violations=len(self.result.violations), observations=len(self.step.observations))

    def take_back(self, mark: "Mark") -> bool:
        """Take back what did not fit since ``mark``, because it may have been late; says whether there was any."""
        result, seen = self.result, self.step.observations
        if len(result.violations) == mark.violations and result.trouble is None:
            return False
        del result.violations[mark.violations :]
        result.trouble = result.suspect = None
        seen[mark.observations :] = [
            seen_so
            if seen_so.fits
            else replace(seen_so, fits=True, seen=f"{seen_so.seen}: perhaps late, so it is looked at again")
            for seen_so in seen[mark.observations :]
        ]
        return True

    # -- what is known ------------------------------------------------------------------------------------------------

    def allowed(self, name: str) -> str:
        """What the model holds possible of an order, in words."""
        return " or ".join(sorted(describe(state) for state in self.belief.states(name))) or "nothing"

    def status(self, name: str) -> Status | None:
        """The status of an order where only one is possible.

        Among others any order may have traded since it was read: there, an active order counts as what it was last seen
        to be. This says what an observation exercises; what is right is always judged by all that is possible.
        """
        order = self.orders[name]
        statuses = {state.status for state in self.belief.states(name)}
        if len(statuses) == 1:
            return next(iter(statuses))
        seen = None if order.last is None else order.last.status
        shared = not self.rules.markets[order.terms.market].isolated
        return seen if shared and seen in ACTIVE and seen in statuses else None

    def live(self, account: str | None = None) -> list[str]:
        """The orders that may still be active, executing or pending, in the order of placing."""
        return [
            name
            for name, order in self.orders.items()
            if (account is None or order.terms.account == account)
            and any(state.status in LIVE for state in self.belief.states(name))
        ]

    def surely_active(self, account: str) -> list[str]:
        """The orders of an account that are active in every possible world; among others, as they were last seen."""
        return [
            name
            for name, order in self.orders.items()
            if order.terms.account == account
            and (self.status(name) in ACTIVE or all(s.status in ACTIVE for s in self.belief.states(name)))
        ]

    def concerned(self, account: str) -> bool:
        """Whether an account has live orders, or anything happened to it or its orders since they were looked at."""
        return bool(self.live(account) or self.account_causes.get(account) or self.unread(account))

    def unread(self, account: str) -> list[str]:
        """The orders of an account that something happened to since they were last read."""
        return [name for name, order in self.orders.items() if order.terms.account == account and order.causes]

    # -- judging a read -----------------------------------------------------------------------------------------------

    def judge_view(self, name: str, view: OrderView, *, until: float, listed: bool) -> bool:
        """Judge what a read (or a list of active orders) showed of one order; says whether it fits."""
        order = self.orders[name]
        what = f"{'the list of active orders' if listed else 'a read'} of {name}"
        if view.status is None:
            self.result.trouble = unknown_word(view.word, what)
            return False
        wrong = wrong_terms(order.terms, view) or self._lost_term(order, view)
        causes = [*order.causes, *order.standing]
        if wrong and wrong[2] == "price" and self._repriced(order, view):
            self.result.trouble = (
                f"{what}: a post-only order that would trade stands at {view.price}, not at {order.terms.price}. The "
                "venue gives such orders another price instead of rejecting them; then leave out [drivers.reject]."
            )
            return False
        if wrong:
            ids = ("CXL-08", *(i for i in named(causes, Aspect.STATUS) if i == "CXL-05"))
            self.breaks(what, wrong[0], wrong[1], ids, kind=f"terms changed: {wrong[2]}", because=reasons(causes))
            return False
        if listed and view.status in TERMINAL:
            ids = (*(named(causes, Aspect.LISTED) or ("CXL-08",)), *(("CXL-03",) if order.cancelled else ()))
            self.breaks(
                what,
                "active orders alone",
                f"{name} is {view.status}",
                ids,
                kind=f"list of active orders holds {view.status}",
            )
            return False
        seen = Seen(status=view.status, executed=view.executed)
        predicted = self.allowed(name)
        said = f"{view.status}" + (f" with {view.executed} executed" if view.executed is not None else "")
        after = self.belief.having_seen(name, seen, self.rules, until=until)
        if isinstance(after, Conflict):
            self._break_view(order, seen, after, what=what, said=said, listed=listed)
            return False
        if view.partly and view.executed in (Decimal(0), order.terms.quantity):
            expected = "something executed, and not all" if view.executed == 0 else "not all executed"
            self.breaks(
                what,
                f"{expected}: its status is {view.word}",
                f"{view.executed} executed",
                ("CXL-08",),
                kind=f"{view.status} whose word says that a part was executed",
                because=reasons(causes),
            )
            return False
        self.belief = after
        aspects = [
            Aspect.LISTED if listed else Aspect.STATUS,
            *([Aspect.QUANTITY] if seen.executed is not None else []),
        ]
        exercised = {i for aspect in aspects for i in named(causes, aspect)} | {"CXL-08"}
        self.fits(what, predicted, said, sorted(exercised))
        self._note_seen(order, seen, until)
        return True

    def _repriced(self, order: Tracked, view: OrderView) -> bool:
        """Whether a post-only order that was to be rejected was given a price at which it rests, on its arrival."""
        states = self.belief.states(order.name)
        return (
            order.terms.post_only
            and order.last is None
            and view.status in ACTIVE
            and any(state.status is Status.REJECTED for state in states)
        )

    def _lost_term(self, order: Tracked, view: OrderView) -> tuple[str, str, str] | None:
        """A term that was shown of this order is not any more, though the target shows it of closed orders (CXL-08)."""
        shown = {term for term in TERMS if getattr(view, term) is not None}
        if view.status in TERMINAL:
            self.shown_closed |= shown
        lost = sorted((order.shown & self.shown_closed) - shown)
        order.shown |= shown
        return (f"{lost[0]} as shown before", f"no {lost[0]}", lost[0]) if lost else None

    def judge_absence(self, name: str, *, until: float) -> bool:
        """Judge that a complete list of the account's active orders did not show ``name``."""
        order = self.orders[name]
        predicted = self.allowed(name)
        what = f"the list of active orders, for {name}"
        after = self.belief.having_missed(name, self.rules, until=until)
        causes = [*order.causes, *order.standing]
        if isinstance(after, Conflict):
            ids = broken(causes, Aspect.LISTED) or ("CXL-08",)
            self.breaks(
                what,
                predicted,
                "not in the list",
                ids,
                kind="active order missing from the list",
                because=reasons(causes),
            )
            return False
        self.belief = after
        if causes and order.last is not None:
            left = [i for cause in causes for i in cause.rule.listed]
            self.fits(what, predicted, "not in the list", sorted(set(left)))
        return True

    def _break_view(
        self, order: Tracked, seen: Seen, conflict: Conflict, *, what: str, said: str, listed: bool
    ) -> None:
        states = self.belief.states(order.name)
        causes = [*order.causes, *order.standing]
        for name in conflict.orders - {order.name}:
            causes += self.orders[name].causes
        same_status = any(state.status is seen.status for state in states)
        quantity_moved = seen.executed is not None and not any(s.executed.holds(seen.executed) for s in states)
        ids: list[str] = []
        if not same_status:
            ids += broken(causes, Aspect.LISTED if listed else Aspect.STATUS)
        if same_status or quantity_moved:
            ids += broken(causes, Aspect.QUANTITY)
        if seen.status not in ACTIVE:
            ids = [i for i in ids if i != "CXL-06"]
        if order.seen_pending and seen.status in TERMINAL:
            ids.insert(0, "PND-01")
        if order.seen_pending and not any(s.status is Status.PENDING_CANCEL for s in states):
            # no read has shown its end: it was the released lock that told it had ended
            ids.insert(0, "PND-04")
        ids += _against_itself(order, seen)
        if not ids and any(cause.rule in (rules_of.FILLED, rules_of.PLACED) for cause in causes):
            self.result.trouble = (
                f"{what}: expected {' or '.join(conflict.allowed)}, seen {said}; no cancel was involved. The market "
                "may not match by price and time, or others may trade there: see the profile's [[markets]] `isolated`."
            )
            return
        kind = f"{'/'.join(sorted({s.status for s in states}))} expected, {seen.status} seen"
        if same_status:
            fell = order.last is not None and (order.last.executed or 0) > (seen.executed or 0)
            kind = f"executed quantity of a {seen.status} order {'fell' if fell else 'is wrong'}"
        self.breaks(
            what, " or ".join(conflict.allowed), said, tuple(ids) or ("CXL-08",), kind=kind, because=reasons(causes)
        )

    def _note_seen(self, order: Tracked, seen: Seen, at: float) -> None:
        was_pending = order.seen_pending
        order.last = seen
        raced = [cause for cause in (*order.standing, *order.causes) if cause.rule in rules_of.RACED]
        order.causes.clear()
        order.standing.clear()
        match seen.status:
            case Status.PENDING_CANCEL:
                order.standing += raced  # what a race did may show only when the cancel is confirmed
                order.seen_pending = True
                order.pending_since = order.pending_since if was_pending else at
                order.standing.append(Cause(rule=rules_of.SEEN_PENDING, step=self.step.index, order=order.name))
            case Status.CANCELED:
                order.standing.append(Cause(rule=rules_of.SEEN_CANCELED, step=self.step.index, order=order.name))
            case Status.FILLED | Status.EXPIRED | Status.REJECTED:
                order.standing.append(Cause(rule=rules_of.SEEN_TERMINAL, step=self.step.index, order=order.name))
            case _:
                pass
        if was_pending and seen.status in (Status.CANCELED, Status.FILLED, Status.EXPIRED):
            order.seen_pending = False
            for requirement in ("PND-01", "PND-03"):
                self.result.exercised[requirement] += 1
            self.cause_funds(order.terms.account, rules_of.CONFIRMED, order.name)
        if seen.status in TERMINAL and order.settled_at is None:
            order.settled_at = at


def unknown_word(word: str, what: str) -> str:
    """What is said of a status word that the profile does not know: its gap, and no finding about the target."""
    return (
        f"status `{word}` is not in the vocabulary; seen at {what}. "
        "Add it to the profile's [vocabulary] under the canonical status that it means."
    )


def wrong_terms(terms: Terms, view: OrderView) -> tuple[str, str, str] | None:
    """Which of an order's terms a read shows changed: (expected, seen, the term's name); ``None`` if none (CXL-08)."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("market", terms.market, view.market),
        ("side", terms.side, view.side),
        ("quantity", terms.quantity, view.quantity),
        ("price", terms.price, view.price),
        ("client id", terms.client_id, view.client_id),
    )
    for term, expected, seen in pairs:
        if seen is not None and expected is not None and seen != expected:
            return f"{term} {expected}", f"{term} {seen}", term
    return None


def _against_itself(order: Tracked, seen: Seen) -> list[str]:
    """CXL-08 where a read contradicts itself or the order's own history, whatever else happened."""
    quantity = order.terms.quantity
    if seen.executed is None:
        return []
    fell = order.last is not None and order.last.executed is not None and seen.executed < order.last.executed
    whole = seen.status is Status.FILLED and seen.executed != quantity
    empty = seen.status is Status.OPEN and seen.executed != 0
    partial = seen.status is Status.PARTIALLY_FILLED and not Decimal(0) < seen.executed < quantity
    return ["CXL-08"] if fell or whole or empty or partial or seen.executed > quantity else []
