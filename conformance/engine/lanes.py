"""Lanes: threads that run plans at the same time, each with accounts, connections and a memory of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from threading import Condition

from conformance.model.deviations import Deviations
from conformance.plans import Forge, Plan
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.attacks.accounts import attack_keys
from fixtures.attacks.files import vectors
from fixtures.attacks.keys import ALWAYS
from fixtures.attacks.steps import NotApplicable
from fixtures.venue.client import Venue


@dataclass(kw_only=True, slots=True)
class Lane:
    """One lane: a client with its own accounts, what it remembers, and the plan that it has run last."""

    number: int
    venue: Venue
    memory: LaneMemory = field(default_factory=LaneMemory)
    last: Plan | None = None

    def lacks(self, plan: Plan) -> int:
        """How many of the keys that the plan forges with this lane's accounts do not have, such as a revoked one."""
        known = vectors()
        wanted = {
            (action.account, role)
            for action in plan.actions
            if isinstance(action, Forge)
            for name in action.vectors
            if name in known
            for role in known[name].roles - ALWAYS
        }
        return sum(
            self._lacks(account, {role for _, role in mine}) for account, mine in groupby(sorted(wanted), itemgetter(0))
        )

    def _lacks(self, account: str, roles: set[str]) -> int:
        if account not in self.venue.account_keys:
            return len(roles)
        try:
            return len(attack_keys(self.venue.account_keys, role=account).lacking(roles))
        except NotApplicable:
            return len(roles)


class Lanes:
    """A fixed set of lanes; a plan is handed to one that is free and suits it. Threads: a lane mostly waits."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self.lanes = list(lanes)
        self._free = list(self.lanes)
        self._changed = Condition()
        self._pool = ThreadPoolExecutor(max_workers=len(self.lanes), thread_name_prefix="lane")

    @contextmanager
    def borrowed(self, plan: Plan | None = None, number: int | None = None) -> Iterator[Lane]:
        """A free lane for as long as it is needed: that of this number, or one that lacks least of the plan's needs."""
        named = [lane for lane in self.lanes if lane.number == number]
        suited = named or (self.lanes if plan is None else self._suited(plan))
        with self._changed:
            self._changed.wait_for(lambda: any(lane in suited for lane in self._free))
            lane = next(lane for lane in self._free if lane in suited)
            self._free.remove(lane)
        try:
            yield lane
        finally:
            with self._changed:
                self._free.append(lane)
                self._changed.notify_all()

    def come_to_rest(self) -> None:
        """Wait until no plan is under way: what a lane shows from then on is not another lane's doing."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._free) == len(self.lanes))

    def _suited(self, plan: Plan) -> list[Lane]:
        lacking = [lane.lacks(plan) for lane in self.lanes]
        least = min(lacking)
        return [lane for lane, lacks in zip(self.lanes, lacking, strict=True) if lacks == least]

    def run(
        self,
        plan: Plan,
        *,
        number: int | None = None,
        by_itself: bool = False,
        taken_for: Deviations | None = None,
    ) -> PlanResult:
        """Run one plan in this thread, on the lane of this number or a free one.

        ``by_itself``: without what earlier plans have shown; ``taken_for``: with this alone of what the target is known
        to do wrong, so that the plan shows the rest again.
        """
        with self.borrowed(plan, number) as lane:
            memory = lane.memory.by_itself() if by_itself else lane.memory
            known = lane.memory.known
            if taken_for is not None:
                memory.known = replace(memory.known.unprejudiced(), deviations=taken_for)
            if memory.recorder is not None:
                memory.recorder.unprejudiced = taken_for is not None
            try:
                result = run_plan(plan, lane.venue, memory, markets=lane.venue.profile.markets_of(lane.number))
            finally:
                lane.memory.after(memory)
                if taken_for is not None:
                    lane.memory.known = lane.memory.known.prejudiced_as(known)
            result.lane, result.before, lane.last = lane.number, lane.last, plan
            return result

    def establish(self, deviations: Deviations) -> None:
        """Let every lane know what one has seen the target do wrong."""
        for lane in self.lanes:
            known = lane.memory.known
            lane.memory.known = replace(known, deviations=known.deviations.with_those_of(deviations))

    def run_all(
        self, plans: Iterable[Plan], go_on: Callable[[], bool], *, number: int | None = None
    ) -> Iterator[PlanResult]:
        """Run plans on all lanes, or on that of this number, and give results as they come.

        No new plan is begun once ``go_on`` says no.
        What a plan raises is raised when the plans that were under way beside it have given their results.
        """
        if number is not None or len(self.lanes) == 1:
            for plan in plans:
                if not go_on():
                    return
                yield self.run(plan, number=number)
            return
        waiting = iter(plans)
        under_way: set[Future[PlanResult]] = set()
        exhausted = False
        problem: BaseException | None = None
        while under_way or not exhausted:
            while not exhausted and len(under_way) < len(self.lanes) and go_on():
                following = next(waiting, None)
                if following is None:
                    exhausted = True
                    break
                under_way.add(self._pool.submit(self.run, following))
            if not go_on():
                exhausted = True
            if not under_way:
                continue
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                raised = future.exception()
                if raised is None:
                    yield future.result()
                else:
                    problem, exhausted = problem or raised, True
        if problem is not None:
            raise problem

    def close(self) -> None:
        """Let the threads end; the clients belong to whoever opened them."""
        self._pool.shutdown(wait=True, cancel_futures=True)
