"""Facts as JSON data and back: whatever a run can see survives."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.history.codec import Codecs, shapes
from conformance.history.facts import PlanRunContext, fact_from_data, fact_to_data
from conformance.judging.seen import Answered, Asked, Fact, OrderSeen
from conformance.plans import Plan, from_data
from fixtures.attacks.files import vectors
from fixtures.attacks.vectors import Attack, attack
from fixtures.venue.answers import Answer, Exchange, OrderRead, OrderView
from fixtures.venue.reading import NOT_JSON, parse_json
from tests.history.conftest import Recorded
from tests.history.lines import lines_of

PLAN = Plan(actions=(), title="the plan run's own")

TEXTS = st.text(max_size=12)
JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(json.dumps)


def answer_of(text: str, given: Answer) -> Answer:
    """The answer with this text as its body."""
    document = parse_json(text)
    exchange = dataclasses.replace(given.exchange, response_body=text)
    return dataclasses.replace(given, text=text, body=None if document is NOT_JSON else document, exchange=exchange)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, by its hints."""
    if hint in SPECIAL:
        return SPECIAL[hint]()
    origin, given_types = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of([st.none() if one is NoneType else values(one) for one in given_types])
    if origin is tuple and given_types[-1] is ...:
        return st.lists(values(given_types[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, given_types))
    if origin is frozenset:
        return st.frozensets(values(given_types[0]), max_size=3)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(TEXTS, values(given_types[1]), max_size=2)
    if str(origin) == "typing.Literal":
        return st.sampled_from(given_types)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        return built(hint)
    return SCALARS[hint]


def built(kind: type, **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a dataclass, some fields by strategies of their own."""
    hints = get_type_hints(kind)

    def parts() -> st.SearchStrategy[Any]:
        given = {one.name: own.get(one.name, ...) for one in fields(kind)}
        return st.builds(kind, **{name: values(hints[name]) if one is ... else one for name, one in given.items()})

    return st.deferred(parts)


SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
}

SPECIAL: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
    Plan: lambda: st.just(PLAN),
    Attack: lambda: st.sampled_from(sorted(vectors())).map(lambda name: attack(vectors()[name])),
    Mapping[str, object]: lambda: st.dictionaries(TEXTS, TEXTS | st.none() | st.lists(TEXTS, max_size=2), max_size=2),
    OrderView: lambda: built(OrderView, raw=st.just({})),
    Answer: lambda: st.builds(answer_of, JSON_TEXTS | TEXTS, built(Answer, body=st.none())),
}


def there_and_back(fact: Fact) -> tuple[Fact, Any, Any]:
    """A fact read from its JSON text, the data it was read from, and the data that it becomes again."""
    name, data = fact_to_data(fact, PlanRunContext(plan=PLAN))
    stored = json.loads(json.dumps(data))
    again = fact_from_data(name, stored, PlanRunContext(plan=PLAN))
    return again, stored, json.loads(json.dumps(fact_to_data(again, PlanRunContext(plan=PLAN))[1]))


@pytest.mark.parametrize("kind", get_args(Fact), ids=lambda kind: kind.__name__)
def test_every_fact_survives(kind: type) -> None:
    """Whatever a fact holds, to the last digit of an amount, it is the same after it was stored."""

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(fact=built(kind))
    def survives(fact: Fact) -> None:
        again, stored, data = there_and_back(fact)
        assert again == fact
        assert data == stored

    survives()


EXCHANGE = Exchange(
    method="GET",
    path="/orders/1",
    url_host="venue.example",
    request_headers=(),
    request_body="",
    status=200,
    response_headers=(),
    response_body='{"price": 1.10}',
    began=1.0,
    ended=1.5,
)
ANSWER = Answer(
    status=200,
    classes=frozenset(),
    code=None,
    body={"price": Decimal("1.10")},
    exchange=EXCHANGE,
    text='{"price": 1.10}',
)


def test_an_answer_is_stored_once() -> None:
    """Further facts of one answer name it by its number, and have that very answer when they are read."""
    read = OrderSeen(
        order="a",
        account="primary",
        result=OrderRead(answer=ANSWER, view=None),
        asked=1.0,
        at=1.5,
        moment=1.5,
    )
    writing, reading = PlanRunContext(plan=PLAN), PlanRunContext(plan=PLAN)
    stored = [fact_to_data(fact, writing) for fact in (Answered(answer=ANSWER), Asked(about="a", answer=ANSWER), read)]
    assert json.dumps(stored).count("1.10") == 1
    first, second, third = (fact_from_data(name, data, reading) for name, data in stored)
    assert isinstance(first, Answered)
    assert isinstance(second, Asked)
    assert isinstance(third, OrderSeen)
    assert first.answer == ANSWER
    assert first.answer is second.answer is third.result.answer


@pytest.mark.parametrize(("text", "body"), [("null", None), ("not JSON", None), ("[1]", [1])])
def test_a_document_is_made_from_its_text(text: str, body: object) -> None:
    """A text that is JSON is a document again; what was none for other reasons is none."""
    again, _, _ = there_and_back(Answered(answer=answer_of(text, ANSWER)))
    assert isinstance(again, Answered)
    assert isinstance(again.answer, Answer)
    assert again.answer.body == body
    undecoded, _, _ = there_and_back(Answered(answer=dataclasses.replace(answer_of(text, ANSWER), body=None)))
    assert isinstance(undecoded, Answered)
    assert isinstance(undecoded.answer, Answer)
    assert undecoded.answer.body is None


def test_all_facts_of_a_run_survive(recorded: Callable[..., Recorded]) -> None:
    """What a run has stored becomes facts that are stored in the same way."""
    contexts: dict[int, tuple[PlanRunContext, PlanRunContext]] = {}
    kinds = set()
    for line in lines_of(recorded("TRM-01", "filled-cancel-accepted").history):
        if "begins" in line:
            plan = from_data(line["plan"])
            contexts[line["begins"]] = PlanRunContext(plan=plan), PlanRunContext(plan=plan)
        elif "saw" in line:
            reading, writing = contexts[line["saw"]]
            fact = fact_from_data(line["fact"], line["of"], reading)
            name, data = fact_to_data(fact, writing)
            assert (name, json.loads(json.dumps(data))) == (line["fact"], line["of"])
            kinds.add(name)
    assert len(kinds) > 8


def test_another_shape_of_a_fact_is_told() -> None:
    """A field more, or one of another type, in a class or in one that it holds, has another description."""

    def described(amount: type) -> list[str]:
        inner = dataclasses.make_dataclass("Inner", [("amount", amount)])
        outer = dataclasses.make_dataclass("Outer", [("inner", inner | None)])
        return list(shapes((outer,)))

    assert described(int) == described(int)
    assert described(int)[1] != described(Decimal)[1]


def test_what_cannot_be_told_apart_is_refused() -> None:
    """A type whose values would not come back as they were is refused when its codec is made, not when it is read."""

    @dataclass
    class Odd:
        part: Decimal | tuple[int, ...]

    with pytest.raises(TypeError, match="cannot be told apart"):
        Codecs[None]().of(Odd)
    with pytest.raises(TypeError, match="cannot be stored"):
        Codecs[None]().of(complex)
