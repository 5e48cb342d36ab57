"""The requirement catalogue: what conformance means, read from ``requirements.toml``.

Every requirement has an id that never changes meaning, a level, the authority that it rests on, a class, and the
capabilities that a target must offer before it can be exercised. Nothing else in the project says what is required.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, TypeVar

from conformance.errors import UserError
from conformance.model.order import Status

FILE: Final = "conformance/requirements.toml"
ID: Final = re.compile(r"(CXL|ALL|PND|TRM|NTF|FND|SIG|RCE|ERR|INF)-\d\d")


class Level(StrEnum):
    """How strongly a requirement binds (RFC 2119); ``INFO`` is measured and shown, never judged."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "INFO"


class Authority(StrEnum):
    """What a requirement rests on, strongest first; the letters are those of the catalogue."""

    SOURCE = "S"
    WIRE = "W"
    DERIVED = "D"
    PRACTICE = "P"

    @property
    def meaning(self) -> str:
        """The authority in words, for a reader of a report."""
        return _MEANINGS[self]


_MEANINGS: Final[Mapping[Authority, str]] = {
    Authority.SOURCE: "stated by the source document",
    Authority.WIRE: "published elsewhere for the same API",
    Authority.DERIVED: "follows from the source document by logic",
    Authority.PRACTICE: "good practice, which a profile may relax",
}


class RequirementClass(StrEnum):
    """The part of an exchange's behaviour that a requirement belongs to."""

    CORE = "Core"
    BULK = "Bulk"
    ASYNC = "Async"
    FUNDS = "Funds"
    SECURITY = "Security"
    CONCURRENCY = "Concurrency"
    CONTRACT = "Contract"


class Capability(StrEnum):
    """What a target must offer, or must let itself be driven to, before a requirement can be exercised."""

    PLACE = "place"
    READ = "read"
    LIST = "list"
    BALANCES = "balances"
    LOCKS = "locks"
    CANCEL_ALL = "cancel-all"
    SECOND_ACCOUNT = "second-account"
    FILL = "fill"
    EXPIRE = "expire"
    HOLD_MARKET = "hold-market"
    DELAYED_CANCEL = "delayed-cancel"
    REJECTED_ORDERS = "rejected-orders"
    SIGNATURES = "signatures"
    SIGNED_CANCEL_ALL = "signed-cancel-all"
    PKCS1_SIGNATURES = "pkcs1-signatures"
    BASE64_SIGNATURES = "base64-signatures"
    ED25519_SIGNATURES = "ed25519-signatures"
    TIMED_REQUESTS = "timed-requests"
    COUNTED_REQUESTS = "counted-requests"
    PARALLEL = "parallel"
    OPENAPI = "openapi"


OF_A_SCHEME = frozenset(
    {
        Capability.PKCS1_SIGNATURES,
        Capability.BASE64_SIGNATURES,
        Capability.ED25519_SIGNATURES,
        Capability.TIMED_REQUESTS,
        Capability.COUNTED_REQUESTS,
    }
)
"""What a target's scheme is or is not: a requirement that needs another kind of scheme does not apply to the target."""


class Measure(StrEnum):
    """What a requirement that is only measured times: from a cancel's request, or from its answer, to this."""

    ANSWER = "answer"
    END = "end"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One requirement of the catalogue.

    ``source`` names the section of the source document (or the fact or requirement that it follows from);
    ``needs`` are the capabilities without which its verdict is NOT EXERCISED; ``note`` says how it is read where the
    source is silent (empty where there is nothing to say).

    ``needs_state`` is a status that a correct venue need not show, ``fleeting`` says that a pending cancel must last
    until something meets it: where neither was seen, the verdict is NOT EXERCISED. ``partly_filled``: it speaks of
    orders that are filled in part. ``left_out_by`` is the dotted key of a profile that leaves the requirement out,
    ``relaxed_by`` are those that make it milder. ``measures``: what is timed, of one that is never judged.
    """

    id: str
    level: Level
    authority: tuple[Authority, ...]
    requirement_class: RequirementClass
    sentence: str
    source: str
    needs: frozenset[Capability]
    note: str = ""
    needs_state: Status | None = None
    fleeting: bool = False
    partly_filled: bool = False
    left_out_by: str = ""
    relaxed_by: tuple[str, ...] = ()
    measures: Measure | None = None

    def applies_to(self, offered: AbstractSet[Capability]) -> bool:
        """Whether it speaks of a target with these capabilities: one of another scheme has nothing to keep."""
        return self.needs & OF_A_SCHEME <= offered

    @property
    def family(self) -> str:
        """The letters before the dash, such as ``CXL``."""
        return self.id.partition("-")[0]

    @property
    def judged(self) -> bool:
        """Whether the requirement has a verdict at all (INF is only measured)."""
        return self.level is not Level.INFO


@cache
def catalogue() -> Mapping[str, Requirement]:
    """Return every requirement by id, in the order of the catalogue. Raises `UserError` where the file is wrong."""
    return parse(files("conformance").joinpath("requirements.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, Requirement]:
    """Read a catalogue from TOML text. Raises `UserError` naming the id, the key, what was expected and what found."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{FILE} is not valid TOML: {error}") from error
    if not tables:
        raise UserError(f"{FILE} holds no requirement: expected tables such as [CXL-01]")
    return MappingProxyType({name: _requirement(name, table) for name, table in tables.items()})


def select(ids: Iterable[str]) -> tuple[Requirement, ...]:
    """Return the named requirements, each once, in the order of the catalogue.

    A family name such as ``CXL`` stands for all of it; letters may be of either case. Raises `UserError` for an
    unknown name.
    """
    wanted: set[str] = set()
    for name in (given.strip().upper() for given in ids):
        matches = {known for known, entry in catalogue().items() if name in (known, entry.family)}
        if not matches:
            families = ", ".join(dict.fromkeys(entry.family for entry in catalogue().values()))
            raise UserError(
                f"unknown requirement {name!r}: expected an id such as CXL-01 or a family ({families}).\n"
                "'cancel-conformance explain' lists every id."
            )
        wanted |= matches
    return tuple(entry for known, entry in catalogue().items() if known in wanted)


def touched_by(key: str) -> tuple[str, ...]:
    """The ids of the requirements that a key of a profile (``relaxations.lax_base64``) relaxes or leaves out."""
    return tuple(entry.id for entry in catalogue().values() if key == entry.left_out_by or key in entry.relaxed_by)


@cache
def digest() -> str:
    """Return the catalogue's SHA-256 in hex, over canonical JSON: independent of layout, order and comments."""
    entries = {name: {**asdict(entry), "needs": sorted(entry.needs)} for name, entry in catalogue().items()}
    canonical = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


W = TypeVar("W", bound=StrEnum)

_KEYS: Final[Mapping[str, type]] = {
    "level": str,
    "authority": list,
    "class": str,
    "sentence": str,
    "source": str,
    "needs": list,
    "note": str,
    "needs_state": str,
    "fleeting": bool,
    "partly_filled": bool,
    "left_out_by": str,
    "relaxed_by": list,
    "measures": str,
}
_MAY_LACK: Final = frozenset(
    {"note", "needs_state", "fleeting", "partly_filled", "left_out_by", "relaxed_by", "measures"}
)
"""Keys that a requirement need not have."""


def _requirement(name: str, table: object) -> Requirement:
    if not ID.fullmatch(name):
        raise UserError(f"{FILE}: [{name}]: expected an id such as CXL-01")
    if not isinstance(table, dict):
        raise UserError(f"{FILE}: {name}: expected a table, found {type(table).__name__}")
    for key in table.keys() - _KEYS.keys():
        raise UserError(f"{FILE}: [{name}] {key}: unknown key; expected one of {', '.join(_KEYS)}")
    for key, kind in _KEYS.items():
        if key not in table and key not in _MAY_LACK:
            raise UserError(f"{FILE}: [{name}] {key}: missing; every requirement has one")
        if key in table and not isinstance(table[key], kind):
            raise UserError(f"{FILE}: [{name}] {key}: expected a {kind.__name__}, found {table[key]!r}")
    for key in ("sentence", "source", "authority"):
        if not table[key]:
            raise UserError(f"{FILE}: [{name}] {key}: is empty")
    return Requirement(
        id=name,
        level=_word(Level, name, "level", table["level"]),
        authority=tuple(_word(Authority, name, "authority", word) for word in table["authority"]),
        requirement_class=_word(RequirementClass, name, "class", table["class"]),
        sentence=table["sentence"],
        source=table["source"],
        needs=frozenset(_word(Capability, name, "needs", word) for word in table["needs"]),
        note=table.get("note", ""),
        needs_state=_word(Status, name, "needs_state", table["needs_state"]) if "needs_state" in table else None,
        fleeting=table.get("fleeting", False),
        partly_filled=table.get("partly_filled", False),
        left_out_by=table.get("left_out_by", ""),
        relaxed_by=tuple(table.get("relaxed_by", ())),
        measures=_word(Measure, name, "measures", table["measures"]) if "measures" in table else None,
    )


def _word(words: type[W], name: str, key: str, found: Any) -> W:
    try:
        return words(found)
    except ValueError as error:
        expected = ", ".join(words)
        raise UserError(f"{FILE}: [{name}] {key}: expected one of {expected}; found {found!r}") from error
