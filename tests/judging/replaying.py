"""Running the plans of a stored history again without a target: answers come from the store, and no time passes."""

import importlib
import pkgutil
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from unittest.mock import patch
from urllib.parse import urlsplit

from conformance.plans import from_data
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.accounts import load_private_key
from fixtures.attacks.encodings import canonical, encoded_signature
from fixtures.attacks.steps import NotApplicable, Step
from fixtures.profiles import Profile
from fixtures.signing.material import PrivateKey
from fixtures.venue import Desk, Venue
from fixtures.venue.connections import Carrier, RawCarrier
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import Lost, Received
from tests.judging.asking import asked, secrets_of, with_secrets
from tests.judging.histories import History, Sent, Verdict
from tests.judging.recording import secrets_in

ACTING = ("conformance", "strategies", "fixtures")
"""The packages whose clock is the history's."""

STARTED = 1_000.0
"""What the monotonic clock shows when a replay begins."""


class NotStoredError(AssertionError):
    """A request that the history holds no answer to, or no further one."""


class HistoryClock:
    """A stand-in for the ``time`` module: it stands still but for sleeps and for what the store says of a request.

    The threads of a race each have a time of their own, which begins with that of the thread that waits for them.
    """

    def __init__(self, wall: float) -> None:
        self._offset = wall - STARTED
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._now = self._latest = STARTED
        self._own: dict[int, float] = {}

    def monotonic(self) -> float:
        """Seconds of the monotonic clock."""
        with self._lock:
            if threading.get_ident() == self._owner:
                self._now = max(self._now, self._latest)
                self._own.clear()  # the threads of a race have ended when the one that waits for them goes on
                return self._now
            return self._own.setdefault(threading.get_ident(), self._now)

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._offset + self.monotonic()

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return int(self.time() * 1e9)

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.reach(self.monotonic() + seconds)

    def reach(self, moment: float) -> None:
        """Go on to a moment of the monotonic clock, unless it is over."""
        now = self.monotonic()
        with self._lock:
            self._latest = max(self._latest, moment)
            if threading.get_ident() != self._owner:
                self._own[threading.get_ident()] = max(now, moment)


class StoredConnections:
    """Carriers that answer from a history, each kind of request in its own order."""

    def __init__(self, history: History, clock: HistoryClock) -> None:
        self.secrets: Mapping[str, str] = {}
        self._history = history
        self._clock = clock
        self._lock = threading.Lock()
        self._left: defaultdict[str, deque[Sent]] = defaultdict(deque)
        for sent in history.sent:
            self._left[sent.asked].append(sent)

    def kept(self, profile: Profile, base_url: str | None = None) -> Carrier:
        """What was stored of keep-alive connections."""
        return _Kept(self, urlsplit(base_url or profile.target.base_url or "").netloc)

    def raw(self, profile: Profile) -> RawCarrier:
        """What was stored of exact bytes."""
        return _Raw(self)

    def answer(self, way: str, request: PreparedRequest) -> Received | Lost:
        """The stored outcome of a request. Raises :class:`NotStoredError`."""
        key = asked(way, request, self._history.known)
        with self._lock:
            stored = self._left[key].popleft() if self._left[key] else None
        if stored is None:
            raise NotStoredError(self._missing(key))
        self._clock.reach(STARTED + stored.ended)
        times = STARTED + stored.began, STARTED + stored.ended
        if isinstance(stored.outcome, Lost):
            return replace(stored.outcome, times=times)
        return replace(with_secrets(stored.outcome, secrets_of(request, self.secrets)), times=times)

    @property
    def unused(self) -> list[str]:
        """The stored requests that were not made."""
        return [key for key, left in self._left.items() for _ in left]

    def _missing(self, key: str) -> str:
        count = sum(sent.asked == key for sent in self._history.sent)
        similar = [other for other in self.unused if other.split()[:3] == key.split()[:3]]
        more = "".join(f"\n  {other}" for other in similar[:5]) or " none"
        return (
            f"{self._history.name}: the history holds {count} answers to this request, and one more is asked for:\n"
            f"  {key}\nnot asked for yet, of the same account and operation:{more}"
        )


class _Kept:
    def __init__(self, store: StoredConnections, host: str) -> None:
        self._store, self.host = store, host

    def send(self, request: PreparedRequest) -> Received | Lost:
        return self._store.answer("kept", request)

    def close(self) -> None:
        pass


class _Raw:
    def __init__(self, store: StoredConnections) -> None:
        self._store = store

    def send(self, data: bytes, request: PreparedRequest) -> Received | Lost:
        return self._store.answer("raw", request)


def replay(history: History) -> tuple[Verdict, ...]:
    """What the history's plans show when they are run again. Raises :class:`NotStoredError`."""
    return tuple(map(Verdict.of, played(history, LaneMemory())))


def played(history: History, memory: LaneMemory) -> Iterator[PlanResult]:
    """Run the history's plans again, in this thread, with this memory. Raises :class:`NotStoredError`."""
    profile = history.target.profile()
    clock = HistoryClock(history.wall)
    connections = StoredConnections(history, clock)
    with (
        shown_by(clock),
        patch("fixtures.accounts.load_private_key", _loaded),
        patch("fixtures.attacks.forge.encoded_signature", _encoded),
        Desk(profile, run=history.run) as desk,
        Venue(profile, desk=desk, lane=history.lane, connections=connections) as venue,
    ):
        connections.secrets = secrets_in(venue)
        for plan in history.plans:
            yield run_plan(from_data(plan), venue, memory, markets=profile.markets_of(history.lane))


def _encoded(step: Step, signature: bytes) -> str | None:
    """The encoding, even of a signature that has nothing to encode otherwise.

    One signature in two hundred has no ``+`` to put a blank in the place of. The history's had one, and nobody verifies
    this one: left out, it would shift every later answer.
    """
    try:
        return encoded_signature(step, signature)
    except NotApplicable:
        return canonical(signature)


def _loaded(pem: str, where: str, kind: str) -> PrivateKey:
    return _loaded_once(pem)


@cache
def _loaded_once(pem: str) -> PrivateKey:
    """The same few keys are read for every history, which takes longer than the replay of most."""
    return load_private_key(pem, "the keys of a replay")


@contextmanager
def shown_by(clock: HistoryClock) -> Iterator[None]:
    """Let every module of the suite that looks at the time see this clock."""
    _import_all()
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in ACTING and getattr(module, "time", None) is time
    ]
    for module in modules:
        vars(module)["time"] = clock
    try:
        yield
    finally:
        for module in modules:
            vars(module)["time"] = time


def _import_all() -> None:
    """Modules that are imported while a plan runs would see the real time."""
    for package in ("conformance.runner", "fixtures.venue", "fixtures.attacks"):
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(found.name)
