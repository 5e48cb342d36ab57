"""Ways to alter a bundle without the signer's key: each is refused for its reason."""

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
from reports.attestation.canonical import canonical
from reports.attestation.envelope import seal
from reports.attestation.issuing import CERTIFICATE
from reports.attestation.keys import load_signer
from reports.attestation.refusal import Refused
from reports.attestation.verifying import Verified

if TYPE_CHECKING:
    from tests.certificate.conftest import Bundle, KeyFiles

Alteration = Callable[["Bundle"], Path]


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
