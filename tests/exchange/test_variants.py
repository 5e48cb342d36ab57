"""Every honest variant is served, described to the suite, and carries seeded faults as the plain exchange does."""

from typing import TYPE_CHECKING

import pytest

from conformance.errors import UserError
from fixtures.exchange.engine import Engine
from fixtures.exchange.parts import Parts
from fixtures.faults import compose
from fixtures.profiles.loading import profile_from_data
from fixtures.variants import VARIANTS, Family, beneath, chosen, profile_tables, proposed_words

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor


def test_every_variant_is_served(floor: "Floor") -> None:
    """With any one variant the exchange starts afresh and answers its state."""
    for name in VARIANTS:
        floor.control.reset(variants=[name])
        assert floor.control.state()["orders"] == {}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_profile_lines_of_a_variant_load(name: str) -> None:
    """The tables of a variant, over the bundled profile, are a profile."""
    data = {"extends": "embedded", "target": {"base_url": "http://127.0.0.1:1", "environment": "embedded"}}
    profile_from_data(data | profile_tables([name], "documented"), name=name)


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.proposed])
def test_a_proposed_word_is_one_that_no_profile_has(name: str) -> None:
    """A word that profiles have by now belongs into the variant's profile tables."""
    for key, value in proposed_words([name], "documented").items():
        tables: object = value
        for part in reversed(key.split(".")):
            tables = {part: tables}
        assert isinstance(tables, dict)
        with pytest.raises(UserError):
            profile_from_data({"extends": "embedded"} | tables, name=name)


WORDLESS = {"first-of-several-headers-counts", "last-of-several-headers-counts"}
"""Variants that only a forged request tells: of them a profile has nothing to say."""


def test_a_variant_is_described() -> None:
    """Names are lower-case words, sentences are one line, and one that shows says so in a profile's words."""
    for name, variant in VARIANTS.items():
        assert name == variant.name == name.lower().replace(" ", "-")
        assert variant.summary
        assert "\n" not in variant.summary
        assert variant.profile or variant.proposed or name in WORDLESS


def test_an_unknown_variant_is_named_with_its_neighbours() -> None:
    """A misspelt name is an error that says which names are near."""
    with pytest.raises(ValueError, match=r"'no-iok'; did you mean .*no-ioc"):
        chosen(["no-iok"], "documented")


def test_a_variant_of_one_dialect_is_refused_in_another() -> None:
    """A variant that changes what one dialect says cannot be spoken in another."""
    with pytest.raises(ValueError, match="cannot be spoken in 'token'"):
        chosen(["no-list"], "token")


def test_a_fault_stands_on_a_variant() -> None:
    """Whatever a fault overrides is found before what a variant overrides."""
    parts = beneath(compose(["lock-never-released"]), ["no-ioc"], "documented")
    names = [base.__name__ for base in parts.engine.__mro__]
    assert names.index("LockNeverReleased") < names.index("NoIoc") < names.index("Engine")
    assert beneath(Parts(), [], "documented") == Parts()


def test_a_variant_needs_its_sentence() -> None:
    """A class without a docstring cannot become a variant."""

    class Nameless(Engine):
        pass

    Nameless.__doc__ = None
    with pytest.raises(ValueError, match="needs a sentence"):
        Family("test").variant("nameless")(Nameless)
