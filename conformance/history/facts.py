"""Facts as JSON data and back. Whatever was redacted in an exchange is stored so.

An answer stands in several facts: it is stored where it is met first, and by its number afterwards. Its document is
made from its text again, an attack from its vectors' names and values, and a plan is that of the plan run.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, get_args

from conformance.history.codec import Codec, Codecs, shapes
from conformance.judging.seen import Fact
from conformance.plans import Plan
from fixtures.attacks.files import attack_from_json
from fixtures.attacks.vectors import Attack
from fixtures.venue.answers import Answer, Exchange, OrderView, Unknown
from fixtures.venue.reading import NOT_JSON, parse_json
from fixtures.venue.redaction import KEPT_TEXT

_FACTS: Final[dict[str, type]] = {kind.__name__: kind for kind in get_args(Fact)}


@dataclass(kw_only=True, slots=True)
class PlanRunContext:
    """What facts of one plan run share: its plan, and the answers that were met, by their numbers."""

    plan: Plan
    answers: list[Answer | Unknown] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)

    def met(self, answer: Answer | Unknown) -> int | None:
        """The number of an answer that was met before; from now on it is."""
        known = self.numbers.get(id(answer))
        if known is None:
            self.numbers[id(answer)] = len(self.answers)
            self.answers.append(answer)  # as long as it is kept, no other answer has its id
        return known


def fact_to_data(fact: Fact, context: PlanRunContext) -> tuple[str, Any]:
    """The name of the fact's class, and its fields."""
    kind = type(fact)
    return kind.__name__, _codecs().of(kind).write(fact, context)


def fact_from_data(name: str, data: Any, context: PlanRunContext) -> Fact:
    """The fact again. Raises ``KeyError``, ``TypeError``, ``ValueError``, ``IndexError`` where it is none."""
    fact: Fact = _codecs().of(_FACTS[name]).read(data, context)
    return fact


def exchange_to_data(exchange: Exchange) -> Any:
    """An exchange by itself."""
    return _codecs().of(Exchange).write(exchange, PlanRunContext(plan=_NONE))


def exchange_from_data(data: Any) -> Exchange:
    """The exchange again; raises as :func:`fact_from_data`."""
    exchange: Exchange = _codecs().of(Exchange).read(data, PlanRunContext(plan=_NONE))
    return exchange


@cache
def shape() -> str:
    """A digest of what all facts look like: a history that was written with another one cannot be read."""
    return hashlib.sha256("\n".join(shapes(tuple(_FACTS.values()))).encode()).hexdigest()[:16]


_NONE: Final = Plan(actions=())


@cache
def _codecs() -> Codecs[PlanRunContext]:
    codecs: Codecs[PlanRunContext] = Codecs()
    codecs.keep(Plan, Codec(write=lambda _, context: None, read=lambda _, context: context.plan))
    codecs.keep(Attack, Codec(write=lambda value, _: value.to_json(), read=lambda data, _: attack_from_json(data)))
    codecs.keep(Mapping[str, object], Codec(write=lambda value, _: _plain(value), read=lambda data, _: data))
    # nothing of the record that a view was made from is judged
    codecs.keep(OrderView, codecs.dataclass(OrderView, without=frozenset({"raw"})))
    codecs.keep(Answer, _numbered(_with_document(codecs.dataclass(Answer))))
    codecs.keep(Unknown, _numbered(codecs.dataclass(Unknown)))
    return codecs


def _numbered(whole: Codec[PlanRunContext]) -> Codec[PlanRunContext]:
    def write(answer: Answer | Unknown, context: PlanRunContext) -> Any:
        known = context.met(answer)
        return whole.write(answer, context) if known is None else known

    def read(data: Any, context: PlanRunContext) -> Any:
        if isinstance(data, int):
            return context.answers[data]
        context.answers.append(whole.read(data, context))
        return context.answers[-1]

    return Codec(write=write, read=read)


def _with_document(whole: Codec[PlanRunContext]) -> Codec[PlanRunContext]:
    """Answers whose document is made from the text again; ``json`` says that there was one."""

    def write(answer: Answer, context: PlanRunContext) -> Any:
        data = whole.write(answer, context)
        data["json"] = data.pop("body", None) is not None
        if answer.exchange.response_body == answer.text[:KEPT_TEXT]:
            data["exchange"].pop("response_body", None)
        return data

    def read(data: Any, context: PlanRunContext) -> Any:
        text = data.get("text", "")
        fields = {name: part for name, part in data.items() if name != "json"}
        fields["exchange"] = {"response_body": text[:KEPT_TEXT], **data["exchange"]}
        document = parse_json(text) if data["json"] else None
        return whole.read({**fields, "body": None if document is NOT_JSON else document}, context)

    return Codec(write=write, read=read)


def _plain(value: Any) -> Any:
    """Parts of an action as JSON data: amounts and words as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
