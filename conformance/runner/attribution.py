"""Which requirement an observation exercises, and which one it breaks when no world explains it.

A *cause* is something that happened to an order or an account and has not been confirmed by a read yet. Each cause
names the requirements that tie it to what a later read may show, by aspect: the status, the executed quantity,
presence in the list of active orders, the locked amount, the total. A read that fits exercises them; one that does
not breaks them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Aspect(StrEnum):
    """The part of a read that a rule speaks of."""

    STATUS = "status"
    QUANTITY = "executed quantity"
    LISTED = "list of active orders"
    LOCKED = "locked funds"
    TOTAL = "total funds"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The requirements that one kind of cause puts on later reads, by aspect.

    ``suspects`` are broken by a misfit in executed quantity or total, ``lock_suspects`` by one in locked funds, but a
    read that fits has not exercised them.
    """

    why: str
    status: tuple[str, ...] = ()
    quantity: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    lock_suspects: tuple[str, ...] = ()

    def ids(self, aspect: Aspect) -> tuple[str, ...]:
        """The requirements of one aspect."""
        match aspect:
            case Aspect.STATUS:
                return self.status
            case Aspect.QUANTITY:
                return self.quantity
            case Aspect.LISTED:
                return (*self.status, *self.listed)
            case Aspect.LOCKED:
                return self.locked
            case Aspect.TOTAL:
                return self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A rule at work since a step of the plan, on one order or on an account."""

    rule: Rule
    step: int
    order: str = ""


def everywhere(why: str, *ids: str) -> Rule:
    """A rule that names the same requirements in every aspect."""
    return Rule(why=why, status=ids, quantity=ids, listed=ids, locked=ids, total=ids)


CANCELLED_OPEN = Rule(
    why="its cancel was accepted while it was OPEN",
    status=("CXL-01", "CXL-06"),
    quantity=("CXL-07",),
    listed=("CXL-03",),
    locked=("FND-01", "FND-02"),
    total=("FND-02", "FND-05"),
)
CANCELLED_PARTIAL = Rule(
    why="its cancel was accepted while it was PARTIALLY_FILLED",
    status=("CXL-02", "CXL-06"),
    quantity=("CXL-02", "CXL-07"),
    listed=("CXL-03",),
    locked=("FND-03", "FND-01", "FND-02"),
    total=("FND-02", "FND-03", "FND-05"),
)
CANCELLED_UNPINNED = Rule(
    why="its cancel was accepted",
    status=("CXL-06",),
    quantity=("CXL-07",),
    listed=("CXL-03",),
    locked=("FND-02",),
    total=("FND-02", "FND-05"),
)
SEEN_CANCELED = Rule(
    why="it had been seen CANCELED",
    status=("CXL-03",),
    quantity=("CXL-03",),
    listed=("CXL-03",),
)
SEEN_TERMINAL = Rule(why="it had been seen in a terminal state", status=("CXL-08",), quantity=("CXL-08",))
CROSSED_AFTER_CANCEL = everywhere("an opposite order crossed the price of a cancelled order", "CXL-04")
QUEUE = Rule(
    why="another order at its price had been cancelled before an opposite order came",
    status=("CXL-05",),
    quantity=("CXL-05",),
    total=("CXL-05",),
)
SIBLING = everywhere("another order was cancelled", "CXL-05")
OTHER_ACCOUNT = Rule(
    why="another account's order was cancelled",
    status=("CXL-05",),
    quantity=("CXL-05",),
    listed=("CXL-05",),
    locked=("FND-02", "CXL-05"),
    total=("FND-02", "CXL-05"),
)
BULK = Rule(
    why="cancel-all was accepted while it was active",
    status=("ALL-01",),
    quantity=("CXL-07",),
    listed=("ALL-01", "CXL-03"),
    locked=("FND-01", "FND-02"),
    total=("FND-02", "FND-05"),
)
BULK_PARTIAL = Rule(
    why="cancel-all was accepted while it was PARTIALLY_FILLED",
    status=("ALL-01",),
    quantity=("CXL-02", "CXL-07"),
    listed=("ALL-01", "CXL-03"),
    locked=("FND-03", "FND-01", "FND-02"),
    total=("FND-02", "FND-03", "FND-05"),
)
BULK_MANY = everywhere("cancel-all was accepted while fifty or more orders were active", "ALL-06")
BULK_OTHER = everywhere("another account cancelled all its orders", "ALL-02")
BULK_UNTOUCHED = Rule(
    why="cancel-all was accepted while it was terminal or executing",
    status=("ALL-05",),
    quantity=("ALL-05",),
    listed=("ALL-05",),
    locked=("FND-04",),
    total=("FND-04",),
)
BULK_NOTHING = everywhere("cancel-all was accepted with nothing active", "ALL-04")
BULK_NOTHING_FUNDS = Rule(why="a repeated cancel-all", locked=("FND-04",), total=("FND-04",))
REFUSED = Rule(
    why="a cancel of it was refused",
    status=("TRM-05",),
    quantity=("TRM-05",),
    listed=("TRM-05",),
    locked=("FND-04", "TRM-05"),
    total=("FND-04", "TRM-05"),
)
REFUSED_ELSEWHERE = everywhere("a cancel of another order was refused", "TRM-05")
FOREIGN = everywhere("another account tried to cancel it", "NTF-02")
CROSSED_AFTER_REFUSAL = Rule(
    why="a cancel of another order had been refused before an opposite order came",
    status=("TRM-05",),
    quantity=("TRM-05",),
    total=("TRM-05",),
)
CROSSED_AFTER_FOREIGN = Rule(
    why="another account had tried to cancel it before an opposite order came",
    status=("NTF-02",),
    quantity=("NTF-02",),
    total=("NTF-02",),
)
UNKNOWN_ID = everywhere("a cancel of an unknown id was refused", "TRM-05")
SEEN_PENDING = Rule(
    why="it had been seen PENDING_CANCEL",
    status=("PND-03",),
    listed=("PND-03",),
    locked=("PND-04",),
    suspects=("PND-02",),
)
CONFIRMED = Rule(
    why="its pending cancel was confirmed",
    locked=("PND-04", "FND-01", "FND-02"),
    total=("PND-04", "FND-02", "FND-05"),
)
FILLED_WHILE_PENDING = Rule(
    why="an opposite order came while its cancel was pending",
    status=("PND-02",),
    quantity=("PND-02",),
    locked=("PND-04",),
    total=("PND-02",),
)
BULK_WHILE_PENDING = Rule(
    why="cancel-all was accepted while its cancel was pending",
    status=("PND-03",),
    locked=("FND-04",),
    total=("FND-04",),
    suspects=("PND-02",),
)
SECOND_WHILE_PENDING = Rule(
    why="it was cancelled again while its cancel was pending",
    status=("PND-05",),
    quantity=("PND-05",),
    listed=("PND-05",),
    locked=("PND-05", "FND-04"),
    total=("PND-05", "FND-04"),
)
RACED_CANCELS = Rule(
    why="several calls cancelled it at once",
    status=("RCE-01",),
    quantity=("RCE-01",),
    listed=("RCE-01",),
    locked=("RCE-01", "FND-04"),
    total=("RCE-01", "FND-04"),
)
RACED_FILL = Rule(
    why="a cancel and an opposite order met it at once",
    status=("RCE-02",),
    quantity=("RCE-02",),
    listed=("RCE-02",),
    locked=("RCE-02", "FND-04"),
    total=("RCE-02",),
)
RACED_BULK = Rule(
    why="cancel-all met other calls of its account at once",
    status=("RCE-03",),
    quantity=("RCE-03",),
    listed=("RCE-03",),
    locked=("RCE-03", "FND-04"),
    total=("RCE-03", "FND-04"),
)
RACED_OTHERS = Rule(
    why="different orders were cancelled at once",
    status=("RCE-04",),
    quantity=("RCE-04",),
    listed=("RCE-04",),
    locked=("RCE-04", "FND-04"),
    total=("RCE-04", "FND-04"),
)
PLACED_AFTER_BULK = everywhere("it was placed after a cancel-all that met other calls had answered", "RCE-03")
RACED = (RACED_CANCELS, RACED_FILL, RACED_BULK, RACED_OTHERS)
PLACED = Rule(why="it was placed")
FILLED = Rule(why="an opposite order came", lock_suspects=("FND-03",))


def broken(causes: Iterable[Cause], aspect: Aspect) -> tuple[str, ...]:
    """The requirements that a misfit in one aspect breaks, the latest cause first, each once."""
    found = sorted(causes, key=lambda cause: -cause.step)
    more: list[str] = []
    if aspect in (Aspect.QUANTITY, Aspect.TOTAL):
        more = [i for cause in found for i in cause.rule.suspects]
    elif aspect is Aspect.LOCKED:
        more = [i for cause in found for i in cause.rule.lock_suspects]
    return tuple(dict.fromkeys((*named(found, aspect), *more)))


def named(causes: Iterable[Cause], aspect: Aspect) -> tuple[str, ...]:
    """The requirements that the causes name for one aspect, the latest cause first, each once."""
    ordered = sorted(causes, key=lambda cause: -cause.step)
    return tuple(dict.fromkeys(i for cause in ordered for i in cause.rule.ids(aspect)))


def reasons(causes: Iterable[Cause]) -> tuple[str, ...]:
    """Why these requirements are named, in words, in the order in which it happened."""
    return tuple(
        dict.fromkeys(
            f"step {cause.step}: {cause.rule.why}" + (f" ({cause.order})" if cause.order else "")
            for cause in sorted(causes, key=lambda cause: cause.step)
        )
    )
