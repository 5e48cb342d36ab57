"""What to try on a signed request: flaws of the signature, alone and in pairs, and hostile header lines.

The requirements are SIG-01 to SIG-09, SIG-12 to SIG-14, and ERR-01 for headers that are no matter of credentials. Every
strategy draws an :class:`~fixtures.attacks.vectors.Attack`: the vectors and all of their open values (which bit, which
place, how many bytes). Nothing is sent, and nothing is signed, while drawing.
"""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fixtures.attacks.batteries import pairs
from fixtures.attacks.files import select
from fixtures.attacks.vectors import Attack, Expectation
from strategies.attacks import attacks_of, with_values

REFUSED = frozenset({Expectation.UNAUTHENTICATED, Expectation.REFUSED})


def signature_flaws(
    *, operation: str = "cancel", requirement: str | None = None, attack_class: str | None = None
) -> SearchStrategy[Attack]:
    """One flaw of the signature, the key or the payload, never acceptable to a conformant target.

    ``requirement`` (``SIG-08``) and ``attack_class`` (``garbage-behind``) narrow the choice.

    Raises:
        VectorError: if no vector is left.
    """
    return attacks_of(
        one
        for one in select(file="signatures", operation=operation, requirement=requirement, attack_class=attack_class)
        if one.expect in REFUSED
    )


def flaw_pairs(*, operation: str = "cancel", requirement: str | None = None) -> SearchStrategy[Attack]:
    """Two flaws in one request, each enough for a refusal; ``requirement`` is tested by at least one of them.

    Raises:
        VectorError: if the requirement has no flaw for this operation.
    """
    if requirement is not None:
        select(file="signatures", operation=operation, requirement=requirement)
    couples = [
        couple
        for couple in pairs(select(file="signatures", operation=operation))
        if requirement is None or requirement in (couple[0].requirement, couple[1].requirement)
    ]
    return st.sampled_from(couples).flatmap(lambda couple: with_values(*couple))


def hostile_headers(*, operation: str = "cancel") -> SearchStrategy[Attack]:
    """Header lines that must be refused, or may be, and never draw a 5xx (SIG-09, SIG-13, SIG-14, ERR-01)."""
    return attacks_of(
        one for one in select(file="headers", operation=operation) if one.expect is not Expectation.ACCEPTED
    )


def controls(*, operation: str = "cancel") -> SearchStrategy[Attack]:
    """Correct requests in other guises, which must be accepted: header names in any case, other orders of the lines."""
    return attacks_of(select(operation=operation, expect=Expectation.ACCEPTED))
