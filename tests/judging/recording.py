"""Running plans at an embedded exchange while everything that is sent and seen is written down."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from zlib import adler32

from conformance.plans import Plan, to_data
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from fixtures.profiles import Profile
from fixtures.venue import Desk, Venue
from fixtures.venue.connections import Carrier, NetworkConnections, RawCarrier
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import Lost, Received
from fixtures.venue.trouble import VenueTrouble
from tests.judging.asking import asked, secrets_of, without_secrets, words_of
from tests.judging.histories import History, Sent, Target, Verdict

_NAMING = frozenset({"place", "list"})
"""The operations whose answers show the ids of orders that exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Noted:
    way: str
    request: PreparedRequest
    began: float
    ended: float
    outcome: Received | Lost


class RecordingConnections:
    """The network, with a note of every request in the order in which they ended."""

    def __init__(self) -> None:
        self._network = NetworkConnections()
        self._lock = threading.Lock()
        self.noted: list[_Noted] = []

    def kept(self, profile: Profile, base_url: str | None = None) -> Carrier:
        """Connections through the HTTP library."""
        return _Kept(self._network.kept(profile, base_url), self)

    def raw(self, profile: Profile) -> RawCarrier:
        """A socket for each request."""
        return _Raw(self._network.raw(profile), self)

    def note(self, way: str, request: PreparedRequest, began: float, outcome: Received | Lost) -> Received | Lost:
        """Keep one request with its outcome, which has just come."""
        with self._lock:
            self.noted.append(_Noted(way=way, request=request, began=began, ended=time.monotonic(), outcome=outcome))
        return outcome


class _Kept:
    def __init__(self, inner: Carrier, log: RecordingConnections) -> None:
        self._inner, self._log, self.host = inner, log, inner.host

    def send(self, request: PreparedRequest) -> Received | Lost:
        began = time.monotonic()
        return self._log.note("kept", request, began, self._inner.send(request))

    def close(self) -> None:
        self._inner.close()


class _Raw:
    def __init__(self, inner: RawCarrier, log: RecordingConnections) -> None:
        self._inner, self._log = inner, log

    def send(self, data: bytes, request: PreparedRequest) -> Received | Lost:
        began = time.monotonic()
        return self._log.note("raw", request, began, self._inner.send(data, request))


def record(
    name: str, profile: Profile, target: Target, plans: Iterable[Plan], *, lane: int = 1, until: str | None = None
) -> History:
    """Run plans in turn, beginning with an empty memory; ends after the first that breaks the requirement ``until``."""
    log = RecordingConnections()
    done: list[Plan] = []
    verdicts: list[Verdict] = []
    run = f"{adler32(name.encode()):08x}"
    with Desk(profile, run=run) as desk, Venue(profile, desk=desk, lane=lane, connections=log) as venue:
        memory = LaneMemory()
        started, wall = time.monotonic(), time.time()
        secrets = secrets_in(venue)
        with suppress(VenueTrouble):
            for plan in plans:
                result = run_plan(plan, venue, memory, markets=profile.markets_of(lane))
                done.append(plan)
                verdicts.append(Verdict.of(result))
                if until is not None and result.breaks(until):
                    break
    known = frozenset[str]().union(
        *(
            words_of(noted.outcome.body)
            for noted in log.noted
            if isinstance(noted.outcome, Received) and noted.outcome.status < 300 and noted.request.operation in _NAMING
        )
    )
    sent = tuple(
        Sent(
            asked=asked(noted.way, noted.request, known),
            began=round(noted.began - started, 6),
            ended=round(noted.ended - started, 6),
            outcome=without_secrets(noted.outcome, secrets_of(noted.request, secrets))
            if isinstance(noted.outcome, Received)
            else noted.outcome,
        )
        for noted in log.noted
    )
    told = " ".join(one.asked for one in sent)
    return History(
        name=name,
        target=target,
        lane=lane,
        run=run,
        wall=wall,
        plans=tuple(to_data(plan) for plan in done),
        sent=sent,
        known=frozenset(word for word in known if word in told),
        verdicts=tuple(verdicts),
    )


def secrets_in(venue: Venue) -> Mapping[str, str]:
    """What identifies the accounts of a client, by a name that is the same in every run."""
    found: dict[str, str] = {}
    for role, account in venue.account_keys.items():
        for number, key in enumerate((account.key, *account.further, *account.revoked)):
            found |= {f"key:{role}-{number}": key.key_id} if key.key_id else {}
            found |= {f"token:{role}-{number}": key.token} if key.token else {}
    return found
