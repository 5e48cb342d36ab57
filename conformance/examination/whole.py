"""An examination from the first connection to the last order, and what a run will not be able to exercise."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UserError
from conformance.examination.checks import Check, Examined, failed, ok, skipped
from conformance.examination.driving import drivers
from conformance.examination.orders import one_order
from conformance.examination.reaching import keys, reach
from conformance.examination.refusing import refused_cancels
from conformance.model.order import ACTIVE
from conformance.requirements import Capability, catalogue
from fixtures.profiles.profile import PROVIDED_BY, Profile
from fixtures.venue.client import Venue
from fixtures.venue.desk import Desk
from fixtures.venue.sweep import check_no_leftovers
from fixtures.venue.trouble import VenueTrouble


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


def _tidy(examined: Examined) -> Check:
    """Cancel what is still open of ours, and see that it is over."""
    venue, journal = examined.venue, examined.venue.desk.journal
    roles = {account.name: role for role, account in venue.account_keys.items()}
    unsure = []
    for left in journal.open_orders():
        role = roles[left.account]
        try:
            found = left.order_id
            if found is None and Capability.LIST in venue.capabilities:
                view = venue.find_by_client_id(role, left.client_id)
                found = None if view is None else view.order_id
            if found is None:
                unsure.append(left.client_id)
                continue
            venue.cancel(role, found, market=left.market)
            deadline = time.monotonic() + examined.profile.timing.pending_cancel_deadline
            while (view := venue.order(role, found, market=left.market).view) is None or view.status in ACTIVE:
                if time.monotonic() > deadline:
                    unsure.append(found)
                    break
                time.sleep(examined.profile.timing.poll_interval)
            else:
                venue.closed(found)
        except VenueTrouble:
            unsure.append(left.order_id or left.client_id)
    if unsure:
        return failed("nothing left", f"{', '.join(unsure)} may still be open; `cancel-conformance sweep` looks again")
    return ok("nothing left", "every order of this examination is over")
