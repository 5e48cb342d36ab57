"""Plans: what to do to a target, as data.

A plan is a list of small frozen actions, drawn whole before anything is sent; no draw ever depends on an answer. Orders
are named by the plan, never by the target's ids. One JSON form is Hypothesis' example, the evidence of a failure and
the input of ``replay``::

    {"title": "...", "actions": [{"do": "place", "order": "a", ...}, {"do": "cancel", "order": "a"}, ...]}

A cancel in a state that forbids it is not skipped: it is a step whose refusal is predicted.
"""

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from conformance.errors import UserError
from conformance.model.order import OrderType, Side, TimeInForce

PRIMARY = "primary"
COUNTERPARTY = "counterparty"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Place an order; ``quantity`` in base units, ``price`` in quote units per base unit (``None``: market order).

    A ``gtd`` order gets a deadline by the driver that the target has: soon where the plan lets it expire by waiting,
    far away otherwise; or ``lifetime`` seconds ahead, or the target's shortest time where that is longer.
    ``client_id_length`` asks for a client id of so many characters; its text is made anew each time the plan runs,
    since venues refuse a client id that they have seen. ``client_id_of`` asks for the one that another order of the
    plan had. With ``whole_funds`` the order takes all that the account has available when it is placed, as far as the
    market's grid and its largest order go, in place of ``quantity``; where nothing is left it is passed over.
    """

    do: Literal["place"] = "place"
    order: str
    market: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    account: str = PRIMARY
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    client_id_length: Annotated[int, Field(ge=1)] | None = None
    client_id_of: str | None = None
    lifetime: Annotated[float, Field(gt=0)] | None = None
    post_only: bool = False
    whole_funds: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """Make ``order`` trade ``quantity`` base units, by the target's driver: a crossing order of ``by``, or by control.

    A crossing order takes better and older orders first, as price-time priority says, and predicts so.
    """

    do: Literal["fill"] = "fill"
    order: str
    quantity: Decimal
    by: str = COUNTERPARTY


@dataclass(frozen=True, kw_only=True, slots=True)
class Expire:
    """Let a ``gtd`` order reach its deadline, and wait until the target says so."""

    do: Literal["expire"] = "expire"
    order: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldMarket:
    """Keep market orders of a market executing (PENDING), or let them execute."""

    do: Literal["hold-market"] = "hold-market"
    market: str
    held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Cancel one order; ``account`` other than the owner's is a foreign cancel (NTF-02)."""

    do: Literal["cancel"] = "cancel"
    order: str
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelUnknown:
    """Cancel a well-formed id that names no order (NTF-01)."""

    do: Literal["cancel-unknown"] = "cancel-unknown"
    order_id: str
    account: str = PRIMARY


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelAll:
    """Cancel all active orders of an account."""

    do: Literal["cancel-all"] = "cancel-all"
    account: str = PRIMARY


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """Read one order; ``account`` other than the owner's is a foreign read (NTF-07)."""

    do: Literal["read"] = "read"
    order: str
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Observe every account of the plan: active orders, orders that something happened to, balances."""

    do: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settle:
    """Wait until no cancel is pending, within the profile's deadline (PND-01)."""

    do: Literal["settle"] = "settle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Let time pass, in seconds; or until so many seconds before the deadline of ``before_deadline_of``."""

    do: Literal["wait"] = "wait"
    seconds: Annotated[float, Field(ge=0, le=3600)]
    before_deadline_of: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Forge:
    """Send a request with one named flaw (or two) and see that it is refused and has no effect.

    ``vectors`` name attack vectors by id; ``values`` choose what they leave open, as (vector, parameter, value): which
    bit, which place. ``order`` is the order that the request addresses, or whose terms it repeats where it places one;
    ``order_id`` an id that names no order, in its place. Neither: a request about the whole account.
    """

    do: Literal["forge"] = "forge"
    operation: str
    vectors: tuple[str, ...]
    values: tuple[tuple[str, str, int | str], ...] = ()
    order: str | None = None
    order_id: str | None = None
    account: str = PRIMARY


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """Send a request as it is written here: what a fuzzer found, to be sent again.

    ``target`` is path and query, with ``{name}`` in the place of the id of the plan's order of that name; ``body``
    holds one character a byte. ``credentials`` are the parts (``key``, ``signature``) that are right; the others are
    left out. ``operation`` is the profile's name of what is on that path. ``expect``: any answer below 500, a wrong
    method's refusal (ERR-03), or one for want of credentials (SIG-02, SIG-03).
    """

    do: Literal["send"] = "send"
    operation: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    credentials: tuple[Literal["key", "signature"], ...] = ("key", "signature")
    expect: Literal["any", "wrong-method", "unauthenticated"] = "any"
    account: str = PRIMARY


Call = Annotated[Place | Fill | Cancel | CancelAll | Read, Field(discriminator="do")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel:
    """Calls that start together, each on a connection of its own (RCE-01..04)."""

    do: Literal["parallel"] = "parallel"
    calls: tuple[Call, ...]


Action = (
    Place
    | Fill
    | Expire
    | HoldMarket
    | Cancel
    | CancelUnknown
    | CancelAll
    | Read
    | Snapshot
    | Settle
    | Wait
    | Forge
    | Send
    | Parallel
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A sequence of actions with a title that says what it aims at."""

    actions: tuple[Annotated[Action, Field(discriminator="do")], ...]
    title: str = ""

    @property
    def digest(self) -> str:
        """A short name of the plan's content; equal plans have equal names, whatever their title."""
        return hashlib.sha256(to_json(replace(self, title="")).encode()).hexdigest()[:16]


def calls_of(action: Action) -> tuple[Action, ...]:
    """The calls of a race, or the action itself."""
    return action.calls if isinstance(action, Parallel) else (action,)


LOOK_AGAIN_AFTER = 0.4
"""Seconds after which a closed order is looked at again: a revived one shows only then (CXL-03)."""


def looked_at_later(plan: Plan) -> Plan:
    """The plan with a later look at each of its orders: what shows a change that came after it had ended."""
    names = [action.order for action in plan.actions if isinstance(action, Place)]
    reads = (Read(order=name) for name in names)
    looks: tuple[Action, ...] = (Settle(), Wait(seconds=1.5 * LOOK_AGAIN_AFTER), *reads)
    return replace(plan, actions=(*plan.actions, *looks), title=f"{plan.title}, looked at later")


for _kind in (Plan, *get_args(Action)):
    _kind.__pydantic_config__ = ConfigDict(extra="forbid")  # a key that is misspelt would be passed over silently


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def to_json(plan: Plan) -> str:
    """The plan as JSON; amounts are strings, so that no digit is lost."""
    return _adapter().dump_json(plan, exclude_defaults=False).decode()


def to_data(plan: Plan) -> object:
    """The plan as plain lists, mappings and strings, ready for :mod:`json`."""
    return _adapter().dump_python(plan, mode="json")


def from_json(text: str | bytes, *, source: str = "the plan") -> Plan:
    """Read a plan; raises :class:`~conformance.errors.UserError` that names ``source`` and what is wrong in it."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise UserError(f"{source}: {where}: {first['msg']}. Expected a plan as written into evidence files.") from None


def from_data(data: object, *, source: str = "the plan") -> Plan:
    """As :func:`from_json`, from data that is parsed already."""
    import json

    return from_json(json.dumps(data), source=source)
