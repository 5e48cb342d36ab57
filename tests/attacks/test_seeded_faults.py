"""The attacks against exchanges with seeded faults: each fault is caught by its requirement, the honest one by none."""

from collections.abc import Iterable, Iterator

import pytest

from fixtures.attacks import Attack, AttackVector, attack, by_turns, select
from fixtures.faults import FAULTS, Fault
from tests.attacks.battery import Battery, Deviation, plain_attacks

FAMILIES = {"signatures", "payloads", "schemes", "encodings", "malformed-ids"}
# What shows in the answers of correct requests, not in those to attacks.
ELSEWHERE = {"SIG-01"}
CAUGHT_HERE = [one for one in FAULTS.values() if one.family in FAMILIES and one.requirement not in ELSEWHERE]


def deviations(battery: Battery, fault: Fault) -> Iterator[Deviation]:
    """What the attacks of the fault's requirement find, in the order in which a run sends them."""
    requirement = fault.requirement
    if requirement == "NTF-06":
        yield from battery.spelled(plain_attacks(operation="cancel", requirement=requirement))
    elif requirement == "ALL-07":
        yield from battery.run(_in_turn(select(operation="cancel_all", file="signatures")), "cancel_all")
    else:
        yield from battery.run(_in_turn(select(operation="cancel", requirement=requirement)), "cancel")
        if requirement == "SIG-06":
            yield from battery.run(plain_attacks(operation="place", requirement=requirement), "place")


def _in_turn(vectors: Iterable[AttackVector]) -> list[Attack]:
    return [attack(one) for one in by_turns(vectors)]


@pytest.mark.parametrize("operation", ["cancel", "cancel_all", "read", "place", "list", "balances"])
def test_the_honest_exchange_is_accused_by_no_attack(battery: Battery, operation: str) -> None:
    """Every vector goes as it must, and no refused request has an effect."""
    battery.fresh()
    assert list(battery.run(plain_attacks(operation=operation), operation)) == []


def test_the_honest_exchange_reads_no_other_spelling(battery: Battery) -> None:
    """Read and cancel agree on every other spelling of an id."""
    battery.fresh()
    assert list(battery.spelled(plain_attacks(operation="cancel", requirement="NTF-06"))) == []


@pytest.mark.parametrize("fault", CAUGHT_HERE, ids=lambda one: one.name)
def test_a_seeded_fault_is_caught_by_its_requirement(battery: Battery, fault: Fault) -> None:
    """An attack that belongs to the fault's requirement goes otherwise than it must."""
    battery.fresh(fault.name)
    found = next(deviations(battery, fault), None)
    assert found is not None
    assert fault.requirement in ("ALL-07", found.requirement)


def test_enough_faults_are_seeded() -> None:
    """Many ways to let the wrong ones in are seeded, of every requirement on signatures and ids."""
    seeded = {one.requirement for one in FAULTS.values()}
    assert {f"SIG-{number:02d}" for number in range(1, 15)} | {"NTF-01", "NTF-04", "NTF-06"} <= seeded
    assert {"ERR-01", "ERR-02", "ERR-03", "ERR-04"} <= seeded
    assert len([one for one in FAULTS.values() if one.requirement.startswith(("SIG", "NTF", "ERR"))]) >= 60
