"""A certify run that went well, as its reports show it, and bundles made of it: honest ones and altered ones."""

import json
import zipfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from conformance.requirements import Capability, catalogue
from conformance.runner.translation import venue_rules
from conformance.verdicts import Judgement, RunRecord, judgements
from conformance.version import VERSION
from fixtures.profiles import Profile, profile_from_data
from reports.attestation.archive import pack
from reports.attestation.canonical import canonical, sha256
from reports.attestation.claims import claim
from reports.attestation.envelope import seal
from reports.attestation.issuing import CERTIFICATE, FinishedRun, issue
from reports.attestation.keys import Signer, load_signer, load_verifier
from reports.attestation.statement import RECORD
from reports.attestation.verifying import Verified, verify
from reports.run_info import RunInfo
from reports.verdict_files import write_reports

ISSUED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class KeyFiles:
    """A key pair in two PEM files."""

    private: Path
    public: Path


@dataclass(kw_only=True)
class Bundle:
    """The files of a bundle, and ways to alter them with and without the signer's key."""

    files: dict[str, bytes]
    signer: Signer
    folder: Path
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.folder / "bundle.zip"

    def record(self, statement: dict[str, Any]) -> dict[str, Any]:
        """Our own record in a statement."""
        found: dict[str, Any] = statement["predicate"][RECORD]
        return found

    def result(self, statement: dict[str, Any], name: str) -> dict[str, Any]:
        """What a statement says of one requirement."""
        found: dict[str, Any] = next(each for each in self.record(statement)["requirements"] if each["id"] == name)
        return found

    def rewritten(self, name: str, change: Callable[[Any], object]) -> dict[str, bytes]:
        """The files of the bundle with one JSON file altered; the statement stays as it is."""
        data = json.loads(self.files[name])
        change(data)
        return {**self.files, name: canonical(data)}

    def write(self, files: Mapping[str, bytes] | None = None) -> Path:
        """Write these files (or all as they are) as a bundle."""
        self.path.write_bytes(pack(self.files if files is None else files))
        return self.path

    def statement(self) -> dict[str, Any]:
        """The statement in the envelope, as JSON data."""
        found: dict[str, Any] = json.loads(b64decode(self.envelope()["payload"]))
        return found

    def envelope(self) -> dict[str, Any]:
        """The envelope as JSON data."""
        found: dict[str, Any] = json.loads(self.files[CERTIFICATE])
        return found

    def signed_again(
        self, alter: Callable[[dict[str, Any]], object], *, files: Mapping[str, bytes] | None = None
    ) -> Path:
        """A bundle whose statement was altered by whoever has the key; digests of ``files`` are corrected."""
        changed, statement = {**self.files, **(files or {})}, deepcopy(self.statement())
        self.record(statement)["files"] = {
            name: sha256(content) for name, content in changed.items() if name != CERTIFICATE
        }
        alter(statement)
        return self.write({**changed, CERTIFICATE: seal(statement, self.signer)})


@pytest.fixture(scope="session")
def make_keys(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., KeyFiles]:
    """Makes a key pair: ``make_keys("ed25519")``, ``make_keys("rsa", bits=3072)``."""

    def make(kind: str, bits: int = 2048) -> KeyFiles:
        folder = tmp_path_factory.mktemp("keys")
        key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, bits)
        pair = KeyFiles(private=folder / "private.pem", public=folder / "public.pem")
        pair.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pair.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return pair

    return make


@pytest.fixture(scope="session")
def keys(make_keys: Callable[..., KeyFiles]) -> KeyFiles:
    """The signer's key pair of these tests (Ed25519)."""
    return make_keys("ed25519")


@pytest.fixture(scope="session")
def profile() -> Profile:
    """The embedded exchange's profile as a target file would give it."""
    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = {"private_key": {"inline": pem.decode()}}
    return profile_from_data(
        {
            "extends": "embedded",
            "target": {"base_url": "http://127.0.0.1:8080"},
            "accounts": {
                "primary": {"key_id": "key-of-primary", **account},
                "counterparty": {"key_id": "key-of-counterparty", **account},
            },
        }
    )


@pytest.fixture(scope="session")
def flawless() -> tuple[Judgement, ...]:
    """The judgements of a run in which every requirement was exercised and held."""
    record = RunRecord(exercised=Counter({entry.id: 7 for entry in catalogue().values() if entry.judged}))
    return judgements(record, missing={})


@pytest.fixture
def finished(profile: Profile, tmp_path: Path) -> Callable[..., FinishedRun]:
    """Writes the reports of a run: ``finished(judgements)``, with fields of its settings by name."""

    def finish(found: tuple[Judgement, ...], *, stopped: str | None = None, **settings: Any) -> FinishedRun:
        info = RunInfo(
            level="certify",
            seed=7,
            suite_version=VERSION,
            target="embedded exchange",
            host="127.0.0.1",
            environment="embedded",
            rules=venue_rules(profile),
            started="2026-03-01T10:00:00+00:00",
            seconds=600.0,
            profile=profile.without_secrets(),
        )
        info = replace(info, **settings)
        record = RunRecord(exercised=Counter({each.requirement.id: each.exercised for each in found}), stopped=stopped)
        for judgement in found:
            record.findings.update({finding.key: finding for finding in judgement.findings})
        directory = tmp_path / "report"
        write_reports(directory, record, found, info, 0)
        return FinishedRun(directory=directory, judgements=found, info=info, stopped=stopped)

    return finish


@pytest.fixture
def bundle(
    finished: Callable[..., FinishedRun], flawless: tuple[Judgement, ...], keys: KeyFiles, tmp_path: Path
) -> Bundle:
    """The bundle of a flawless run that claims every class, issued at noon of 1 March 2026 for a year."""
    run, signer = finished(flawless), load_signer(keys.private)
    content = issue(
        run, claim(frozenset(Capability)), target_version="4.2", signer=signer, issued=ISSUED, valid_days=365
    )
    return Bundle(files=files_in(content), signer=signer, folder=tmp_path)


def files_in(content: bytes) -> dict[str, bytes]:
    """The files of a bundle by name."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def check(keys: KeyFiles) -> Callable[..., Verified]:
    """Verifies a bundle with the signer's public key, on 1 June 2026 unless told otherwise."""

    def verified(path: Path, at: datetime = NOW) -> Verified:
        return verify(path, load_verifier(keys.public), at=at)

    return verified
