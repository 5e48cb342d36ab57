"""An examination from the first connection to the last order, and what a run will not be able to exercise."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UserError
from conformance.examination.checks import Check, Examined, failed, ok, skipped, warning
from conformance.examination.driving import drivers
from conformance.examination.orders import one_order
from conformance.examination.reaching import keys, reach
from conformance.examination.refusing import refused_cancels
from conformance.judging.bulk_cancels import MANY
from conformance.requirements import Capability, catalogue, touched_by
from fixtures.profiles.profile import PROVIDED_BY, Profile
from fixtures.venue.client import Venue
from fixtures.venue.desk import Desk
from fixtures.venue.sweep import check_no_leftovers, close_open
from fixtures.venue.trouble import VenueTrouble

ROOM = 2
"""Orders that are open beside those that cancel-all takes: another account's, and one that fills."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A capability that the profile does not offer, what would offer it, and the requirements that need it."""

    capability: Capability
    provided_by: str
    requirements: tuple[str, ...]


class Examination:
    """Examines one target, once; the checks come as they are made.

    Afterwards ``words`` holds each status word seen with its meaning, ``answers`` what each operation answered.
    """

    def __init__(self, profile: Profile, *, state: Path | None = None) -> None:
        self.profile = profile
        self.words: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self._state = state

    def checks(self) -> Iterator[Check]:
        """Every check, gentle ones first; what was placed is cancelled at the end, whatever happened."""
        profile = self.profile
        if profile.target.base_url is None or not profile.accounts:
            missing = "target.base_url" if profile.target.base_url is None else "accounts.primary"
            raise UserError(f"{profile.source}: {missing} is missing; without it there is nothing to examine.")
        reached = list(reach(profile))
        yield from reached
        if any(check.outcome == "failed" for check in reached):
            yield skipped("keys", "the target cannot be reached")
            return
        with Desk(profile, state=self._state) as desk, Venue(profile, desk=desk) as venue:
            desk.lock(*venue.account_keys.values())
            check_no_leftovers(profile, desk)
            market = next(iter(profile.markets), "")
            examined = Examined(profile=profile, venue=venue, market=market, words=self.words, answers=self.answers)
            try:
                yield from self._live(examined)
            except VenueTrouble as trouble:
                yield failed("target", str(trouble))
            finally:
                left = _tidy(examined)
            yield left

    def _live(self, examined: Examined) -> Iterator[Check]:
        yield from keys(examined)
        if not examined.usable:
            yield skipped("orders", "the keys do not work yet")
            return
        if not examined.market:
            yield skipped("orders", "the profile has no market: add a table [markets.NAME]")
            return
        yield from one_order(examined)
        if examined.usable:
            yield from refused_cancels(examined)
        yield from drivers(examined)
        yield from _many_orders(self.profile)

    def gaps(self) -> tuple[Gap, ...]:
        """What a run at this target will not exercise, and which table of the profile would change that."""
        offered = self.profile.capabilities()
        found: dict[Capability, list[str]] = {}
        for requirement in catalogue().values():
            for capability in requirement.needs - offered:
                found.setdefault(capability, []).append(requirement.id)
        return tuple(
            Gap(capability=capability, provided_by=PROVIDED_BY[capability], requirements=tuple(found[capability]))
            for capability in Capability
            if capability in found
        )


def _many_orders(profile: Profile) -> Iterator[Check]:
    """What a run needs to see cancel-all of many orders (ALL-06); so many are not placed to examine a target."""
    if Capability.CANCEL_ALL not in profile.capabilities():
        return
    asking = ", ".join(touched_by("max_open_orders"))
    wanted, allowed = max(MANY, profile.max_open_orders), profile.limits.open_orders
    if allowed < wanted + ROOM:
        yield warning(
            "many orders", f"with limits.open_orders = {allowed} no run can have {wanted} open, as {asking} asks"
        )
        return
    where = f"where the venue allows fewer, lower limits.open_orders: {asking} is then INCONCLUSIVE, and told so"
    yield skipped("many orders", f"not tried: a run has {wanted} and a few more open at once ({asking}); {where}")


def _tidy(examined: Examined) -> Check:
    """Cancel what is still open of ours, and see that it is over."""
    left = close_open(examined.venue.desk, (examined.venue,))
    if not left:
        return ok("nothing left", "every order of this examination is over")
    named = "; ".join(f"{order.order_id or order.client_id}: {reason}" for order, reason in left)
    return failed("nothing left", f"{named}. `cancel-conformance sweep` looks again")
