"""Which cells of the table state x event a run reached, and which of the possible ones it never did."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.model.order import Status

FORMAT: Final = "cancel-conformance/coverage/1"

CANCEL: Final = "cancel"
AGAIN: Final = "cancel again"
FOREIGN: Final = "cancel by another account"
ALL: Final = "cancel-all"
FOREIGN_ALL: Final = "cancel-all by another account"
PART: Final = "fill part"
WHOLE: Final = "fill whole"
OPPOSITE: Final = "opposite order"
EXPIRE: Final = "expire"

EVENTS: Final = (CANCEL, AGAIN, FOREIGN, ALL, FOREIGN_ALL, PART, WHOLE, OPPOSITE, EXPIRE)
"""The events of an order's life, as the runner names them, in the order in which reports show them."""

_ANY_STATE: Final = (FOREIGN, ALL, FOREIGN_ALL)

POSSIBLE: Final[Mapping[Status, tuple[str, ...]]] = {
    Status.PENDING: (CANCEL, *_ANY_STATE),
    Status.OPEN: (CANCEL, *_ANY_STATE, PART, WHOLE, EXPIRE),
    Status.PARTIALLY_FILLED: (CANCEL, *_ANY_STATE, PART, WHOLE, EXPIRE),
    Status.PENDING_CANCEL: (AGAIN, *_ANY_STATE, PART, WHOLE),
    Status.FILLED: (CANCEL, *_ANY_STATE, OPPOSITE),
    Status.CANCELED: (AGAIN, *_ANY_STATE, OPPOSITE),
    Status.EXPIRED: (CANCEL, *_ANY_STATE, OPPOSITE),
    Status.REJECTED: (CANCEL, *_ANY_STATE),
}
"""What can happen to an order in each state at some venue; a cell outside may be reached and is then shown as well."""


def possible_cells() -> Iterator[tuple[str, str]]:
    """Every cell of the possible table, by state in the order of an order's life."""
    for status, events in POSSIBLE.items():
        for event in events:
            yield str(status), event


def coverage(cells: Counter[tuple[str, str]]) -> dict[str, Any]:
    """The coverage of a run as JSON data: the cells reached with their counts, and the possible ones never reached."""
    possible = list(possible_cells())
    reached = sorted(((str(state), event, count) for (state, event), count in cells.items() if count), key=_place)
    known = {(state, event) for state, event, _ in reached}
    return {
        "format": FORMAT,
        "reached": [{"state": state, "event": event, "count": count} for state, event, count in reached],
        "never": [{"state": state, "event": event} for state, event in possible if (state, event) not in known],
        "possible": len(possible),
    }


def _place(cell: tuple[str, str, int]) -> tuple[int, int, str, str]:
    state, event, _ = cell
    states = [str(status) for status in Status]
    return (
        states.index(state) if state in states else len(states),
        EVENTS.index(event) if event in EVENTS else len(EVENTS),
        state,
        event,
    )
