"""Plans that attack: what a level sends, in which order, and with a correct request before and after."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from conformance.engine.explorer import Explorer
from conformance.engine.levels import LEVELS, LevelName
from conformance.plans import COUNTERPARTY, PRIMARY, CancelAll, Forge, Place, Plan, from_json, to_json
from conformance.requirements import Capability, catalogue
from conformance.suite.listing import ConformanceTest, conformance_tests
from conformance.verdicts import RunRecord
from fixtures.attacks.files import attack_from_json, select, vectors
from fixtures.attacks.vectors import Expectation
from strategies.grounds import Ground, MarketShape
from strategies.hostile import attack_plans, battery, control_plans, couples, disclosure_plans

MARKET = MarketShape(
    name="X-Y",
    base="X",
    quote="Y",
    tick=Decimal("0.01"),
    step=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    max_quantity=Decimal(1000),
    buy_price=Decimal(1000),
    sell_price=Decimal(1100),
)
OTHER_SCHEMES = {Capability.ED25519_SIGNATURES, Capability.TIMED_REQUESTS, Capability.COUNTED_REQUESTS}
GROUND = Ground(markets=(MARKET,), abilities=frozenset(Capability) - {Capability.OPENAPI, *OTHER_SCHEMES})
MODULES = ("test_contract", "test_identifiers", "test_signatures")
HOSTILE = tuple(
    test
    for test in conformance_tests()
    if test.name.partition("::")[0] in MODULES
    and not any(catalogue()[name].needs & OTHER_SCHEMES for name in test.requirements)
)


class Collector(Explorer):
    """Keeps the plans that a conformance test wants to run."""

    kept: list[Plan]

    def run(self, plans: object, *, lane: int | None = None) -> None:
        """Keep them."""
        assert isinstance(plans, list)
        self.kept += plans

    def explore(self, strategy: object, *, plans: int, first: Iterable[Plan] = ()) -> None:
        """Drawn plans are no attacks; those before them may be."""
        self.kept += first


def collected(level: LevelName, *, ground: Ground = GROUND, tests: tuple[ConformanceTest, ...] = HOSTILE) -> list[Plan]:
    """The plans of a level's attacks, without sending anything."""
    collector = Collector(lanes=None, ground=ground, level=LEVELS[level], seed=1, record=RunRecord())  # type: ignore[arg-type]  # nothing is run
    collector.kept = []
    for test in tests:
        collector.begin(test.name, test.requirements)
        test.function(collector)
    return collector.kept


def forged(plans: list[Plan]) -> list[Forge]:
    """The forged requests of plans, in order."""
    return [action for plan in plans for action in plan.actions if isinstance(action, Forge)]


def distinct(plans: list[Plan]) -> set[tuple[object, ...]]:
    """The distinct attacks of plans: operation, vectors and values."""
    return {(one.operation, one.vectors, one.values) for one in forged(plans)}


@pytest.mark.parametrize(("level", "least"), [("smoke", 160), ("standard", 900), ("certify", 3200)])
def test_a_level_sends_enough_distinct_attacks(level: str, least: int) -> None:
    """Smoke tries the common flaws, standard every vector, certify thousands."""
    assert len(distinct(collected(LevelName(level)))) >= least


def test_standard_walks_every_vector() -> None:
    """Every vector that applies to a cancel is sent at standard, and every one of a read, a list and a placing."""
    sent = {name for one in forged(collected(LevelName.STANDARD)) for name in one.vectors}
    assert {one.id for one in vectors().values() if one.id not in sent} == set()


def test_smoke_tries_every_common_flaw_of_a_cancel() -> None:
    """What real implementations fall for is tried on each change."""
    sent = {name for one in forged(collected(LevelName.SMOKE)) for name in one.vectors}
    assert {one.id for one in select(operation="cancel") if one.common} - sent == set()


def test_attacks_can_be_read_again_and_are_the_same_for_a_seed() -> None:
    """Every forged request is data: its attack and its plan survive JSON, and the same seed gives the same plans."""
    plans = collected(LevelName.SMOKE)
    assert [plan.digest for plan in plans] == [plan.digest for plan in collected(LevelName.SMOKE)]
    for plan in plans:
        assert from_json(to_json(plan)) == plan
    for one in forged(plans):
        attack_from_json({"vectors": list(one.vectors), "values": [list(value) for value in one.values]})


def test_a_batch_stands_between_correct_requests() -> None:
    """Every batch begins and ends with a correct request, on orders of their own, and tests one requirement."""
    for plan in attack_plans(GROUND, battery("SIG-04", count=30, seed=1)):
        sent = forged([plan])
        assert (sent[0].vectors, sent[0].order) == (("correct",), "before")
        assert (sent[-1].vectors, sent[-1].order) == (("correct",), "after")
        assert {vectors()[name].requirement for one in sent[1:-1] for name in one.vectors} == {"SIG-04"}
    for plan in attack_plans(
        GROUND, battery("SIG-04", operation="cancel_all", count=5, seed=1), operation="cancel_all"
    ):
        assert forged([plan])[-1].vectors == ("correct",)
        assert any(isinstance(action, CancelAll) for action in plan.actions)


def test_what_may_be_carried_out_has_an_order_of_its_own() -> None:
    """An attack that a correct target may accept does not take the attacked order away from the others."""
    for plan in attack_plans(GROUND, battery("NTF-06", count=31, seed=1), size=10):
        placed = {action.order for action in plan.actions if isinstance(action, Place)}
        mine = [one.order for one in forged([plan])]
        assert len(set(mine)) == len(mine)
        assert {order for order in mine if order is not None} <= placed


def test_controls_are_left_out_of_batteries() -> None:
    """A battery holds flaws alone; correct requests have plans of their own, for every operation of the account."""
    assert all(one.expect is not Expectation.ACCEPTED for one in battery(file="headers", count=90, seed=1))
    sent = forged(control_plans(GROUND))
    assert {one.operation for one in sent} == {"cancel", "read", "list", "balances"}
    assert {vectors()[name].expect for one in sent for name in one.vectors} == {Expectation.ACCEPTED}


def test_couples_are_pairs() -> None:
    """Two flaws that can stand in one request, each enough for a refusal, none twice."""
    found = couples(count=50, seed=3)
    assert len({one.name for one in found}) == len(found) == 50
    assert all(len(one.vectors) == 2 for one in found)


def test_the_unauthenticated_ask_for_every_state() -> None:
    """The same request without credentials is sent for an unknown order, a foreign one, and one's own in each state."""
    flaws = couples(count=1, seed=1)
    (plan,) = disclosure_plans(GROUND, flaws=flaws)
    asked = [one for one in forged([plan]) if one.vectors != ("correct",)]
    assert {one.order for one in asked if one.order} == {"a", "c", "d", "p", "e", "f"}
    assert {one.operation for one in asked} == {"cancel", "read"}
    assert any(one.order_id for one in asked)
    owners = {action.order: action.account for action in plan.actions if isinstance(action, Place)}
    assert owners["f"] == COUNTERPARTY
    assert owners["a"] == PRIMARY


@pytest.mark.parametrize(
    "lacking",
    [
        {Capability.CANCEL_ALL, Capability.LIST},
        {Capability.READ, Capability.FILL, Capability.EXPIRE},
        {Capability.BALANCES, Capability.HOLD_MARKET, Capability.REJECTED_ORDERS},
    ],
)
def test_plans_ask_for_nothing_that_a_target_lacks(lacking: set[Capability]) -> None:
    """Without lists, reads, fills or a second account the plans still stand."""
    ground = Ground(markets=(MARKET,), abilities=GROUND.abilities - lacking, accounts=(PRIMARY,))
    tests = tuple(test for test in HOSTILE if "cancel_all" not in test.name)
    plans = collected(LevelName.SMOKE, ground=ground, tests=tests)
    accounts = {action.account for plan in plans for action in plan.actions if isinstance(action, Place)}
    assert accounts == {PRIMARY}
    missing = {Capability.LIST: "list", Capability.READ: "read", Capability.BALANCES: "balances"}
    control = {one.operation for one in forged(control_plans(ground))}
    assert not control & {missing[one] for one in lacking if one in missing}


def test_where_ids_may_be_anything_most_texts_apply_to_any_id() -> None:
    """A small budget is not spent on what only a UUID can be; some of that is tried, for ids may be UUIDs still."""
    few = battery("NTF-06", count=6, seed=1, uuids=False)
    assert [one.vectors[0].of_uuids for one in few] == [False] * 4 + [True] * 2
    assert len({one.name for one in few}) == 6
    assert battery("SIG-04", count=9, seed=1, uuids=False) == battery("SIG-04", count=9, seed=1)
