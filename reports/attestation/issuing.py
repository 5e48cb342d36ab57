"""Issuing a certificate: the files of a finished run, a statement on them, one signature, one bundle."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from conformance import requirements as catalogue_file
from conformance.errors import UserError
from conformance.requirements import Level
from conformance.verdicts import Judgement, Verdict
from reports.attestation import statement as layout
from reports.attestation.archive import pack
from reports.attestation.canonical import canonical, digest, sha256
from reports.attestation.claims import Claim, Shortfall, shortfalls
from reports.attestation.envelope import seal
from reports.attestation.keys import Signer
from reports.attestation.relaxations import relaxations_of
from reports.evidence_files import FOLDER
from reports.run_info import RunInfo

CERTIFICATE: Final = "certificate.json"
VERDICTS: Final = "verdicts.json"
REPORTS: Final = (VERDICTS, "coverage.json", "latency.json", "summary.md")
"""The files of a run's folder that a bundle holds beside the evidence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedRun:
    """A run whose reports are written: where they are, what it found, its settings.

    ``stopped`` says why it ended early, if it did; ``errors`` are troubles of the suite itself.
    """

    directory: Path
    judgements: Sequence[Judgement]
    info: RunInfo
    stopped: str | None = None
    errors: Sequence[str] = ()

    def shortfalls(self, claim: Claim) -> tuple[Shortfall, ...]:
        """Why this run earns no certificate for the claim; empty where it does."""
        return shortfalls(
            self.judgements,
            claim,
            level=self.info.level,
            deviations=len(self.info.deviations),
            relaxations=relaxations_of(self.info.profile),
            stopped=self.stopped,
            errors=self.errors,
        )


def issue(
    run: FinishedRun, claim: Claim, *, target_version: str, signer: Signer, issued: datetime, valid_days: int
) -> bytes:
    """The bundle of a run that earned it; the certificate holds for ``valid_days`` days from ``issued``.

    It is never issued before its run has ended, whatever was done to the clock meanwhile. Times are of whole seconds.

    Raises ``ValueError`` where the run does not qualify (ask `FinishedRun.shortfalls` first), and ``UserError`` where a
    file of the run cannot be read.
    """
    found = run.shortfalls(claim)
    if found:
        raise ValueError(f"this run earns no certificate: {found[0].sentence}")
    files = {**_files_of(run.directory), layout.PROFILE: canonical(run.info.profile)}
    ended = datetime.fromisoformat(run.info.started) + timedelta(seconds=int(run.info.seconds))
    issued = max(issued.replace(microsecond=0), ended)
    expires = issued + timedelta(days=valid_days)
    statement = _statement(
        run, claim, files, target_version=target_version, ended=ended, issued=issued, expires=expires
    )
    return pack({**files, CERTIFICATE: seal(statement.to_json(), signer)})


def _files_of(directory: Path) -> dict[str, bytes]:
    paths = [directory / name for name in REPORTS] + sorted((directory / FOLDER).glob("*.json"))
    try:
        return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}
    except OSError as problem:
        raise UserError(
            f"{problem.filename}: expected a report that the run wrote, cannot read it: {problem.strerror}. "
            "Run certify again, and leave its --report folder alone meanwhile."
        ) from problem


def _statement(
    run: FinishedRun,
    claim: Claim,
    files: Mapping[str, bytes],
    *,
    target_version: str,
    ended: datetime,
    issued: datetime,
    expires: datetime,
) -> layout.Statement:
    info = run.info
    warned = tuple(j.requirement.id for j in run.judgements if j.verdict in (Verdict.FAIL, Verdict.INTERMITTENT))
    record = layout.Record(
        environment=info.environment,
        level="certify",
        seed=info.seed,
        claimed=claim.claimed,
        not_claimed=dict(claim.not_claimed),
        requirements=tuple(_results(run.judgements)),
        relaxations=named_relaxations(info.profile),
        files={name: sha256(content) for name, content in files.items()},
        started=datetime.fromisoformat(info.started),
        finished=ended,
        issued=issued,
        expires=expires,
    )
    return layout.Statement(
        type=layout.STATEMENT_TYPE,
        subject=(_descriptor(info.target, sha256(base_url_of(info.profile).encode()), version=target_version),),
        predicate_type=layout.PREDICATE_TYPE,
        predicate=layout.Predicate(
            result="WARNED" if warned else "PASSED",
            configuration=configuration(info.profile, info.suite_version, info.level, info.seed),
            passed_tests=tuple(j.requirement.id for j in run.judgements if j.verdict is Verdict.PASS),
            warned_tests=warned,
            failed_tests=(),
            record=record,
        ),
    )


def configuration(profile: Mapping[str, Any], suite: str, level: str, seed: int) -> tuple[layout.Descriptor, ...]:
    """The configuration of a run by its digests: profile, catalogue, suite and settings."""
    return (
        _descriptor(layout.PROFILE, digest(profile)),
        _descriptor(layout.CATALOGUE, catalogue_file.digest()),
        _descriptor(layout.SUITE, digest({"version": suite}), version=suite),
        _descriptor(layout.SETTINGS, digest(layout.settings_of(level, seed)), level=level, seed=str(seed)),
    )


def named_relaxations(profile: Mapping[str, Any]) -> tuple[layout.NamedRelaxation, ...]:
    """What a profile relaxes, as a certificate names it."""
    return tuple(
        layout.NamedRelaxation(key=each.key, value=each.value, meaning=each.meaning, requirements=each.requirements)
        for each in relaxations_of(profile)
    )


def base_url_of(profile: Mapping[str, Any]) -> str:
    """The base URL of a profile as JSON-like data. Raises ``UserError`` where it has none."""
    found = profile.get("target", {}).get("base_url")
    if not isinstance(found, str):
        raise UserError("target.base_url: expected the URL of the target to certify, found nothing in the profile.")
    return found


def _descriptor(name: str, sha: str, **annotations: str) -> layout.Descriptor:
    return layout.Descriptor(name=name, digest=layout.Digest(sha256=sha), annotations=annotations)


def _results(judgements: Iterable[Judgement]) -> Iterable[layout.RequirementResult]:
    for judgement in judgements:
        yield layout.RequirementResult(
            id=judgement.requirement.id,
            level=Level(judgement.requirement.level),
            requirement_class=judgement.requirement.requirement_class,
            verdict=judgement.verdict,
            exercised=judgement.exercised,
            reason=judgement.reason,
        )
