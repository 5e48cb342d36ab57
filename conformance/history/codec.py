"""Values of dataclasses as JSON data and back, by their type hints: exact, without what has its default value.

Amounts are text, sets are sorted lists, and where a field may hold values of several classes, each says its own. Types
that need more than that have a codec of their own (:mod:`conformance.history.facts`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

C = TypeVar("C")
"""What is known of the values that were written or read before."""

_PLAIN: Final = (str, int, float, bool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec(Generic[C]):
    """How values of one type become JSON data, and JSON data such values; ``as_is``: a value is JSON data already."""

    write: Callable[[Any, C], Any]
    read: Callable[[Any, C], Any]
    as_is: bool = False


def _as_is(read: Callable[[Any, C], Any]) -> Codec[C]:
    return Codec(write=lambda value, _: value, read=read, as_is=True)


class Codecs(Generic[C]):
    """A codec for each type, made from its hints when it is first asked for, or kept as it was given."""

    def __init__(self) -> None:
        self._known: dict[Any, Codec[C]] = {}

    def keep(self, hint: Any, codec: Codec[C]) -> None:
        """Use this codec for a type; to be said before anything that holds such values is asked for."""
        self._known[hint] = codec

    def of(self, hint: Any) -> Codec[C]:
        """The codec of a type. Raises ``TypeError`` for one that has no form here."""
        found = self._known.get(hint)
        if found is None:
            found = self._known[hint] = self._made(hint)
        return found

    def _made(self, hint: Any) -> Codec[C]:
        origin, given = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._union(given)
        if origin in (tuple, frozenset):
            return self._several(origin, given)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(given)
        if is_dataclass(hint) and isinstance(hint, type):
            return self.dataclass(hint)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return _as_is(lambda data, _: hint(data))
        if hint is Decimal:
            return Codec(write=lambda value, _: str(value), read=lambda data, _: Decimal(data))
        if hint in _PLAIN or hint in (Any, object, NoneType) or str(origin) == "typing.Literal":
            return _as_is(lambda data, _: data)
        raise TypeError(f"values of {hint} cannot be stored")

    def dataclass(self, kind: type, *, without: frozenset[str] = frozenset()) -> Codec[C]:
        """The codec of a dataclass as an object of its fields, but for some; a field that is left out is its default.

        A class that holds values of its own kind is not foreseen.
        """
        hints = get_type_hints(kind)
        chosen = [one for one in fields(kind) if one.name not in without]
        named = {one.name: self.of(hints[one.name]) for one in chosen}
        # a run writes thousands of these: what is JSON data already is not handed on
        parts = [(one.name, None if (c := named[one.name]).as_is else c.write, _default(one)) for one in chosen]

        def write(value: Any, context: C) -> Any:
            data = {}
            for name, write_part, default in parts:
                part = getattr(value, name)
                if part is not default and part != default:
                    data[name] = part if write_part is None else write_part(part, context)
            return data

        def read(data: Any, context: C) -> Any:
            return kind(**{name: named[name].read(part, context) for name, part in data.items()})

        return Codec(write=write, read=read)

    def _union(self, given: tuple[Any, ...]) -> Codec[C]:
        kinds: dict[str, type] = {one.__name__: one for one in given if isinstance(one, type) and is_dataclass(one)}
        rest = [one for one in given if one is not NoneType and one not in kinds.values()]
        if len(rest) == 1 and not kinds:
            return _optional(self.of(rest[0]))
        if len(kinds) == 1 and not rest:
            return _optional(self.of(next(iter(kinds.values()))))
        if not kinds and all(one in _PLAIN for one in rest):
            return _as_is(lambda data, _: data)
        if rest:
            raise TypeError(f"values of {given} cannot be told apart")
        codecs = {name: self.of(one) for name, one in kinds.items()}

        def write(value: Any, context: C) -> Any:
            if value is None:
                return None
            name = type(value).__name__
            return [name, codecs[name].write(value, context)]

        def read(data: Any, context: C) -> Any:
            return None if data is None else codecs[data[0]].read(data[1], context)

        return Codec(write=write, read=read)

    def _several(self, kind: Any, given: tuple[Any, ...]) -> Codec[C]:
        if kind is tuple and not (len(given) == 2 and given[1] is ...):
            codecs = [self.of(one) for one in given]
            return Codec(
                write=lambda value, context: [c.write(v, context) for c, v in zip(codecs, value, strict=True)],
                read=lambda data, context: tuple(c.read(v, context) for c, v in zip(codecs, data, strict=True)),
                as_is=all(c.as_is for c in codecs),
            )
        one, ordered = self.of(given[0]), sorted if kind is frozenset else list
        return Codec(
            write=lambda value, context: ordered([one.write(part, context) for part in value]),
            read=lambda data, context: kind(one.read(part, context) for part in data),
            as_is=kind is tuple and one.as_is,
        )

    def _mapping(self, given: tuple[Any, ...]) -> Codec[C]:
        if given[0] is not str:
            raise TypeError(f"a mapping by {given[0]} cannot be stored")
        one = self.of(given[1])
        return Codec(
            write=lambda value, context: {name: one.write(part, context) for name, part in value.items()},
            read=lambda data, context: {name: one.read(part, context) for name, part in data.items()},
        )


def _optional(one: Codec[C]) -> Codec[C]:
    return Codec(
        write=lambda value, context: None if value is None else one.write(value, context),
        read=lambda data, context: None if data is None else one.read(data, context),
        as_is=one.as_is,
    )


def _default(one: Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def shapes(kinds: tuple[type, ...]) -> Iterator[str]:
    """What dataclasses, and those that they hold, look like: a line for each, the same for equal classes."""
    todo, seen = list(kinds), set[type]()
    while todo:
        kind = todo.pop(0)
        if kind in seen:
            continue
        seen.add(kind)
        hints = get_type_hints(kind)
        yield f"{kind.__qualname__}: {', '.join(f'{one.name}: {hints[one.name]}' for one in fields(kind))}"
        todo += [held for hint in hints.values() for held in _held(hint)]


def _held(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _held(part)
