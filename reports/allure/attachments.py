"""The files that stand behind a failed result: one set for each finding, shared by all requirements that it breaks."""

import csv
import io
import json
from dataclasses import dataclass, field
from uuid import uuid4

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment, Status, TestStepResult
from allure_commons.types import AttachmentType

from reports.evidence import Evidence, StepEvidence
from reports.http_text import exchange_text
from reports.pictures.sequence import sequence_picture
from reports.placings import placings_together


@dataclass(kw_only=True, slots=True)
class Attached:
    """What was written of one finding: files for the result itself, and its steps with theirs.

    ``seconds`` is how long the plan took up to its last answer.
    """

    files: list[Attachment] = field(default_factory=list)
    steps: list[tuple[StepEvidence, TestStepResult]] = field(default_factory=list)
    seconds: float = 0.0


def attach(logger: AllureFileLogger, evidence: Evidence) -> Attached:
    """Write the files of one finding and return how results refer to them."""
    attached = Attached()
    attached.files = [
        write(logger, "what led to it (picture)", sequence_picture(evidence), AttachmentType.SVG),
        write(logger, "predicted and seen, step by step", predicted_and_seen(evidence), AttachmentType.CSV),
        write(logger, "plan", json.dumps(evidence.plan, indent=2, ensure_ascii=False), AttachmentType.JSON),
        write(logger, "replay command", evidence.replay + "\n", AttachmentType.TEXT),
    ]
    for group in placings_together(evidence):
        last = group[-1]
        many = len(group) > 1
        step = TestStepResult(
            name=f"{group[0].index}-{last.index}  place {len(group)} orders" if many else f"{last.index}  {last.text}",
            status=Status.FAILED if last.index == evidence.step else Status.PASSED,
        )
        exchanges = [exchange for one in group for exchange in one.exchanges]
        if exchanges:
            text = f"\n\n{'-' * 72}\n\n".join(exchange_text(exchange) for exchange in exchanges)
            name = "HTTP exchange" if len(exchanges) == 1 else f"{len(exchanges)} HTTP exchanges"
            step.attachments = [write(logger, name, text, AttachmentType.TEXT)]
            attached.seconds = max(attached.seconds, *(exchange.ended for exchange in exchanges))
        attached.steps.append((group[0], step))
    return attached


def write(logger: AllureFileLogger, name: str, body: str, kind: AttachmentType) -> Attachment:
    """Write one attachment and return the reference to it."""
    source = f"{uuid4()}-attachment.{kind.extension}"
    logger.report_attached_data(body, source)  # type: ignore[no-untyped-call] # Allure leaves its methods untyped
    return Attachment(name=name, source=source, type=kind.mime_type)


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
