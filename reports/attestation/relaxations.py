"""What a profile lets pass that the strictest reading would not: named in a certificate, or forbidden in one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.requirements import touched_by
from fixtures.profiles.conduct import Timing

LEAST_OPEN_ORDERS: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    """One key of a profile that makes judging milder, with its value and what that means.

    ``forbidden`` where it goes below the sentence of a MUST: such a profile gets no certificate. The others are
    readings that the catalogue itself leaves to the profile, or good practice (SHOULD).
    """

    key: str
    value: str
    meaning: str
    requirements: tuple[str, ...] = ()
    forbidden: bool = False


_SWITCHES: Final[Mapping[str, tuple[object, str]]] = {
    "foreign_order_differs": (False, "another account's order may be answered unlike an unknown one"),
    "foreign_order_readable": (False, "another account's order may be readable"),
    "refusal_may_vary": (False, "the same refusal may have different statuses and codes"),
    "rejected_order_has_no_id": (False, "a rejected order may be answered as not found"),
    "lax_base64": (False, "base64 that is not canonical may be accepted"),
    "order_id_form": ("uuid7", "order ids need not be UUID v7"),
}
"""By key of ``[relaxations]``: the strict value, and what any other value means."""

_DELAYS: Final[Mapping[str, tuple[float, str]]] = {
    "read_delay": (Timing().read_delay, "reads of orders may be late by up to {} s"),
    "balance_delay": (Timing().balance_delay, "released funds may show up to {} s late"),
    "place_delay": (Timing().place_delay, "orders may be PENDING for up to {} s before they are in the book"),
    "pending_cancel_deadline": (Timing().pending_cancel_deadline, "PENDING_CANCEL may last up to {} s"),
    "clock_tolerance": (Timing().clock_tolerance, "clocks may differ by up to {} s"),
    "expiry_grace": (Timing().expiry_grace, "an order may outlive its expiry by up to {} s"),
}
"""By key of ``[timing]``: the value up to which it needs no mention, and what more means."""

_NEVER: Final[tuple[tuple[str, str, Callable[[int], bool]], ...]] = (
    ("malformed", "a malformed order id may be answered with success", lambda status: 200 <= status < 300),
    ("malformed", "a malformed order id may be answered with a server error", lambda status: status >= 500),
    ("not_found", "an unknown order may be answered with a server error", lambda status: status >= 500),
    ("cannot_cancel", "a cancel may be refused with a server error", lambda status: status >= 500),
    ("unauthenticated", "a rejection may be a server error", lambda status: status >= 500),
)
"""Statuses that no profile may name for a class of answers: the sentence of a MUST says never."""


def relaxations_of(profile: Mapping[str, Any]) -> tuple[Relaxation, ...]:
    """What a profile (as JSON-like data, secrets stripped) relaxes, in the order of its tables."""
    return (*_switched(profile), *_delayed(profile), *_answered(profile), *_traded(profile))


def _switched(profile: Mapping[str, Any]) -> Iterator[Relaxation]:
    for key, value in _table(profile, "relaxations").items():
        known = _SWITCHES.get(key)
        if known is None:
            yield Relaxation(
                key=f"relaxations.{key}",
                value=_shown(value),
                meaning="a relaxation that this version of the suite does not know",
                forbidden=True,
            )
        elif value != known[0]:
            yield _touching(f"relaxations.{key}", value=_shown(value), meaning=known[1])


def _delayed(profile: Mapping[str, Any]) -> Iterator[Relaxation]:
    timing = _table(profile, "timing")
    for key, (usual, meaning) in _DELAYS.items():
        value = timing.get(key, usual)
        if isinstance(value, int | float) and value > usual:
            yield _touching(f"timing.{key}", value=_shown(value), meaning=meaning.format(_shown(value)))


def _answered(profile: Mapping[str, Any]) -> Iterator[Relaxation]:
    answers = _table(profile, "answers")
    for name, meaning, is_wrong in _NEVER:
        wrong = [status for status in _table(answers, name).get("status", ()) if is_wrong(status)]
        if wrong:
            yield Relaxation(
                key=f"answers.{name}.status",
                value=", ".join(map(_shown, wrong)),
                meaning=meaning,
                requirements=touched_by(f"answers.{name}"),
                forbidden=True,
            )


def _traded(profile: Mapping[str, Any]) -> Iterator[Relaxation]:
    open_orders = profile.get("max_open_orders", LEAST_OPEN_ORDERS)
    if open_orders < LEAST_OPEN_ORDERS:
        yield Relaxation(
            key="max_open_orders",
            value=_shown(open_orders),
            meaning=f"cancel-all was tried with fewer than {LEAST_OPEN_ORDERS} orders",
            requirements=touched_by("max_open_orders"),
            forbidden=True,
        )
    if _table(profile, "lock").get("model") == "observed":
        meaning = "what an order locks was learned from the target, not known beforehand"
        yield _touching("lock.model", value="observed", meaning=meaning)
    markets = _table(profile, "markets")
    if "unknown" in [_table(place, "fees").get("charged") for place in (profile, *map(_as_table, markets.values()))]:
        meaning = "fees are not known: totals were judged by their differences only"
        yield _touching("fees.charged", value="unknown", meaning=meaning)
    for name, market in sorted(markets.items()):
        if _as_table(market).get("isolated") is False:
            yield Relaxation(
                key=f"markets.{name}.isolated",
                value="false",
                meaning=f"others trade in {name}: fills that nobody here caused were possible at any time",
            )


def _touching(key: str, *, value: str, meaning: str) -> Relaxation:
    """A reading that the catalogue leaves to the profile, with the requirements that it says the key touches."""
    return Relaxation(key=key, value=value, meaning=meaning, requirements=touched_by(key))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _as_table(data.get(name))


def _as_table(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
