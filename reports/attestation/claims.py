"""Which classes of the catalogue a certificate can claim, and why a run does not earn one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.requirements import Capability, Level, Requirement, RequirementClass, catalogue
from conformance.verdicts import Judgement, Verdict
from reports.attestation.relaxations import Relaxation

ALWAYS: Final = RequirementClass.CORE
"""Claimed unless the user names other classes: a certificate that is silent on cancelling one order says little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The classes that a certificate claims, and for each other class why not.

    ``beside`` are the requirements that do not apply to the target: its requests are signed in another scheme.
    """

    claimed: tuple[RequirementClass, ...]
    not_claimed: Mapping[RequirementClass, str]
    beside: frozenset[str] = frozenset()

    def has(self, requirement: Requirement) -> bool:
        """Whether a requirement belongs to a claimed class, and applies to the target."""
        return requirement.requirement_class in self.claimed and requirement.id not in self.beside

    def ids(self) -> tuple[str, ...]:
        """The judged requirements of the claimed classes, in the catalogue's order."""
        return tuple(entry.id for entry in catalogue().values() if entry.judged and self.has(entry))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortfall:
    """One reason why a run earns no certificate; ``undecided`` where it was not judged, rather than seen to fail."""

    sentence: str
    undecided: bool = False


def musts(of: RequirementClass | None = None) -> tuple[Requirement, ...]:
    """The MUST requirements of a class, or of all of them."""
    return tuple(
        entry for entry in catalogue().values() if entry.level is Level.MUST and of in (None, entry.requirement_class)
    )


def claim(capabilities: Iterable[Capability], chosen: Sequence[str] | None = None) -> Claim:
    """What a target with these capabilities can claim; ``chosen`` names classes, otherwise all that it offers.

    Raises ``UserError`` for an unknown class, and for a class of which the profile cannot exercise every MUST.
    """
    offered = frozenset(capabilities)
    lacking = {each: _lacking(each, offered) for each in RequirementClass}
    if chosen is None:
        claimed = tuple(each for each in RequirementClass if each is ALWAYS or not lacking[each])
    else:
        named = {_class(name) for name in chosen if name.strip()}
        claimed = tuple(each for each in RequirementClass if each in named)
        if not claimed:
            raise UserError(f"--classes: expected at least one of {', '.join(RequirementClass)}; found none.")
    impossible = [sentence for each in claimed for sentence in lacking[each]]
    if impossible:
        possible = ",".join(each for each in RequirementClass if not lacking[each])
        advice = f" or claim other classes: --classes {possible}" if possible else ""
        raise UserError(
            "The profile cannot exercise every MUST of the claimed classes:\n  "
            + "\n  ".join(impossible)
            + f"\nAdd what is missing to the profile ('cancel-conformance doctor' says how){advice}."
        )
    reasons = {each: "; ".join(lacking[each]) or "not claimed" for each in RequirementClass if each not in claimed}
    return Claim(claimed=claimed, not_claimed=reasons, beside=_beside(offered))


def _beside(offered: frozenset[Capability]) -> frozenset[str]:
    return frozenset(entry.id for entry in catalogue().values() if not entry.applies_to(offered))


def forbid(relaxations: Iterable[Relaxation]) -> None:
    """Raise ``UserError`` where a profile relaxes a MUST: no run under it could earn a certificate."""
    forbidden = [relaxation for relaxation in relaxations if relaxation.forbidden]
    if forbidden:
        raise UserError(
            "The profile relaxes what a certificate must say without exception:\n  "
            + "\n  ".join(sentence_of(relaxation) for relaxation in forbidden)
            + "\nCorrect these keys of the profile."
        )


def sentence_of(relaxation: Relaxation) -> str:
    """A relaxation in words, with the key that grants it and the requirements that it touches."""
    touched = f" ({', '.join(relaxation.requirements)})" if relaxation.requirements else ""
    return f"{relaxation.key} = {relaxation.value}: {relaxation.meaning}{touched}"


def shortfalls(
    judgements: Sequence[Judgement],
    claimed: Claim,
    *,
    level: str,
    deviations: int,
    relaxations: Iterable[Relaxation],
    stopped: str | None,
    errors: Sequence[str] = (),
) -> tuple[Shortfall, ...]:
    """Why a run earns no certificate; empty where it does. A failed MUST of any class counts, claimed or not."""
    found: list[Shortfall] = []
    if level != "certify":
        found.append(Shortfall(sentence=f"the run was of level {level}; a certificate needs level certify"))
    if deviations:
        found.append(Shortfall(sentence=f"{deviations} known deviations were applied; a certificate allows none"))
    found += [
        Shortfall(sentence=f"a MUST is relaxed: {sentence_of(relaxation)}")
        for relaxation in relaxations
        if relaxation.forbidden
    ]
    if stopped is not None:
        found.append(Shortfall(sentence=f"the run ended early: {stopped}", undecided=True))
    found += [Shortfall(sentence=f"the suite itself erred: {error}", undecided=True) for error in errors]
    by_id = {judgement.requirement.id: judgement for judgement in judgements}
    for requirement in musts():
        shortfall = _of_must(requirement, by_id.get(requirement.id), claimed.has(requirement))
        if shortfall is not None:
            found.append(shortfall)
    return tuple(found)


def status_of(found: Sequence[Shortfall]) -> ExitStatus:
    """0 without a shortfall, 3 where every one of them was merely not judged, 1 otherwise."""
    if not found:
        return ExitStatus.CONFORMANT
    return ExitStatus.INCONCLUSIVE if all(each.undecided for each in found) else ExitStatus.NONCONFORMANT


def _of_must(requirement: Requirement, judgement: Judgement | None, claimed: bool) -> Shortfall | None:
    name = f"{requirement.id} ({requirement.requirement_class})"
    if judgement is None:
        return Shortfall(sentence=f"{name}: the run has no verdict on it", undecided=True) if claimed else None
    if judgement.verdict in (Verdict.FAIL, Verdict.INTERMITTENT):
        aside = "" if claimed else "; its class is not claimed, but a certificate never stands beside a failed MUST"
        return Shortfall(sentence=f"{name}: {judgement.verdict}{aside}")
    if not claimed or (judgement.verdict is Verdict.PASS and judgement.exercised):
        return None
    reason = f": {judgement.reason}" if judgement.reason else ""
    return Shortfall(sentence=f"{name}: {judgement.verdict}{reason}", undecided=True)


def _lacking(of: RequirementClass, offered: frozenset[Capability]) -> tuple[str, ...]:
    """For each MUST of a class that the capabilities cannot exercise, what it needs, as a sentence."""
    return tuple(
        f"{requirement.id} ({of}) needs {', '.join(sorted(requirement.needs - offered))}"
        for requirement in musts(of)
        if requirement.needs - offered and requirement.applies_to(offered)
    )


def _class(name: str) -> RequirementClass:
    for each in RequirementClass:
        if each.casefold() == name.strip().casefold():
            return each
    raise UserError(f"--classes: expected some of {', '.join(RequirementClass)}; found {name.strip()!r}.")
