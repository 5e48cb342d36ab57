"""Ways to alter a bundle, by someone who has not the signer's key and by the signer: each is refused for its reason."""

import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports.attestation.archive import pack
from reports.attestation.canonical import canonical, digest
from reports.attestation.envelope import seal
from reports.attestation.issuing import CERTIFICATE
from reports.attestation.keys import load_signer, load_verifier
from reports.attestation.refusal import Refused
from reports.attestation.verifying import Verified, verify

if TYPE_CHECKING:
    from tests.certificate.conftest import Bundle, KeyFiles

NOW = datetime(2026, 6, 1, tzinfo=UTC)

Alteration = Callable[["Bundle"], Path]


@pytest.fixture
def check(keys: "KeyFiles") -> Callable[..., Verified]:
    """Verifies a bundle with the signer's public key, on 1 June 2026 unless told otherwise."""

    def verified(path: Path, at: datetime = NOW) -> Verified:
        return verify(path, load_verifier(keys.public), at=at)

    return verified


def with_envelope(bundle: "Bundle", change: Callable[[dict[str, Any]], object]) -> Path:
    """The bundle with its envelope altered and not signed again."""
    envelope = bundle.envelope()
    change(envelope)
    return bundle.write({**bundle.files, CERTIFICATE: canonical(envelope)})


def with_payload(bundle: "Bundle", change: Callable[[dict[str, Any]], object]) -> Path:
    """The bundle with its statement altered under the old signature."""
    statement = bundle.statement()
    change(statement)
    return with_envelope(bundle, lambda it: it.update(payload=b64encode(canonical(statement)).decode()))


def archived(bundle: "Bundle", write: Callable[[zipfile.ZipFile, dict[str, bytes]], object]) -> Path:
    """A zip archive written by hand instead of by the program."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        write(archive, bundle.files)
    bundle.path.write_bytes(buffer.getvalue())
    return bundle.path


def written(archive: zipfile.ZipFile, files: dict[str, bytes], *more: tuple[str | zipfile.ZipInfo, bytes]) -> None:
    """Write the files and some more, with the archive's own layout where it matters to the test."""
    for name, content in [*sorted(files.items()), *more]:
        archive.writestr(name, content)


def link(name: str) -> zipfile.ZipInfo:
    """An entry that unpacks as a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = 0o120777 << 16
    return entry


def compressed(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    """Write the files, and one of 50 MB of zeros that takes 50 KB."""
    written(archive, files)
    archive.writestr("evidence/CXL-01-1.json", b"0" * 50_000_000, compress_type=zipfile.ZIP_DEFLATED)


def appended(bundle: "Bundle", before: bytes, after: bytes) -> Path:
    """The archive with bytes around it that zip readers pass over."""
    bundle.write()
    bundle.path.write_bytes(before + bundle.path.read_bytes() + after)
    return bundle.path


def relayed(bundle: "Bundle") -> Path:
    """The same files, packed by something else."""
    return archived(bundle, lambda archive, files: written(archive, files))


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    """The files without one of them."""
    return {known: content for known, content in files.items() if known != name}


def flipped(text: str) -> str:
    """Base64 with one bit of its tenth byte changed."""
    content = bytearray(b64decode(text))
    content[9] ^= 1
    return b64encode(content).decode()


def other_verdict(data: dict[str, Any]) -> None:
    """Turn the first verdict of ``verdicts.json`` around."""
    data["requirements"][0]["verdict"] = "FAIL"


def drop_first(data: dict[str, Any]) -> None:
    """Remove the first requirement from ``verdicts.json``."""
    del data["requirements"][0]


BY_A_STRANGER: dict[str, tuple[Alteration, str]] = {
    "a requirement removed from the statement": (
        lambda b: with_payload(b, lambda s: b.record(s)["requirements"].pop(0)),
        "signature does not fit",
    ),
    "the target's version changed": (
        lambda b: with_payload(b, lambda s: s["subject"][0]["annotations"].update(version="5.0")),
        "signature does not fit",
    ),
    "the expiry moved": (
        lambda b: with_payload(b, lambda s: b.record(s).update(expires="2036-01-01T00:00:00Z")),
        "signature does not fit",
    ),
    "the base URL's digest changed": (
        lambda b: with_payload(b, lambda s: s["subject"][0]["digest"].update(sha256="0" * 64)),
        "signature does not fit",
    ),
    "a digest changed in the statement": (
        lambda b: with_payload(b, lambda s: b.record(s)["files"].update({"verdicts.json": "0" * 64})),
        "signature does not fit",
    ),
    "the signature changed by a bit": (
        lambda b: with_envelope(b, lambda e: e["signatures"][0].update(sig=flipped(e["signatures"][0]["sig"]))),
        "signature does not fit",
    ),
    "the signature emptied": (
        lambda b: with_envelope(b, lambda e: e["signatures"][0].update(sig="")),
        "signature does not fit",
    ),
    "the signature removed": (lambda b: with_envelope(b, lambda e: e["signatures"].clear()), "exactly one, found 0"),
    "a second signature added": (
        lambda b: with_envelope(b, lambda e: e["signatures"].append(e["signatures"][0])),
        "exactly one, found 2",
    ),
    "the payload's type changed": (
        lambda b: with_envelope(b, lambda e: e.update(payloadType="application/json")),
        "payloadType: expected application/vnd.in-toto",
    ),
    "the key's id changed": (
        lambda b: with_envelope(b, lambda e: e["signatures"][0].update(keyid="0" * 64)),
        "keyid was altered",
    ),
    "a field added to the envelope": (
        lambda b: with_envelope(b, lambda e: e.update(note="approved")),
        "expected an envelope of",
    ),
    "the payload in another alphabet": (
        lambda b: with_envelope(b, lambda e: e.update(payload=e["payload"] + "=")),
        "payload: expected base64|another spelling",
    ),
    "the envelope written again": (
        lambda b: b.write({**b.files, CERTIFICATE: json.dumps(b.envelope(), indent=1).encode()}),
        "not canonical JSON",
    ),
    "a key doubled in the envelope": (
        lambda b: b.write({**b.files, CERTIFICATE: b'{"payloadType":"x",' + b.files[CERTIFICATE][1:]}),
        "stands in it twice",
    ),
    "the certificate replaced by something else": (
        lambda b: b.write({**b.files, CERTIFICATE: b"certified!"}),
        "expected a DSSE envelope: it is not JSON",
    ),
    "the certificate removed": (lambda b: b.write(without(b.files, CERTIFICATE)), "certificate.json is missing"),
    "a verdict changed": (lambda b: b.write(b.rewritten("verdicts.json", other_verdict)), "verdicts.json was changed"),
    "the summary changed": (
        lambda b: b.write({**b.files, "summary.md": b"# All is well\n"}),
        "summary.md was changed",
    ),
    "the coverage removed": (lambda b: b.write(without(b.files, "coverage.json")), "coverage.json is missing"),
    "the profile changed": (
        lambda b: b.write(b.rewritten("profile.json", lambda it: it["relaxations"].update(lax_base64=True))),
        "profile.json was changed",
    ),
    "evidence added": (
        lambda b: b.write({**b.files, "evidence/CXL-01-1.json": b"{}"}),
        "evidence/CXL-01-1.json was added",
    ),
    "a name in it twice": (
        lambda b: archived(b, lambda a, f: written(a, f, ("VERDICTS.json", b"{}"))),
        "VERDICTS.json is in it twice",
    ),
    "an absolute name": (lambda b: archived(b, lambda a, f: written(a, f, ("/etc/passwd", b""))), "is absolute"),
    "a name of another system": (lambda b: archived(b, lambda a, f: written(a, f, ("C:\\x", b""))), "is absolute"),
    "a name that climbs": (lambda b: archived(b, lambda a, f: written(a, f, ("../x", b""))), "climbs out"),
    "a folder": (lambda b: archived(b, lambda a, f: written(a, f, ("evidence/", b""))), "is a folder"),
    "a link": (lambda b: archived(b, lambda a, f: written(a, f, (link("x"), b"/etc/passwd"))), "is a link"),
    "a file that grows when it is unpacked": (lambda b: archived(b, compressed), "is compressed"),
    "bytes before the archive": (lambda b: appended(b, b"#!/bin/sh\n", b""), "before, between or after"),
    "bytes after the archive": (lambda b: appended(b, b"", b"more"), "before, between or after|damaged"),
    "packed again": (relayed, "packed again"),
    "a byte changed in the archive": (
        lambda b: (b.write(), b.path.write_bytes(damaged(b.path.read_bytes())), b.path)[2],
        "damaged",
    ),
}


def damaged(content: bytes) -> bytes:
    """An archive whose first file has a wrong checksum."""
    place = content.index(b'{"payload"') + 20
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("what", BY_A_STRANGER)
def test_what_a_stranger_alters_is_refused(what: str, bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """Without the signer's key nothing in a bundle can be changed, added or left out."""
    alter, reason = BY_A_STRANGER[what]
    with pytest.raises(Refused, match=reason):
        check(alter(bundle))


def test_the_untouched_bundle_is_verified(bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """What the program wrote is what it accepts."""
    assert check(bundle.write()).statement.target == "embedded exchange"


def set_verdict(verdict: str, exercised: int = 7) -> Callable[["Bundle", dict[str, Any]], None]:
    """Give CXL-01 another verdict, or none of its observations."""

    def change(bundle: "Bundle", statement: dict[str, Any]) -> None:
        bundle.result(statement, "CXL-01").update(verdict=verdict, exercised=exercised)

    return change


def remove_requirement(bundle: "Bundle", statement: dict[str, Any]) -> None:
    """Leave CXL-01 out."""
    bundle.record(statement)["requirements"].remove(bundle.result(statement, "CXL-01"))


def weaken(bundle: "Bundle", statement: dict[str, Any]) -> None:
    """Call a MUST that failed a SHOULD."""
    bundle.result(statement, "CXL-01").update(level="SHOULD", verdict="FAIL")


def configure(name: str, value: str) -> Callable[["Bundle", dict[str, Any]], None]:
    """Change a digest of the configuration."""

    def change(bundle: "Bundle", statement: dict[str, Any]) -> None:
        entry = next(each for each in statement["predicate"]["configuration"] if each["name"] == name)
        entry["digest"]["sha256"] = value

    return change


BY_THE_SIGNER: dict[str, tuple[Callable[["Bundle", dict[str, Any]], object], str]] = {
    "a requirement left out": (remove_requirement, "CXL-01 is missing: it is a MUST of the claimed class Core"),
    "a MUST that failed": (set_verdict("FAIL"), "CXL-01 is a MUST, and its verdict is FAIL"),
    "a MUST that failed at times": (set_verdict("INTERMITTENT"), "its verdict is INTERMITTENT"),
    "a MUST never exercised": (set_verdict("NOT EXERCISED", 0), "NOT EXERCISED: expected PASS"),
    "a MUST in doubt": (set_verdict("INCONCLUSIVE", 0), "INCONCLUSIVE: expected PASS"),
    "a pass without an observation": (set_verdict("PASS", 0), "passed without having been exercised"),
    "a verdict that there is not": (set_verdict("FINE"), "verdict: Input should be"),
    "a MUST called SHOULD": (weaken, "CXL-01: its level or class is not the catalogue's"),
    "a requirement twice": (
        lambda b, s: b.record(s)["requirements"].append(b.result(s, "CXL-01")),
        "expected each id once",
    ),
    "a class claimed and not claimed": (
        lambda b, s: b.record(s)["notClaimed"].update(Core="not claimed"),
        "expected each class once",
    ),
    "another level": (lambda b, s: b.record(s).update(level="smoke"), "level: Input should be 'certify'"),
    "another statement": (lambda b, s: s.update(_type="https://in-toto.io/Statement/v0.1"), "_type: expected"),
    "another predicate": (lambda b, s: s.update(predicateType="https://slsa.dev/provenance/v1"), "predicateType"),
    "no subject": (lambda b, s: s.update(subject=[]), "subject: Tuple should have at least 1"),
    "no version": (lambda b, s: s["subject"][0].update(annotations={}), "expected the target's version"),
    "another target": (lambda b, s: s["subject"][0].update(name="a better exchange"), "disagree on subject.name"),
    "another base URL": (
        lambda b, s: s["subject"][0]["digest"].update(sha256="0" * 64),
        "disagree on subject.digest",
    ),
    "another profile": (configure("profile.json", "0" * 64), "the digest of profile.json"),
    "another seed": (lambda b, s: b.record(s).update(seed=8), "the digest of settings"),
    "another seed with its digest": (
        lambda b, s: (b.record(s).update(seed=8), configure("settings", digest({"level": "certify", "seed": 8}))(b, s)),
        "verdicts.json disagree on run.seed",
    ),
    "another catalogue": (configure("requirement catalogue", "0" * 64), "the catalogue of the run is not that of"),
    "a configuration left out": (
        lambda b, s: s["predicate"]["configuration"].pop(1),
        "expected 'requirement catalogue' once, found it 0 times",
    ),
    "a passed test too many": (
        lambda b, s: s["predicate"]["passedTests"].append("CXL-99"),
        "disagree on predicate.passedTests",
    ),
    "another result": (lambda b, s: s["predicate"].update(result="WARNED"), "disagree on predicate.result"),
    "other counts than the verdicts": (set_verdict("PASS", 700), "verdicts.json disagree on CXL-01.exercised"),
    "a relaxation that the profile has not": (
        lambda b, s: b.record(s)["relaxations"].append({"key": "x", "value": "y", "meaning": "z"}),
        "relaxations: expected exactly those of profile.json",
    ),
    "a field of our own that we do not know": (
        lambda b, s: b.record(s).update(approvedBy="someone"),
        "approvedBy: Extra inputs are not permitted",
    ),
    "no files covered": (lambda b, s: b.record(s).update(files={}), "expected verdicts.json among the files"),
    "times in the wrong order": (
        lambda b, s: b.record(s).update(started="2026-05-01T00:00:00Z"),
        "is before started",
    ),
    "a time without an offset": (lambda b, s: b.record(s).update(issued="2026-03-01T12:00:00"), "issued: Input should"),
}


@pytest.mark.parametrize("what", BY_THE_SIGNER)
def test_what_the_signer_makes_up_is_refused(what: str, bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """A correct signature does not make a statement complete, consistent or fit for its purpose."""
    alter, reason = BY_THE_SIGNER[what]
    with pytest.raises(Refused, match=reason):
        check(bundle.signed_again(lambda statement: alter(bundle, statement)))


SIGNED_FILES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "verdicts that lack one": ("verdicts.json", drop_first, "verdicts.json: CXL-01 is missing"),
    "verdicts that differ": ("verdicts.json", other_verdict, "disagree on CXL-01.verdict: PASS stated, FAIL expected"),
    "evidence that is not there": (
        "verdicts.json",
        lambda data: data["requirements"][0]["evidence"].append("evidence/CXL-01-1.json"),
        "evidence/CXL-01-1.json is missing from the bundle",
    ),
    "a deviation": (
        "verdicts.json",
        lambda data: data["run"]["deviations"].append({"requirement": "CXL-01"}),
        "disagree on run.deviations",
    ),
    "a run that was stopped": ("verdicts.json", lambda data: data.update(stopped="interrupted"), "the run ended early"),
    "verdicts of another form": ("verdicts.json", lambda data: data.pop("run"), "expected requirements and run"),
    "another profile than the run's": (
        "verdicts.json",
        lambda data: data["run"]["profile"].update(max_open_orders=99),
        "disagree on run.profile",
    ),
    "a profile of another target": (
        "profile.json",
        lambda data: data["target"].update(base_url="http://127.0.0.1:9"),
        "disagree on subject.digest",
    ),
    "a profile that is none": ("profile.json", lambda data: data.clear(), "profile.json: expected a target profile"),
}


@pytest.mark.parametrize("what", SIGNED_FILES)
def test_files_that_contradict_the_statement_are_refused(
    what: str, bundle: "Bundle", check: Callable[..., Verified]
) -> None:
    """A file whose digest is right must also say what the statement says."""
    name, change, reason = SIGNED_FILES[what]
    files = {name: bundle.rewritten(name, change)[name]}
    with pytest.raises(Refused, match=reason):
        check(bundle.signed_again(lambda statement: None, files=files))


def test_a_hidden_relaxation_is_refused(bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """A relaxation that the profile grants must be named in the statement."""
    relax: Callable[[Any], object] = lambda data: data["relaxations"].update(lax_base64=True)
    profile = bundle.rewritten("profile.json", relax)["profile.json"]
    verdicts = bundle.rewritten("verdicts.json", lambda data: relax(data["run"]["profile"]))["verdicts.json"]
    fitting = configure("profile.json", digest(json.loads(profile)))
    with pytest.raises(Refused, match=r"does not name relaxations\.lax_base64"):
        check(
            bundle.signed_again(
                lambda statement: fitting(bundle, statement), files={"profile.json": profile, "verdicts.json": verdicts}
            )
        )


def test_another_key_is_refused(
    bundle: "Bundle", make_keys: "Callable[..., KeyFiles]", check: Callable[..., Verified]
) -> None:
    """A bundle that someone else signed in full is refused, and both keys are named."""
    stranger = load_signer(make_keys("ed25519").private)
    forged = {**bundle.files, CERTIFICATE: seal(bundle.statement(), stranger)}
    with pytest.raises(Refused, match="another key signed it"):
        check(bundle.write(forged))


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (datetime(2027, 3, 2, tzinfo=UTC), "it has expired: it was valid until 2027-03-01 12:00:00"),
        (datetime(2026, 2, 28, tzinfo=UTC), "it is not valid yet: issued on 2026-03-01 12:00:00"),
    ],
)
def test_outside_its_time_it_is_refused(
    at: datetime, reason: str, bundle: "Bundle", check: Callable[..., Verified]
) -> None:
    """Before it was issued and after it has expired a certificate holds nothing."""
    with pytest.raises(Refused, match=reason):
        check(bundle.write(), at)


def test_a_verifier_s_clock_may_be_a_little_behind(bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """Minutes before its issue it is accepted already, since clocks differ; more than five it is not."""
    issued = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert check(bundle.write(), issued - timedelta(minutes=4)).statement.record.issued == issued
    with pytest.raises(Refused, match="not valid yet"):
        check(bundle.path, issued - timedelta(minutes=6))


def test_a_bundle_is_always_the_same_bytes(bundle: "Bundle") -> None:
    """The order in which files are given leaves no trace in the archive."""
    assert pack(bundle.files) == pack(dict(reversed(bundle.files.items())))
