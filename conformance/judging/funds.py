"""Balances: locked to the last unit, totals by trades and fees alone (FND-01..06, PND-04)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from conformance.judging import causes
from conformance.judging.blame import Blame, Discrepancy, blame_late, blame_of, is_any_over
from conformance.judging.case import LIVE, Case, Funds
from conformance.judging.causes import Aspect, CauseAt, broken, reasons
from conformance.judging.judgement import Judgement
from conformance.judging.rulings import LookAgain
from conformance.judging.seen import BalancesSeen, DoubtedFunds, StartSeen
from conformance.model.amounts import NOTHING, ZERO, Span, exactly, plain
from conformance.model.ledger import lock_of
from conformance.model.order import TERMINAL, Status
from conformance.model.rules import LockModel
from conformance.model.worlds import Belief, Conflict
from fixtures.venue.answers import BalanceView


def judge_start(j: Judgement, seen: StartSeen) -> None:
    """Take the balances that the plan begins with; they are constants, whatever else the account holds."""
    if seen.funds is None:  # may: that reads are answered is ERR-01's, and was judged with the answer
        j.cannot_judge(f"the balances of {seen.account} cannot be read when the plan begins")
    funds = dict(seen.funds or {})
    _judge_resting_funds(j, seen, funds)
    j.become(start={**j.case.start, seen.account: funds})
    _note_lowest(j, seen.account, funds)


def _judge_resting_funds(j: Judgement, seen: StartSeen, funds: Funds) -> None:
    """FND-04, FND-06: between two plans no order is open, and what is locked is what was locked when the run began.

    Beside the rules that go by differences stands this one: a plan that broke off may have left something locked, and
    the next one would take it for the account's own.
    """
    known, rules = j.case.known, j.case.rules
    base = known.base.get(seen.account)
    if base is None:
        j.learn(replace(known, base={**known.base, seen.account: funds}))
        return
    if not seen.alone or rules.lock_model is not LockModel.SPOT or rules.deviations.keeps or rules.deviations.frees:
        return
    found = next(_locked_otherwise(base, funds), None)
    if found is None:
        return
    asset, before, locked = found
    kept = locked > before
    j.breaks(
        f"the balances of {seen.account} with no order open",
        f"{asset} locked {plain(before)}",
        f"{asset} locked {plain(locked)}",
        causes.NOTHING_LEFT_LOCKED if kept else causes.RELEASED_ONCE,
        kind=f"{'something is' if kept else 'less than nothing is'} locked with no order open",
        ends=False,
    )
    j.establish(replace(rules.deviations, keeps=kept, frees=not kept))


def _locked_otherwise(base: Funds, funds: Funds) -> Iterator[tuple[str, Decimal, Decimal]]:
    """The assets of which another amount is locked than once was: what was, and what is."""
    for asset, view in funds.items():
        then = base.get(asset, BalanceView())
        before = then.locked
        if view.locked is None or before is None or _widened(exactly(before), then, view).holds(view.locked):
            continue
        yield asset, before, view.locked


def judge_balances(j: Judgement, seen: BalancesSeen) -> None:
    """Judge one read of an account's balances; a misfit is looked at again, to tell late funds from wrong ones."""
    doubt = seen.doubt
    if doubt is None:
        if seen.funds is not None:
            _judge_first(j, seen, seen.funds)
        return
    if seen.funds is not None and _fitting(j.case, seen.account, seen.funds, seen.at) is not None:
        _break_funds(j, seen.account, doubt.funds, at=seen.at, late=seen.moment - doubt.moment)
    elif doubt.looks < len(seen.looks):
        again = replace(doubt, looks=doubt.looks + 1)
        j.look_again(LookAgain(after=seen.looks[doubt.looks], doubt=again))
    else:
        _break_funds(j, seen.account, doubt.funds, at=seen.at, late=None)


def _judge_first(j: Judgement, seen: BalancesSeen, funds: Funds) -> None:
    after = _fitting(j.case, seen.account, funds, seen.at)
    if after is not None:
        j.become(belief=after)
        _note_inexact(j, seen.account, funds)
        _exercise(j, seen.account, funds)
        _note_lowest(j, seen.account, funds)
        _book(j, seen.account, funds)
    elif seen.again:
        j.look_again(LookAgain(after=seen.again))
    elif seen.looks:
        doubt = DoubtedFunds(funds=funds, moment=seen.moment, looks=1)
        j.look_again(LookAgain(after=seen.looks[0], doubt=doubt))
    else:
        _break_funds(j, seen.account, funds, at=seen.at, late=None)


def _note_inexact(j: Judgement, account: str, funds: Funds) -> None:
    """Balances that are not exact are compared as far as they are; where that mattered, the report says so."""
    case, start = j.case, j.case.start[account]
    if _unit(*funds.values(), *start.values()):
        exact = replace(case, start={account: _as_if_exact(start)})
        locked, moved = case.belief.locked(account, case.rules), case.belief.moved(account, case.rules)
        if _discrepancies(exact, account, _as_if_exact(funds), locked, moved):
            j.note(
                "balances are rounded, or sums in binary floating point: they were compared as far as they are exact"
            )


def _as_if_exact(funds: Funds) -> Funds:
    return {asset: replace(view, decimals=None) for asset, view in funds.items()}


def _fitting(case: Case, account: str, funds: Funds, at: float) -> Belief | None:
    """What may be true after a read of balances; ``None`` where nothing explains them."""
    belief = case.belief.by_now(at, case.rules)
    if _uneven(case, account, funds):
        return None
    after = belief.having_seen_funds(
        account, lambda locked, moved: not _discrepancies(case, account, funds, locked, moved), case.rules
    )
    return None if isinstance(after, Conflict) else after


def _uneven(case: Case, account: str, funds: Funds) -> list[str]:
    """Assets whose parts do not add up: available + locked = total (FND-05).

    A position's own margin is neither available nor locked in orders: in the margin asset the gap that was there at
    the start stays as long as nothing is traded.
    """
    rules = case.rules
    wrong = []
    for asset, view in funds.items():
        gap, before = _gap(view), _gap(case.start[account].get(asset, case.target.unshown))
        if gap is None:
            continue
        if rules.lock_model is LockModel.SPOT or asset != rules.margin_asset:
            before = ZERO
        elif _has_traded(case, account):
            continue
        if before is not None and abs(gap - before) > 2 * _unit(view):
            wrong.append(asset)
    return wrong


def _has_traded(case: Case, account: str) -> bool:
    return any(
        state.executed.high
        for name, order in case.orders.items()
        if order.terms.account == account
        for state in case.states(name)
    )


def _gap(view: BalanceView) -> Decimal | None:
    """What is missing between the total and its parts; ``None`` where not all three are shown."""
    if view.available is None or view.locked is None or view.total is None:
        return None
    return view.total - view.available - view.locked


def _book(j: Judgement, account: str, funds: Funds) -> None:
    """Where no formula says what trades move: take what was seen as the start from which later funds differ."""
    case = j.case
    booked = case.belief.having_booked(account, case.rules)
    locked = case.belief.locked(account, case.rules)
    if booked is None or not all(amount.exact for amount in locked.values()):
        return
    start = dict(case.start[account])
    for asset, moved in case.belief.moved(account, case.rules).items():
        if moved.bounded:
            continue
        view, before = funds.get(asset, case.target.unshown), start.get(asset, case.target.unshown)
        here = locked.get(asset, NOTHING).low
        start[asset] = BalanceView(
            available=None if view.available is None else view.available + here,
            locked=before.locked,
            total=view.total,
            decimals=view.decimals,
        )
    j.become(belief=booked, start={**case.start, account: start})


def _discrepancies(
    case: Case, account: str, funds: Funds, locked: Mapping[str, Span], moved: Mapping[str, Span]
) -> list[Discrepancy]:
    found: list[Discrepancy] = []
    start = case.start[account]
    for asset in sorted({*start, *funds, *locked, *moved}):
        before, now = start.get(asset, case.target.unshown), funds.get(asset, case.target.unshown)
        here, trades = locked.get(asset, NOTHING), moved.get(asset, NOTHING)
        for part, of_lock, change in (
            ("locked", True, here),
            ("total", False, trades),
            ("available", _is_of_lock(before, now, trades), trades.minus(here)),
        ):
            then, seen = getattr(before, part), getattr(now, part)
            if then is None or seen is None:
                continue
            predicted = exactly(then).plus(change)
            if not _widened(predicted, before, now).holds(seen):
                found.append(Discrepancy(asset=asset, part=part, of_lock=of_lock, predicted=predicted, seen=seen))
    return found


def _unit(*views: BalanceView) -> Decimal:
    """One in the last place to which all of these balances are exact; nothing where they are exact to the last."""
    places = [view.decimals for view in views if view.decimals is not None]
    return Decimal(1).scaleb(-min(places)) if places else ZERO


def _widened(predicted: Span, *views: BalanceView) -> Span:
    """What may be seen of a predicted amount where what is seen is not exact, or what it started from."""
    unit = _unit(*views)
    return Span(predicted.low - unit, predicted.high + unit) if unit else predicted


def _is_of_lock(before: BalanceView, now: BalanceView, trades: Span) -> bool:
    """Whether what is available is a matter of the lock: the total speaks for itself, or the sum of the two parts."""
    if None not in (now.total, before.total):
        return True
    then, seen = _sum_of_parts(before), _sum_of_parts(now)
    return then is None or seen is None or _widened(exactly(then).plus(trades), before, now).holds(seen)


def _sum_of_parts(view: BalanceView) -> Decimal | None:
    return None if view.available is None or view.locked is None else view.available + view.locked


# -- what nothing explains --------------------------------------------------------------------------------------------


def _break_funds(j: Judgement, account: str, funds: Funds, *, at: float, late: float | None) -> None:
    """Say why a read of balances does not fit; ``late``: seconds after which a later read did."""
    j.become(belief=j.case.belief.by_now(at, j.case.rules))
    case, what = j.case, f"the balances of {account}"
    at_work = _causes_of(case, account)
    uneven = _uneven(case, account, funds)
    if uneven:
        view = funds[uneven[0]]
        j.breaks(
            what,
            f"available + locked = total in {uneven[0]}",
            f"available {view.available} + locked {view.locked}, total {view.total}",
            causes.CONSERVED,
            kind="available + locked is not the total",
            because=reasons(at_work),
            also=(*broken(at_work, Aspect.KEPT), *broken(at_work, Aspect.FREED)),
        )
        return
    locked, moved = (side(account, case.rules) for side in (case.belief.locked, case.belief.moved))
    found = _discrepancies(case, account, funds, locked, moved) or _nearest(case, account, funds)
    blame = blame_late(at_work, found) if late is not None else blame_of(case, account, found, at_work)
    predicted = "; ".join(f"{d.asset} {d.part} {d.predicted}" for d in found[:4])
    seen = "; ".join(f"{d.asset} {d.part} {plain(d.seen)}" for d in found[:4])
    j.breaks(
        what,
        predicted or "a sum that some possible state explains",
        seen + (f" (right {late:.3f} s later)" if late is not None else ""),
        blame.ids,
        kind=_kind(found, late=late is not None),
        because=blame.because,
        also=blame.also,
        ends=True,
    )
    if late is None:
        _establish(j, blame)


def _nearest(case: Case, account: str, funds: Funds) -> list[Discrepancy]:
    """Where only the combination is wrong: the difference to the hull's middle explains most."""
    found = []
    for asset, span in case.belief.locked(account, case.rules).items():
        view, before = funds.get(asset, case.target.unshown), case.start[account].get(asset, case.target.unshown)
        if view.locked is not None and before.locked is not None and not span.exact:
            predicted = exactly(before.locked).plus(span)
            found.append(Discrepancy(asset=asset, part="locked", of_lock=True, predicted=predicted, seen=view.locked))
    return found


def _establish(j: Judgement, blame: Blame) -> None:
    """What funds were seen to do wrong is possible from now on."""
    known, over = j.case.rules.deviations, is_any_over(j.case, blame.orders)
    if blame.aspect is Aspect.KEPT and over:
        j.establish(replace(known, keeps=True))
    elif blame.aspect is Aspect.FREED and over:
        j.establish(replace(known, frees=True))
    elif blame.aspect is Aspect.TOTAL and not blame.cancelled:
        j.establish(replace(known, trades=True))
    elif blame.aspect is not None and not blame.cancelled and j.case.rules.lock_model is not LockModel.OBSERVED:
        j.establish(replace(known, locks=True))


def _causes_of(case: Case, account: str) -> list[CauseAt]:
    found = list(case.account_causes.get(account, ()))
    for order in case.orders.values():
        if order.terms.account == account and order.seen_pending:
            found += order.standing
    # where the account's own cancels can explain it, another account's are not named
    return [one for one in found if one.cause is not causes.OTHER_ACCOUNT] or found


def _kind(found: list[Discrepancy], *, late: bool) -> str:
    if late:
        return "funds were released late"
    words = sorted({f"{d.part} too {'high' if d.surplus else 'low'}" for d in found})
    return ", ".join(words) or "funds that no possible state explains"


# -- what fits --------------------------------------------------------------------------------------------------------


def _exercise(j: Judgement, account: str, funds: Funds) -> None:
    case = j.case
    judged = _judged(case, account, funds)
    ids = set(causes.CONSERVED) if judged.totals else set()
    kept = []
    for one in case.account_causes.get(account, ()):
        if _waits_for_its_end(case, one):
            kept.append(one)
        else:
            ids.update(_exercised_by(case, one, judged))
    j.become(account_causes={**case.account_causes, account: tuple(kept)})
    ids.update(_exercised_by_locks(case, account, judged.locks))
    locked = case.belief.locked(account, case.rules)
    predicted = ", ".join(f"{asset} {amount}" for asset, amount in sorted(locked.items()))
    shown = ", ".join(f"{asset} {plain(view.locked)}" for asset, view in sorted(funds.items()) if view.locked)
    j.fits(
        f"the balances of {account}",
        f"locked {predicted or 'nothing'}",
        shown or "nothing locked",
        tuple(sorted(ids)),
    )


def _exercised_by_locks(case: Case, account: str, judged: frozenset[str]) -> Iterator[str]:
    """What the locked amounts exercise by themselves: that a pending cancel holds its lock, that the last gives it."""
    mine = [name for name, order in case.orders.items() if order.terms.account == account]
    if any(_is_surely_pending(case, name) and _assets_of(case, name) & judged for name in mine):
        yield from causes.PENDING_RELEASED
    if mine and judged and not _is_any_live(case, mine):
        yield from causes.NOTHING_LEFT_LOCKED


def _is_any_live(case: Case, names: list[str]) -> bool:
    return any(state.status in LIVE for name in names for state in case.states(name))


def _is_surely_pending(case: Case, name: str) -> bool:
    """Whether an order's cancel was seen pending, and cannot have ended since."""
    state = case.belief.state(name) if case.orders[name].seen_pending else None
    return state is not None and state.status is Status.PENDING_CANCEL


def _waits_for_its_end(case: Case, one: CauseAt) -> bool:
    """Whether a cause speaks of funds only once its order is over, and it is not yet."""
    if one.cause not in causes.RELEASES or not one.order:
        return False
    state = case.belief.state(one.order)
    return state is None or state.status not in TERMINAL


def _exercised_by(case: Case, one: CauseAt, judged: "Judged") -> set[str]:
    touched = _assets_of(case, one.order) if one.order in case.orders else {*judged.locks, *judged.totals}
    if touched & judged.locks:
        return {*one.cause.locked, *one.cause.total}
    if touched & judged.totals:
        return {i for i in one.cause.total if i not in causes.OF_LOCKS}
    return set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The assets whose locked amounts, and whose totals, a read of balances could have shown to be wrong."""

    locks: frozenset[str]
    totals: frozenset[str]


def _judged(case: Case, account: str, funds: Funds) -> Judged:
    """What a read of balances could have shown; nothing of locks at a venue that is known to keep or free too much."""
    locked, moved = case.belief.locked(account, case.rules), case.belief.moved(account, case.rules)
    known, locks, totals = case.rules.deviations, set(), set()
    for asset, view in funds.items():
        lock_known = locked.get(asset, NOTHING).bounded and not (known.keeps or known.frees)
        trades_known = moved.get(asset, NOTHING).bounded
        by_rest = view.available is not None and lock_known and trades_known
        if by_rest or (view.locked is not None and lock_known):
            locks.add(asset)
        if by_rest or (view.total is not None and trades_known):
            totals.add(asset)
    return Judged(locks=frozenset(locks), totals=frozenset(totals))


def _assets_of(case: Case, name: str) -> set[str]:
    """The assets that an order's lock and trades are in."""
    rules = case.rules
    return {
        asset
        for state in case.states(name)
        for asset in (
            lock_of(state, rules)[0],
            rules.markets[state.terms.market].base,
            rules.markets[state.terms.market].quote,
        )
    }


def surely_available(case: Case, account: str, asset: str) -> Decimal:
    """What the account must have available of an asset, whatever others traded; nothing where nobody can say."""
    before = case.start.get(account, {}).get(asset, case.target.unshown).available
    if before is None:
        return ZERO
    moved, locked = (side(account, case.rules).get(asset, NOTHING) for side in (case.belief.moved, case.belief.locked))
    return before + moved.low - locked.high if moved.bounded and locked.bounded else ZERO


def _note_lowest(j: Judgement, account: str, funds: Funds) -> None:
    lowest = dict(j.case.lowest)
    for asset, view in funds.items():
        if view.available is not None:
            key = (account, asset)
            lowest[key] = min(lowest.get(key, view.available), view.available)
    j.become(lowest=lowest)
