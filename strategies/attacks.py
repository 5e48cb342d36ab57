"""Drawing attacks: a vector, and a value for all that it leaves open (which bit, which place, how many bytes)."""

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fixtures.attacks.vectors import Attack, AttackVector, Parameter, Scalar


def attacks_of(vectors: Iterable[AttackVector]) -> SearchStrategy[Attack]:
    """Attacks of one vector each, every vector as often as any other."""
    return st.sampled_from(list(vectors)).flatmap(lambda vector: with_values(vector))


def with_values(*vectors: AttackVector) -> SearchStrategy[Attack]:
    """Attacks of exactly these vectors, with every open value drawn."""
    open_values = [(vector.id, parameter) for vector in vectors for parameter in vector.parameters]

    def complete(drawn: tuple[Scalar, ...]) -> Attack:
        values = tuple(
            (owner, parameter.name, value) for (owner, parameter), value in zip(open_values, drawn, strict=True)
        )
        return Attack(vectors=vectors, values=values)

    return st.tuples(*(_values(parameter) for _, parameter in open_values)).map(complete)


def _values(parameter: Parameter) -> SearchStrategy[Scalar]:
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    return st.integers(min_value=parameter.least, max_value=parameter.most)
