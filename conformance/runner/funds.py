"""Judging balances: locked to the last unit, totals by trades and fees alone (FND-01..06, PND-04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from conformance.model.amounts import NOTHING, ZERO, Span, exactly, plain
from conformance.model.ledger import lock_of
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
    *rules_of.RACED,
)
"""Causes that speak of funds only once the order is surely terminal: until then its lock is still there (PND-04)."""

OF_LOCKS = frozenset({"FND-01", "FND-02", "FND-03", "FND-04", "FND-06", "PND-04"})
"""Requirements that a total alone cannot show, where neither the locked nor the available amount is known."""

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
        self.start = {account: dict(funds) for account, funds in start.items()}
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
        self._book(account, funds)
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
        """Assets whose parts do not add up: available + locked = total (FND-05).

        A position's own margin is neither available nor locked in orders: in the margin asset the gap that was there at
        the start stays as long as nothing is traded.
        """
        rules = self.tracker.rules
        wrong = []
        for asset, view in funds.items():
            gap, before = _gap(view), _gap(self.start[account].get(asset, EMPTY))
            if gap is None:
                continue
            if rules.lock_model is LockModel.SPOT or asset != rules.margin_asset:
                before = ZERO
            elif self._traded(account):
                continue
            if before is not None and gap != before:
                wrong.append(asset)
        return wrong

    def _traded(self, account: str) -> bool:
        orders, belief = self.tracker.orders, self.tracker.belief
        return any(
            state.executed.high
            for name, order in orders.items()
            if order.terms.account == account
            for state in belief.states(name)
        )

    def _book(self, account: str, funds: Funds) -> None:
        """Where no formula says what trades move: take what was seen as the start from which later funds differ."""
        tracker = self.tracker
        booked = tracker.belief.having_booked(account, tracker.rules)
        locked = tracker.belief.locked(account, tracker.rules)
        if booked is None or not all(amount.exact for amount in locked.values()):
            return
        for asset, moved in tracker.belief.moved(account, tracker.rules).items():
            if moved.bounded:
                continue
            view, before = funds.get(asset, EMPTY), self.start[account].get(asset, EMPTY)
            here = locked.get(asset, NOTHING).low
            self.start[account][asset] = BalanceView(
                available=None if view.available is None else view.available + here,
                locked=before.locked,
                total=view.total,
            )
        tracker.belief = booked

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
                    # where the total is shown it speaks for itself: what is available is then a matter of the lock
                    unshown = None in (now.locked, before.locked)
                    total_shown = None not in (now.total, before.total)
                    aspect = Aspect.LOCKED if unshown or total_shown else Aspect.TOTAL
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
        # where the account's own cancels can explain it, another account's are not named
        return [cause for cause in causes if cause.rule is not rules_of.OTHER_ACCOUNT] or causes

    def _exercise(self, account: str, funds: Funds) -> None:
        tracker = self.tracker
        judged = self._judged(account, funds)
        ids = {"FND-05"} if judged[Aspect.TOTAL] else set()
        kept = []
        for cause in tracker.account_causes.get(account, []):
            if cause.rule in RELEASES and cause.order:
                state = tracker.belief.state(cause.order)
                if state is None or state.status not in TERMINAL:
                    kept.append(cause)
                    continue
            touched = self._assets_of(cause.order) if cause.order in tracker.orders else set().union(*judged.values())
            if touched & judged[Aspect.LOCKED]:
                ids.update(cause.rule.locked)
                ids.update(cause.rule.total)
            elif touched & judged[Aspect.TOTAL]:
                ids.update(i for i in cause.rule.total if i not in OF_LOCKS)
        tracker.account_causes[account] = kept
        for name, order in tracker.orders.items():
            if order.terms.account != account or not order.seen_pending:
                continue
            state = tracker.belief.state(name)
            if state is not None and state.status is Status.PENDING_CANCEL:
                ids.update(("PND-04",) if self._assets_of(name) & judged[Aspect.LOCKED] else ())
        mine = [name for name, order in tracker.orders.items() if order.terms.account == account]
        over = not any(state.status in LIVE for name in mine for state in tracker.belief.states(name))
        if mine and over and judged[Aspect.LOCKED]:
            ids.add("FND-06")
        locked = tracker.belief.locked(account, tracker.rules)
        tracker.fits(
            f"the balances of {account}",
            "locked " + (", ".join(f"{asset} {amount}" for asset, amount in sorted(locked.items())) or "nothing"),
            ", ".join(f"{asset} {plain(view.locked)}" for asset, view in sorted(funds.items()) if view.locked)
            or "nothing locked",
            sorted(ids),
        )

    def _judged(self, account: str, funds: Funds) -> dict[Aspect, set[str]]:
        """The assets whose locked amounts, and whose totals, this read could have shown to be wrong."""
        belief, rules = self.tracker.belief, self.tracker.rules
        locked, moved = belief.locked(account, rules), belief.moved(account, rules)
        found: dict[Aspect, set[str]] = {Aspect.LOCKED: set(), Aspect.TOTAL: set()}
        for asset, view in funds.items():
            lock_known = locked.get(asset, NOTHING).bounded
            trades_known = moved.get(asset, NOTHING).bounded
            by_rest = view.available is not None and lock_known and trades_known
            if by_rest or (view.locked is not None and lock_known):
                found[Aspect.LOCKED].add(asset)
            if by_rest or (view.total is not None and trades_known):
                found[Aspect.TOTAL].add(asset)
        return found

    def _assets_of(self, name: str) -> set[str]:
        """The assets that an order's lock and trades are in."""
        rules = self.tracker.rules
        states = self.tracker.belief.states(name)
        return {
            asset
            for state in states
            for asset in (
                lock_of(state, rules)[0],
                rules.markets[state.terms.market].base,
                rules.markets[state.terms.market].quote,
            )
        }

    def surely_available(self, account: str, asset: str) -> Decimal:
        """What the account must have available of an asset, whatever strangers traded; nothing where nobody can say."""
        before = self.start.get(account, {}).get(asset, EMPTY).available
        if before is None:
            return ZERO
        rules, belief = self.tracker.rules, self.tracker.belief
        moved, locked = (
            side.get(asset, NOTHING) for side in (belief.moved(account, rules), belief.locked(account, rules))
        )
        return before + moved.low - locked.high if moved.bounded and locked.bounded else ZERO

    def _note_lowest(self, account: str, funds: Funds) -> None:
        for asset, view in funds.items():
            if view.available is not None:
                key = (account, asset)
                self.lowest[key] = min(self.lowest.get(key, view.available), view.available)


def _gap(view: BalanceView) -> Decimal | None:
    """What is missing between the total and its parts; ``None`` where not all three are shown."""
    if view.available is None or view.locked is None or view.total is None:
        return None
    return view.total - view.available - view.locked


def _kind(found: list[Discrepancy], *, late: bool) -> str:
    if late:
        return "funds were released late"
    words = sorted({f"{d.part} too {'high' if d.surplus else 'low'}" for d in found})
    return ", ".join(words) or "funds that no possible state explains"
