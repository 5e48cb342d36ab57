"""What to try in the place of an order id (NTF-01, NTF-04, NTF-06), in requests that are signed correctly."""

from hypothesis.strategies import SearchStrategy

from fixtures.attacks.files import select
from fixtures.attacks.vectors import Attack, Expectation
from strategies.attacks import attacks_of


def order_ids(
    *, operation: str = "cancel", requirement: str | None = None, attack_class: str | tuple[str, ...] | None = None
) -> SearchStrategy[Attack]:
    """Texts that are no order's id in its own spelling.

    ``requirement`` and ``attack_class`` (``unknown``, ``other-version``, ``malformed``, ``trailing``, ``text``,
    ``spelling``) narrow the choice.

    Raises:
        VectorError: if no vector is left.
    """
    return attacks_of(
        select(file="identifiers", operation=operation, requirement=requirement, attack_class=attack_class)
    )


def unknown_ids(*, operation: str = "cancel") -> SearchStrategy[Attack]:
    """Well-formed UUIDs of version 7 that name no order: past, future, and near the real one (NTF-01)."""
    return attacks_of(select(file="identifiers", operation=operation, expect=Expectation.NOT_FOUND))


def malformed_ids(*, operation: str = "cancel") -> SearchStrategy[Attack]:
    """Ids that are refused as malformed, or with another 4xx where they change the path (NTF-04)."""
    return order_ids(operation=operation, attack_class=("malformed", "trailing", "text"))


def other_spellings(*, operation: str = "cancel") -> SearchStrategy[Attack]:
    """Other spellings of the real id (NTF-06); read and cancel must agree on each."""
    return order_ids(operation=operation, attack_class="spelling")
