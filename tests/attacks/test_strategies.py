"""The strategies: what they draw, how they are narrowed, and what they refuse."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fixtures.attacks import Attack, Expectation, VectorError, attack_from_json, select
from strategies.identifiers import malformed_ids, order_ids, other_spellings, unknown_ids
from strategies.signatures import controls, flaw_pairs, hostile_headers, signature_flaws

HEADERS = ("SIG-09", "SIG-13", "SIG-14", "ERR-01")

ONE: dict[str, SearchStrategy[Attack]] = {
    "flaws": signature_flaws(),
    "bulk flaws": signature_flaws(operation="cancel_all"),
    "pairs": flaw_pairs(),
    "headers": hostile_headers(),
    "controls": controls(),
    "ids": order_ids(),
    "ids of reads": order_ids(operation="read"),
}


@given(data=st.data())
def test_what_is_drawn_is_an_attack_that_can_be_kept(data: st.DataObject) -> None:
    """Every strategy draws attacks that survive their JSON form, with all open values chosen."""
    drawn = data.draw(ONE[data.draw(st.sampled_from(sorted(ONE)))])
    assert attack_from_json(drawn.to_json()) == drawn
    assert len(drawn.values) == sum(len(one.parameters) for one in drawn.vectors)


@pytest.mark.parametrize(
    ("strategy", "holds"),
    [
        (signature_flaws(requirement="SIG-08"), lambda one: one.requirements == ("SIG-08",)),
        (
            signature_flaws(requirement="SIG-08", attack_class="degenerate"),
            lambda one: one.vectors[0].attack_class == "degenerate",
        ),
        (signature_flaws(operation="place"), lambda one: "place" in one.vectors[0].operations),
        (flaw_pairs(requirement="SIG-12"), lambda one: len(one.vectors) == 2 and "SIG-12" in one.requirements),
        (hostile_headers(), lambda one: one.requirements[0] in HEADERS and one.expect is not Expectation.ACCEPTED),
        (controls(), lambda one: one.expect is Expectation.ACCEPTED),
        (unknown_ids(), lambda one: one.expect is Expectation.NOT_FOUND),
        (malformed_ids(), lambda one: one.requirements == ("NTF-04",)),
        (other_spellings(), lambda one: one.requirements == ("NTF-06",)),
        (order_ids(attack_class="other-version"), lambda one: one.expect is Expectation.NOT_FOUND_OR_MALFORMED),
    ],
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_strategy_keeps_to_what_it_was_asked_for(
    strategy: SearchStrategy[Attack], holds: Callable[[Attack], bool], data: st.DataObject
) -> None:
    """Requirement, class and operation narrow what is drawn."""
    assert holds(data.draw(strategy))


def test_flaws_are_never_acceptable() -> None:
    """What a standard lets pass is not drawn as a flaw."""
    drawable = {one.id for one in select(file="signatures", operation="cancel")} - {"correct", "pkcs1-missing-null"}
    assert _drawn(signature_flaws(), 800) <= drawable


@pytest.mark.parametrize(
    "build",
    [
        lambda: signature_flaws(requirement="NTF-04"),
        lambda: signature_flaws(operation="withdraw"),
        lambda: signature_flaws(requirement="SIG-08", attack_class="other-key"),
        lambda: flaw_pairs(requirement="SIG-09"),
        lambda: hostile_headers(operation="balances"),
        lambda: order_ids(requirement="SIG-08"),
        lambda: order_ids(attack_class="nonsense"),
    ],
)
def test_a_combination_without_vectors_is_refused(build: Callable[[], SearchStrategy[Attack]]) -> None:
    """A strategy that could draw nothing is an error when it is built, and says what was asked for."""
    with pytest.raises(VectorError, match="no attack vector with"):
        build()


def test_drawing_goes_on_finding_others() -> None:
    """Most of what is drawn has not been drawn before."""
    names: set[str] = set()

    @settings(max_examples=1500, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(one=st.one_of(flaw_pairs(), signature_flaws(), order_ids()))
    def collect(one: Attack) -> None:
        names.add(one.name)

    collect()
    assert len(names) > 1000


def _drawn(strategy: SearchStrategy[Attack], count: int) -> set[str]:
    found: set[str] = set()

    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(one=strategy)
    def collect(one: Attack) -> None:
        found.update(vector.id for vector in one.vectors)

    collect()
    return found
