"""The causes table: which requirements an observation exercises, and which it breaks when no world explains it.

A *cause* is something that happened to an order or an account and has not been confirmed by a read yet. Each cause
names the requirements that tie it to what a later read may show, by aspect: the status, the executed quantity,
presence in the list of active orders, the locked amount, the total. A read that fits exercises them; one that does
not breaks them.

Behind the causes stand the requirements that hold for every answer and every read, whatever came before. Together with
the catalogue and the model's transition tables this is the one place where requirement ids stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Aspect(StrEnum):
    """The part of a read that a rule speaks of."""

    STATUS = "status"
    QUANTITY = "executed quantity"
    LISTED = "list of active orders"
    KEPT = "funds that stayed locked"
    FREED = "funds that were released"
    TOTAL = "total funds"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Something that happened to an order or an account: the requirements that it puts on later reads, by aspect.

    What was kept locked too long and what was released too much are apart: a refused request keeps nothing, and a
    cancel that released nothing did not release twice. Two more are broken by a read that fits no world, and not
    exercised by one that fits, which says too little of them: ``broken_by_amount`` where the executed quantity or the
    total is wrong, ``broken_by_lock`` where the locked amount is. ``aside``: it happened to something else, or is what
    a read has shown: what happened to the order itself comes before it.
    """

    why: str
    status: tuple[str, ...] = ()
    quantity: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    broken_by_amount: tuple[str, ...] = ()
    broken_by_lock: tuple[str, ...] = ()
    aside: bool = False

    @property
    def locked(self) -> tuple[str, ...]:
        """What is exercised where the locked amount was as predicted."""
        return tuple(dict.fromkeys((*self.kept, *self.freed)))

    def ids(self, aspect: Aspect) -> tuple[str, ...]:
        """The requirements of one aspect."""
        match aspect:
            case Aspect.STATUS:
                return self.status
            case Aspect.QUANTITY:
                return self.quantity
            case Aspect.LISTED:
                return (*self.status, *self.listed)
            case Aspect.KEPT:
                return self.kept
            case Aspect.FREED:
                return self.freed
            case Aspect.TOTAL:
                return self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseAt:
    """A cause at work since a step of the plan, on one order or on an account."""

    cause: Cause
    step: int
    order: str = ""


def everywhere(why: str, *ids: str) -> Cause:
    """A cause that names the same requirements wherever it was to have no effect; it locks nothing."""
    return Cause(why=why, status=ids, quantity=ids, listed=ids, freed=ids, total=ids)


def beside(why: str, *ids: str) -> Cause:
    """The same of something that happened to another order."""
    return replace(everywhere(why, *ids), aside=True)


CANCELLED_OPEN = Cause(
    why="its cancel was accepted while it was OPEN",
    status=("CXL-01", "CXL-06"),
    quantity=("CXL-07",),
    listed=("CXL-03",),
    kept=("FND-01", "FND-02"),
    freed=("FND-02",),
    total=("FND-02", "FND-05"),
)
CANCELLED_PARTIAL = Cause(
    why="its cancel was accepted while it was PARTIALLY_FILLED",
    status=("CXL-02", "CXL-06"),
    quantity=("CXL-02", "CXL-07"),
    listed=("CXL-03",),
    kept=("FND-03", "FND-01", "FND-02"),
    freed=("FND-03", "FND-02"),
    total=("FND-02", "FND-03", "FND-05"),
)
CANCELLED_UNPINNED = Cause(
    why="its cancel was accepted",
    status=("CXL-06",),
    quantity=("CXL-07",),
    listed=("CXL-03",),
    kept=("FND-02",),
    freed=("FND-02",),
    total=("FND-02", "FND-05"),
)
SEEN_CANCELED = Cause(
    why="it had been seen CANCELED",
    status=("CXL-03",),
    quantity=("CXL-03",),
    listed=("CXL-03",),
)
SEEN_TERMINAL = Cause(why="it had been seen in a terminal state", status=("CXL-08",), quantity=("CXL-08",))
CROSSED_AFTER_CANCEL = everywhere("an opposite order crossed the price of a cancelled order", "CXL-04")
QUEUE = Cause(
    why="another order at its price had been cancelled before an opposite order came",
    status=("CXL-05",),
    quantity=("CXL-05",),
    total=("CXL-05",),
)
SIBLING = beside("another order was cancelled", "CXL-05")
OTHER_ACCOUNT = Cause(
    why="another account's order was cancelled",
    status=("CXL-05",),
    quantity=("CXL-05",),
    listed=("CXL-05",),
    kept=("FND-02", "CXL-05"),
    freed=("FND-02", "CXL-05"),
    total=("FND-02", "CXL-05"),
    aside=True,
)
BULK = Cause(
    why="cancel-all was accepted while it was active",
    status=("ALL-01",),
    quantity=("CXL-07",),
    listed=("ALL-01", "CXL-03"),
    kept=("FND-01", "FND-02"),
    freed=("FND-02",),
    total=("FND-02", "FND-05"),
)
BULK_PARTIAL = Cause(
    why="cancel-all was accepted while it was PARTIALLY_FILLED",
    status=("ALL-01",),
    quantity=("CXL-02", "CXL-07"),
    listed=("ALL-01", "CXL-03"),
    kept=("FND-03", "FND-01", "FND-02"),
    freed=("FND-03", "FND-02"),
    total=("FND-02", "FND-03", "FND-05"),
)
BULK_MANY = Cause(
    why="cancel-all was accepted while fifty or more orders were active",
    status=("ALL-06",),
    quantity=("ALL-06",),
    listed=("ALL-06",),
    kept=("ALL-06",),
    freed=("ALL-06",),
    total=("ALL-06",),
)
BULK_OTHER = beside("another account cancelled all its orders", "ALL-02")
BULK_UNTOUCHED = Cause(
    why="cancel-all was accepted while it was terminal or executing",
    status=("ALL-05",),
    quantity=("ALL-05",),
    listed=("ALL-05",),
    freed=("FND-04",),
    total=("FND-04",),
)
BULK_NOTHING = everywhere("cancel-all was accepted with nothing active", "ALL-04")
REFUSED = Cause(
    why="a cancel of it was refused",
    status=("TRM-05",),
    quantity=("TRM-05",),
    listed=("TRM-05",),
    freed=("FND-04", "TRM-05"),
    total=("FND-04", "TRM-05"),
)
ACCEPTED_WRONGLY = Cause(
    why="a cancel of it was accepted that should have been refused",
    freed=("FND-04",),
    total=("FND-04",),
)
REFUSED_ELSEWHERE = beside("a cancel of another order was refused", "TRM-05")
FOREIGN = everywhere("another account tried to cancel it", "NTF-02")
CROSSED_AFTER_REFUSAL = Cause(
    why="a cancel of another order had been refused before an opposite order came",
    status=("TRM-05",),
    quantity=("TRM-05",),
    total=("TRM-05",),
)
CROSSED_AFTER_FOREIGN = Cause(
    why="another account had tried to cancel it before an opposite order came",
    status=("NTF-02",),
    quantity=("NTF-02",),
    total=("NTF-02",),
)
UNKNOWN_ID = beside("a cancel of an unknown id was refused", "TRM-05")
SEEN_PENDING = Cause(
    why="it had been seen PENDING_CANCEL",
    status=("PND-03",),
    listed=("PND-03",),
    freed=("PND-04",),
    broken_by_amount=("PND-02",),
    aside=True,
)
CONFIRMED = Cause(
    why="its pending cancel was confirmed",
    kept=("PND-04", "FND-01", "FND-02"),
    freed=("PND-04", "FND-02"),
    total=("PND-04", "FND-02", "FND-05"),
)
FILLED_WHILE_PENDING = Cause(
    why="an opposite order came while its cancel was pending",
    status=("PND-02",),
    quantity=("PND-02",),
    kept=("PND-04",),
    freed=("PND-04",),
    total=("PND-02",),
)
BULK_WHILE_PENDING = Cause(
    why="cancel-all was accepted while its cancel was pending",
    status=("PND-03",),
    freed=("FND-04",),
    total=("FND-04",),
    broken_by_amount=("PND-02",),
)
SECOND_WHILE_PENDING = Cause(
    why="it was cancelled again while its cancel was pending",
    status=("PND-05",),
    quantity=("PND-05",),
    listed=("PND-05",),
    freed=("PND-05", "FND-04"),
    total=("PND-05", "FND-04"),
)
RACED_CANCELS = Cause(
    why="several calls cancelled it at once",
    status=("RCE-01",),
    quantity=("RCE-01",),
    listed=("RCE-01",),
    kept=("RCE-01",),
    freed=("RCE-01", "FND-04"),
    total=("RCE-01", "FND-04"),
)
RACED_FILL = Cause(
    why="a cancel and an opposite order met it at once",
    status=("RCE-02",),
    quantity=("RCE-02",),
    listed=("RCE-02",),
    kept=("RCE-02",),
    freed=("RCE-02", "FND-04"),
    total=("RCE-02",),
)
RACED_BULK = Cause(
    why="cancel-all met other calls of its account at once",
    status=("RCE-03",),
    quantity=("RCE-03",),
    listed=("RCE-03",),
    kept=("RCE-03",),
    freed=("RCE-03", "FND-04"),
    total=("RCE-03", "FND-04"),
)
RACED_OTHERS = Cause(
    why="different orders were cancelled at once",
    status=("RCE-04",),
    quantity=("RCE-04",),
    listed=("RCE-04",),
    kept=("RCE-04",),
    freed=("RCE-04", "FND-04"),
    total=("RCE-04", "FND-04"),
)
PLACED_AFTER_BULK = everywhere("it was placed after a cancel-all that met other calls had answered", "RCE-03")
RACED = (RACED_CANCELS, RACED_FILL, RACED_BULK, RACED_OTHERS)
PLACED = Cause(why="it was placed")
FILLED = Cause(why="an opposite order came", broken_by_lock=("FND-03",))


def broken(causes: Iterable[CauseAt], aspect: Aspect) -> tuple[str, ...]:
    """The requirements that a misfit in one aspect breaks, the latest cause first, each once."""
    found = sorted(causes, key=lambda one: -one.step)
    more: list[str] = []
    if aspect in (Aspect.QUANTITY, Aspect.TOTAL):
        more = [i for one in found for i in one.cause.broken_by_amount]
    elif aspect in (Aspect.KEPT, Aspect.FREED):
        more = [i for one in found for i in one.cause.broken_by_lock]
    return tuple(dict.fromkeys((*named(found, aspect), *more)))


def closest(causes: Iterable[CauseAt], aspect: Aspect) -> tuple[str, ...]:
    """The requirements of what happened last among causes that name any for one aspect: of one step, all."""
    found = [(one, ids) for one in causes if (ids := _ids_of(one.cause, aspect))]
    own = [(one, ids) for one, ids in found if not one.cause.aside] or found
    latest = max((one.step for one, _ in own), default=0)
    return tuple(dict.fromkeys(i for one, ids in own if one.step == latest for i in ids))


def closest_by_order(causes: Iterable[CauseAt], aspect: Aspect) -> tuple[str, ...]:
    """As :func:`closest`, of each order that something happened to: nobody can say which of them it was."""
    causes = list(causes)
    orders = dict.fromkeys(one.order for one in causes)
    named = [closest([one for one in causes if one.order == order], aspect) for order in orders]
    return tuple(dict.fromkeys(i for ids in named for i in ids))


def _ids_of(cause: Cause, aspect: Aspect) -> tuple[str, ...]:
    if aspect in (Aspect.KEPT, Aspect.FREED):
        return cause.ids(aspect) or cause.broken_by_lock
    return cause.ids(aspect) or (cause.broken_by_amount if aspect in (Aspect.QUANTITY, Aspect.TOTAL) else ())


def named(causes: Iterable[CauseAt], aspect: Aspect) -> tuple[str, ...]:
    """The requirements that the causes name for one aspect, the latest cause first, each once."""
    ordered = sorted(causes, key=lambda one: -one.step)
    return tuple(dict.fromkeys(i for one in ordered for i in one.cause.ids(aspect)))


def reasons(causes: Iterable[CauseAt]) -> tuple[str, ...]:
    """Why these requirements are named, in words, in the order in which it happened."""
    return tuple(
        dict.fromkeys(
            f"step {one.step}: {one.cause.why}" + (f" ({one.order})" if one.order else "")
            for one in sorted(causes, key=lambda one: one.step)
        )
    )


# -- what holds for every answer --------------------------------------------------------------------------------------

ANSWERED = ("ERR-01",)
"""An answer comes, and is no error of the server's."""
SHAPE = ("ERR-02",)
OWN_METHODS = ("ERR-03",)
CONTRACT = ("ERR-04",)
CORRECT_SIGNATURE = ("SIG-01",)
KEY_NEEDED = ("SIG-02",)
SIGNATURE_NEEDED = ("SIG-03",)
NOTHING_TOLD_APART = ("SIG-10",)
NOTHING_GIVEN_AWAY = ("SIG-11",)
BOUND = ("SIG-06",)
"""A signature is bound to method, path and order id."""
CANONICAL_BASE64 = ("SIG-12",)
SIGNED = "SIG-"
"""How the ids of the requirements on signatures begin; they hold for cancel-all by :data:`BULK_SIGNED`."""
BULK_SIGNED = "ALL-07"
SIGNED_BY_GOOD_PRACTICE = frozenset({*CANONICAL_BASE64, "SIG-13", "SIG-14"})
"""Good practice (SHOULD) of these stays so for cancel-all: a MUST of :data:`BULK_SIGNED` cannot grow out of it."""

# -- what holds for what is shown of orders ---------------------------------------------------------------------------

CONSISTENT = ("CXL-08",)
"""A read order is consistent with itself and its history."""
STAYS_CLOSED = ("CXL-03",)
ANSWER_AGREES = ("CXL-06",)
OTHERS_UNTOUCHED = "CXL-05"
PENDING_ENDS = ("PND-01",)
PENDING_ENDED = ("PND-01", "PND-03")
PENDING_RELEASED = ("PND-04",)
PENDING_FILLED = ("PND-02",)
PENDING_STAYS = ("PND-03",)
OWN_ORDERS_ALONE = ("NTF-07",)

# -- what holds for refusals and ids ----------------------------------------------------------------------------------

FOREIGN_CANCEL = ("NTF-02",)
FOREIGN_AS_UNKNOWN = ("NTF-03",)
IDS_IN_ORDER = ("NTF-05",)
WELL_FORMED_IDS = ("NTF-04",)
SAME_REFUSAL = ("TRM-06",)

# -- what holds for the answer of a cancel-all ------------------------------------------------------------------------

LEFT_ACTIVE = "ALL-01"
LISTED_FOREIGN = "ALL-02"
LISTED_WRONG = "ALL-03"
NOTHING_ACTIVE = "ALL-04"
LISTED_UNTOUCHED = "ALL-05"
MANY_ACTIVE = "ALL-06"
RACED_LIST = "RCE-03"

# -- what holds for funds ---------------------------------------------------------------------------------------------

CONSERVED = ("FND-05",)
RELEASED_EXACTLY = ("FND-02",)
RELEASED_ONCE = ("FND-04",)
RELEASED_AT_ONCE = ("FND-01",)
NOTHING_LEFT_LOCKED = ("FND-06",)
USABLE = ("FND-07",)
LATE = ("FND-01", "PND-04")
"""What is broken where funds come, but later than they should."""
OF_LOCKS = frozenset({"FND-01", "FND-02", "FND-03", "FND-04", "FND-06", "PND-04"})
"""Requirements that a total alone cannot show, where neither the locked nor the available amount is known."""
OF_FUNDS = ("FND-", "PND-04")
"""The requirements on funds, by the beginning of their ids."""

RELEASES = (
    CANCELLED_OPEN,
    CANCELLED_PARTIAL,
    CANCELLED_UNPINNED,
    BULK,
    BULK_PARTIAL,
    BULK_MANY,
    CONFIRMED,
    *RACED,
)
"""Causes that speak of funds only once the order is surely terminal: until then its lock is still there (PND-04)."""

OF_CHECKS = {
    "not_a_server_error": ANSWERED,
    "status_code_conformance": CONTRACT,
    "content_type_conformance": (*CONTRACT, *SHAPE),
    "response_headers_conformance": CONTRACT,
    "response_schema_conformance": CONTRACT,
    "unsupported_method": OWN_METHODS,
    "ignored_auth": (*KEY_NEEDED, *SIGNATURE_NEEDED),
}
"""What a failed check of Schemathesis breaks; checks that are not here are switched off, with a reason each."""

TRADES = (
    CROSSED_AFTER_CANCEL,
    CROSSED_AFTER_REFUSAL,
    CROSSED_AFTER_FOREIGN,
    FILLED_WHILE_PENDING,
    QUEUE,
    RACED_FILL,
)
"""Causes that say which trades there should have been: a total that moved is theirs before any cancel's."""
