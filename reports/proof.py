"""A violation as a proof in plain text: what must hold, what was done and held possible, what was seen instead."""

import textwrap
from typing import Final

from conformance.requirements import Requirement, catalogue
from reports.evidence import Evidence, StepEvidence
from reports.placings import placings_together

MOST_LINES: Final = 39
WIDTH: Final = 110
_ORDERS_A_STEP: Final = 3


def proof(evidence: Evidence, requirement: str | None = None, *, width: int = WIDTH) -> str:
    """The proof in at most 39 lines of at most ``width`` characters, the command in its last line excepted.

    ``requirement`` is the one that it is shown under, where it is not the closest.
    """
    entry = catalogue()[requirement or evidence.requirement]
    head, tail = _head(entry, evidence, width), _tail(entry, evidence, width)
    # step 0, the opening reads, is not worth a line
    steps = [_lines(group, evidence, width) for group in placings_together(evidence) if group[-1].index]
    room = MOST_LINES - len(head) - len(tail)
    return "\n".join([*head, *_fitted(steps, room), *tail])


def headline(evidence: Evidence, requirement: str | None = None) -> str:
    """The violation in one line: which requirement, and how it showed."""
    entry = catalogue()[requirement or evidence.requirement]
    return f"{entry.id} ({entry.level}, {entry.requirement_class}) is violated: {evidence.kind}"


def _head(entry: Requirement, evidence: Evidence, width: int) -> list[str]:
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{entry.sentence}\N{RIGHT DOUBLE QUOTATION MARK}"
    return [
        *_wrapped(headline(evidence, entry.id), "", width, most=2),
        *_wrapped(quoted, "  ", width, most=3),
        "What was done, and what the model held possible after it:",
    ]


def _tail(entry: Requirement, evidence: Evidence, width: int) -> list[str]:
    lines = _wrapped(f"No possible world explains step {evidence.step}: {evidence.what}", "", width, most=2)
    lines += _wrapped(f"predicted: {evidence.predicted}", "  ", width, most=4)
    lines += _wrapped(f"seen:      {evidence.seen}", "  ", width, most=3)
    if evidence.because:
        lines.append("Why these requirements are tied to it:")
        lines += [line for reason in evidence.because[-4:] for line in _wrapped(reason, "  ", width, most=1)]
    also = [other for other in evidence.requirements if other != entry.id]
    if also:
        lines += _wrapped(f"It breaks {', '.join(also)} as well.", "", width, most=2)
    smaller = evidence.minimised
    made = f"; made smaller from {smaller.before} to {smaller.after} actions" if smaller.before > smaller.after else ""
    often = "INTERMITTENT: it" if evidence.intermittent else "It"
    counted = f"{often} failed in {evidence.failed} of {evidence.runs} runs of this plan{made} (seed {evidence.seed})."
    lines += _wrapped(counted, "", width, most=2)
    lines.append(f"Replay it: {evidence.replay}")
    return lines


def _lines(group: list[StepEvidence], evidence: Evidence, width: int) -> list[str]:
    step = group[-1]
    held = {name: states for one in group for name, states in one.held.items()}
    if len(group) > 1:
        text = f" {group[0].index}-{step.index}  place {len(group)} orders, from {group[0].action['order']}: "
        text += f"{_terms(group[0])}; to {step.action['order']}: {_terms(step)}"
        return [*_wrapped(text, "  ", width, most=2), *_possible(held, width)]
    answers = [o.seen for o in step.observations if o.what.startswith("the answer to") and o.fits]
    said = f" -> {answers[0]}" if len(answers) == 1 else ""
    violating = step.index == evidence.step
    lines = _wrapped(f"{'>' if violating else ' '}{step.index:3d}  {step.text}{said}", "", width, most=2)
    return lines if violating else [*lines, *_possible(held, width)]


def _terms(step: StepEvidence) -> str:
    return step.text.partition(": ")[2]


def _possible(held: dict[str, list[str]], width: int) -> list[str]:
    if not held:
        return []
    if len(held) > _ORDERS_A_STEP and len({tuple(states) for states in held.values()}) == 1:
        return _wrapped(f"possible: each {' or '.join(next(iter(held.values())))}", "        ", width, most=2)
    said = [f"{name}: {' or '.join(states)}" for name, states in held.items()]
    more = len(said) - _ORDERS_A_STEP
    shown = "; ".join(said[:_ORDERS_A_STEP]) + (f"; and {more} more orders" if more > 0 else "")
    return _wrapped(f"possible: {shown}", "        ", width, most=2)


def _fitted(steps: list[list[str]], room: int) -> list[str]:
    """The lines of the steps, without those in the middle where there is too little room for all."""
    if sum(map(len, steps)) <= room:
        return [line for step in steps for line in step]
    kept_last: list[list[str]] = []
    kept_first: list[list[str]] = []
    left = room - 1
    for position in range(len(steps)):
        # two of three kept steps are the last ones: they lead to the violation
        from_end = position % 3 != 2
        step = steps[-1 - len(kept_last)] if from_end else steps[len(kept_first)]
        if len(step) > left:
            break
        left -= len(step)
        if from_end:
            kept_last.insert(0, step)
        else:
            kept_first.append(step)
    left_out = len(steps) - len(kept_first) - len(kept_last)
    gap = [[f"      \N{HORIZONTAL ELLIPSIS} {left_out} more (all steps are in the evidence file)"]]
    return [line for step in [*kept_first, *gap, *kept_last] for line in step]


def _wrapped(text: str, indent: str, width: int, *, most: int) -> list[str]:
    """The text in at most ``most`` lines; what does not fit is cut with an ellipsis."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        max_lines=most,
        placeholder=" \N{HORIZONTAL ELLIPSIS}",
    )
