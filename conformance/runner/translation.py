"""From a profile to the model's rules, and from a plan's placing to an order's terms."""

from decimal import Decimal

from conformance.model.order import Status, Terms, TimeInForce
from conformance.model.rules import FeeAsset, FeeReserve, LockModel, MarketRules, Priority, TradePrice, VenueRules
from conformance.plans import Expire, Place, Plan
from conformance.runner.waiting import now
from fixtures.profiles.profile import Profile
from fixtures.venue.desk import Desk

FAR = 3_600.0
"""Seconds until the deadline of an order that a plan does not let expire by waiting."""


def venue_rules(profile: Profile) -> VenueRules:
    """What the model needs to know of a target."""
    lock = profile.lock
    places = [places for name in profile.markets if (places := profile.fees_of(name).decimals) is not None]
    return VenueRules(
        markets={
            name: MarketRules(
                symbol=name,
                base=market.base,
                quote=market.quote,
                maker_fee=profile.fees_of(name).maker,
                taker_fee=profile.fees_of(name).taker,
                fee_asset=FeeAsset(profile.fees_of(name).charged),
                isolated=market.isolated,
                dust=profile.matching.dust * market.step,
                tick=market.tick,
            )
            for name, market in profile.markets.items()
        },
        lock_model=LockModel(lock.model),
        margin_rate=lock.rate or Decimal(1),
        margin_asset=lock.asset or "",
        fee_reserve=_FEE_RESERVES[lock.fee_reserve],
        fee_precision=min(places, default=None),
        clock_tolerance=profile.timing.clock_tolerance,
        rejected_may_be_unknown=profile.relaxations.rejected_order_has_no_id,
        pending_deadline=_longest_pending(profile),
        delays_cancels=_delays_cancels(profile),
        shows_old_status=_shows_old_status(profile),
        gone=frozenset(profile.order.purged),
        trade_price=TradePrice(profile.matching.trade_price),
        priority=Priority(profile.matching.priority),
    )


_FEE_RESERVES = {False: FeeReserve.NONE, True: FeeReserve.LOCKED, "quote": FeeReserve.QUOTE}


def _delays_cancels(profile: Profile) -> bool:
    """Whether a cancel may be pending: only where the profile has a word for it, or a time for it to show."""
    return Status.PENDING_CANCEL in profile.vocabulary.status or _shows_old_status(profile)


def _shows_old_status(profile: Profile) -> bool:
    return Status.PENDING_CANCEL not in profile.vocabulary.status and profile.timing.cancel_delay > 0


def _longest_pending(profile: Profile) -> float:
    timing = profile.timing
    return timing.cancel_delay if _shows_old_status(profile) else timing.pending_cancel_deadline


def terms_of(
    action: Place, market: str, plan: Plan, profile: Profile, desk: Desk, *, client_id: str | None = None
) -> Terms:
    """The terms of an order that is placed now in ``market``; a deadline is whole milliseconds after the epoch.

    ``client_id``: the one that it is to have, where it is another order's.
    """
    expires_at = None
    if action.time_in_force is TimeInForce.GTD:
        expires_at = round((now() + _lifetime(action, plan, profile)) * 1000) / 1000
    return Terms(
        account=action.account,
        market=market,
        side=action.side,
        type=action.type,
        quantity=action.quantity,
        price=action.price,
        time_in_force=action.time_in_force,
        expires_at=expires_at,
        client_id=client_id or (None if (length := action.client_id_length) is None else desk.client_ids.of(length)),
        post_only=action.post_only,
    )


def _lifetime(action: Place, plan: Plan, profile: Profile) -> float:
    """Seconds until the deadline of an order: soon where the plan waits for it, far away otherwise."""
    driver = profile.drivers.expire
    if driver is None:
        return action.lifetime or FAR
    if action.lifetime is not None:
        return action.lifetime if driver.how == "control" else max(action.lifetime, driver.shortest)
    waited_for = any(isinstance(a, Expire) and a.order == action.order for a in plan.actions)
    return driver.shortest + profile.timing.clock_tolerance if driver.how == "wait" and waited_for else FAR
