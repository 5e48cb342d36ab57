"""Opening a run over one target: accounts locked, lanes connected, the ground measured; and leaving nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from operator import attrgetter
from pathlib import Path

from conformance.engine.explorer import Explorer, Silent, Watcher
from conformance.engine.lanes import Lane, Lanes
from conformance.engine.levels import Level
from conformance.errors import UnreachableError, UserError
from conformance.plans import PRIMARY
from conformance.requirements import Capability, catalogue
from conformance.runner.lane_memory import LaneMemory, Recorder
from conformance.runner.plan_run import READS_REPEATED, Read
from fixtures.attacks.files import DOCUMENTED_TRAITS
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass, Unknown
from fixtures.venue.client import Venue
from fixtures.venue.desk import Desk
from fixtures.venue.sweep import close_open
from fixtures.venue.trouble import NotOffered, VenueTrouble
from strategies.grounds import Ground, MarketShape


@contextmanager
def open_session(
    profile: Profile,
    *,
    level: Level,
    seed: int,
    lanes: int = 1,
    state: Path | None = None,
    watcher: Watcher | None = None,
    stop: Callable[[], bool] = lambda: False,
    despite_foreign_orders: bool = False,
    recorder_of: Callable[[int], Recorder] | None = None,
) -> Iterator[Explorer]:
    """Open a run. Raises :class:`UserError` where the target or its accounts cannot be used as the profile says.

    ``lanes`` is bounded by the accounts that the profile has. On every way out, what the run placed is cancelled.
    ``recorder_of`` gives the recorder of a lane's number, where a history is written.
    """
    numbers = (profile.lanes or (1,))[:lanes]
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(profile, state=state))
        _ = desk.contract  # a document that cannot be used is told now, not in the middle of the run
        venues = [stack.enter_context(Venue(profile, desk=desk, lane=number)) for number in numbers]
        for venue in venues:
            desk.lock(*venue.account_keys.values())
        for venue in venues:
            check_reachable(venue)
            if not despite_foreign_orders:
                refuse_foreign_orders(venue)
        recorders = [None if recorder_of is None else recorder_of(number) for number in numbers]
        lanes_of = zip(numbers, venues, recorders, strict=True)
        pool = Lanes([Lane(number=n, venue=venue, memory=LaneMemory(recorder=r)) for n, venue, r in lanes_of])
        stack.callback(_leave_nothing, venues, desk)
        stack.callback(pool.close)
        yield Explorer(
            lanes=pool,
            ground=ground_of(venues[0]),
            level=level,
            seed=seed,
            watcher=watcher or Silent(),
            stop=stop,
        )


def _repeated(read: Callable[[], Read]) -> Read:
    """A read, made again where an answer was lost on the way; a target that takes no connection is not asked twice."""
    result = read()
    for _ in range(READS_REPEATED - 1):
        if isinstance(result.answer, Answer) or not result.answer.sent:
            break
        result = read()
    return result


def check_reachable(venue: Venue) -> None:
    """One signed request that must be understood; raises :class:`UserError` that says what came back."""
    try:
        if Capability.BALANCES in venue.capabilities:
            funds = _repeated(partial(venue.balances, PRIMARY))
            answer, understood = funds.answer, funds.balances is not None
        else:
            listed = _repeated(partial(venue.orders, PRIMARY))
            answer, understood = listed.answer, listed.views is not None
    except NotOffered:
        return
    except VenueTrouble as trouble:
        raise UnreachableError(f"{venue.profile.source}: target.base_url: {trouble}") from trouble
    exchange = answer.exchange
    asked = f"{exchange.method} {exchange.path} at {exchange.url_host}"
    if isinstance(answer, Unknown):
        raise UnreachableError(
            f"{venue.profile.source}: target.base_url: no answer to {asked}: {answer.reason}. "
            "Start the target, or correct the base URL; `cancel-conformance doctor` checks a target step by step."
        )
    if answer.is_(AnswerClass.UNAUTHENTICATED):
        raise UserError(
            f"{venue.profile.source}: accounts.{PRIMARY}: {asked} was answered HTTP {answer.status}: the target does "
            f"not accept this key or signature. It said: {exchange.response_body[:200]}"
        )
    if not understood:
        note = f" ({exchange.note})" if exchange.note else ""
        raise UserError(
            f"{venue.profile.source}: operations: the answer to {asked} is not what the profile says{note}: "
            f"HTTP {answer.status}, {exchange.response_body[:200]!r}. Correct the base URL or the operation's pointers."
        )


def refuse_foreign_orders(venue: Venue) -> None:
    """Refuse to use cancel-all on an account that has active orders which this suite did not place."""
    if Capability.CANCEL_ALL not in venue.capabilities or Capability.LIST not in venue.capabilities:
        return
    for account in venue.accounts:
        strangers = venue.foreign_orders(account)
        if strangers:
            raise UserError(
                f"{venue.profile.source}: accounts.{account} has {len(strangers)} active orders that this run did not "
                f"place (such as {strangers[0].order_id}); cancel-all would cancel them. Use an account of its own, "
                "run `cancel-conformance sweep` if an earlier run left them, or allow it with --despite-foreign-orders."
            )


def ground_of(venue: Venue) -> Ground:
    """What plans may use at this target; funds are read once, now."""
    profile = venue.profile
    rates = [rate for name in profile.markets for rate in (profile.fees_of(name).maker, profile.fees_of(name).taker)]
    fees = max(rates, default=Decimal(0)) if profile.lock.fee_reserve else Decimal(0)
    available: dict[tuple[str, str], Decimal] = {}
    if Capability.BALANCES in venue.capabilities:
        for account in venue.accounts:
            funds = _repeated(partial(venue.balances, account)).balances or {}
            for asset, view in funds.items():
                amount = view.available if view.available is not None else view.total
                if amount is not None:
                    available[account, asset] = amount
    return Ground(
        markets=tuple(
            MarketShape(
                name=name,
                base=market.base,
                quote=market.quote,
                tick=market.tick,
                step=market.step,
                min_quantity=market.smallest_order,
                max_quantity=market.max_quantity,
                buy_price=market.rest_price,
                sell_price=market.rest_price_sell or market.rest_price,
                max_notional=profile.limits.order_notional,
                isolated=market.isolated,
            )
            for name, market in profile.markets.items()
            if market.lane == 1
        ),
        abilities=venue.capabilities,
        accounts=venue.accounts,
        available=available,
        margin_asset=profile.lock.asset or "",
        margin_rate=(profile.lock.rate or Decimal(1)) + fees,
        waits_in=frozenset(name for name in profile.markets_of(1) if profile.waits_in(name)),
        rejects_unpaid=profile.drivers.reject is not None and profile.drivers.reject.how == "insufficient-funds",
        many=max(51, profile.max_open_orders + 1),
        most_open=profile.limits.open_orders,
        expiry_takes_time=profile.drivers.expire is not None and profile.drivers.expire.how == "wait",
        times_in_force=profile.order_kinds.times_in_force,
        post_only=profile.order_kinds.post_only,
        client_ids=profile.order_kinds.client_ids,
        ids_have_a_form=profile.relaxations.order_id_form == "uuid7",
        traits=profile.authentication.traits if profile.authentication.signs else DOCUMENTED_TRAITS,
    )


def missing_reasons(profile: Profile) -> dict[str, str]:
    """For each requirement that this target cannot exercise, which capability is missing."""
    offered = profile.capabilities()
    reasons = {}
    for requirement in catalogue().values():
        lacking = sorted(requirement.needs - offered)
        if lacking and requirement.applies_to(offered):
            reasons[requirement.id] = f"the target does not offer: {', '.join(lacking)}"
        elif lacking:
            reasons[requirement.id] = f"it does not apply to the target's scheme: no {', '.join(lacking)}"
        key = requirement.left_out_by
        if key and attrgetter(key)(profile) not in (False, "uuid7"):
            reasons.setdefault(requirement.id, f"the profile relaxes it: {key}")
    return reasons


def _leave_nothing(venues: list[Venue], desk: Desk) -> None:
    """Cancel whatever the journal says is still open; a target that is gone leaves it to ``sweep``."""
    close_open(desk, venues)
