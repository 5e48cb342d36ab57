"""ERR: what answers look like (wire facts on answers; RFC 9110)."""

import pytest

from conformance.engine.explorer import Explorer
from conformance.engine.fuzzing import fuzz_contract
from conformance.engine.levels import LevelName
from conformance.requirements import Capability
from fixtures.attacks.files import select
from fixtures.attacks.vectors import Expectation
from strategies.focused import aimed_plans
from strategies.hostile import attack_plans, battery, refusal_plans


@pytest.mark.requirement("ERR-01")
def test_odd_requests(explorer: Explorer) -> None:
    """Bodies, queries and headers where none are expected draw no error of the server."""
    harmless = select(file="headers", expect=Expectation.UNJUDGED)
    attacks = battery(explorer.requirement, also=harmless, count=explorer.level.share(10), seed=explorer.seed)
    plans = attack_plans(explorer.ground, attacks, title=explorer.requirement)
    for operation, needed in (("cancel_all", Capability.CANCEL_ALL), ("list", Capability.LIST)):
        if needed in explorer.ground.abilities:
            attacks = battery(
                explorer.requirement, operation=operation, count=explorer.level.share(2), seed=explorer.seed
            )
            plans += attack_plans(explorer.ground, attacks, operation=operation, title=explorer.requirement)
    explorer.run(plans)


@pytest.mark.requirement("ERR-02", "ERR-04", "SIG-11")
def test_answers_have_their_shape(explorer: Explorer) -> None:
    """Every answer, of success and of each refusal, is JSON of the documented shape and gives nothing away."""
    plans = aimed_plans(
        explorer.ground,
        states=("open", "canceled", "filled", "rejected"),
        events=("cancel twice", "cancel of an unknown order", "cancel-all twice"),
    )
    explorer.explore(plans, plans=explorer.level.focused, first=refusal_plans(explorer.ground))


@pytest.mark.requirement("ERR-03")
def test_wrong_methods(explorer: Explorer) -> None:
    """Another method on the path of a cancel is answered 405 or 404, and has no effect."""
    plans = []
    for operation, needed in (("cancel", None), ("cancel_all", Capability.CANCEL_ALL), ("read", Capability.READ)):
        if needed is None or needed in explorer.ground.abilities:
            attacks = battery(explorer.requirement, operation=operation, count=12, seed=explorer.seed)
            plans += attack_plans(explorer.ground, attacks, operation=operation, title=explorer.requirement)
    explorer.run(plans)


@pytest.mark.requirement("ERR-01", "ERR-02", "ERR-04")
def test_contract_by_schemathesis(explorer: Explorer) -> None:
    """What Schemathesis makes of the OpenAPI document draws answers that keep to it; left out at smoke for its time."""
    if Capability.OPENAPI in explorer.ground.abilities and explorer.level.name is not LevelName.SMOKE:
        fuzz_contract(explorer)
