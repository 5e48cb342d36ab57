"""Known deviations: what a vendor has written down as failing, until when, and what the gate of a run makes of it.

A deviation excuses a failing requirement for as long as it is true: it turns the gate red when it has expired, when the
requirement no longer fails, and when nothing used it. A certificate allows none.

```toml
[[deviation]]
requirement = "SIG-12"
reason = "the gateway decodes base64 leniently; its replacement is planned"
expires = 2027-03-31
```
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.requirements import catalogue
from conformance.verdicts import Judgement, Verdict, exit_status

WORD: Final = "DEVIATION"
"""What stands in place of the verdict of a requirement whose failures are all excused."""

_EXAMPLE: Final = f'[[deviation]] with requirement = "{next(iter(catalogue()))}", reason = "…", expires = 2027-03-31'
_KEYS: Final = ("requirement", "reason", "expires", "kind")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """One known deviation. It holds to the end of the day ``expires``.

    ``kind`` narrows it to violations of that kind (a report shows the kind of each); ``None`` covers all of the
    requirement's. ``where`` names file and entry, for messages.
    """

    requirement: str
    reason: str
    expires: date
    kind: str | None = None
    where: str = ""

    def covers(self, judgement: Judgement) -> int:
        """How many findings of a judgement this deviation is about."""
        if judgement.requirement.id != self.requirement:
            return 0
        return sum(self.kind is None or finding.violation.kind == self.kind for finding in judgement.findings)


class State(StrEnum):
    """What a run says of one deviation; all but ``ACCEPTED``, ``UNDECIDED`` and ``NOT_SELECTED`` turn the gate red."""

    ACCEPTED = "accepted"
    EXPIRED = "expired"
    NO_LONGER_FAILS = "no longer fails"
    UNUSED = "unused"
    UNDECIDED = "undecided"
    NOT_SELECTED = "not selected"

    @property
    def red(self) -> bool:
        """Whether the gate fails because of it."""
        return self in (State.EXPIRED, State.NO_LONGER_FAILS, State.UNUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A deviation with its state in this run, the number of findings that it covers, and a sentence on it."""

    deviation: Deviation
    state: State
    findings: int
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationReport:
    """What the known deviations make of a run: which failures they excuse, and what is wrong with the file itself."""

    outcomes: tuple[Outcome, ...] = ()
    excused: frozenset[str] = frozenset()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the deviations themselves turn the gate red, a sentence each."""
        return tuple(outcome.sentence for outcome in self.outcomes if outcome.state.red)

    def word(self, judgement: Judgement) -> str:
        """What a table shows for a requirement: its verdict, or ``DEVIATION`` where its failures are excused."""
        return WORD if judgement.requirement.id in self.excused else judgement.verdict.value

    def exit_status(
        self,
        found: Iterable[Judgement],
        *,
        strict: bool = False,
        selected: Iterable[str] | None = None,
        complete: bool = True,
    ) -> ExitStatus:
        """The exit status of a run under these deviations.

        As :func:`conformance.verdicts.exit_status`, but an excused failure does not count, and a deviation that has
        expired, no longer fails or was unused ends in 1.
        """
        if self.problems:
            return ExitStatus.NONCONFORMANT
        counted = [judgement for judgement in found if judgement.requirement.id not in self.excused]
        return exit_status(counted, strict=strict, selected=selected, complete=complete)

    def to_json(self) -> list[dict[str, Any]]:
        """The deviations as JSON data for ``verdicts.json``."""
        return [
            {
                "requirement": outcome.deviation.requirement,
                "reason": outcome.deviation.reason,
                "expires": outcome.deviation.expires.isoformat(),
                "kind": outcome.deviation.kind,
                "state": outcome.state.value,
                "findings": outcome.findings,
                "sentence": outcome.sentence,
            }
            for outcome in self.outcomes
        ]


def load_deviations(path: Path) -> tuple[Deviation, ...]:
    """Read a file of known deviations. Raises ``UserError`` naming file, entry, key, what was expected and found."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise UserError(
            f"{path}: cannot read the file of known deviations: {problem.strerror or problem}. Correct the path."
        ) from problem
    except UnicodeDecodeError as problem:
        raise UserError(f"{path}: expected a TOML file in UTF-8, found bytes that are not UTF-8.") from problem
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> tuple[Deviation, ...]:
    """Known deviations from TOML text; ``where`` names the file in the ``UserError`` that anything wrong raises."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UserError(f"{where}: not valid TOML: {problem}. Expected {_EXAMPLE}.") from problem
    for key in document.keys() - {"deviation"}:
        raise UserError(f"{where}: {key}: unknown key; expected {_EXAMPLE}.")
    entries = document.get("deviation", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{where}: deviation: expected tables, found {type(entries).__name__}. Write {_EXAMPLE}.")
    found = tuple(_deviation(entry, f"{where}: deviation {place}") for place, entry in enumerate(entries, start=1))
    seen: dict[tuple[str, str | None], Deviation] = {}
    for deviation in found:
        twin = seen.setdefault((deviation.requirement, deviation.kind), deviation)
        if twin is not deviation:
            raise UserError(
                f"{deviation.where}: {deviation.requirement} is in the file already ({twin.where}) for the same kind "
                "of violation. Keep one of the two."
            )
    return found


def apply(
    judgements: Sequence[Judgement],
    deviations: Iterable[Deviation],
    today: date,
    *,
    selected: Iterable[str] | None = None,
) -> DeviationReport:
    """Apply known deviations to the judgements of a run.

    A failing requirement is excused where live deviations cover every one of its findings. ``selected`` names the
    requirements of a partial run: a deviation of any other one is left alone.
    """
    by_id = {judgement.requirement.id: judgement for judgement in judgements}
    chosen = None if selected is None else set(selected)
    outcomes = tuple(_outcome(deviation, by_id.get(deviation.requirement), today, chosen) for deviation in deviations)
    live = [outcome.deviation for outcome in outcomes if outcome.state is State.ACCEPTED]
    excused = frozenset(
        judgement.requirement.id
        for judgement in judgements
        if judgement.findings and all(_excuses(live, judgement, place) for place in range(len(judgement.findings)))
    )
    return DeviationReport(outcomes=outcomes, excused=excused)


def _excuses(live: Iterable[Deviation], judgement: Judgement, place: int) -> bool:
    kind = judgement.findings[place].violation.kind
    return any(
        deviation.requirement == judgement.requirement.id and deviation.kind in (None, kind) for deviation in live
    )


def _outcome(deviation: Deviation, judgement: Judgement | None, today: date, chosen: set[str] | None) -> Outcome:
    findings = 0 if judgement is None else deviation.covers(judgement)
    state, sentence = _state(deviation, judgement, findings, today, chosen)
    return Outcome(deviation=deviation, state=state, findings=findings, sentence=f"{deviation.where}: {sentence}")


def _state(
    deviation: Deviation, judgement: Judgement | None, findings: int, today: date, chosen: set[str] | None
) -> tuple[State, str]:
    name = deviation.requirement if deviation.kind is None else f"{deviation.requirement} ({deviation.kind})"
    if today > deviation.expires:
        return State.EXPIRED, (
            f"the deviation for {name} expired on {deviation.expires}. Mend the target, or agree on a new date."
        )
    if findings:
        return State.ACCEPTED, f"{name} fails as known until {deviation.expires}: {deviation.reason}"
    if chosen is not None and deviation.requirement not in chosen:
        return State.NOT_SELECTED, f"{name} is not part of this run"
    if judgement is None or judgement.verdict is Verdict.NOT_EXERCISED:
        why = f" ({judgement.reason})" if judgement is not None and judgement.reason else ""
        return State.UNUSED, (
            f"nothing used the deviation for {name}: the requirement was not exercised{why}. Remove it from the file."
        )
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return State.UNDECIDED, f"{name} could not be judged: {judgement.reason}"
    return State.NO_LONGER_FAILS, f"{name} no longer fails. Remove its deviation from the file."


def _deviation(entry: dict[str, Any], where: str) -> Deviation:
    for key in entry.keys() - set(_KEYS):
        raise UserError(f"{where}: {key}: unknown key; expected one of {', '.join(_KEYS)}.")
    requirement = _text(entry, "requirement", where)
    known = catalogue().get(requirement)
    if known is None:
        raise UserError(
            f"{where}: requirement: expected an id of the catalogue, found {requirement!r}. "
            "'cancel-conformance explain' lists every id."
        )
    if not known.judged:
        raise UserError(f"{where}: requirement: {requirement} is measured and never judged: nothing can deviate.")
    expires = entry.get("expires")
    if isinstance(expires, datetime) or not isinstance(expires, date):
        found = "nothing" if expires is None else repr(expires)
        raise UserError(f"{where}: expires: expected a date without quotes, such as 2027-03-31; found {found}.")
    return Deviation(
        requirement=requirement,
        reason=_text(entry, "reason", where),
        expires=expires,
        kind=_text(entry, "kind", where) if "kind" in entry else None,
        where=where,
    )


def _text(entry: dict[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        found = "nothing" if value is None else repr(value)
        raise UserError(f"{where}: {key}: expected a text, found {found}.")
    return value.strip()
