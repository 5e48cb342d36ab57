"""What stands behind a failed result: texts and pictures of one finding, made once and written for each requirement.

Every result gets files of its own: Allure 3 shows a file that several results name in one of them alone.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment
from allure_commons.types import AttachmentType

from fixtures.venue.answers import Exchange
from reports.evidence import Evidence, StepEvidence
from reports.http_text import exchange_text
from reports.pictures.sequence import sequence_picture
from reports.placings import placings_together

MOST_STEPS: Final = 12
"""Steps with a file each; the first ones of a longer plan share one, or a bad run would leave thousands of files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An attachment before it is written."""

    name: str
    body: str
    kind: AttachmentType


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownStep:
    """One step of a result: ``began`` and ``ended`` are seconds since the plan began."""

    name: str
    began: float
    ended: float
    violation: bool
    files: tuple[File, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """All that is shown of one finding but its proof, which quotes the requirement that it stands under."""

    files: tuple[File, ...]
    steps: tuple[ShownStep, ...]

    @property
    def seconds(self) -> float:
        """How long the plan took up to its last answer."""
        return max((step.ended for step in self.steps), default=0.0)


def shown(evidence: Evidence) -> Shown:
    """What results show of one finding."""
    return Shown(
        files=(
            File(name="what led to it (picture)", body=sequence_picture(evidence), kind=AttachmentType.SVG),
            File(name="predicted and seen, step by step", body=predicted_and_seen(evidence), kind=AttachmentType.CSV),
            File(name="plan", body=json.dumps(evidence.plan, indent=2, ensure_ascii=False), kind=AttachmentType.JSON),
            File(name="replay command", body=evidence.replay + "\n", kind=AttachmentType.TEXT),
        ),
        steps=tuple(_step(group, evidence) for group in _groups(evidence)),
    )


def write(logger: AllureFileLogger, file: File) -> Attachment:
    """Write one attachment and return the reference to it."""
    source = f"{uuid4()}-attachment.{file.kind.extension}"
    logger.report_attached_data(file.body, source)  # type: ignore[no-untyped-call] # Allure leaves its methods untyped
    return Attachment(name=file.name, source=source, type=file.kind.mime_type)


def predicted_and_seen(evidence: Evidence) -> str:
    """What was predicted and seen in each step as CSV, which Allure shows as a table."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["step", "action", "observed", "predicted", "seen", "explained"])
    for step in evidence.steps:
        if step.index > evidence.step:
            break
        for observation in step.observations:
            explained = "yes" if observation.fits else "NO"
            row = (str(step.index), step.text, observation.what, observation.predicted, observation.seen, explained)
            table.writerow([_harmless(cell) for cell in row])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _groups(evidence: Evidence) -> Iterator[list[StepEvidence]]:
    """The steps up to the violation, many placings in a row together, and the first ones of a long plan too."""
    groups = list(placings_together(evidence))
    early = len(groups) - MOST_STEPS
    if early > 1:
        yield [step for group in groups[:early] for step in group]
        groups = groups[early:]
    yield from groups


def _step(group: list[StepEvidence], evidence: Evidence) -> ShownStep:
    first, last = group[0], group[-1]
    exchanges = [exchange for step in group for exchange in step.exchanges]
    if len(group) == 1:
        name = f"{last.index}  {last.text}"
    elif all(step.action.get("do") == "place" for step in group):
        name = f"{first.index}-{last.index}  place {len(group)} orders"
    else:
        name = f"{first.index}-{last.index}  the first {len(group)} steps"
    return ShownStep(
        name=name,
        began=first.at,
        ended=max((exchange.ended for exchange in exchanges), default=last.at),
        violation=last.index == evidence.step,
        files=(_http(exchanges),) if exchanges else (),
    )


def _http(exchanges: list[Exchange]) -> File:
    name = "HTTP exchange" if len(exchanges) == 1 else f"{len(exchanges)} HTTP exchanges"
    body = f"\n\n{'-' * 72}\n\n".join(exchange_text(exchange) for exchange in exchanges)
    return File(name=name, body=body, kind=AttachmentType.TEXT)
