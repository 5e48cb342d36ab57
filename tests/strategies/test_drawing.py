"""Drawing plans: the same for the same seed, few repeated, and together reaching what they are meant to reach."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import strategies as st

from conformance.engine.drawing import draw_plans
from conformance.model.order import OrderType, Side, TimeInForce
from conformance.plans import CancelAll, Expire, Fill, Place, Plan, Read, Wait
from strategies.amounts import fill_quantities
from strategies.cells import event_actions, scenes, state_actions
from strategies.focused import aimed_plans, bulk_plans, queues
from strategies.grounds import MarketShape
from strategies.lifecycles import lifecycles
from tests.strategies.plans import FREE, GROUND, MARKETS, THIRD, explored

SCENE = next(scenes(GROUND))

SCRIPT = """
from conformance.engine.drawing import draw_plans
from strategies.lifecycles import lifecycles
from tests.strategies.plans import GROUND
print(*(plan.digest for plan in draw_plans(lifecycles(GROUND), 12, seed_of="seven")))
"""


def digests(plans: list[Plan]) -> list[str]:
    """The names of plans' contents."""
    return [plan.digest for plan in plans]


def test_the_same_seed_gives_the_same_plans() -> None:
    """Drawing twice from one seed gives the same plans in the same order; another seed gives others."""
    once, again, other = (draw_plans(lifecycles(GROUND), 12, seed_of=seed) for seed in ("seven", "seven", "eight"))
    assert digests(once) == digests(again)
    assert not set(digests(once)) & set(digests(other)[3:])


def test_the_same_seed_gives_the_same_plans_in_another_process(tmp_path: Path) -> None:
    """What is drawn does not depend on the process, its hash seed, CI's settings of Hypothesis, or the folder."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "99", "CI": "true"}
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == digests(draw_plans(lifecycles(GROUND), 12, seed_of="seven"))


def test_drawn_plans_are_distinct_and_as_many_as_asked_for() -> None:
    """A budget counts distinct plans: none is drawn twice, and almost all that were asked for come."""
    found = digests(explored())
    assert len(set(found)) == len(found)
    assert len(found) >= FREE * 0.95


def test_few_drawn_plans_repeat() -> None:
    """Of what the strategy gives, at most a third is a plan that was given before."""
    drawn: list[str] = []

    def counted(plan: Plan) -> Plan:
        drawn.append(plan.digest)
        return plan

    draw_plans(lifecycles(GROUND).map(counted), 100, seed_of="repeats")
    assert len(set(drawn)) >= len(drawn) * 2 / 3


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    """A budget of none draws nothing, and plans without actions do not count."""
    assert draw_plans(lifecycles(GROUND), 0, seed_of="none") == []
    assert draw_plans(st.just(Plan(actions=())), 3, seed_of="empty") == []


def fills_of(plan: Plan) -> Counter[str]:
    """How often each order of a plan is filled."""
    return Counter(action.order for action in plan.actions if isinstance(action, Fill))


def placed(plan: Plan) -> list[Place]:
    """The placings of a plan."""
    return [action for action in plan.actions if isinstance(action, Place)]


def shape_of(place: Place) -> MarketShape:
    """The market of a placing."""
    return next(market for market in MARKETS if market.name == place.market)


def all_decimals(place: Place) -> bool:
    """Whether a quantity uses the last decimal of its market."""
    shape = shape_of(place)
    return (place.quantity / shape.step) % 10 != 0 and place.quantity / shape.step > 1000


def dust(plan: Plan) -> bool:
    """Whether fills leave exactly one step of an order."""
    for place in placed(plan):
        taken = sum((a.quantity for a in plan.actions if isinstance(a, Fill) and a.order == place.order), Decimal(0))
        if taken and place.quantity - taken == shape_of(place).step:
            return True
    return False


def both_sides(plan: Plan) -> bool:
    """Whether the first account rests on both sides of one market."""
    sides = {(place.market, place.side) for place in placed(plan) if place.account == "primary"}
    return any((market, side.opposite) in sides for market, side in sides)


GOALS: dict[str, tuple[Callable[[Plan], bool], int]] = {
    # what free exploration must reach, and in how many of its plans at the least
    "an order with exactly two fills": (lambda p: 2 in fills_of(p).values(), 10),
    "an order with three fills or more": (lambda p: any(n >= 3 for n in fills_of(p).values()), 5),
    "every decimal of a market": (lambda p: any(all_decimals(place) for place in placed(p)), 50),
    "the smallest order of a market": (
        lambda p: any(place.quantity == shape_of(place).step for place in placed(p)),
        10,
    ),
    "one step is left": (dust, 10),
    "both sides of a market": (both_sides, 20),
    "several markets": (lambda p: len({place.market for place in placed(p)}) > 1, 30),
    "a long client id": (lambda p: any((place.client_id_length or 0) >= 36 for place in placed(p)), 20),
    "a third account": (lambda p: any(place.account == THIRD for place in placed(p)), 20),
    "orders that expire": (lambda p: any(isinstance(action, Expire) for action in p.actions), 10),
    "a market order": (lambda p: any(place.type is OrderType.MARKET for place in placed(p)), 10),
    "a post-only order": (lambda p: any(place.post_only for place in placed(p)), 10),
    "more than one cancel-all": (lambda p: sum(isinstance(action, CancelAll) for action in p.actions) > 1, 10),
    "a foreign read": (lambda p: any(isinstance(a, Read) and a.account is not None for a in p.actions), 5),
    "many orders of one account": (lambda p: len(placed(p)) >= 8, 10),
    "a fifth order at one price": (
        lambda p: max(Counter((q.market, q.price) for q in placed(p)).values(), default=0) >= 5,
        3,
    ),
    "a big order": (lambda p: any(q.price is not None and q.quantity * q.price > 100_000 for q in placed(p)), 5),
}  # fmt: skip


@pytest.mark.parametrize("goal", GOALS)
def test_free_exploration_reaches_its_goals(goal: str) -> None:
    """Within the plans of a standard run, what rare faults need is there, and not once by chance."""
    reached, least = GOALS[goal]
    assert sum(map(reached, explored())) >= least


def test_a_cancel_all_of_many_has_more_than_fifty() -> None:
    """Every plan for many orders has more of them open than the profile's most, and at least fifty-one (ALL-06)."""
    for plan in draw_plans(bulk_plans(GROUND, many=True), 5, seed_of="many"):
        before = plan.actions[: next(n for n, a in enumerate(plan.actions) if isinstance(a, CancelAll))]
        assert sum(isinstance(action, Place) and action.account == "primary" for action in before) >= GROUND.many == 51


def test_a_queue_is_at_one_price() -> None:
    """All orders of a queue stand at one price of one market and side, and the first one is the plan's own."""
    for plan in draw_plans(queues(GROUND), 40, seed_of="queues"):
        orders = placed(plan)
        assert len({(place.market, place.side, place.price) for place in orders}) == 1
        assert orders[0].account == "primary"


def test_aimed_plans_reach_what_they_are_aimed_at() -> None:
    """A plan that is aimed at an expired order lets one expire; its title says what it is aimed at."""
    plans = draw_plans(aimed_plans(GROUND, states=("expired",), events=("cancel",)), 20, seed_of="aimed")
    assert {plan.title for plan in plans} == {"expired x cancel"}
    for plan in plans:
        assert Expire(order="a") in plan.actions
        assert any(place.order == "a" and place.time_in_force is TimeInForce.GTD for place in placed(plan))


def test_exploration_looks_at_what_it_did() -> None:
    """Plans wait now and then, so that what happens by itself has time to."""
    assert sum(any(isinstance(action, Wait) for action in plan.actions) for plan in explored()) >= 5
    assert {side for plan in explored() for place in placed(plan) for side in (place.side,)} == set(Side)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: state_actions("half open", SCENE, GROUND), "expected a state among .* found 'half open'"),
        (lambda: event_actions("a wish", SCENE, GROUND), "expected an event among .* found 'a wish'"),
    ],
    ids=["an unknown state", "an unknown event"],
)  # fmt: skip
def test_bad_arguments_are_explained(wrong: Callable[[], object], said: str) -> None:
    """A state or an event that nobody knows is named, with those that there are."""
    with pytest.raises(ValueError, match=said):
        wrong()


def test_a_failing_example_shows_its_values(tmp_path: Path) -> None:
    """A test that Hypothesis makes fail shows the plan that did it, in the words of the plan."""
    test = tmp_path / "test_example.py"
    test.write_text(
        "from hypothesis import Phase, given, settings\n"
        "from strategies.lifecycles import lifecycles\n"
        "from tests.strategies.plans import GROUND\n"
        "@settings(database=None, max_examples=30, phases=[Phase.generate])\n"
        "@given(lifecycles(GROUND))\n"
        "def test_it(plan):\n"
        "    assert not any(a.do == 'cancel-all' for a in plan.actions)\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(root / "pyproject.toml"), str(test)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1, told.stdout + told.stderr
    assert "CancelAll(do='cancel-all', account='" in told.stdout
    assert "Place(" in told.stdout


def test_a_part_is_never_the_whole() -> None:
    """A fill of a part leaves something, down to an order of two steps."""
    shape = MARKETS[0]
    found: set[Decimal] = set()

    def collected(part: Decimal) -> Plan:
        found.add(part)
        return Plan(actions=())

    draw_plans(fill_quantities(shape, rest=2 * shape.step).map(collected), 20, seed_of="parts")
    assert found == {shape.step}
