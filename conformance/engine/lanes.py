"""Lanes: threads that run plans at the same time, each with accounts, connections and a memory of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue

from conformance.plans import Plan
from conformance.runner.execute import run_plan
from conformance.runner.memory import Memory
from conformance.trace import PlanResult
from fixtures.venue.client import Venue


@dataclass(kw_only=True, slots=True)
class Lane:
    """One lane: a client with its own accounts, and what it remembers."""

    number: int
    venue: Venue
    memory: Memory = field(default_factory=Memory)


class Lanes:
    """A fixed set of lanes; plans are handed to whichever is free. Threads: a lane mostly waits for the target."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self.lanes = list(lanes)
        self._free: SimpleQueue[Lane] = SimpleQueue()
        for lane in self.lanes:
            self._free.put(lane)
        self._pool = ThreadPoolExecutor(max_workers=len(self.lanes), thread_name_prefix="lane")

    @contextmanager
    def borrowed(self) -> Iterator[Lane]:
        """A free lane, for as long as it is needed."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def run(self, plan: Plan) -> PlanResult:
        """Run one plan on a free lane, in this thread."""
        with self.borrowed() as lane:
            return run_plan(plan, lane.venue, lane.memory, markets=lane.venue.profile.markets_of(lane.number))

    def run_all(self, plans: Iterable[Plan], go_on: Callable[[], bool]) -> Iterator[PlanResult]:
        """Run plans on all lanes, and give results as they come; no new plan is begun once ``go_on`` says no.

        What a plan raises is raised when the plans that were under way beside it have given their results.
        """
        if len(self.lanes) == 1:
            for plan in plans:
                if not go_on():
                    return
                yield self.run(plan)
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
