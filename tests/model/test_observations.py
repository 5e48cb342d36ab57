"""What was asked and seen, line by line: sequences that a correct target shows, and sequences that none does."""

from decimal import Decimal

import pytest

from conformance.model.amounts import NOTHING
from conformance.model.events import Cancel, CancelAll, Event, Place
from conformance.model.order import ACTIVE, Status
from conformance.model.prediction import Outcome
from conformance.model.worlds import Belief, Conflict, Seen
from tests.model.orders import NOW, RULES, immediate, terms

GOOD = {
    "a cancel at once": """
        place a; read a OPEN 0; locked 1000
        cancel a -> accepted; read a CANCELED 0; list; locked 0""",
    "a cancel with a delay": """
        place a
        cancel a -> accepted; read a PENDING_CANCEL 0; locked 1000
        read a CANCELED 0; locked 0""",
    "a second cancel while pending, refused": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0
        cancel a -> cannot-cancel; read a CANCELED 0""",
    "a second cancel while pending, accepted": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0
        cancel a -> accepted; read a PENDING_CANCEL 0; read a CANCELED 0""",
    "a pending cancel is listed, and then it is not": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; list; read a PENDING_CANCEL 0""",
    "a fill while pending completes the order": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0
        fill f 10; read a FILLED 10; read f FILLED 10; cancel a -> cannot-cancel""",
    "a fill while pending takes a part": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0
        fill f 4; read a PENDING_CANCEL 4; locked 600; read a CANCELED 4; locked 0""",
    "a fill comes too late for a pending cancel": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0
        fill f 4; read f CANCELED 0; read a CANCELED 0""",
    "a part is kept when the rest is cancelled": """
        place a; fill f 4; read a PARTIALLY_FILLED 4; locked 600
        cancel a -> accepted; read a CANCELED 4; locked 0""",
    "what cannot be cancelled": """
        place a; fill f 10; cancel a -> cannot-cancel; read a FILLED 10; cancel a -> cannot-cancel""",
    "cancel-all lists both, one of them delayed": """
        place a; place b 5 99; all -> a b; read a CANCELED 0; read b PENDING_CANCEL 0; locked 495; read b CANCELED 0""",
    "cancel-all with nothing active": "place a; cancel a -> accepted; read a CANCELED 0; all ->; all ->",
    "cancel-all lists what was pending already": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; all -> a; read a CANCELED 0""",
    "cancel-all does not list what was pending already": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; all ->; read a CANCELED 0""",
    "a lost cancel that arrived": "place a; lost a; read a CANCELED 0; cancel a -> cannot-cancel",
    "a lost cancel that did not arrive": "place a; lost a; read a OPEN 0; cancel a -> accepted",
    "a lost cancel that was refused the second time": "place a; lost a; cancel a -> cannot-cancel; read a CANCELED 0",
    "the queue moves up after a cancel": """
        place a; place b; cancel a -> accepted; read a CANCELED 0
        fill f 4; read b PARTIALLY_FILLED 4; read a CANCELED 0""",
    "three fills and a cancel": """
        place a; fill f 1; fill g 2; fill h 3; read a PARTIALLY_FILLED 6
        cancel a -> accepted; locked 0; read a CANCELED 6""",
}
BAD = {
    # no correct target is left after the last line, and one is before it
    "an accepted cancel has no effect": "place a; cancel a -> accepted; read a OPEN 0",
    "an accepted cancel leaves it listed": "place a; cancel a -> accepted; list a",
    "an open order's cancel is refused": "place a; cancel a -> cannot-cancel",
    "an open order is not found": "place a; cancel a -> not-found",
    "a cancel ends in another word": "place a; cancel a -> accepted; read a EXPIRED 0",
    "a filled order is cancelled": "place a; fill f 10; cancel a -> accepted",
    "a canceled order is cancelled again": "place a; cancel a -> accepted; read a CANCELED 0; cancel a -> accepted",
    "a canceled order revives": "place a; cancel a -> accepted; read a CANCELED 0; read a OPEN 0",
    "a canceled order still trades": "place a; cancel a -> accepted; read a CANCELED 0; fill f 4; read f FILLED 4",
    "a pending cancel goes back to open": "place a; cancel a -> accepted; read a PENDING_CANCEL 0; read a OPEN 0",
    "a pending cancel ends rejected": "place a; cancel a -> accepted; read a PENDING_CANCEL 0; read a REJECTED 0",
    "a pending cancel releases its lock at once": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; locked 0
        read a PENDING_CANCEL 0""",
    "a fill while pending is lost": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; fill f 4; read f FILLED 4
        read a CANCELED 0""",
    "a fill while pending is doubled": """
        place a; cancel a -> accepted; read a PENDING_CANCEL 0; fill f 4; read f FILLED 4
        read a CANCELED 8""",
    "what was executed is forgotten": "place a; fill f 4; cancel a -> accepted; read a CANCELED 0",
    "more was executed than was traded": "place a; fill f 4; read a PARTIALLY_FILLED 5",
    "a partly executed order claims to be untouched": "place a; fill f 4; read a OPEN 4",
    "one unit stays locked": "place a; cancel a -> accepted; read a CANCELED 0; locked 0.001",
    "the whole lock is released after a part": "place a; fill f 4; read a PARTIALLY_FILLED 4; locked 0",
    "a sibling's lock is released too": "place a; place b 5 99; cancel a -> accepted; read a CANCELED 0; locked 0",
    "cancel-all leaves one out": "place a; place b 5 99; all -> a",
    "cancel-all lists what had ended": "place a; fill f 10; place b 5 99; all -> a b",
    "cancel-all lists but does not cancel": "place a; all -> a; read a OPEN 0",
    "a refused cancel takes effect": "place a; fill f 10; cancel a -> cannot-cancel; read a CANCELED 10",
    "the later order is taken first": "place a; place b; fill f 4; read b PARTIALLY_FILLED 4",
    "a lost cancel that both did and did not arrive": "place a; lost a; read a CANCELED 0; read a OPEN 0",
    "an open order is missing from the list": "place a; list",
}


class Watch:
    """Reads a sequence line by line, and knows what could be true after each."""

    def __init__(self) -> None:
        self.belief = Belief.empty()
        self.placed = 0

    def explains(self, line: str) -> bool:
        """Whether something is left that explains a line."""
        asked, _, answer = (part.strip() for part in line.partition("->"))
        what, *words = asked.split()
        after = self._after(what, words, answer)
        if isinstance(after, Conflict):
            return False
        self.belief = after
        return True

    def _after(self, what: str, words: list[str], answer: str) -> Belief | Conflict:
        match what, words:
            case "place", [name, *changes]:
                quantity, price = changes or ("10", "100")
                return self._asked(Place(order=name, terms=terms(quantity, price), arrival=self._next()))
            case "fill", [name, quantity]:
                return self._asked(Place(order=name, terms=immediate(quantity), arrival=self._next()))
            case "cancel", [name]:
                return self._asked(Cancel(order=name, account="primary"), answer=answer)
            case "lost", [name]:
                event = Cancel(order=name, account="primary")
                return self.belief.after(event, RULES, accepts=lambda _: False, until=NOW, lost=True)
            case "all", []:
                return self._asked(CancelAll(account="primary"), listed=set(answer.split()))
            case "read", [name, status, executed]:
                return self._saw(name, status, executed)
            case "list", names:
                return self._listed(names)
            case "locked", [amount]:
                read, now = Decimal(amount), self.belief.by_now(NOW, RULES)
                return now.having_seen_funds("primary", lambda lock, _: lock.get("Q", NOTHING).holds(read), RULES)
        raise ValueError(f"no such line: {what} {words}")

    def _next(self) -> int:
        self.placed += 1
        return self.placed

    def _asked(self, event: Event, *, answer: str | None = None, listed: set[str] | None = None) -> Belief | Conflict:
        def accepts(outcome: Outcome) -> bool:
            if listed is not None:
                here = {state.name for state in outcome.world} & listed
                return outcome.listed <= here <= outcome.listed | outcome.may_list
            return answer is None or outcome.reply == answer

        return self.belief.after(event, RULES, accepts=accepts, until=NOW)

    def _saw(self, name: str, status: str, executed: str) -> Belief | Conflict:
        seen = Seen(status=Status(status), executed=Decimal(executed))
        return self.belief.having_seen(name, seen, RULES, until=NOW)

    def _listed(self, names: list[str]) -> Belief | Conflict:
        belief: Belief = self.belief
        for name in list(belief.names()):
            states = belief.states(name)
            if states[0].terms.account != "primary":
                continue
            if name in names:
                shown = next((s for s in states if s.status in ACTIVE), states[0])
                status = shown.status if shown.status in ACTIVE else Status.OPEN
                after = belief.having_seen(name, Seen(status=status, executed=None), RULES, until=NOW)
            else:
                after = belief.having_missed(name, RULES, until=NOW)
            if isinstance(after, Conflict):
                return after
            belief = after
        return belief


def lines(table: str) -> list[str]:
    """The lines of a sequence."""
    return [line.strip() for row in table.splitlines() for line in row.split(";") if line.strip()]


@pytest.mark.parametrize("sequence", GOOD.values(), ids=GOOD)
def test_what_a_correct_target_shows_is_explained(sequence: str) -> None:
    """Every line of a correct target's life is explained by what may be true before it."""
    watch = Watch()
    assert [line for line in lines(sequence) if not watch.explains(line)] == []


@pytest.mark.parametrize("sequence", BAD.values(), ids=BAD)
def test_what_no_correct_target_shows_is_refused(sequence: str) -> None:
    """The last line, which no correct target could have shown, is refused, and none before it."""
    watch, told = Watch(), lines(sequence)
    refused = next((number for number, line in enumerate(told) if not watch.explains(line)), None)
    assert refused == len(told) - 1
