"""NTF: which ids name an order (source: Cancel Single Order, Parameters; Error Handling, Order Not Found)."""

import pytest

from conformance.engine.explorer import Explorer
from conformance.plans import Plan
from conformance.requirements import Capability
from fixtures.attacks.vectors import Attack
from strategies.hostile import attack_plans, battery, newest_orders

pytestmark = [pytest.mark.budget(plans=lambda level: level.share(1))]


@pytest.mark.requirement("NTF-01")
def test_ids_that_name_no_order(explorer: Explorer) -> None:
    """Unknown ids of the past and the future, near a real one, nil, and of other UUID versions name no order."""
    count = explorer.level.share(5)
    plans = attack_plans(explorer.ground, _ids(explorer, count), title=explorer.requirement)
    explorer.run([*plans, *_reads(explorer, count // 2)])


@pytest.mark.requirement("NTF-04")
def test_malformed_ids(explorer: Explorer) -> None:
    """Ids of a wrong length, alphabet or encoding, or with anything behind a real one, are refused without effect."""
    count = explorer.level.share(18)
    plans = attack_plans(explorer.ground, _ids(explorer, count), title=explorer.requirement)
    explorer.run([newest_orders(explorer.ground), *plans, *_reads(explorer, count // 4)])


@pytest.mark.requirement("NTF-06")
def test_other_spellings(explorer: Explorer) -> None:
    """Another spelling of a real id is that order for read and cancel alike, or is refused by both."""
    attacks = _ids(explorer, explorer.level.share(6))
    explorer.run(attack_plans(explorer.ground, attacks, size=10, title=explorer.requirement))


def _ids(explorer: Explorer, count: int, *, operation: str = "cancel") -> list[Attack]:
    """Texts in the place of an order id; other ones for reads than for cancels."""
    return battery(
        explorer.requirement,
        operation=operation,
        count=count,
        seed=explorer.seed + (operation == "read"),
        uuids=explorer.ground.ids_have_a_form,
    )


def _reads(explorer: Explorer, count: int) -> list[Plan]:
    if Capability.READ not in explorer.ground.abilities:
        return []
    attacks = _ids(explorer, count, operation="read")
    return attack_plans(explorer.ground, attacks, operation="read", title=explorer.requirement)
