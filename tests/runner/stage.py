"""The embedded exchange in this process, without HTTP: what it answers can be altered, lost or refused by a script."""

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from conformance.plans import Action, Plan
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.trace import PlanResult
from fixtures.embedded import embedded_profile
from fixtures.exchange import ExchangeSettings, key_ring
from fixtures.exchange.control import PREFIX, Control
from fixtures.exchange.requests import Request
from fixtures.exchange.service import Service
from fixtures.faults import compose
from fixtures.profiles import Profile
from fixtures.venue import Desk, Venue
from fixtures.venue.raw import described
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import Lost, Received

JsonObject = dict[str, Any]
Alter = Callable[[JsonObject], None]


class Stage:
    """One exchange and a client of it. Whatever is scripted for an operation holds for its n-th requests (from one)."""

    def __init__(self, folder: Path, settings: ExchangeSettings, overrides: Mapping[str, Any]) -> None:
        keys = key_ring(settings.accounts)
        token = "a-token-for-the-stage"
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self.service = Service(settings, keys=keys.registered(), compose=compose, later=self._later)
        self._control = Control(self.service, token)
        reached = SimpleNamespace(
            base_url="https://stage.invalid", control_token=token, accounts=keys.accounts, revoked=keys.revoked
        )
        self.profile = embedded_profile(reached, settings, overrides)  # type: ignore[arg-type]  # all that it reads of one
        self.desk = Desk(self.profile, state=folder)
        self.host = "stage.invalid"
        self.takes_raw = False
        self.venue = Venue(self.profile, desk=self.desk, connections=self)
        self.memory = LaneMemory()
        self.asked: Counter[str] = Counter()
        self.sent: list[str] = []
        self._script: list[tuple[str, Callable[[int], bool], Callable[[Received | Lost], Received | Lost], bool]] = []

    # -- what is scripted ---------------------------------------------------------------------------------------------

    def alters(self, operation: str, alter: Alter, *, when: Callable[[int], bool] = lambda _: True) -> Self:
        """Change the JSON of these answers before they are shown."""

        def deed(outcome: Received | Lost) -> Received | Lost:
            assert isinstance(outcome, Received)
            document = json.loads(outcome.body)
            alter(document)
            body = json.dumps(document).encode()
            return Received(status=outcome.status, headers=outcome.headers, body=body)

        self._script.append((operation, when, deed, True))
        return self

    def heads(self, operation: str, header: tuple[str, str], *, when: Callable[[int], bool] = lambda _: True) -> Self:
        """Add a header to these answers."""

        def deed(outcome: Received | Lost) -> Received | Lost:
            assert isinstance(outcome, Received)
            return Received(status=outcome.status, headers=(*outcome.headers, header), body=outcome.body)

        self._script.append((operation, when, deed, True))
        return self

    def loses(self, operation: str, *, arrives: bool, when: Callable[[int], bool] = lambda _: True) -> Self:
        """Lose these answers, after the request was carried out or before."""
        lost = Lost(reason="the connection broke while waiting for the answer", sent=True)
        self._script.append((operation, when, lambda _: lost, arrives))
        return self

    def answers(
        self, operation: str, status: int, document: object = None, *, when: Callable[[int], bool] = lambda _: True
    ) -> Self:
        """Answer these requests so, without carrying them out."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = (("content-type", "application/json"),)
        self._script.append((operation, when, lambda _: Received(status=status, headers=headers, body=body), False))
        return self

    def says(
        self, operation: str, status: int, document: object, *, when: Callable[[int], bool] = lambda _: True
    ) -> Self:
        """Answer these requests so, after they were carried out."""
        said = Received(
            status=status, headers=(("content-type", "application/json"),), body=json.dumps(document).encode()
        )
        self._script.append((operation, when, lambda _: said, True))
        return self

    # -- what a client does -------------------------------------------------------------------------------------------

    def kept(self, profile: Profile, base_url: str | None = None) -> Self:
        """The stage carries the requests itself."""
        return self

    def raw(self, profile: Profile) -> "Sockets":
        """Exact bytes arrive where the stage takes them."""
        return Sockets(self)

    def send(self, request: PreparedRequest) -> Received | Lost:
        """Answer a request in this thread."""
        self._pass_time()
        self.asked[request.operation] += 1
        self.sent.append(request.operation)
        number = self.asked[request.operation]
        deeds = [
            (deed, arrives) for name, when, deed, arrives in self._script if name == request.operation and when(number)
        ]
        outcome: Received | Lost = Lost(reason="scripted", sent=True)
        if all(arrives for _, arrives in deeds):
            outcome = self._carried_out(request)
        for deed, _ in deeds:
            outcome = deed(outcome)
        return outcome

    def close(self) -> None:
        """Nothing is open."""

    def run(self, *actions: Action, look_again: int = 1) -> PlanResult:
        """Run a plan of these actions."""
        return run_plan(Plan(actions=actions), self.venue, self.memory, look_again=look_again)

    def live_orders(self) -> int:
        """How many orders are not over at the exchange."""
        self._pass_time()
        live = {"pendingsubmit", "submitted", "partiallyfilled", "pendingcancel"}
        return sum(order.status.value in live for order in self.service.engine.orders.values())

    def _carried_out(self, request: PreparedRequest) -> Received:
        asked = Request(
            method=request.method,
            target=request.target.encode(),
            headers=tuple((name.lower().encode(), value.encode()) for name, value in request.headers),
            body=request.body,
        )
        handler = self._control if asked.path.startswith(PREFIX) else self.service.api
        answer = handler.handle(asked)
        headers = (
            ("content-type", answer.content_type.decode()),
            *((n.decode(), v.decode()) for n, v in answer.headers),
        )
        return Received(status=answer.status, headers=headers, body=answer.body)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._planned, (time.monotonic() + seconds, next(self._numbers), action))

    def _pass_time(self) -> None:
        while self._planned and self._planned[0][0] <= time.monotonic():
            heapq.heappop(self._planned)[2]()


class Sockets:
    """Carries exact bytes to a stage."""

    def __init__(self, theatre: Stage) -> None:
        self._stage = theatre

    def send(self, data: bytes, request: PreparedRequest) -> Received | Lost:
        """What the stage answers to the request that the bytes are meant to be; nothing where it takes no bytes."""
        if not self._stage.takes_raw:
            return Lost(reason="the stage takes no exact bytes", sent=False)
        return self._stage.send(described(data, request.account, request.operation))
