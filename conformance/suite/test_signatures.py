"""SIG: who may cancel (source: Cancel Single Order, Parameters): hostile requests are refused, and have no effect."""

import pytest

from conformance.engine.explorer import Explorer
from conformance.engine.levels import LevelName
from conformance.requirements import Capability
from fixtures.attacks.files import DOCUMENTED_TRAITS
from strategies.focused import aimed_plans
from strategies.hostile import (
    attack_plans,
    battery,
    callers_without_credentials,
    control_plans,
    couples,
    disclosure_plans,
    seen_before_plans,
)

pytestmark = [pytest.mark.budget(plans=lambda level: level.share(1))]

OTHERWISE = ("payload", "named-in-headers", "sent-otherwise")
"""The classes of attacks whose signature is right, over something else than what is sent."""


def _attack(explorer: Explorer, *, percent: int) -> None:
    """Try so many percent of a level's attacks: about as many as the test's requirement has vectors."""
    requirement = explorer.requirement
    count, traits = explorer.level.share(percent), explorer.ground.traits
    attacks = battery(requirement, count=count, seed=explorer.seed, traits=traits)
    explorer.run(attack_plans(explorer.ground, attacks, title=requirement))


@pytest.mark.requirement("SIG-01", "SIG-09")
def test_correct_requests_are_accepted(explorer: Explorer) -> None:
    """A correct signature is accepted, whatever the case of the header names and the order of the header lines."""
    plans = aimed_plans(explorer.ground, states=("open", "partially filled"), events=("cancel twice",), crowd=6)
    explorer.explore(plans, plans=explorer.level.focused, first=control_plans(explorer.ground))


@pytest.mark.requirement("SIG-02")
def test_key_ids(explorer: Explorer) -> None:
    """A missing, empty or unknown key id, or one that only resembles a known one, is rejected without effect."""
    _attack(explorer, percent=6)


@pytest.mark.requirement("SIG-03")
def test_missing_signatures(explorer: Explorer) -> None:
    """A missing or empty signature is rejected without effect."""
    _attack(explorer, percent=4)


@pytest.mark.requirement("SIG-04")
def test_altered_signatures(explorer: Explorer) -> None:
    """A signature with any bit changed, cut, extended, zero, or that is not base64 is rejected without effect."""
    _attack(explorer, percent=7)
    explorer.run(seen_before_plans(explorer.ground))


@pytest.mark.requirement("SIG-05")
def test_other_keys(explorer: Explorer) -> None:
    """A signature by another key, registered, revoked or unknown, or another account's key id is rejected."""
    _attack(explorer, percent=4)


@pytest.mark.requirement("SIG-06")
def test_the_payload_is_bound(explorer: Explorer) -> None:
    """A signature over another method, path, order, query or body is rejected without effect; elsewhere too."""
    requirement = explorer.requirement
    traits = explorer.ground.traits
    attacks = battery(requirement, count=explorer.level.share(15), seed=explorer.seed, traits=traits)
    plans = attack_plans(explorer.ground, attacks, title=requirement)
    reads = (("list", 3, Capability.LIST), ("read", 1, Capability.READ))
    offered = [(name, most) for name, most, capability in reads if explorer.ground.can(capability)]
    for operation, most in (("place", 10), *offered):
        attacks = battery(requirement, operation=operation, count=most, seed=explorer.seed, traits=traits)
        plans += attack_plans(explorer.ground, attacks, operation=operation, title=requirement)
    explorer.run(plans)


@pytest.mark.requirement("SIG-07")
def test_other_schemes(explorer: Explorer) -> None:
    """Other hashes and paddings over the right payload are rejected without effect."""
    _attack(explorer, percent=6)


@pytest.mark.requirement("SIG-08")
def test_malformed_blocks(explorer: Explorer) -> None:
    """Malformed PKCS#1 v1.5 blocks, made with the account's own key, are rejected without effect (RFC 8017, 8.2.2)."""
    _attack(explorer, percent=24)


@pytest.mark.requirement("SIG-09")
def test_hostile_headers(explorer: Explorer) -> None:
    """Very long, non-ASCII and malformed header lines draw a 4xx and have no effect."""
    _attack(explorer, percent=9)


@pytest.mark.requirement("SIG-12")
def test_base64_forms(explorer: Explorer) -> None:
    """Base64 that is not canonical is rejected without effect."""
    _attack(explorer, percent=6)


@pytest.mark.requirement("SIG-13")
def test_doubled_headers(explorer: Explorer) -> None:
    """Of three key or signature headers a wrong one counts, the first or the last, whatever stands between them."""
    _attack(explorer, percent=2)


@pytest.mark.requirement("SIG-14")
def test_credentials_elsewhere(explorer: Explorer) -> None:
    """A key or a signature in a header of a similar name, in a cookie or in another header is not taken."""
    _attack(explorer, percent=2)


@pytest.mark.requirement("SIG-15")
def test_ed25519_signatures(explorer: Explorer) -> None:
    """Other spellings of an Ed25519 signature, and points of small order, are rejected without effect."""
    _attack(explorer, percent=4)


@pytest.mark.requirement("SIG-16")
def test_requests_of_another_time(explorer: Explorer) -> None:
    """A request that is too old, from the future, without a time, or that shows another than was signed is rejected."""
    _attack(explorer, percent=5)


@pytest.mark.requirement("SIG-17")
def test_counts_that_do_not_grow(explorer: Explorer) -> None:
    """A count that was used, is lower than the last one, or is no number is rejected without effect."""
    _attack(explorer, percent=4)


@pytest.mark.requirement("SIG-02", "SIG-03", "SIG-04", "SIG-05", "SIG-06", "SIG-07", "SIG-08", "SIG-12")
def test_pairs_of_flaws(explorer: Explorer) -> None:
    """Two flaws in one request do not make up for each other."""
    pairs = couples(count=explorer.level.share(5), seed=explorer.seed, traits=explorer.ground.traits)
    explorer.run(attack_plans(explorer.ground, pairs, title="two flaws"))


@pytest.mark.requirement("SIG-10")
def test_authentication_comes_first(explorer: Explorer) -> None:
    """Without valid credentials every order is answered alike: one's own in any state, a foreign one, and none."""
    callers = callers_without_credentials({LevelName.SMOKE: 3, LevelName.STANDARD: 6}.get(explorer.level.name, 8))
    explorer.run(disclosure_plans(explorer.ground, flaws=callers))


@pytest.mark.requirement("ALL-07")
def test_cancel_all_is_for_its_account_alone(explorer: Explorer) -> None:
    """A cancel-all without a valid key, or with a flawed signature where it is signed, cancels nothing."""
    share, seed, traits = explorer.level.share, explorer.seed, explorer.ground.traits
    attacks = [
        *battery(file="signatures", operation="cancel_all", count=share(8), seed=seed, traits=traits),
        *battery(attack_class=OTHERWISE, operation="cancel_all", count=share(6), seed=seed, traits=traits),
        *battery(file="headers", operation="cancel_all", count=share(2), seed=seed, traits=traits),
    ]
    if traits != DOCUMENTED_TRAITS:
        attacks += battery(file="schemes", operation="cancel_all", count=share(8), seed=seed, traits=traits)
    attacks = list({one.name: one for one in attacks}.values())
    explorer.run(attack_plans(explorer.ground, attacks, operation="cancel_all", title=explorer.requirement))
