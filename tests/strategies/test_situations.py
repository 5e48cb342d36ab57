"""The grammar of situations: every pair of words that go together is met, and soon; each plan can be played."""

from itertools import combinations

import pytest

from conformance.engine.levels import LEVELS, LevelName
from conformance.plans import Cancel, CancelAll, Expire, Fill, Place, Wait
from conformance.requirements import Capability
from strategies.grounds import Ground
from strategies.situations import EVENTS, MOMENTS, NEIGHBOURS, STATES, situation_plans, situations, whole_funds
from tests.strategies.plans import BARE, GROUND, MARKETS


def pairs(words: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    """The pairs of words of one situation."""
    return set(combinations(enumerate(words), 2))


def test_every_word_is_met_by_a_short_run_and_every_pair_by_a_longer_one() -> None:
    """The first plans bring the most pairs that no earlier one had, so that a budget is never spent on one word."""
    wanted = {pair for situation in situations() for pair in pairs(situation.words)}
    for level, met in ((LevelName.SMOKE, {*STATES, *EVENTS, *NEIGHBOURS, *MOMENTS}), (LevelName.STANDARD, wanted)):
        first = situations()[: LEVELS[level].situations]
        found = {word for one in first for word in one.words} | {pair for one in first for pair in pairs(one.words)}
        assert met <= found


def test_no_situation_comes_twice() -> None:
    """The order runs through all of them, each once."""
    assert len(set(situations())) == len(situations())


@pytest.mark.parametrize("lacking", [Capability.FILL, Capability.EXPIRE, Capability.CANCEL_ALL, Capability.HOLD_MARKET])
def test_what_a_target_lacks_is_left_out(lacking: Capability) -> None:
    """No plan asks for what the target cannot be made to do, and the others take its place."""
    ground = Ground(
        markets=MARKETS,
        abilities=GROUND.abilities - {lacking},
        accounts=GROUND.accounts,
        available=GROUND.available,
    )
    plans = situation_plans(ground, most=60)
    assert len(plans) == 60
    for plan in plans:
        asked = {
            Capability.FILL: plan.title.startswith("partially") or " fill of all" in plan.title,
            Capability.EXPIRE: any(isinstance(action, Expire) for action in plan.actions)
            or any(isinstance(action, Place) and action.lifetime for action in plan.actions),
            Capability.CANCEL_ALL: any(isinstance(action, CancelAll) for action in plan.actions),
            Capability.HOLD_MARKET: "held" in plan.title,
        }
        assert not asked[lacking], plan.title


def test_the_end_at_a_deadline_comes_just_before_it() -> None:
    """The plan waits for the order's own deadline, and sends the cancel next."""
    plans = [plan for plan in situation_plans(GROUND, most=120) if "at its deadline" in plan.title]
    assert plans
    for plan in plans:
        at = next(n for n, action in enumerate(plan.actions) if isinstance(action, Wait))
        wait, end = plan.actions[at], plan.actions[at + 1]
        assert isinstance(wait, Wait)
        assert wait.before_deadline_of == "a"
        assert isinstance(end, Cancel | CancelAll)


def test_an_event_deep_in_a_queue_has_orders_on_both_sides_of_it() -> None:
    """The third of five stands behind two orders of its price and before two, and all that is left is met."""
    plan = next(p for p in situation_plans(GROUND, most=120) if "third of five" in p.title and p.title[:4] == "open")
    queue = [action.order for action in plan.actions if isinstance(action, Place)]
    assert queue == ["ahead0", "ahead1", "a", "behind0", "behind1"]
    assert [action.order for action in plan.actions if isinstance(action, Fill)] == ["ahead0", "behind1"]


def test_whole_funds_are_taken_where_a_few_orders_can_take_them() -> None:
    """Orders take all there is, one more than are needed; where nothing exhausts the funds there is no plan."""
    plans = whole_funds(GROUND)
    assert [plan.title.split(" of an")[0] for plan in plans] == ["cancel", "expiry", "cancel-all", "cancel of a part"]
    assert all(place.whole_funds for plan in plans for place in plan.actions if isinstance(place, Place))
    assert whole_funds(BARE) == []
