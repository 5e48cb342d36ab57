"""The commands ``certify`` and ``verify``: what they print, how they end, what they say of wrong input."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import conformance.application.run as application
from conformance.cli.certify import certify
from conformance.cli.verify import moment_of, verify
from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.verdicts import Judgement, RunRecord, Verdict
from reports.attestation.issuing import FinishedRun
from reports.attestation.keys import PASSWORD_VARIABLE, load_signer, load_verifier

if TYPE_CHECKING:
    from tests.certificate.conftest import Bundle, KeyFiles

TARGET = """
extends = "embedded"
[target]
base_url = "http://127.0.0.1:8080"
[accounts.primary]
key_id = "key-of-primary"
private_key = { file = "nowhere.pem" }
[accounts.counterparty]
key_id = "key-of-counterparty"
private_key = { file = "nowhere.pem" }
"""


@dataclass(kw_only=True)
class Stage:
    """A folder with a target file, and the run that is played when ``certify`` asks for one."""

    folder: Path
    keys: "KeyFiles"
    asked: list[Any]

    def certify(self, **options: Any) -> ExitStatus:
        """Run the command with sensible options."""
        given: dict[str, Any] = {
            "target": self.folder / "target.toml",
            "subject_version": "4.2",
            "sign_key": self.keys.private,
            "classes": "Core,Bulk",
            "out": self.folder / "certificate.zip",
            "report": self.folder / "report",
        }
        return certify(**{**given, **options})


@pytest.fixture
def stage(
    tmp_path: Path,
    keys: "KeyFiles",
    monkeypatch: pytest.MonkeyPatch,
    finished: Callable[..., FinishedRun],
    flawless: tuple[Judgement, ...],
) -> Callable[..., Stage]:
    """Sets the stage for a run with these judgements (flawless ones if none are given)."""

    def setting(found: tuple[Judgement, ...] = flawless) -> Stage:
        (tmp_path / "target.toml").write_text(TARGET)
        stage = Stage(folder=tmp_path, keys=keys, asked=[])

        def perform(options: application.Options) -> application.RunOutcome:
            stage.asked.append(options)
            run = finished(found)
            return application.RunOutcome(
                status=ExitStatus.CONFORMANT,
                judgements=found,
                record=RunRecord(),
                info=run.info,
                profile=None,  # type: ignore[arg-type]  # the command has a profile of its own and reads none here
            )

        monkeypatch.setattr(application, "perform", perform)
        return stage

    return setting


def test_a_certificate_is_written_and_verified(stage: Callable[..., Stage], capsys: pytest.CaptureFixture[str]) -> None:
    """A run that earns it leaves a bundle that ``verify`` accepts and puts into plain words."""
    ready = stage()
    assert ready.certify() is ExitStatus.CONFORMANT
    assert "CERTIFIED  embedded exchange, version 4.2: Core, Bulk." in capsys.readouterr().out
    assert verify(ready.folder / "certificate.zip", key=ready.keys.public) is ExitStatus.CONFORMANT
    said = capsys.readouterr().out
    for line in (
        "Target        embedded exchange, version 4.2 (embedded)",
        "              http://127.0.0.1:8080",
        "Judged        2026-03-01 10:00 UTC to 2026-03-01 10:10 UTC",
        "Claimed       Core: ",
        "Not claimed   Async: not claimed",
        "Relaxations   none",
    ):
        assert line in said
    assert "of level" not in said
    (options,) = ready.asked
    assert options.level == "certify"
    assert set(options.only.split(",")) >= {"CXL-01", "ALL-06"}
    assert "FND-01" not in options.only


@pytest.mark.parametrize(
    ("verdict", "status", "word"),
    [
        (Verdict.FAIL, ExitStatus.NONCONFORMANT, "not held"),
        (Verdict.NOT_EXERCISED, ExitStatus.INCONCLUSIVE, "not judged"),
    ],
)
def test_no_certificate_is_written_where_none_is_earned(
    verdict: Verdict,
    status: ExitStatus,
    word: str,
    stage: Callable[..., Stage],
    flawless: tuple[Judgement, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command says which requirement is in the way, ends with 1 or 3, and leaves no bundle."""
    spoiled = tuple(
        replace(each, verdict=verdict, exercised=0, reason="never seen") if each.requirement.id == "CXL-02" else each
        for each in flawless
    )
    ready = stage(spoiled)
    assert ready.certify() is status
    said = capsys.readouterr().out
    assert "NO CERTIFICATE" in said
    assert f"{word}  CXL-02 (Core): {verdict}" in said
    assert not (ready.folder / "certificate.zip").exists()


def test_the_default_claim_names_what_is_left_out(
    stage: Callable[..., Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without ``--classes`` Core is always claimed; what the profile cannot show of it is said before the run."""
    ready = stage()
    (ready.folder / "target.toml").write_text(TARGET + "[drivers]\nhold_market = false\n")
    with pytest.raises(UserError, match=r"TRM-03 \(Core\) needs hold-market"):
        ready.certify(classes=None)
    assert ready.asked == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"subject_version": " "}, "--subject-version: expected"),
        ({"subject_version": "1\x1b[2J"}, "--subject-version: expected"),
        ({"classes": "Speed"}, "--classes: expected some of"),
        ({"out": Path("/nowhere/at/all.zip")}, "does not exist"),
        ({"out": Path()}, "found the folder"),
        ({"sign_key": Path("/nowhere/key.pem")}, "cannot read the signing key"),
        ({"target": Path("/nowhere/target.toml")}, "target.toml"),
    ],
)
def test_wrong_input_is_said_before_the_run(options: dict[str, Any], reason: str, stage: Callable[..., Stage]) -> None:
    """What the user can put right is found before anything is sent to the target."""
    ready = stage()
    with pytest.raises(UserError, match=reason):
        ready.certify(**options)
    assert ready.asked == []


def test_a_refusal_gives_its_reason_and_status(
    bundle: "Bundle", keys: "KeyFiles", capsys: pytest.CaptureFixture[str]
) -> None:
    """``verify`` prints why a bundle is refused, without control characters of its author, and ends with 1."""
    path = bundle.signed_again(lambda it: it["subject"][0].update(name="good\x1b[2J\nVERIFIED"))
    assert verify(path, key=keys.public, at="2026-06-01") is ExitStatus.NONCONFORMANT
    said = capsys.readouterr().out
    assert said.startswith("REFUSED")
    assert "subject.name" in said
    assert "\x1b[2J" not in said
    assert "\nVERIFIED" not in said


def test_warnings_and_gaps_are_in_the_words(
    stage: Callable[..., Stage], flawless: tuple[Judgement, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A SHOULD that failed and one that was not exercised are both told to the reader of a certificate."""
    changes = {"TRM-06": (Verdict.FAIL, 5, ""), "NTF-05": (Verdict.NOT_EXERCISED, 0, "ids are opaque")}
    found = tuple(
        replace(each, verdict=changes[name][0], exercised=changes[name][1], reason=changes[name][2])
        if (name := each.requirement.id) in changes
        else each
        for each in flawless
    )
    ready = stage(found)
    assert ready.certify() is ExitStatus.CONFORMANT
    assert verify(ready.folder / "certificate.zip", key=ready.keys.public) is ExitStatus.CONFORMANT
    said = capsys.readouterr().out
    assert "Warnings      TRM-06 (SHOULD): FAIL" in said
    assert "Not exercised NTF-05 (SHOULD): NOT EXERCISED: ids are opaque" in said


@pytest.mark.parametrize(("kind", "scheme"), [("rsa", "rsassa-pss-sha256"), ("ed25519", "ed25519")])
def test_both_kinds_of_key_sign(
    kind: str, scheme: str, make_keys: "Callable[..., KeyFiles]", stage: Callable[..., Stage]
) -> None:
    """RSA signs with PSS over SHA-256, Ed25519 as it is; the public key alone verifies either."""
    pair, ready = make_keys(kind), stage()
    assert load_verifier(pair.public).scheme == scheme
    assert ready.certify(sign_key=pair.private) is ExitStatus.CONFORMANT
    assert verify(ready.folder / "certificate.zip", key=pair.public) is ExitStatus.CONFORMANT
    assert verify(ready.folder / "certificate.zip", key=ready.keys.public) is ExitStatus.NONCONFORMANT


def test_an_encrypted_key_needs_its_password(keys: "KeyFiles", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password comes from the environment; without it, or with a wrong one, the message says so."""
    key = load_pem_private_key(keys.private.read_bytes(), None)
    path = tmp_path / "encrypted.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")))
    with pytest.raises(UserError, match=f"Set {PASSWORD_VARIABLE}"):
        load_signer(path)
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(UserError, match=f"{PASSWORD_VARIABLE} is wrong"):
        load_signer(path)
    monkeypatch.setenv(PASSWORD_VARIABLE, "open sesame")
    assert load_signer(path).public_key.keyid == load_verifier(keys.public).keyid


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """Private and public half as PEM."""
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def test_other_keys_are_refused(tmp_path: Path, keys: "KeyFiles") -> None:
    """Keys of another kind, too short, damaged, or of the wrong half are named with their file."""
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
    cases = {
        "another kind": pem_of(ec.generate_private_key(ec.SECP256R1())),
        "at least 2048 bits, found 1024": pem_of(small),
        "not a readable": tuple(
            b"-----BEGIN %s KEY-----\nAAAA\n-----END %s KEY-----\n" % (kind, kind) for kind in (b"PRIVATE", b"PUBLIC")
        ),
        "found (no such block|a public key|a private one)": (keys.public.read_bytes(), keys.private.read_bytes()),
        "more than 65536 bytes": (b"x" * 70_000, b"x" * 70_000),
    }
    for reason, (private, public) in cases.items():
        (tmp_path / "private.pem").write_bytes(private)
        (tmp_path / "public.pem").write_bytes(public)
        with pytest.raises(UserError, match=reason):
            load_signer(tmp_path / "private.pem")
        with pytest.raises(UserError, match=reason):
            load_verifier(tmp_path / "public.pem")


def test_what_is_no_bundle_is_a_mistake_of_the_user(tmp_path: Path, keys: "KeyFiles") -> None:
    """A missing file and one that is no archive end with 2, since nothing is said about a certificate."""
    with pytest.raises(UserError, match="cannot read the bundle"):
        verify(tmp_path / "none.zip", key=keys.public)
    (tmp_path / "text.zip").write_text("not a bundle")
    with pytest.raises(UserError, match="found no zip archive"):
        verify(tmp_path / "text.zip", key=keys.public)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-03-31", datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)),
        ("2027-03-31T12:00:00", datetime(2027, 3, 31, 12, tzinfo=UTC)),
        ("2027-03-31T12:00:00+02:00", datetime(2027, 3, 31, 10, tzinfo=UTC)),
    ],
)
def test_moments_are_days_or_times(text: str, moment: datetime) -> None:
    """A day stands for its end in UTC; a time without an offset is UTC."""
    assert moment_of(text) == moment


def test_a_wrong_moment_is_a_mistake_of_the_user() -> None:
    """What is neither a day nor a time is named with an example."""
    with pytest.raises(UserError, match=r"--at: expected a day such as .* found 'tomorrow'"):
        moment_of("tomorrow")


def test_the_envelope_is_dsse_around_an_in_toto_statement(bundle: "Bundle") -> None:
    """Other tools can read it: DSSE fields, in-toto Statement v1, Test Result v0.1, our fields under one URI."""
    assert bundle.envelope().keys() == {"payload", "payloadType", "signatures"}
    statement = bundle.statement()
    predicate = statement["predicate"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert predicate["result"] == "PASSED"
    assert "CXL-01" in predicate["passedTests"]
    assert [each["name"] for each in predicate["configuration"]] == [
        "profile.json", "requirement catalogue", "cancel-conformance", "settings",
    ]  # fmt: skip
    extensions = predicate.keys() - {"result", "configuration", "url", "passedTests", "warnedTests", "failedTests"}
    assert extensions == {"urn:cancel-conformance:certificate:1"}
    assert json.loads(bundle.files["profile.json"])["target"]["name"] == statement["subject"][0]["name"]


def test_the_commands_fit_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are commands whose options the command line can show."""
    app = typer.Typer()
    app.command("certify")(certify)
    app.command("verify")(verify)
    with pytest.raises(SystemExit) as end:
        app(["certify", "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    for option in ("--target", "--subject-version", "--sign-key", "--classes", "--valid-days", "--out"):
        assert option in said
