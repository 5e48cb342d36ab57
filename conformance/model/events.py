"""What can happen to orders, in the model's words; the runner translates a plan's actions into these."""

from dataclasses import dataclass
from decimal import Decimal

from conformance.model.order import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An order reaches the venue; ``held`` market orders stay PENDING until their market is released (TRM-03).

    ``waits``: a market order that finds nobody to trade with stays PENDING by itself. ``short``: the account may lack
    the funds for it, so that the venue may take it in and reject it.
    """

    order: str
    terms: Terms
    arrival: int
    held: bool = False
    waits: bool = False
    short: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """``account`` asks to cancel ``order``, which may be another account's (NTF-02)."""

    order: str
    account: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelAll:
    """``account`` asks to cancel all its active orders."""

    account: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Execute:
    """A control request makes ``order`` trade ``quantity`` base units at its own price."""

    order: str
    quantity: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Expire:
    """A control request sets the expiry of ``order`` to ``at`` (seconds since the epoch)."""

    order: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """The market orders that were held in PENDING execute.

    ``either_makes``: they waited for counter-orders, and nobody says which of the two a venue takes for the maker.
    """

    market: str
    either_makes: bool = False


Event = Place | Cancel | CancelAll | Execute | Expire | Release
