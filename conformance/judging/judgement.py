"""One observation under judgement: the case as it becomes, and what is said of it; for one call of the judge."""

from dataclasses import replace
from typing import Any

from conformance.judging.case import Case, LaneKnowledge
from conformance.judging.causes import Cause, CauseAt
from conformance.judging.rulings import (
    Breaks,
    CannotJudge,
    CellReached,
    Exercised,
    Fits,
    LookAgain,
    Measured,
    Noted,
    Ruling,
    nonconformity,
)
from conformance.model.deviations import Deviations
from conformance.model.order import Status
from conformance.plans import Plan
from conformance.trace import Timing


class Judgement:
    """Starts from a case; ``case`` and ``rulings`` are the result. Only its own attributes ever change."""

    __slots__ = ("again", "case", "rulings")

    def __init__(self, case: Case) -> None:
        self.case = case
        self.rulings: list[Ruling] = []
        self.again: LookAgain | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be said of it: the plan has ended, or another look is needed first."""
        return self.again is not None or any(ends_the_plan(ruling) for ruling in self.rulings)

    # -- what is said ------------------------------------------------------------------------------------------------

    def fits(self, what: str, predicted: str, seen: str, ids: tuple[str, ...] = ()) -> None:
        """Some world explains the observation; it exercises ``ids``."""
        self.rulings.append(Fits(what=what, predicted=predicted, seen=seen, ids=ids))

    def breaks(
        self,
        what: str,
        predicted: str,
        seen: str,
        ids: tuple[str, ...],
        *,
        kind: str,
        because: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
        ends: bool = True,
        suspect: Plan | None = None,
    ) -> None:
        """No world explains the observation; ``kind`` holds no name, id or amount of one run.

        ``also`` are requirements that are seen broken with it, and count for no verdict of their own.
        """
        violation = nonconformity(
            what, predicted, seen, ids, kind=kind, step=self.case.step, because=because, also=also, ends=ends
        )
        self.rulings.append(Breaks(violation=violation, suspect=suspect))

    def cannot_judge(self, reason: str) -> None:
        """The plan cannot be judged further."""
        self.rulings.append(CannotJudge(reason=reason))

    def look_again(self, ruling: LookAgain) -> None:
        """Nothing is said yet: the observation is to be submitted again after another look."""
        self.again = ruling

    def exercise(self, ids: tuple[str, ...]) -> None:
        """The observation could have shown these broken, and did not."""
        self.rulings.append(Exercised(ids=ids))

    def reach_cell(self, name: str, event: str) -> None:
        """Count a (state, event) cell, where the state is known, for a pending cancel by the last read."""
        status = self.case.status(name)
        if status is None and self.case.orders[name].seen_pending:
            status = Status.PENDING_CANCEL
        if status is not None:
            self.rulings.append(CellReached(state=status, event=event))

    def measure(self, timing: Timing) -> None:
        """A time was taken."""
        self.rulings.append(Measured(timing=timing))

    def note(self, text: str, count: int = 1) -> None:
        """A reader should know it, and how often it was so."""
        self.rulings.append(Noted(note=text, count=count))

    # -- how the case changes ----------------------------------------------------------------------------------------

    def become(self, **changes: Any) -> None:
        """Change parts of the case."""
        self.case = replace(self.case, **changes)

    def learn(self, knowledge: LaneKnowledge) -> None:
        """What the lane knows from now on."""
        self.case = replace(self.case, known=knowledge)

    def establish(self, deviations: Deviations) -> None:
        """What the target was seen to do wrong is possible from now on: what follows from it is not told again."""
        known = replace(self.case.known, deviations=deviations)
        self.case = replace(self.case, known=known, rules=replace(self.case.rules, deviations=deviations))

    def change(self, name: str, **changes: Any) -> None:
        """Change what is known of one order beside its possible states."""
        orders = self.case.orders
        self.case = replace(self.case, orders={**orders, name: replace(orders[name], **changes)})

    def put(self, cause: Cause, *, order: str = "", account: str | None = None) -> None:
        """Something happened: the next read of ``order``, and the next balances of ``account``, are judged under it."""
        found = CauseAt(cause=cause, step=self.case.step, order=order)
        if order:
            self.change(order, causes=(*self.case.orders[order].causes, found))
        if account is not None:
            self.put_on_funds(cause, account, order)

    def put_on_funds(self, cause: Cause, account: str, order: str = "") -> None:
        """Something happened, perhaps to ``order``: the next balances of ``account`` are judged under it."""
        causes = self.case.account_causes
        found = CauseAt(cause=cause, step=self.case.step, order=order)
        self.become(account_causes={**causes, account: (*causes.get(account, ()), found)})

    def put_with_owner(self, cause: Cause, order: str) -> None:
        """Something happened to an order: its next read, and its owner's next balances, are judged under it."""
        self.put(cause, order=order, account=self.case.orders[order].terms.account)


def ends_the_plan(ruling: Ruling) -> bool:
    """Whether a plan does not go on after a ruling."""
    return isinstance(ruling, CannotJudge) or (isinstance(ruling, Breaks) and ruling.violation.ends)
