"""What an order locks and a trade costs, as seen, beside what the profile says."""

from collections.abc import Mapping
from decimal import Decimal

from conformance.examination.checks import Check, Examined, failed, ok, skipped, warning
from conformance.judging.causes import RELEASED_EXACTLY
from conformance.model.amounts import NOTHING, Span
from conformance.model.ledger import locks_of
from conformance.model.lifecycle import OrderState
from conformance.model.order import Side, Status, Terms
from conformance.model.rules import LockModel
from conformance.requirements import Capability, catalogue
from conformance.runner.translation import venue_rules
from fixtures.profiles.trading import Fees, Market
from fixtures.venue.answers import Answer, BalanceView
from fixtures.venue.reading import unshown
from fixtures.venue.sweep import READS_REPEATED

UNKNOWN = BalanceView()
"""What is known of an asset that balances do not show."""

_EXACTLY = ", ".join(RELEASED_EXACTLY)

FEES_UNKNOWN = ("[fees]", 'charged = "unknown"')
"""The lines for fees that no rate tells: totals are then judged by differences."""

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
    locks = dict(locks_of(state, rules))
    asset = next(iter(locks))
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
    unit = _unit(*before.values(), *now.values())
    listed = ", ".join(f"{amount:f} {name}" for name, amount in found.items()) or "nothing"
    if any(amount < 0 for amount in found.values()):
        return failed("lock", f"nothing is locked, and more is free than before: {listed}. No line makes that right")
    if not found:
        hides = f"A run calls that a nonconformity ({_EXACTLY}); model 'observed' would take it for what an order locks"
        return failed("lock", f"balances do not show that the order locks anything. {hides}")
    if rules.lock_model is LockModel.OBSERVED:
        return ok("lock", f"the order locks {listed}")
    if all(_holds(locks.get(name, NOTHING), found.get(name, Decimal(0)), unit) for name in {*found, *locks}):
        return ok("lock", f"the order locks {listed}, as model '{rules.lock_model}' says")
    says = ", ".join(f"{span} {name}" for name, span in locks.items())
    lines = _lines(examined.shape, terms, found, unit)
    hides = f". What is learned so from each order, a run cannot call wrong ({_EXACTLY})" if OBSERVED in lines else ""
    return failed("lock", f"the order locks {listed}; the profile says {says}{hides}", *lines)


def _unit(*views: BalanceView) -> Decimal:
    """How far two of these balances may differ that are equal but for their rounding."""
    places = [view.decimals for view in views if view.decimals is not None]
    return 2 * Decimal(1).scaleb(-min(places)) if places else Decimal(0)


def _holds(span: Span, amount: Decimal, unit: Decimal) -> bool:
    return span.low - unit <= amount <= span.high + unit


OBSERVED = 'model = "observed"'
_SPOT = ("[lock]", 'model = "spot"')


def _lines(market: Market, terms: Terms, found: Mapping[str, Decimal], unit: Decimal) -> tuple[str, ...]:
    """The lock model that comes closest; where none does, it is learned order by order."""
    if terms.price is None:
        return ("[lock]", OBSERVED)
    notional = terms.quantity * terms.price
    if terms.side is Side.SELL and abs(found.get(market.base, Decimal(0)) - terms.quantity) <= unit:
        fee = found.get(market.quote, Decimal(0)) / notional
        if len(found) == 1:
            return (*_SPOT, "fee_reserve = false")
        if len(found) == 2 and 0 < fee < HIGHEST_FEE:
            return (*_SPOT, 'fee_reserve = "quote"')
    if len(found) == 1 and terms.side is Side.BUY:
        asset, amount = next(iter(found.items()))
        rate = amount / notional
        if asset == market.quote and abs(amount - notional) <= unit:
            return (*_SPOT, "fee_reserve = false")
        if 0 < rate < 1:
            return ("[lock]", 'model = "margin"', f'rate = "{rate.normalize():f}"', f'asset = "{asset}"')
        if 1 < rate < 1 + HIGHEST_FEE:
            return (*_SPOT, "fee_reserve = true")
    return ("[lock]", OBSERVED)


HIGHEST_FEE = Decimal("0.05")
"""What is locked beside an order's notional is its fee up to here, as a fraction of the notional."""


def fee_check(
    examined: Examined, terms: Terms, executed: Decimal, before: Funds, now: Funds, *, taker: bool = False
) -> Check:
    """What the maker of a trade paid for it, or its taker, beside the profile's rate."""
    market, profile = examined.shape, examined.profile
    fees = profile.fees_of(examined.market)
    if fees.charged == "unknown" or profile.lock.model != "spot":
        return skipped("fees", "totals are judged by differences: fees need not be known")
    if not _shows_totals(before, now, market.base, market.quote):
        return skipped("fees", "balances do not show enough to see what a trade costs")
    changed = {
        asset: _total(now, asset, market.base) - _total(before, asset, market.base)
        for asset in (market.base, market.quote)
    }
    bought = terms.side is Side.BUY
    price = terms.price or Decimal(0)
    cost = executed * price
    base = changed[market.base] - (executed if bought else -executed)
    quote = changed[market.quote] - (-cost if bought else cost)
    exact = _unit(*before.values(), *now.values())
    in_base = abs(base) > exact
    paid_in, paid, of = ("received", -base, executed) if in_base else ("quote", -quote, cost)
    return _told(fees, "taker" if taker else "maker", paid, of, exact, paid_in=paid_in, bought=bought)


def _told(fees: Fees, who: str, paid: Decimal, of: Decimal, exact: Decimal, *, paid_in: str, bought: bool) -> Check:
    """What a party paid for a trade of ``of`` units, in the base (``received``) or in the quote."""
    says, unit = fees.taker if who == "taker" else fees.maker, fees.decimals
    rate = (paid / of).normalize() if of else Decimal(0)
    if paid_in == "received" and not bought:
        return failed("fees", f"the {who} sold, and paid {paid:f} of what he gave: no word says so", *FEES_UNKNOWN)
    if abs(paid - says * of) <= exact and (not says or paid_in == fees.charged or (paid_in == "quote" and not bought)):
        return ok("fees", f"the {who} pays {rate:f} of it, as the profile says")
    if unit is not None and abs(paid - says * of) < Decimal(1).scaleb(-unit):
        return ok("fees", f"the {who} pays {paid:f}, the profile's rate rounded to {unit} places")
    told = f"the {who} paid {paid:f} of {of:f} ({rate:f}); the profile says {says}, '{fees.charged}'"
    if abs(rate) >= 1:
        return failed("fees", f"{told}. No rate is so high: a flat fee is one that nobody knows", *FEES_UNKNOWN)
    # where a seller pays says nothing: in the quote he pays in what he receives
    charged = (f'charged = "{paid_in}"',) if bought else ()
    return failed("fees", told, "[fees]", f'{who} = "{rate:f}"', *charged)


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
