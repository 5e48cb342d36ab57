"""How long it takes to judge a history of parallel calls, by the number of its calls."""

import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from random import Random

from benchmarks.figures import Figure, median_seconds
from benchmarks.predicting import RULES
from conformance.model.events import Cancel, CancelAll, Event, Place
from conformance.model.history import Call, explain
from conformance.model.lifecycle import Reply
from conformance.model.order import Side, Terms, TimeInForce
from conformance.model.worlds import Belief

SIZES = (2, 4, 6, 8, 10, 12)
TIMES = 5
WANTED_MS = {8: 50.0, 12: 1000.0}


def _terms(side: Side, account: str, **changes: object) -> Terms:
    given: dict[str, object] = {"account": account, "market": "M", "side": side, "quantity": Decimal(10)}
    return Terms(**(given | {"price": Decimal(100)} | changes))  # type: ignore[arg-type]  # names and types of Terms


def standing(orders: int) -> Belief:
    """Orders that rest at one price."""
    belief = Belief.empty()
    for number in range(orders):
        event = Place(order=f"o{number}", terms=_terms(Side.SELL, "primary"), arrival=number)
        after = belief.after(event, RULES, accepts=lambda _: True, until=0.0)
        if not isinstance(after, Belief):
            raise TypeError("placing a resting order conflicts with nothing")
        belief = after
    return belief


def history(size: int, random: Random) -> list[Call]:
    """So many calls at once: cancels of two orders, fills that meet them, a cancel-all; every answer is possible."""
    calls = []
    for number in range(size):
        event: Event
        kind = number % 4
        if kind == 3 and number > 4:
            event = CancelAll(account="primary")
        elif kind == 2:
            taking = _terms(Side.BUY, "counterparty", quantity=Decimal(1 + number), time_in_force=TimeInForce.IOC)
            event = Place(order=f"f{number}", terms=taking, arrival=100 + number)
        else:
            event = Cancel(order=f"o{number % 2}", account="primary")
        began = random.random() / 10
        calls.append(
            Call(
                label=f"call {number}",
                event=event,
                began=began,
                ended=began + 1,
                accepts=lambda outcome: outcome.reply in (Reply.ACCEPTED, Reply.CANNOT_CANCEL),
                answer="any",
            )
        )
    return calls


def _judge(belief: Belief, histories: Iterator[list[Call]]) -> None:
    explain(belief, next(histories), RULES, until=0.0)


def measure() -> list[Figure]:
    """The median of several histories of each size, all calls overlapping: nothing is pruned by time."""
    figures = []
    belief = standing(2)
    for size in SIZES:
        random = Random(size)
        histories = iter([history(size, random) for _ in range(TIMES)])
        judge = partial(_judge, belief, histories)
        taken = 1000 * median_seconds(judge, times=TIMES, clock=time.process_time)
        wanted = WANTED_MS.get(size)
        figures.append(
            Figure(
                name=f"judging {size} calls at once",
                value=taken,
                unit="ms",
                target=f"< {wanted:g}" if wanted else "",
                met=taken < wanted if wanted else None,
            )
        )
    return figures
