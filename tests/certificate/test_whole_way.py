"""A certificate from end to end: a real run, a real bundle, and a verifier that shares no code with this project."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from conformance.cli.certify import certify
from conformance.cli.verify import verify
from conformance.engine.levels import LEVELS, LevelName
from conformance.exit_status import ExitStatus
from conformance.requirements import Capability
from conformance.verdicts import Judgement
from fixtures.exchange import CancelMode, ExchangeProcess, ExchangeSettings
from reports.attestation.claims import claim
from reports.attestation.envelope import seal
from reports.attestation.issuing import FinishedRun, issue
from reports.attestation.keys import load_signer, load_verifier
from reports.attestation.verifying import verify as verify_bundle

if TYPE_CHECKING:
    from tests.certificate.conftest import Bundle, KeyFiles


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A target file for an embedded exchange that is running, as its vendor would write it."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "state"))
    settings = ExchangeSettings(cancel_mode=CancelMode.IMMEDIATE)
    with ExchangeProcess(settings) as exchange:
        lines = ['extends = "embedded"', "[target]", f'base_url = "{exchange.base_url}"']
        for name, account in exchange.accounts.items():
            (tmp_path / f"{name}.pem").write_bytes(account.private_pem)
            lines += [f"[accounts.{name}]", f'key_id = "{account.key_id}"', f'private_key = {{ file = "{name}.pem" }}']
        (tmp_path / "token").write_text(exchange.control_token)
        lines += ["[drivers.control]", 'headers = { X-Control-Token = "{token}" }', 'token = { file = "token" }']
        path = tmp_path / "target.toml"
        path.write_text("\n".join(lines))
        yield path


@pytest.mark.slow
def test_a_clean_exchange_is_certified(
    target: Path, keys: "KeyFiles", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of a few plans over HTTP ends in a bundle that holds, and says what was claimed of which target."""
    few = replace(LEVELS[LevelName.SMOKE], name=LevelName.CERTIFY, focused=2, explored=4)
    monkeypatch.setitem(LEVELS, LevelName.CERTIFY, few)
    bundle = tmp_path / "certificate.zip"
    status = certify(
        target=target,
        subject_version="2.0",
        sign_key=keys.private,
        classes="Funds",
        out=bundle,
        report=tmp_path / "report",
    )
    assert status is ExitStatus.CONFORMANT, capsys.readouterr().out
    assert verify(bundle, key=keys.public) is ExitStatus.CONFORMANT
    assert "Claimed       Funds: 7 of 7 MUST passed" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_others_can_verify_it(kind: str, bundle: "Bundle", make_keys: "Callable[..., KeyFiles]") -> None:
    """With the standards and a cryptographic library alone: PAE of DSSE, one signature, digests of every file."""
    pair = make_keys(kind)
    sealed = seal(bundle.statement(), load_signer(pair.private))
    path = bundle.write({**bundle.files, "certificate.json": sealed})
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    envelope = json.loads(files.pop("certificate.json"))
    payload, kind_of_payload = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind_of_payload), kind_of_payload, len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key = load_pem_public_key(pair.public.read_bytes())
    if isinstance(key, Ed25519PublicKey):
        key.verify(signature, signed)
    else:
        assert isinstance(key, RSAPublicKey)
        key.verify(signature, signed, PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH), SHA256())
    record = json.loads(payload)["predicate"]["urn:cancel-conformance:certificate:1"]
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == record["files"]


def test_a_clock_that_was_set_back_does_no_harm(
    finished: Callable[..., FinishedRun], flawless: tuple[Judgement, ...], keys: "KeyFiles", tmp_path: Path
) -> None:
    """A certificate is never issued before its run ended, and a run of less than a second ends when it began."""
    for seconds, hour in ((0.7, 10), (600.9, 9)):
        run = finished(flawless, seconds=seconds)
        issued = datetime(2026, 3, 1, hour, 0, 0, 999, tzinfo=UTC)
        content = issue(
            run,
            claim(frozenset(Capability)),
            target_version="1",
            signer=load_signer(keys.private),
            issued=issued,
            valid_days=1,
        )
        (tmp_path / "bundle.zip").write_bytes(content)
        record = verify_bundle(
            tmp_path / "bundle.zip", load_verifier(keys.public), at=datetime(2026, 3, 1, 12, tzinfo=UTC)
        ).statement.record
        assert record.issued == record.finished == record.started + timedelta(seconds=int(seconds))
