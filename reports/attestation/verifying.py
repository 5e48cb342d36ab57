"""Verifying a bundle offline: one public key and the file are enough; no target and no network is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from conformance.errors import UserError
from conformance.requirements import OF_A_SCHEME, Level, catalogue
from conformance.requirements import digest as catalogue_digest
from conformance.verdicts import Verdict
from conformance.version import VERSION
from reports.attestation import statement as layout
from reports.attestation.archive import unpack
from reports.attestation.canonical import AmbiguousJsonError, digest, sha256, strict_json
from reports.attestation.claims import musts
from reports.attestation.envelope import unseal
from reports.attestation.issuing import CERTIFICATE, REPORTS, VERDICTS, base_url_of, named_relaxations
from reports.attestation.keys import Verifier
from reports.attestation.refusal import Refused
from reports.attestation.statement import Statement, read_statement

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock of the verifier may be behind the issuer's."""

_FAILED = (Verdict.FAIL, Verdict.INTERMITTENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A bundle that holds: its statement, the base URL of the target, and what its reader should know besides."""

    statement: Statement
    base_url: str
    key_id: str
    notes: tuple[str, ...] = ()


def verify(path: Path, key: Verifier, *, at: datetime) -> Verified:
    """Check everything that can be checked of a bundle at the moment ``at`` (with its offset).

    Raises `Refused` with the first reason found, and ``UserError`` where the file is no bundle at all.
    """
    files = unpack(path)
    if CERTIFICATE not in files:
        raise Refused(f"{CERTIFICATE} is missing from the bundle: nothing in it is signed")
    statement = read_statement(unseal(files[CERTIFICATE], key))
    _check_files(statement, files)
    _check_times(statement, at)
    profile = _object(files, layout.PROFILE)
    base_url = _check_configuration(statement, profile)
    notes = tuple(_check_catalogue(statement))
    _check_results(statement)
    _check_verdicts(statement, _object(files, VERDICTS), profile, files)
    return Verified(statement=statement, base_url=base_url, key_id=key.keyid, notes=notes)


def _check_files(statement: Statement, files: Mapping[str, bytes]) -> None:
    """Every file that was signed is there and unchanged, and no other one is."""
    signed = statement.record.files
    for name in (*REPORTS, layout.PROFILE):
        if name not in signed:
            raise Refused(f"the statement: files: expected {name} among the files that it covers, found it nowhere")
    for name, expected in sorted(signed.items()):
        if name not in files:
            raise Refused(f"{name} is missing from the bundle")
        found = sha256(files[name])
        if found != expected:
            raise Refused(f"{name} was changed: expected the SHA-256 {expected[:16]}…, found {found[:16]}…")
    for name in sorted(files.keys() - signed.keys() - {CERTIFICATE}):
        raise Refused(f"{name} was added to the bundle: the statement does not cover it")


def _check_times(statement: Statement, at: datetime) -> None:
    record = statement.record
    times = ("started", "finished", "issued", "expires")
    for earlier, later in pairwise(times):
        first, second = getattr(record, earlier), getattr(record, later)
        if first > second:
            raise Refused(f"the statement: {later} ({_moment(second)}) is before {earlier} ({_moment(first)})")
    if at < record.issued - CLOCK_TOLERANCE:
        raise Refused(f"it is not valid yet: issued on {_moment(record.issued)}, asked about {_moment(at)}")
    if at > record.expires:
        raise Refused(f"it has expired: it was valid until {_moment(record.expires)}, asked about {_moment(at)}")


def _check_configuration(statement: Statement, profile: Mapping[str, Any]) -> str:
    """Profile, settings and relaxations are those that the statement names; returns the target's base URL."""
    try:
        base_url, relaxations = base_url_of(profile), named_relaxations(profile)
    except (UserError, TypeError, ValueError, AttributeError) as problem:
        raise Refused(f"{layout.PROFILE}: expected a target profile: {problem}") from problem
    record = statement.record
    _same("subject.digest: the SHA-256 of the base URL", sha256(base_url.encode()), statement.subject[0].digest.sha256)
    _same("subject.name: the target of the profile", profile["target"].get("name"), statement.target)
    _same("environment", profile["target"].get("environment"), record.environment)
    expected = {
        layout.PROFILE: digest(profile),
        layout.SUITE: digest({"version": statement.suite_version}),
        layout.SETTINGS: digest(layout.settings_of(record.level, record.seed)),
    }
    for name, value in expected.items():
        _same(f"predicate.configuration: the digest of {name}", value, statement.configured(name).digest.sha256)
    hidden = [each for each in relaxations if each not in record.relaxations]
    if hidden or len(relaxations) != len(record.relaxations):
        what = f"does not name {hidden[0].key}" if hidden else "names more"
        raise Refused(f"the statement: relaxations: expected exactly those of {layout.PROFILE}, but it {what}")
    if not statement.target_version:
        raise Refused("the statement: subject: expected the target's version among the annotations, found nothing")
    return base_url


def _check_catalogue(statement: Statement) -> Iterator[str]:
    """The catalogue of the run is this version's; another version's is a note, an altered one a reason to refuse."""
    made_with, ours = statement.configured(layout.CATALOGUE).digest.sha256, catalogue_digest()
    if made_with == ours:
        return
    if statement.suite_version == VERSION:
        raise Refused(
            f"the catalogue of the run is not that of cancel-conformance {VERSION}: expected {ours[:16]}…, "
            f"found {made_with[:16]}…"
        )
    yield (
        f"It was made with the catalogue of cancel-conformance {statement.suite_version}, which this version "
        f"({VERSION}) does not know: completeness was judged by this version's. "
        f"cancel-conformance {statement.suite_version} can judge it by its own."
    )


def _check_results(statement: Statement) -> None:
    """Each MUST of the claimed classes is there, was exercised and passed; the lists say what the results say."""
    record = statement.record
    results = {result.id: result for result in record.requirements}
    if len(results) != len(record.requirements):
        raise Refused("the statement: requirements: expected each id once, found one twice")
    overlap = set(record.claimed) & record.not_claimed.keys()
    if overlap or len(set(record.claimed)) != len(record.claimed):
        raise Refused("the statement: classes: expected each class once, claimed or not claimed")
    same_catalogue = statement.configured(layout.CATALOGUE).digest.sha256 == catalogue_digest()
    for result in record.requirements:
        known = catalogue().get(result.id)
        if same_catalogue and (known is None or (known.level, known.requirement_class) != _kind(result)):
            raise Refused(f"the statement: {result.id}: its level or class is not the catalogue's")
        if result.level is Level.MUST and result.verdict in _FAILED:
            raise Refused(f"{result.id} is a MUST, and its verdict is {result.verdict}")
        beside = result.verdict is Verdict.NOT_EXERCISED and known is not None and known.needs & OF_A_SCHEME
        if result.level is Level.MUST and result.requirement_class in record.claimed and not beside:
            _check_must(result)
    for must in musts():
        if must.requirement_class in record.claimed and must.id not in results:
            raise Refused(
                f"{must.id} is missing: it is a MUST of the claimed class {must.requirement_class}, "
                "and the certificate says nothing of it"
            )
    _check_lists(statement)


def _kind(result: layout.RequirementResult) -> tuple[Level, object]:
    return result.level, result.requirement_class


def _check_must(result: layout.RequirementResult) -> None:
    name = f"{result.id} is a MUST of the claimed class {result.requirement_class}"
    if result.verdict is not Verdict.PASS:
        raise Refused(f"{name}, and its verdict is {result.verdict}: expected PASS")
    if not result.exercised:
        raise Refused(f"{name}, and it passed without having been exercised")


def _check_lists(statement: Statement) -> None:
    predicate, results = statement.predicate, statement.record.requirements
    warned = tuple(result.id for result in results if result.verdict in _FAILED)
    passed = tuple(result.id for result in results if result.verdict is Verdict.PASS)
    _same("predicate.passedTests", passed, predicate.passed_tests)
    _same("predicate.warnedTests", warned, predicate.warned_tests)
    _same("predicate.failedTests", (), predicate.failed_tests)
    _same("predicate.result", "WARNED" if warned else "PASSED", predicate.result)


def _check_verdicts(
    statement: Statement, verdicts: Mapping[str, Any], profile: Mapping[str, Any], files: Mapping[str, bytes]
) -> None:
    """The verdicts of the run say the same as the statement, and every evidence file that they name is there."""
    stated = [result.model_dump(mode="json", by_alias=True) for result in statement.record.requirements]
    entries, run = verdicts.get("requirements"), verdicts.get("run")
    if not isinstance(entries, list) or not isinstance(run, dict):
        raise Refused(f"{VERDICTS}: expected requirements and run, found something else")
    found = {entry.get("id"): entry for entry in entries if isinstance(entry, dict)}
    for result in stated:
        entry = found.get(result["id"])
        if entry is None:
            raise Refused(f"{VERDICTS}: {result['id']} is missing, and the statement has it")
        for key in result:
            _same(f"{result['id']}.{key}", entry.get(key), result[key], VERDICTS)
        for name in entry.get("evidence") or ():
            if name not in files:
                raise Refused(f"{name} is missing from the bundle: {VERDICTS} names it as evidence of {result['id']}")
    if len(entries) != len(stated):
        raise Refused(f"{VERDICTS}: expected {len(stated)} requirements as in the statement, found {len(entries)}")
    record = statement.record
    expected = {
        "target": statement.target,
        "environment": record.environment,
        "level": record.level,
        "seed": record.seed,
        "suite_version": statement.suite_version,
        "profile": profile,
        "deviations": [],
    }
    for key, value in expected.items():
        _same(f"run.{key}", run.get(key), value, VERDICTS)
    if verdicts.get("stopped") is not None:
        raise Refused(f"{VERDICTS}: the run ended early: {verdicts['stopped']}")
    if verdicts.get("errors") != []:
        raise Refused(f"{VERDICTS}: the suite itself erred during the run: {verdicts.get('errors')}")


def _object(files: Mapping[str, bytes], name: str) -> Mapping[str, Any]:
    try:
        found = strict_json(files[name])
    except AmbiguousJsonError as problem:
        raise Refused(f"{name}: {problem}") from problem
    if not isinstance(found, dict):
        raise Refused(f"{name}: expected a JSON object, found {type(found).__name__}")
    return found


def _same(what: str, expected: object, stated: object, source: str = layout.PROFILE) -> None:
    """Raise `Refused` where the statement says something else than the file that it speaks of."""
    if stated != expected:
        raise Refused(
            f"the statement and {source} disagree on {what}: {_short(stated)} stated, {_short(expected)} expected"
        )


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")
