"""What was seen: the facts that a runner hands to the judge, or that a stored history holds. Values only.

``at`` is when the answer had come; ``asked`` when the request was about to be sent, for a look less the delay of late
reads: what is shown is not older. Both are seconds since the epoch; ``moment`` is on the monotonic clock.
``looked`` holds what reads of single orders showed, where the judge asked for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.model.events import Event, Place, Release
from conformance.model.order import Terms
from conformance.plans import Forge, Plan, Send
from fixtures.attacks.vectors import Attack, Expectation
from fixtures.venue.answers import (
    Answer,
    BalanceView,
    Cancelled,
    CancelledAll,
    OrderRead,
    OrderView,
    Placed,
    Unknown,
)

Looked = Mapping[str, OrderView | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepBegun:
    """The plan comes to its next step; ``at`` is in seconds since the plan began."""

    index: int
    action: Mapping[str, object]
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StartSeen:
    """The balances of an account before the plan's first step; ``None``: they cannot be read.

    ``alone``: no order of this run, and none that stood there before, is open in the account.
    """

    account: str
    funds: Mapping[str, BalanceView] | None
    alone: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """Any request was answered, or had no answer: what holds for all answers is judged.

    ``attack`` is the flaw of a forged request, ``ids`` what an error of the server breaks beside ERR-01. ``correct``: a
    request without a flaw has the credentials that it should have (SIG-01).
    """

    answer: Answer | Unknown
    attack: Attack | None = None
    ids: tuple[str, ...] = ()
    correct: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A correct request was answered, or had no answer; ``about``: what it asked for, in which situation (ERR-01)."""

    about: str
    answer: Answer | Unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """The plan cannot be gone on with; ``reason`` says why."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The plan came to its end: its closed orders must stay as they are."""

    plan: Plan
    moment: float


# -- placing and driving ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Placing:
    """A placing was answered; ``order_id`` is ``None`` where it was refused. ``client_id`` is the one that was sent."""

    event: Place
    answer: Answer | None
    order_id: str | None
    client_id: str | None
    asked: float
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LockSeen:
    """The balances before and after a placing, where what an order locks can only be learned from the difference."""

    order: str
    before: Mapping[str, BalanceView]
    after: Mapping[str, BalanceView]


@dataclass(frozen=True, kw_only=True, slots=True)
class Driven:
    """A control request was answered: an execution, or an expiry (whose ``event`` then says when).

    ``before`` is when the request was about to be sent.
    """

    event: Event
    answer: Answer | None
    before: float
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Approached:
    """An event is about to reach an order: the cell is counted if its state is pinned."""

    order: str
    event: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """An order was still active when its deadline had passed by more than the profile allows."""

    order: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """Market orders that were held were let go."""

    event: Release
    executing: tuple[str, ...]
    at: float


# -- cancels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelling:
    """A cancel of an order of the plan was answered; ``again`` is how the unknown order's cancel was answered anew."""

    order: str
    account: str
    result: Cancelled
    asked: float
    at: float
    looked: Looked = field(default_factory=dict)
    again: Answer | Unknown | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancellingUnknown:
    """A cancel of an id that names no order was answered."""

    order_id: str
    account: str
    answer: Answer
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CancellingAll:
    """A cancel-all was answered."""

    account: str
    result: CancelledAll
    asked: float
    at: float
    looked: Looked = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class MayHaveHappened:
    """Nobody can tell whether these requests took effect."""

    events: tuple[Event, ...]
    at: float


# -- looks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderSeen:
    """One order was read, by its owner or by another account; ``again``: seconds after which a misfit is read anew."""

    order: str
    account: str
    result: OrderRead
    asked: float
    at: float
    moment: float
    again: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSeen:
    """The active orders of an account were listed, all or those of one ``market``; or all, with closed ones.

    ``names`` are the orders of the plan that are judged by it. ``full``: it may hold more than was shown.
    """

    account: str
    views: tuple[OrderView, ...]
    names: tuple[str, ...]
    asked: float
    at: float
    moment: float
    closed: bool = False
    full: bool = False
    market: str | None = None
    again: float = 0.0
    looked: Looked = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierOrderSeen:
    """An order that an earlier plan had left in a terminal state was read once more."""

    order_id: str
    view: OrderView
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtedFunds:
    """Balances that did not fit: what was seen, when (monotonic clock), and how often they were looked at since."""

    funds: Mapping[str, BalanceView]
    moment: float
    looks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancesSeen:
    """The balances of an account were read; ``doubt`` where earlier ones did not fit.

    ``again``: seconds after which a misfit may have been a late read; ``looks``: the seconds between further looks,
    which tell late funds from wrong ones.
    """

    account: str
    funds: Mapping[str, BalanceView] | None
    at: float
    moment: float
    again: float = 0.0
    looks: tuple[float, ...] = ()
    doubt: DoubtedFunds | None = None


# -- hostile and plain requests ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Forging:
    """A forged request was answered; ``expect`` is what this target is held to. ``again``: the same, sent anew.

    ``first_again`` is how the request that it is compared with was answered anew.
    """

    action: Forge
    attack: Attack
    expect: Expectation
    answer: Answer | Unknown
    again: Answer | Unknown | None = None
    first_again: Answer | Unknown | None = None
    compared: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DisguisedCancel:
    """A correct cancel in another guise was answered; ``sure``: the order was active in every possible world."""

    action: Forge
    attack: Attack
    answer: Answer
    sure: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SpelledOtherwise:
    """An order was read and cancelled under another spelling of its id (NTF-06).

    ``cancel`` is ``None`` where the read showed another order, so that none was sent.
    """

    action: Forge
    attack: Attack
    read: OrderRead
    cancel: Answer | Unknown | None
    sure: bool
    broken: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """A plain request of a plan was answered."""

    action: Send
    answer: Answer


# -- what a fuzzer proposes --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Complained:
    """A fuzzer complains of an answer: its check ``check`` failed, in its words ``title`` and ``message``.

    ``credentials`` are the parts that were sent; ``known``: the request is one that an operation of the target has.
    """

    check: str
    title: str
    message: str
    answer: Answer
    method: str
    operation: str
    credentials: tuple[str, ...]
    known: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """A fuzzer has ended: how many cases it made."""

    cases: int


# -- races ------------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a call of a race does."""

    CANCEL = "cancel"
    CANCEL_ALL = "cancel-all"
    PLACE = "place"
    FILL = "fill"
    READ = "read"


Sent = Placed | Cancelled | CancelledAll | OrderRead | Answer | Unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class RaceCall:
    """One call of a race, with what came back.

    ``order`` is the order that the call names (the new one, for a placing); ``account`` who calls. ``view`` is what a
    read after the race showed of an immediate order, which is final. ``reached``: the monotonic time at which an order
    was surely in the book, at a venue that places later than it answers.
    """

    label: str
    kind: Kind
    account: str
    event: Event | None
    sent: Sent
    order: str = ""
    terms: Terms | None = None
    order_id: str | None = None
    view: OrderView | None = None
    reached: float = 0.0

    @property
    def answer(self) -> Answer | Unknown:
        """What came back."""
        return self.sent if isinstance(self.sent, Answer | Unknown) else self.sent.answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Raced:
    """The calls of a race have all ended; ``asked`` is when the first was about to begin.

    ``judged`` is false where the plan had ended with one of their answers: then they are known, and no more.
    """

    calls: tuple[RaceCall, ...]
    asked: float
    at: float
    judged: bool = True


Fact = (
    StepBegun
    | StartSeen
    | Answered
    | Asked
    | GivenUp
    | Ended
    | Placing
    | LockSeen
    | Driven
    | Approached
    | Overdue
    | Released
    | Cancelling
    | CancellingUnknown
    | CancellingAll
    | MayHaveHappened
    | OrderSeen
    | ListSeen
    | EarlierOrderSeen
    | BalancesSeen
    | Forging
    | DisguisedCancel
    | SpelledOtherwise
    | Sending
    | Complained
    | Proposed
    | Raced
)
