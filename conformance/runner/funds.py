"""Judging balances: locked to the last unit, totals by trades and fees alone (FND-01..06, PND-04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from conformance.model.amounts import NOTHING, ZERO, Span, exactly, plain
from conformance.model.order import TERMINAL, Status
from conformance.model.rules import LockModel
from conformance.model.worlds import Conflict
from conformance.runner import attribution as rules_of
from conformance.runner.attribution import Aspect, Cause, broken, reasons
from conformance.runner.tracker import LIVE, Tracker
from fixtures.venue.answers import BalanceView

RELEASES = (
    rules_of.CANCELLED_OPEN,
    rules_of.CANCELLED_PARTIAL,
    rules_of.CANCELLED_UNPINNED,
    rules_of.BULK,
    rules_of.BULK_PARTIAL,
    rules_of.BULK_MANY,
    rules_of.CONFIRMED,
)
"""Causes that speak of funds only once the order is surely terminal: until then its lock is still there (PND-04)."""

Funds = Mapping[str, BalanceView]

EMPTY = BalanceView(available=ZERO, locked=ZERO, total=ZERO)
"""An asset that a target does not list holds nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """One amount that no world explains: which asset, which part, what was predicted and seen."""

    aspect: Aspect
    asset: str
    predicted: Span
    seen: Decimal
    part: str

    @property
    def surplus(self) -> bool:
        """Whether more was seen than predicted."""
        return self.seen > self.predicted.high


class FundsJudge:
    """Judges the balances of a plan's accounts against what its orders lock and its trades moved.

    ``start`` holds each account's balances when the plan began; they are constants, whatever else the account holds.
    """

    def __init__(self, tracker: Tracker, start: Mapping[str, Funds]) -> None:
        self.tracker = tracker
        self.start = start
        self.lowest: dict[tuple[str, str], Decimal] = {}
        for account, funds in start.items():
            self._note_lowest(account, funds)

    def judge(self, account: str, funds: Funds, *, until: float) -> bool:
        """Judge one read; says whether it fits. A misfit is not recorded yet: see :meth:`record`."""
        tracker = self.tracker
        tracker.belief = tracker.belief.by_now(until, tracker.rules)
        if self.identity(account, funds):
            return False
        after = tracker.belief.having_seen_funds(
            account, lambda locked, moved: not self._discrepancies(account, funds, locked, moved), tracker.rules
        )
        if isinstance(after, Conflict):
            return False
        tracker.belief = after
        self._exercise(account, funds)
        self._note_lowest(account, funds)
        return True

    def misfit(self, account: str, funds: Funds, *, until: float) -> bool:
        """Whether a read of balances does not fit; changes nothing."""
        if self.identity(account, funds):
            return True
        belief = self.tracker.belief.by_now(until, self.tracker.rules)
        return isinstance(
            belief.having_seen_funds(
                account,
                lambda locked, moved: not self._discrepancies(account, funds, locked, moved),
                self.tracker.rules,
            ),
            Conflict,
        )

    def identity(self, account: str, funds: Funds) -> list[str]:
        """Assets whose parts do not add up: available + locked = total (FND-05)."""
        margin = self.tracker.rules.lock_model is not LockModel.SPOT
        wrong = []
        for asset, view in funds.items():
            if view.available is None or view.locked is None or view.total is None:
                continue
            if margin and asset == self.tracker.rules.margin_asset and self._traded(account):
                continue  # a position's own margin is neither available nor locked in orders
            if view.available + view.locked != view.total:
                wrong.append(asset)
        return wrong

    def _traded(self, account: str) -> bool:
        return bool(self.tracker.belief.moved(account, self.tracker.rules))

    def _discrepancies(
        self, account: str, funds: Funds, locked: Mapping[str, Span], moved: Mapping[str, Span]
    ) -> list[Discrepancy]:
        found = []
        start = self.start[account]
        for asset in sorted({*start, *funds, *locked, *moved}):
            before, now = start.get(asset, EMPTY), funds.get(asset, EMPTY)
            here, trades = locked.get(asset, NOTHING), moved.get(asset, NOTHING)
            if now.locked is not None and before.locked is not None:
                predicted = exactly(before.locked).plus(here)
                if not predicted.holds(now.locked):
                    found.append(
                        Discrepancy(
                            aspect=Aspect.LOCKED, asset=asset, predicted=predicted, seen=now.locked, part="locked"
                        )
                    )
            if now.total is not None and before.total is not None:
                predicted = exactly(before.total).plus(trades)
                if not predicted.holds(now.total):
                    found.append(
                        Discrepancy(aspect=Aspect.TOTAL, asset=asset, predicted=predicted, seen=now.total, part="total")
                    )
            if now.available is not None and before.available is not None:
                predicted = exactly(before.available).plus(trades).minus(here)
                if not predicted.holds(now.available):
                    aspect = Aspect.LOCKED if now.locked is None or before.locked is None else Aspect.TOTAL
                    found.append(
                        Discrepancy(
                            aspect=aspect, asset=asset, predicted=predicted, seen=now.available, part="available"
                        )
                    )
        return found

    def record(self, account: str, funds: Funds, *, settled_after: float | None) -> None:
        """Record why a read of balances does not fit; ``settled_after``: seconds after which a later read did."""
        tracker = self.tracker
        what = f"the balances of {account}"
        causes = self._causes(account)
        uneven = self.identity(account, funds)
        if uneven:
            view = funds[uneven[0]]
            ids = ("FND-05", *broken(causes, Aspect.LOCKED))
            tracker.breaks(
                what,
                f"available + locked = total in {uneven[0]}",
                f"available {view.available} + locked {view.locked}, total {view.total}",
                ids,
                kind="available + locked is not the total",
                because=reasons(causes),
            )
            return
        locked, moved = (side(account, tracker.rules) for side in (tracker.belief.locked, tracker.belief.moved))
        found = self._discrepancies(account, funds, locked, moved)
        if not found:
            found = self._nearest(account, funds)
        ids = self._broken(account, found, causes, late=settled_after is not None)
        tracker.breaks(
            what,
            "; ".join(f"{d.asset} {d.part} {d.predicted}" for d in found[:4])
            or "a sum that some possible state explains",
            "; ".join(f"{d.asset} {d.part} {plain(d.seen)}" for d in found[:4])
            + (f" (right {settled_after:.3f} s later)" if settled_after is not None else ""),
            ids,
            kind=_kind(found, late=settled_after is not None),
            because=reasons(causes),
        )

    def _nearest(self, account: str, funds: Funds) -> list[Discrepancy]:
        """Where only the combination is wrong: the difference to the hull's middle explains most."""
        found = []
        locked = self.tracker.belief.locked(account, self.tracker.rules)
        for asset, span in locked.items():
            view, before = funds.get(asset, EMPTY), self.start[account].get(asset, EMPTY)
            if view.locked is not None and before.locked is not None and not span.exact:
                found.append(
                    Discrepancy(
                        aspect=Aspect.LOCKED,
                        asset=asset,
                        predicted=exactly(before.locked).plus(span),
                        seen=view.locked,
                        part="locked",
                    )
                )
        return found

    def _broken(self, account: str, found: list[Discrepancy], causes: list[Cause], *, late: bool) -> tuple[str, ...]:
        if late:
            ids = [i for i in broken(causes, Aspect.LOCKED) if i in ("FND-01", "PND-04")]
            return tuple(ids) or ("FND-01",)
        ids = [i for d in found for i in broken(causes, d.aspect)]
        if any(d.aspect is Aspect.TOTAL for d in found):
            ids.append("FND-05")
        if not self.tracker.live(account) and any(d.part == "locked" and d.surplus for d in found):
            ids.append("FND-06")
        if not ids:
            ids = ["FND-02", "FND-05"] if any(d.aspect is Aspect.LOCKED for d in found) else ["FND-05"]
        return tuple(dict.fromkeys(ids))

    def _causes(self, account: str) -> list[Cause]:
        causes = list(self.tracker.account_causes.get(account, []))
        for order in self.tracker.orders.values():
            if order.terms.account == account and order.seen_pending:
                causes += order.standing
        return causes

    def _exercise(self, account: str, funds: Funds) -> None:
        tracker = self.tracker
        ids = {"FND-05"}
        kept = []
        for cause in tracker.account_causes.get(account, []):
            if cause.rule in RELEASES and cause.order:
                state = tracker.belief.state(cause.order)
                if state is None or state.status not in TERMINAL:
                    kept.append(cause)
                    continue
            ids.update((*cause.rule.locked, *cause.rule.total))
        tracker.account_causes[account] = kept
        for name, order in tracker.orders.items():
            if order.terms.account != account or not order.seen_pending:
                continue
            state = tracker.belief.state(name)
            if state is not None and state.status is Status.PENDING_CANCEL:
                ids.add("PND-04")
        if not any(
            s.status in LIVE
            for name, order in tracker.orders.items()
            if order.terms.account == account
            for s in tracker.belief.states(name)
        ) and any(order.terms.account == account for order in tracker.orders.values()):
            ids.add("FND-06")
        locked = tracker.belief.locked(account, tracker.rules)
        tracker.fits(
            f"the balances of {account}",
            "locked " + (", ".join(f"{asset} {amount}" for asset, amount in sorted(locked.items())) or "nothing"),
            ", ".join(f"{asset} {plain(view.locked)}" for asset, view in sorted(funds.items()) if view.locked)
            or "nothing locked",
            sorted(ids),
        )

    def _note_lowest(self, account: str, funds: Funds) -> None:
        for asset, view in funds.items():
            if view.available is not None:
                key = (account, asset)
                self.lowest[key] = min(self.lowest.get(key, view.available), view.available)


def _kind(found: list[Discrepancy], *, late: bool) -> str:
    if late:
        return "funds were released late"
    words = sorted({f"{d.part} too {'high' if d.surplus else 'low'}" for d in found})
    return ", ".join(words) or "funds that no possible state explains"
