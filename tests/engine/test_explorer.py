"""The explorer: distinct plans, findings repeated and counted, everything recorded, and an orderly end."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count
from threading import Barrier, Event

import pytest
from hypothesis import strategies as st

from conformance.engine.explorer import Explorer, NonconformityError, RunStoppedError
from conformance.engine.lanes import Lanes
from conformance.engine.variants import joined
from conformance.model.order import Side
from conformance.plans import COUNTERPARTY, Cancel, Expire, Fill, Place, Plan, Read, Wait
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding, RunRecord, Verdict, judgements
from fixtures.venue.trouble import TargetUnavailable
from strategies.grounds import MarketShape
from tests.engine.conftest import Listener, Script, violation, waits


def verdict(record: RunRecord, requirement: str) -> Verdict:
    """What a record says of a requirement."""
    return next(j.verdict for j in judgements(record, missing={}) if j.requirement.id == requirement)


def order(name: str) -> Place:
    """An order that rests."""
    return Place(order=name, market="M", side=Side.BUY, quantity=Decimal(3), price=Decimal(10))


class TestDistinctPlans:
    """A budget counts distinct plans."""

    def test_a_plan_is_run_once(self, explorer: Explorer, script: Script) -> None:
        """A plan that comes again, from whichever test and under whichever title, is counted and not run again."""
        explorer.run([waits(1), waits(2), waits(1)])
        explorer.begin("test_another", ())
        explorer.run([replace(waits(2), title="another title"), waits(3)])
        assert script.ran == [waits(1), waits(2), waits(3)]
        assert (explorer.record.plans, explorer.record.repeated_plans) == (3, 2)

    def test_plans_that_do_nothing_are_passed_over(self, explorer: Explorer, script: Script) -> None:
        """A plan for something that the target does not offer has no actions, and is neither run nor counted."""
        explorer.run([Plan(actions=(), title="not offered")])
        assert script.ran == []

    def test_exploring_draws_as_many_as_it_is_asked_for(self, explorer: Explorer, script: Script) -> None:
        """First come the given plans, then so many drawn ones, all of them different."""
        strategy = st.integers(0, 3600).map(lambda seconds: waits(float(seconds)))
        explorer.explore(strategy, plans=20, first=[waits(0.5)])
        assert script.ran[0] == waits(0.5)
        assert len({plan.digest for plan in script.ran}) == len(script.ran) == 21

    def test_tests_draw_plans_of_their_own(self, explorer: Explorer, script: Script) -> None:
        """The same strategy gives another test other plans, and the same test the same ones."""
        strategy = st.integers(0, 3600).map(lambda seconds: waits(float(seconds)))
        explorer.explore(strategy, plans=8)
        mine, script.ran = script.ran, []
        explorer.begin("test_another", ())
        explorer.explore(strategy, plans=8)
        assert set(mine) != set(script.ran)
        explorer.done.clear()
        script.ran = []
        explorer.begin("test_something", ())
        explorer.explore(strategy, plans=8)
        assert script.ran == mine

    def test_waiting_for_expiries_has_a_budget(self, explorer: Explorer, script: Script) -> None:
        """Where expiries are waited for, plans beyond the level's number of them are run without."""
        ground = replace(explorer.ground, expiry_takes_time=True)
        patient = replace(explorer, ground=ground, level=replace(explorer.level, expiries=2))
        plans = [replace(waits(n), actions=(*waits(n).actions, Expire(order="a"))) for n in range(1, 5)]
        patient.run(plans)
        assert script.ran == [*plans[:2], waits(3), waits(4)]

    def test_expiries_that_take_no_time_are_not_counted(self, explorer: Explorer, script: Script) -> None:
        """A target that is told to let an order expire is told so as often as plans want it."""
        plans = [replace(waits(n), actions=(*waits(n).actions, Expire(order="a"))) for n in range(1, 5)]
        replace(explorer, level=replace(explorer.level, expiries=0)).run(plans)
        assert script.ran == plans


class TestFindings:
    """What a plan shows is repeated, counted, recorded and told."""

    def test_a_steady_finding(self, explorer: Explorer, script: Script) -> None:
        """A violation that shows each time is FAIL with all of its runs, and ends the test that speaks for it."""
        script.shows = lambda plan: [violation()] if Wait(seconds=2) in plan.actions else []
        with pytest.raises(NonconformityError, match=r"CXL-01: it: expected this, seen that \(failed 4 of 4\)"):
            explorer.run([waits(1), waits(2), waits(3)])
        assert waits(3) not in script.ran
        (finding,) = explorer.record.findings.values()
        assert (finding.failed, finding.runs, finding.intermittent) == (4, 4, False)
        assert verdict(explorer.record, "CXL-01") is Verdict.FAIL

    def test_an_intermittent_finding(self, explorer: Explorer, script: Script) -> None:
        """A violation that shows in some runs of the same plan is INTERMITTENT with k of n, and is never dropped."""
        number = count(1)
        script.shows = lambda _: [violation()] if next(number) in (1, 3) else []
        with pytest.raises(NonconformityError, match="failed 2 of 4"):
            explorer.run([waits(1)])
        assert verdict(explorer.record, "CXL-01") is Verdict.INTERMITTENT

    def test_a_finding_that_never_shows_again(self, explorer: Explorer, script: Script) -> None:
        """A violation that was seen once is kept with the run that showed it, as one of so many."""
        number = count(1)
        script.shows = lambda _: [violation()] if next(number) == 1 else []
        with pytest.raises(NonconformityError, match="failed 1 of 4"):
            explorer.run([waits(1, 2)])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan == waits(1, 2)
        assert verdict(explorer.record, "CXL-01") is Verdict.INTERMITTENT

    def test_another_plan_that_shows_it_again_is_kept_in_its_place(self, explorer: Explorer, script: Script) -> None:
        """A plan that showed a violation once, by another lane's help or by chance, gives way to one that shows it."""
        explorer.wanted = ("CXL-08",)
        script.shows = lambda plan: [violation()] if plan == waits(3) or script.ran == [waits(1)] else []
        explorer.run([waits(1), waits(2), waits(3)])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan == waits(3)
        assert (finding.failed, finding.runs, finding.count) == (4, 4, 2)
        assert verdict(explorer.record, "CXL-01") is Verdict.FAIL

    def test_plans_that_never_show_it_again_are_not_repeated_for_ever(self, explorer: Explorer, script: Script) -> None:
        """Three plans are repeated; further ones that show a violation once are only counted."""
        explorer.wanted = ("CXL-08",)
        script.shows = lambda plan: [violation()] if script.times(plan) == 1 else []
        explorer.run([waits(number) for number in range(1, 9)])
        (finding,) = explorer.record.findings.values()
        assert (finding.failed, finding.count) == (1, 8)
        assert finding.result.plan == waits(1)
        assert sum(script.times(waits(number)) > 1 for number in range(1, 9)) == 3

    def test_a_plan_is_made_small_by_itself(self, explorer: Explorer, script: Script) -> None:
        """A small plan does not know what earlier ones have shown: it shows the violation to whoever has it."""
        script.shows = lambda _: [violation()]
        with pytest.raises(NonconformityError):
            explorer.run([waits(1, 2, 3, 4)])
        (lane,) = explorer.lanes.lanes
        repeated = 1 + explorer.level.repeats
        assert all(memory is lane.memory for memory in script.memories[:repeated])
        assert len(script.memories) > repeated
        assert not any(memory is lane.memory for memory in script.memories[repeated:])

    def test_a_plan_that_lives_on_an_earlier_run_is_kept_twice_over(self, explorer: Explorer, script: Script) -> None:
        """What a plan shows only after it has been run before, it shows by itself when it is done twice in one."""
        once, double = waits(1), joined(waits(1), waits(1))
        known: set[int] = set()

        def shows(plan: Plan) -> list[Violation]:
            (lane,) = explorer.lanes.lanes
            if plan.digest == double.digest:
                return [violation()]
            first = id(script.memories[-1]) not in known
            known.add(id(script.memories[-1]))
            return [violation()] if not first and script.memories[-1] is lane.memory else []

        script.shows = shows
        explorer.run([waits(2)])
        with pytest.raises(NonconformityError):
            explorer.run([once])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan.actions == double.actions
        assert finding.first_size == len(double.actions)
        assert (finding.failed, finding.runs) == (4, 4)

    def test_a_plan_that_needs_others_orders_is_kept_beside_one(self, explorer: Explorer, script: Script) -> None:
        """What a plan shows only while another lane has an order open, it shows by itself beside such an order."""
        plan = Plan(actions=(Wait(seconds=1), order("a")))

        def shows(ran: Plan) -> list[Violation]:
            beside = any(isinstance(a, Place) and a.account == COUNTERPARTY for a in ran.actions)
            return [violation()] if beside or len(script.ran) == 1 else []

        script.shows = shows
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([plan])
        (finding,) = explorer.record.findings.values()
        (kept,) = finding.result.plan.actions
        assert kept == replace(order("company"), account=COUNTERPARTY, quantity=kept.quantity)  # type: ignore[union-attr]  # it is a place

    def test_a_plan_that_another_one_has_prepared_is_kept_with_it(self, explorer: Explorer, script: Script) -> None:
        """What a plan shows only after the one that its lane ran before, it shows by itself in one plan with that."""

        def shows(ran: Plan) -> list[Violation]:
            prepared = Wait(seconds=1) in ran.actions or script.ran == [waits(1), waits(2)]
            return [violation()] if prepared and Wait(seconds=2) in ran.actions else []

        script.shows = shows
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([waits(1), waits(2)])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan.actions == waits(1, 2).actions

    def test_a_plan_that_was_seen_late_by_chance_is_kept_with_a_later_look(
        self, explorer: Explorer, script: Script
    ) -> None:
        """What comes after a plan has ended, and was seen by chance, shows where its orders are looked at later."""

        def shows(ran: Plan) -> list[Violation]:
            later = any(isinstance(a, Read) for a in ran.actions) and any(isinstance(a, Wait) for a in ran.actions)
            return [violation()] if later or len(script.ran) == 1 else []

        script.shows = shows
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([Plan(actions=(order("a"), Cancel(order="a")))])
        (finding,) = explorer.record.findings.values()
        assert {type(action) for action in finding.result.plan.actions} == {Wait, Read}

    @pytest.mark.parametrize("isolated", [True, False])
    def test_nobody_elses_orders_are_swept(self, explorer: Explorer, script: Script, isolated: bool) -> None:
        """Opposite orders that sweep the book are tried only where no stranger's order can stand there."""
        one = Decimal(1)
        shape = MarketShape(
            name="M", base="B", quote="Q", tick=one, step=one, min_quantity=one, max_quantity=100 * one,
            buy_price=10 * one, sell_price=20 * one, isolated=isolated,
        )  # fmt: skip
        explorer.ground = replace(explorer.ground, markets=(shape,))
        script.shows = lambda _: [violation()] if len(script.ran) == 1 else []
        with pytest.raises(NonconformityError):
            explorer.run([Plan(actions=(order("a"), Fill(order="a", quantity=one)))])
        filled = [action.quantity for plan in script.ran for action in plan.actions if isinstance(action, Fill)]
        assert (max(filled) > 3) is isolated

    def test_a_helper_that_shows_it_once_is_not_kept(self, explorer: Explorer, script: Script) -> None:
        """Another plan stands for the finding only where it shows it twice in a row: once may be by chance."""
        script.shows = lambda _: [violation()] if len(script.ran) in (2, 2 + explorer.level.repeats + 1) else []
        with pytest.raises(NonconformityError, match="failed 1 of 4"):
            explorer.run([waits(1), waits(2)])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan == waits(2)

    def test_a_plan_whose_remains_end_every_repetition_is_made_small_all_the_same(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, script: Script
    ) -> None:
        """What stays open ends a second run with trouble; a smaller plan that gets by is kept, and counted."""
        original = script.run_plan

        def run_plan(plan: Plan, *rest: object, **named: object) -> PlanResult:
            result = original(plan, *rest, **named)
            if len(script.ran) > 1 and Wait(seconds=2) in plan.actions:
                return replace(result, violations=[], trouble="an order of an earlier plan is still open")
            return replace(result, violations=[violation()] if Wait(seconds=1) in plan.actions else [])

        monkeypatch.setattr("conformance.engine.lanes.run_plan", run_plan)
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([waits(1, 2, 3)])
        (finding,) = explorer.record.findings.values()
        assert finding.result.plan == waits(1)

    @pytest.mark.parametrize(
        ("requirement", "repeated"), [("FND-01", "0.3"), ("PND-04", "0.3"), ("CXL-06", "3"), ("ERR-02", "3")]
    )
    def test_what_costs_funds_is_repeated_with_small_quantities(
        self, explorer: Explorer, script: Script, requirement: str, repeated: str
    ) -> None:
        """The account loses with every run what stays locked: there, a cheaper plan that shows it comes first."""
        small = Decimal("0.1")

        def placed(plan: Plan) -> Decimal:
            return next((action.quantity for action in plan.actions if isinstance(action, Place)), Decimal(0))

        script.shows = lambda plan: [violation(requirement)] if placed(plan) > small else []
        explorer.wanted = (requirement,)
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([Plan(actions=(order("a"),))])
        in_full = [
            placed(plan)
            for plan, memory in zip(script.ran, script.memories, strict=True)
            if memory is explorer.lanes.lanes[0].memory
        ]
        assert in_full[1:] == [Decimal(repeated)] * explorer.level.repeats
        (finding,) = explorer.record.findings.values()
        assert placed(finding.result.plan) == Decimal("0.3")

    def test_a_requirement_that_was_broken_once_stays_broken(self, explorer: Explorer, script: Script) -> None:
        """Where every repetition breaks the second requirement alone, the first was broken all the same."""
        seen = [violation("PND-04", "PND-01"), violation("PND-01")]
        explorer.wanted = ("PND-01",)
        script.shows = lambda _: [seen[len(script.ran) > 1]]
        with pytest.raises(NonconformityError):
            explorer.run([waits(1, 2)])
        (finding,) = explorer.record.findings.values()
        assert finding.violation.requirements == ("PND-01", "PND-04")

    def test_one_fault_seen_in_several_ways_fails_every_time(self, explorer: Explorer, script: Script) -> None:
        """What is seen of a breach may differ with what a read comes between: it has failed every time all the same."""
        number = count(1)
        script.shows = lambda _: [replace(violation(), kind=f"seen in way {next(number) % 3}")]
        with pytest.raises(NonconformityError, match="failed 4 of 4"):
            explorer.run([waits(1, 2)])
        assert verdict(explorer.record, "CXL-01") is Verdict.FAIL

    def test_a_repetition_that_is_given_up_has_not_passed(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, script: Script
    ) -> None:
        """A run that trouble ended before it could show anything says nothing for the target."""
        original = script.run_plan

        def run_plan(plan: Plan, *rest: object, **named: object) -> PlanResult:
            result = original(plan, *rest, **named)
            if len(script.ran) > 1:
                return replace(result, violations=[], trouble="an order of an earlier plan is still open")
            return replace(result, violations=[violation()])

        monkeypatch.setattr("conformance.engine.lanes.run_plan", run_plan)
        with pytest.raises(NonconformityError, match="failed 1 of 1"):
            explorer.run([waits(1, 2)])
        assert verdict(explorer.record, "CXL-01") is Verdict.FAIL

    def test_equal_violations_are_one_finding(self, explorer: Explorer, script: Script) -> None:
        """The same requirement broken in the same way by several plans is one finding with a count."""
        script.shows = lambda _: [violation("ALL-01")]
        explorer.run([waits(1), waits(2), waits(3)])
        (finding,) = explorer.record.findings.values()
        assert finding.count == 3
        assert script.times(waits(2)) == 1  # known already: it is not repeated

    def test_a_finding_of_another_requirement_stops_nothing(self, explorer: Explorer, script: Script) -> None:
        """A test goes on over what it does not speak for; that is recorded, and its verdict is FAIL all the same."""
        script.shows = lambda plan: [violation("FND-02")] if plan == waits(1) else []
        explorer.run([waits(1), waits(2)])
        assert waits(2) in script.ran
        assert verdict(explorer.record, "FND-02") is Verdict.FAIL

    def test_whoever_watches_is_told_at_once(self, explorer: Explorer, script: Script) -> None:
        """A watcher hears of each test, each plan and each new finding."""
        script.shows = lambda plan: [violation("FND-02")] if plan == waits(2) else []
        explorer.run([waits(1), waits(2)])
        watcher = explorer.watcher
        assert isinstance(watcher, Listener)
        assert (watcher.began_with, watcher.plans, watcher.results) == (["test_something"], 2, 2)
        assert watcher.findings == list(explorer.record.findings.values())

    def test_a_violation_of_an_earlier_plan_is_repeated_with_that_plan(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, script: Script
    ) -> None:
        """Where a plan only noticed what an earlier one had done, the earlier one is repeated and made small."""
        guilty = waits(7, 8)

        def shows(plan: Plan) -> list[Violation]:
            return [violation()]

        script.shows = shows
        original = script.run_plan

        def run_plan(plan: Plan, *rest: object, **named: object) -> PlanResult:
            result = original(plan, *rest, **named)
            return replace(result, suspect=guilty) if plan == waits(1) else result

        monkeypatch.setattr("conformance.engine.lanes.run_plan", run_plan)
        with pytest.raises(NonconformityError):
            explorer.run([waits(1)])
        assert script.ran[1] == guilty

    def test_a_search_for_one_violation_ends_with_it(self, explorer: Explorer, script: Script) -> None:
        """Where one violation is looked for, nothing is repeated and no further plan is run once it is found."""
        explorer.stop_at_first = frozenset({"FND-02"})
        script.shows = lambda plan: [violation("FND-02")] if plan == waits(2) else []
        explorer.run([waits(1), waits(2), waits(3)])
        assert script.ran == [waits(1), waits(2)]
        assert explorer.satisfied


class TestTheEnd:
    """A run that cannot go on ends with what it has."""

    def test_an_interrupt_lets_no_further_plan_begin(self, explorer: Explorer, script: Script) -> None:
        """Once the run is asked to stop, no plan begins, and what was not reached is INCONCLUSIVE with the reason."""
        explorer.stop = lambda: len(script.ran) >= 2
        with pytest.raises(RunStoppedError, match="interrupted"):
            explorer.run([waits(1), waits(2), waits(3)])
        assert len(script.ran) == 2
        (judgement,) = [j for j in judgements(explorer.record, missing={}) if j.requirement.id == "CXL-01"]
        assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "the run was interrupted")

    def test_an_interrupt_ends_repeating_and_making_small(self, explorer: Explorer, script: Script) -> None:
        """A finding that is made small when the run is stopped stays as far as it had come."""
        script.shows = lambda _: [violation()]
        explorer.stop = lambda: len(script.ran) >= 3
        with pytest.raises(NonconformityError):
            explorer.run([waits(1, 2, 3)])
        assert len(script.ran) == 3
        assert explorer.record.findings

    def test_a_target_that_goes_away_ends_the_run(self, explorer: Explorer, script: Script) -> None:
        """Trouble with the target ends the run; what was exercised before keeps its verdict."""

        def shows(plan: Plan) -> list[Violation]:
            if plan == waits(2):
                raise TargetUnavailable("8 requests in a row had no answer")
            return []

        script.shows = shows
        with pytest.raises(RunStoppedError, match="8 requests"):
            explorer.run([waits(1), waits(2), waits(3)])
        assert explorer.record.stopped == "8 requests in a row had no answer"
        assert verdict(explorer.record, "CXL-08") is Verdict.PASS
        assert verdict(explorer.record, "CXL-01") is Verdict.INCONCLUSIVE

    def test_a_finding_outlives_a_target_that_goes_away_while_it_is_repeated(
        self, explorer: Explorer, script: Script
    ) -> None:
        """What was found before the target went away is recorded and told, whatever was still to be repeated."""

        def shows(plan: Plan) -> list[Violation]:
            if len(script.ran) > 2:
                raise TargetUnavailable("gone")
            return [violation()]

        script.shows = shows
        with pytest.raises(NonconformityError):
            explorer.run([waits(1)])
        watcher = explorer.watcher
        assert isinstance(watcher, Listener)
        assert [f.violation.requirements for f in watcher.findings] == [("CXL-01",)]
        assert explorer.record.stopped == "gone"
        assert verdict(explorer.record, "CXL-01") is Verdict.FAIL

    def test_a_stopped_run_stays_stopped(self, explorer: Explorer, script: Script) -> None:
        """After the end no test runs another plan."""
        explorer.record.stopped = "gone"
        with pytest.raises(RunStoppedError, match="gone"):
            explorer.run([waits(1)])
        assert script.ran == []


class TestLanes:
    """Lanes run plans at the same time, each plan once, and lose nothing."""

    def test_a_finding_is_repeated_on_its_lane(
        self, explorer: Explorer, script: Script, lanes: Callable[[int], Lanes]
    ) -> None:
        """What the accounts and markets of one lane have shown is repeated with them, though other lanes are free."""
        explorer.lanes = lanes(3)
        plan = waits(1, 2, 3)
        shown = explorer.lanes.run(plan, number=2)
        assert shown.lane == 2
        script.shows = lambda _: [violation()]
        explorer.confirm(Finding(violation=violation(), result=shown, test="", first_size=3))
        assert len(script.ran) > 3
        assert all(venue is explorer.lanes.lanes[1].venue for venue in script.venues)

    def test_every_plan_is_run_once_on_several_lanes(
        self, explorer: Explorer, script: Script, lanes: Callable[[int], Lanes]
    ) -> None:
        """Four lanes share the plans: each is run once, each result is recorded, and requests add up."""
        explorer.lanes = lanes(4)
        plans = [waits(number) for number in range(60)]
        explorer.run(plans)
        assert sorted(p.digest for p in script.ran) == sorted(p.digest for p in plans)
        assert (explorer.record.plans, explorer.record.requests) == (60, 180)

    def test_lanes_really_run_at_the_same_time(self, lanes: Callable[[int], Lanes], script: Script) -> None:
        """Two plans that wait for each other end on two lanes."""
        barrier = Barrier(2, timeout=5)

        def shows(plan: Plan) -> list[Violation]:
            barrier.wait()
            return []

        script.shows = shows
        assert len(list(lanes(2).run_all([waits(1), waits(2)], lambda: True))) == 2

    def test_an_exception_travels_and_loses_no_other_result(
        self, lanes: Callable[[int], Lanes], script: Script
    ) -> None:
        """What a plan raises is raised to whoever explores, after the results of the plans beside it."""
        raised = Event()

        def shows(plan: Plan) -> list[Violation]:
            if plan == waits(1):
                raised.set()
                raise TargetUnavailable("gone")
            assert raised.wait(5)
            return [violation()]

        script.shows = shows
        results = lanes(2).run_all([waits(1), waits(2), waits(3)], lambda: True)
        assert next(results).plan == waits(2)
        with pytest.raises(TargetUnavailable, match="gone"):
            next(results)
        assert waits(3) not in script.ran

    def test_no_plan_begins_after_the_word(self, lanes: Callable[[int], Lanes], script: Script) -> None:
        """Once nothing more may begin, lanes finish what is under way and end."""
        results = list(lanes(3).run_all((waits(n) for n in range(50)), lambda: len(script.ran) < 10))
        assert len(results) == len(script.ran) < 14

    def test_kept_plans_run_on_the_lane_that_showed_them(
        self, explorer: Explorer, lanes: Callable[[int], Lanes], script: Script
    ) -> None:
        """Evidence names its lane; where a run has fewer lanes, any runs its plan. What is found stops nothing."""
        explorer.lanes = lanes(3)
        explorer.wanted = ()
        script.shows = lambda plan: [violation()] if plan == waits(1) else []
        explorer.run_each([(waits(1), 2), (waits(2), 3), (waits(3), 9)])
        numbers = {plan.digest: venue.number for plan, venue in zip(script.ran, script.venues, strict=True)}  # type: ignore[attr-defined]  # scripted
        assert (numbers[waits(1).digest], numbers[waits(2).digest]) == (2, 3)
        assert waits(3).digest in numbers
        assert explorer.record.findings
