"""Stored histories: the plans that a lane ran in turn, every request it sent and what came back, and the results."""

import base64
import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conformance.trace import PlanResult
from fixtures.embedded import embedded_profile, with_lanes
from fixtures.exchange import CancelMode, key_ring
from fixtures.exchange.dialects import dialect_settings
from fixtures.profiles import Profile
from fixtures.venue.transport import Lost, Received

CORPUS = Path(__file__).parent / "corpus"
MISSING = CORPUS / "missing.toml"
"""Why a seeded fault has no history, by the fault's name."""

CONTROL_TOKEN = "the-control-token-of-stored-histories"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Which embedded exchange a history was recorded at; its keys are made anew for every replay."""

    dialect: str
    cancel_mode: str
    delay_ms: tuple[int, int]
    lanes: int
    base_url: str

    def profile(self) -> Profile:
        """The profile that reaches this exchange, with other keys than those that it was recorded with."""
        settings = with_lanes(
            dialect_settings(self.dialect, cancel_mode=CancelMode(self.cancel_mode), delay_ms=self.delay_ms),
            self.lanes,
        )
        keys = key_ring(settings.accounts)
        reached = SimpleNamespace(
            base_url=self.base_url, control_token=CONTROL_TOKEN, accounts=keys.accounts, revoked=keys.revoked
        )
        return embedded_profile(reached, settings)  # type: ignore[arg-type]  # all that it reads of a running one


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One request and its outcome. ``asked`` tells it from others; times are seconds since the history began.

    ``body`` and the values of ``headers`` hold a mark in the place of what the request or the accounts keep secret.
    """

    asked: str
    began: float
    ended: float
    outcome: Received | Lost


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the run of one plan showed, as far as it is judged."""

    violations: tuple[tuple[tuple[str, ...], str, bool], ...]
    exercised: Mapping[str, int]
    cells: Mapping[str, int]
    attacks: Mapping[str, int]
    notes: Mapping[str, int]
    trouble: str | None
    requests: int

    @classmethod
    def of(cls, result: PlanResult) -> "Verdict":
        """The verdict of a result."""
        return cls(
            violations=tuple((found.requirements, found.kind, found.ends) for found in result.violations),
            exercised=dict(sorted((+result.exercised).items())),
            cells={" ".join(cell): count for cell, count in sorted((+result.cells).items())},
            attacks=dict(sorted((+result.attacks).items())),
            notes=dict(sorted((+result.notes).items())),
            trouble=result.trouble,
            requests=result.requests,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """One lane's run of ``plans``, begun with an empty memory; ``wall`` is the time of day at which it began.

    ``known`` are words of the target's own, such as order ids: requests that name others name nothing that exists.
    """

    name: str
    target: Target
    lane: int
    run: str
    wall: float
    plans: tuple[object, ...]
    sent: tuple[Sent, ...]
    known: frozenset[str] = field(default_factory=frozenset)
    verdicts: tuple[Verdict, ...]


def write_histories(path: Path, histories: Iterable[History]) -> None:
    """Write histories into one compressed file, a line each, in the order of their names."""
    lines = [_to_json(history) for history in sorted(histories, key=lambda history: history.name)]
    packed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    path.write_bytes(packed)


def read_histories(path: Path) -> Iterator[History]:
    """The histories of one file."""
    for line in lzma.decompress(path.read_bytes()).decode().splitlines():
        yield _from_data(json.loads(line))


def _to_json(history: History) -> str:
    return json.dumps(
        {
            "name": history.name,
            "target": asdict(history.target),
            "lane": history.lane,
            "run": history.run,
            "wall": history.wall,
            "known": sorted(history.known),
            "plans": history.plans,
            "verdicts": [asdict(verdict) for verdict in history.verdicts],
            "sent": [[sent.asked, sent.began, sent.ended, *_outcome(sent.outcome)] for sent in history.sent],
        },
        separators=(",", ":"),
    )


def _outcome(outcome: Received | Lost) -> list[Any]:
    if isinstance(outcome, Lost):
        return ["lost", outcome.reason, outcome.sent, outcome.unsendable]
    try:
        body = ["text", outcome.body.decode()]
    except UnicodeDecodeError:
        body = ["base64", base64.b64encode(outcome.body).decode()]
    return [outcome.status, [list(pair) for pair in outcome.headers], *body, outcome.note, outcome.cut]


def _from_data(data: dict[str, Any]) -> History:
    target = {**data["target"], "delay_ms": tuple(data["target"]["delay_ms"])}
    return History(
        name=data["name"],
        target=Target(**target),
        lane=data["lane"],
        run=data["run"],
        wall=data["wall"],
        known=frozenset(data["known"]),
        plans=tuple(data["plans"]),
        verdicts=tuple(_verdict(verdict) for verdict in data["verdicts"]),
        sent=tuple(
            Sent(asked=asked, began=began, ended=ended, outcome=_outcome_of(*rest))
            for asked, began, ended, *rest in data["sent"]
        ),
    )


def _verdict(data: dict[str, Any]) -> Verdict:
    violations = tuple((tuple(ids), kind, ends) for ids, kind, ends in data["violations"])
    return Verdict(**{**data, "violations": violations})


def _outcome_of(first: Any, *rest: Any) -> Received | Lost:
    if first == "lost":
        reason, sent, unsendable = rest
        return Lost(reason=reason, sent=sent, unsendable=unsendable)
    headers, form, text, note, cut = rest
    body = base64.b64decode(text) if form == "base64" else text.encode()
    return Received(
        status=first, headers=tuple((name, value) for name, value in headers), body=body, note=note, cut=cut
    )
