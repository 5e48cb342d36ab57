"""What the sequence picture shows, before it is drawn: a trace as scenes, without the steps that say nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fixtures.venue.answers import Exchange
from reports.evidence import Evidence, StepEvidence
from reports.placings import placings_together

_LOOKS: Final = ("snapshot", "settle", "begin", "read", "clean-up", "wait")
_MOST_ORDERS: Final = 4
_MOST_SCENES: Final = 40
_ID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,27}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnCall:
    """One request and its answer, or several alike that are drawn as one.

    ``began`` and ``ended`` are seconds since the plan began; ``answer`` is empty where none came.
    """

    account: str
    label: str
    answer: str
    began: float
    ended: float
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One step (or several alike): what was done, the calls, and the lines of what was held possible afterwards."""

    title: str
    calls: tuple[DrawnCall, ...]
    held: tuple[str, ...] = ()
    overlapping: bool = False
    violation: bool = False


def scenes(evidence: Evidence) -> tuple[Scene, ...]:
    """The scenes of a trace up to the violation, the middle left out where there are too many."""
    found = list(_scenes(evidence))
    if len(found) <= _MOST_SCENES:
        return tuple(found)
    half = _MOST_SCENES // 2
    gap = Scene(title=f"{len(found) - 2 * half} more steps (in the evidence file)", calls=())
    return (*found[:half], gap, *found[-half:])


def _scenes(evidence: Evidence) -> Iterator[Scene]:
    before: Mapping[str, Mapping[str, str]] = {}
    for group in placings_together(evidence):
        step = group[-1]
        exchanges = [exchange for one in group for exchange in one.exchanges]
        title = f"{step.index}  {step.text}" if step.index else step.text
        if len(group) > 1:
            title = f"{group[0].index}-{step.index}  place {len(group)} orders, the last: {step.text}"
        overlapping = step.action.get("do") == "parallel"
        if overlapping:
            calls = tuple(_call(exchange) for exchange in exchanges)
        elif len(group) > 1 or step.action.get("do") in _LOOKS:
            calls = tuple(_together(exchanges))
        else:
            calls = tuple(_one_by_one(exchanges))
        violation = step.index == evidence.step
        held = () if violation else (*_held(group), *_locked(step, before))
        if calls or held or violation:
            yield Scene(title=title, calls=calls, held=held, overlapping=overlapping, violation=violation)
        before = step.locked


def _one_by_one(exchanges: list[Exchange]) -> Iterator[DrawnCall]:
    """Each call of its own, but reads in a row as one."""
    reads: list[Exchange] = []
    for exchange in exchanges:
        if exchange.method == "GET":
            reads.append(exchange)
            continue
        yield from _together(reads)
        reads = []
        yield _call(exchange)
    yield from _together(reads)


def _together(exchanges: list[Exchange]) -> Iterator[DrawnCall]:
    """Calls of one account as one, in the order of the accounts' first calls."""
    for account in dict.fromkeys(exchange.account for exchange in exchanges):
        mine = [exchange for exchange in exchanges if exchange.account == account]
        if len(mine) == 1:
            yield _call(mine[0])
            continue
        reads = all(exchange.method == "GET" for exchange in mine)
        operations = ", ".join(dict.fromkeys(exchange.operation for exchange in mine))
        statuses = sorted({str(exchange.status or "no answer") for exchange in mine})
        yield DrawnCall(
            account=account,
            label=f"{len(mine)} reads" if reads else f"{len(mine)} requests",
            answer=", ".join(statuses),
            began=min(exchange.began for exchange in mine),
            ended=max(exchange.ended for exchange in mine),
            detail=f"{len(mine)} requests: {operations}",
        )


def _call(exchange: Exchange) -> DrawnCall:
    took = f"{exchange.seconds * 1000:.1f} ms"
    return DrawnCall(
        account=exchange.account or "?",
        label=exchange.operation or exchange.method,
        answer="" if exchange.status is None else f"{exchange.status} \N{MIDDLE DOT} {took}",
        began=exchange.began,
        ended=exchange.ended,
        detail=f"{exchange.method} {_ID.sub(_short, exchange.path)} -> {exchange.status or 'no answer'} after {took}",
    )


def _short(match: re.Match[str]) -> str:
    return f"\N{HORIZONTAL ELLIPSIS}{match[0][-6:]}"


def _held(group: list[StepEvidence]) -> Iterator[str]:
    held = {name: states for step in group for name, states in step.held.items()}
    shown = list(held.items())[-_MOST_ORDERS:]
    if len(held) > len(shown):
        yield f"{len(held) - len(shown)} more orders, and"
    for name, states in shown:
        yield f"{name}: {' | '.join(_state(state) for state in states)}"


def _state(words: str) -> str:
    """A state shorter than in a proof: the executed part only where there is one."""
    status, _, rest = words.partition(" with ")
    executed = rest.removesuffix(" executed")
    return status if executed.startswith("0 of ") else f"{status} {executed.replace(' of ', '/')}".strip()


def _locked(step: StepEvidence, before: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for account, assets in step.locked.items():
        for asset, amount in assets.items():
            if before.get(account, {}).get(asset, "0") != amount:
                yield f"{account} locked: {amount} {asset}"
