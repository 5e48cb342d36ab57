"""What an order locks and a trade costs, as seen, beside what the profile says."""

from collections.abc import Mapping
from decimal import Decimal

from conformance.examination.checks import Check, Examined, failed, ok, skipped, warning
from conformance.model.ledger import lock_of
from conformance.model.lifecycle import OrderState
from conformance.model.order import Side, Status, Terms
from conformance.model.rules import LockModel
from conformance.requirements import Capability, catalogue
from conformance.runner.translation import venue_rules
from fixtures.venue.answers import Answer, BalanceView
from fixtures.venue.reading import unshown
from fixtures.venue.sweep import READS_REPEATED

UNKNOWN = BalanceView()
"""What is known of an asset that balances do not show."""

Funds = Mapping[str, BalanceView]


def funds_now(examined: Examined, account: str) -> Funds:
    """The balances of an account; none where the target has none to show."""
    if Capability.BALANCES not in examined.venue.capabilities:
        return {}
    for _ in range(READS_REPEATED):
        read = examined.venue.balances(account)
        if isinstance(read.answer, Answer):
            break
    examined.saw("balances", read.answer)
    return read.balances or {}


def taken(before: Funds, now: Funds) -> dict[str, Decimal]:
    """By asset, how much more is locked than before; where that is not shown, how much less is available."""
    found: dict[str, Decimal] = {}
    for asset in sorted({*before, *now}):
        then, later = before.get(asset, UNKNOWN), now.get(asset, UNKNOWN)
        if then.locked is not None and later.locked is not None:
            difference = later.locked - then.locked
        elif then.available is not None and later.available is not None:
            difference = then.available - later.available
        else:
            continue
        if difference:
            found[asset] = difference
    return found


def lock_check(examined: Examined, terms: Terms, before: Funds, now: Funds) -> Check:
    """What the order was seen to lock, and the lock model that says so."""
    shown = now.get(examined.shape.quote) or next(iter(now.values()), UNKNOWN)
    if shown.locked is None and shown.available is None:
        blind = ", ".join(one.id for one in catalogue().values() if one.judged and Capability.LOCKS in one.needs)
        shown_alone = "balances show a total alone: what orders lock cannot be seen"
        return warning("lock", f"{shown_alone}, and {blind} will not be exercised")
    rules = venue_rules(examined.profile)
    state = OrderState(name="examined", terms=terms, status=Status.OPEN, arrival=1)
    asset, predicted = lock_of(state, rules)
    nothing = unshown(examined.profile.operations.balances)
    found = taken({asset: nothing, **before}, {asset: nothing, **now})
    if asset not in now and nothing == UNKNOWN:
        return warning(
            "lock",
            f"balances do not show {asset}, which the order locks: its lock is not judged. Where they leave out what "
            "the account has nothing of, say so",
            "[operations.balances]",
            'absent = "zero"',
        )
    listed = ", ".join(f"{amount:f} {name}" for name, amount in found.items()) or "nothing"
    if rules.lock_model is LockModel.OBSERVED:
        return ok("lock", f"the order locks {listed}")
    if set(found) <= {asset} and predicted.holds(found.get(asset, Decimal(0))):
        return ok("lock", f"the order locks {listed}, as model '{rules.lock_model}' says")
    return failed("lock", f"the order locks {listed}; the profile says {predicted} {asset}", *_lines(terms, found))


def _lines(terms: Terms, found: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The lock model that comes closest; where none does, it is learned order by order."""
    if len(found) == 1 and terms.price is not None:
        asset, amount = next(iter(found.items()))
        rate = amount / (terms.quantity * terms.price)
        if 0 < rate < 1 and terms.side is Side.BUY:
            return ("[lock]", 'model = "margin"', f'rate = "{rate.normalize():f}"', f'asset = "{asset}"')
        if 1 < rate < Decimal("1.05"):
            return ("[lock]", 'model = "spot"', "fee_reserve = true")
    return ("[lock]", 'model = "observed"')


def fee_check(examined: Examined, terms: Terms, executed: Decimal, before: Funds, now: Funds) -> Check:
    """What the maker of a trade paid for it, beside the profile's rate."""
    market, profile = examined.shape, examined.profile
    fees = profile.fees_of(examined.market)
    if fees.charged == "unknown" or profile.lock.model != "spot":
        return skipped("fees", "totals are judged by differences: fees need not be known")
    changed = (
        {
            asset: _total(now, asset, market.base) - _total(before, asset, market.base)
            for asset in (market.base, market.quote)
        }
        if _shows_totals(before, now, market.base, market.quote)
        else None
    )
    if changed is None:
        return skipped("fees", "balances do not show enough to see what a trade costs")
    bought = terms.side is Side.BUY
    price = terms.price or Decimal(0)
    cost = executed * price
    base = changed[market.base] - (executed if bought else -executed)
    quote = changed[market.quote] - (-cost if bought else cost)
    paid_in, paid, of = ("received", -base, executed) if base else ("quote", -quote, cost)
    rate = paid / of if of else Decimal(0)
    if rate == fees.maker and (not rate or paid_in == fees.charged or (paid_in == "quote" and not bought)):
        return ok("fees", f"the maker pays {rate.normalize():f} of it, as the profile says")
    if fees.decimals is not None and abs(paid - fees.maker * of) < Decimal(1).scaleb(-fees.decimals):
        return ok("fees", f"the maker pays {paid:f}, the profile's rate rounded to {fees.decimals} places")
    return failed(
        "fees",
        f"the maker paid {paid:f} of {of:f} ({rate.normalize():f}); the profile says {fees.maker} in '{fees.charged}'",
        "[fees]",
        f'maker = "{rate.normalize():f}"',
        f'charged = "{paid_in}"',
    )


def _shows_totals(before: Funds, now: Funds, *assets: str) -> bool:
    return all(
        view.total is not None or (view.available is not None and view.locked is not None)
        for funds in (before, now)
        for asset in assets
        for view in (funds.get(asset, UNKNOWN),)
    )


def _total(funds: Funds, asset: str, base: str) -> Decimal:
    view = funds.get(asset, UNKNOWN)
    return view.total if view.total is not None else (view.available or Decimal(0)) + (view.locked or Decimal(0))
