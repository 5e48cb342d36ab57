"""The settings and circumstances of a run, as every report shows them. Values only; nothing secret is among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.model.rules import VenueRules


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownDeviation:
    """A deviation that the vendor knows of: ``expires`` is an ISO 8601 date.

    ``state`` says in words what became of it in this run: ``accepted``, ``expired``, ``no longer fails`` or ``unused``.
    """

    requirement: str
    reason: str
    expires: str
    state: str = "accepted"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """One run: what was judged, with which settings, when.

    ``profile`` is the target's profile with its secrets taken out; ``rules`` are what the model was told of the venue.
    ``started`` is an ISO 8601 time with its offset, ``seconds`` the wall time. ``selected`` names the requirements of a
    partial run (``None``: all). ``relaxations`` are sentences. ``replay_options`` are added to the replay command that
    evidence shows, such as ``("--target", "venue.toml")``. ``catalogue_url`` is an address with ``{id}`` in it where
    requirements can be read; empty where none is published.
    """

    level: str
    seed: int
    suite_version: str
    target: str
    host: str
    environment: str
    rules: VenueRules
    started: str
    seconds: float
    profile: Mapping[str, Any] = field(default_factory=dict)
    lanes: int = 1
    capabilities: tuple[str, ...] = ()
    relaxations: tuple[str, ...] = ()
    selected: tuple[str, ...] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    command: str = "cancel-conformance run"
    replay_options: tuple[str, ...] = ()
    deviations: tuple[KnownDeviation, ...] = ()
    catalogue_url: str = ""

    def to_json(self) -> dict[str, Any]:
        """The run as JSON data, without the model's rules: the profile says the same."""
        return {
            "target": self.target,
            "host": self.host,
            "environment": self.environment,
            "level": self.level,
            "seed": self.seed,
            "suite_version": self.suite_version,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "lanes": self.lanes,
            "capabilities": sorted(self.capabilities),
            "relaxations": list(self.relaxations),
            "selected": None if self.selected is None else list(self.selected),
            "limits": dict(self.limits),
            "command": self.command,
            "catalogue_url": self.catalogue_url,
            "deviations": [
                {"requirement": d.requirement, "reason": d.reason, "expires": d.expires, "state": d.state}
                for d in self.deviations
            ],
            "profile": dict(self.profile),
        }
