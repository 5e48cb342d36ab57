"""Steps as readers want them: many placings in a row, such as before a cancel-all, are one thing."""

from collections.abc import Iterator
from typing import Final

from reports.evidence import Evidence, StepEvidence

_IN_A_ROW: Final = 4
"""Placings in a row from which they are told together."""


def placings_together(evidence: Evidence) -> Iterator[list[StepEvidence]]:
    """The steps up to the violation in groups: many placings in a row together, every other step alone."""
    run: list[StepEvidence] = []
    for step in evidence.steps:
        if step.index > evidence.step:
            break
        if step.action.get("do") == "place" and step.index != evidence.step:
            run.append(step)
            continue
        yield from _split(run)
        run = []
        yield [step]
    yield from _split(run)


def _split(run: list[StepEvidence]) -> Iterator[list[StepEvidence]]:
    if len(run) >= _IN_A_ROW:
        yield run
    else:
        yield from ([step] for step in run)
