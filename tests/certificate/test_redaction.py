"""Nothing that a run leaves behind holds a secret: every byte of every artefact is searched, in every disguise."""

import base64
import contextlib
import gzip
import html
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import fixtures.embedded
from conformance.application.run import Options, RunOutcome, perform
from conformance.plans import Plan
from conformance.trace import PlanResult, Step, Violation
from conformance.verdicts import Finding, Judgement, RunRecord, judgements
from fixtures.exchange import ExchangeProcess, ExchangeSettings
from fixtures.venue import Venue
from fixtures.venue.signing import Signer
from reports.atomic_files import write_text
from reports.attestation.claims import claim
from reports.attestation.issuing import FinishedRun, issue
from reports.attestation.keys import load_signer
from reports.page import render_page
from reports.verdict_files import write_reports

if TYPE_CHECKING:
    from tests.certificate.conftest import KeyFiles

WINDOW = 16
"""Bytes in a row that may not be a secret's: whole secrets and fragments of them are found alike."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,}={0,2}")


@dataclass
class Secrets:
    """Secret values, indexed by every window of every plain form that they may take."""

    names: dict[bytes, str] = field(default_factory=dict)

    def add(self, name: str, value: bytes) -> None:
        """A secret in raw bytes; its hex forms are looked for too (base64 is decoded where it is met)."""
        for form in (value, value.hex().encode(), value.hex().upper().encode()):
            for place in range(len(form) - WINDOW + 1):
                self.names[form[place : place + WINDOW]] = name

    def add_key(self, name: str, pem: bytes) -> None:
        """The private parts of an RSA key, as bytes and as decimal numbers."""
        key = load_pem_private_key(pem, None)
        assert isinstance(key, RSAPrivateKey)
        numbers = key.private_numbers()
        for part in ("p", "q", "d", "dmp1", "dmq1", "iqmp"):
            number: int = getattr(numbers, part)
            self.add(f"{part} of {name}", number.to_bytes((number.bit_length() + 7) // 8, "big"))
            self.add(f"{part} of {name}", str(number).encode())

    def found_in(self, content: bytes) -> set[str]:
        """The names of the secrets of which a fragment stands in these bytes or in what they decode to."""
        windows = self.names
        return {
            windows[view[place : place + WINDOW]]
            for view in views(content)
            for place in range(len(view) - WINDOW + 1)
            if view[place : place + WINDOW] in windows
        }


def views(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes themselves, and everything that they are an archive, an escaped form or an encoding of."""
    yield content
    if depth == 0:
        return
    for inner in {*_unpacked(content), *_unescaped(content), *_decoded(content)} - {content}:
        yield from views(inner, depth - 1)


def _unpacked(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"PK\x03\x04"):
        # another view of an archive, such as its text, may begin like one and be none
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    with contextlib.suppress(OSError, EOFError, zlib.error):
        yield gzip.decompress(content)
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(content)


def _unescaped(content: bytes) -> Iterator[bytes]:
    text = content.decode("utf-8", "replace")
    if "&" in text:
        yield html.unescape(text).encode()
    if "%" in text:
        yield urllib.parse.unquote_to_bytes(content)
    if "\\" in text:
        with contextlib.suppress(ValueError):
            yield "\n".join(_strings(json.loads(text))).encode("utf-8", "surrogatepass")


def _strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def _decoded(content: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(content):
        run = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):  # a run may begin with a letter of an escape, such as the n of \n
            piece = run[start:]
            with contextlib.suppress(ValueError):
                yield base64.b64decode(piece[: len(piece) - (len(piece) % 4 == 1)] + b"=" * (-len(piece) % 4))


SAMPLE = bytes(range(100, 180))
DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda value: b"before" + value + b"after",
    "a fragment": lambda value: b"before" + value[31 : 31 + WINDOW] + b"after",
    "hex": lambda value: value.hex().encode(),
    "HEX": lambda value: value.hex().upper().encode(),
    "base64": lambda value: b'"' + base64.b64encode(value) + b'"',
    "base64 in lines of JSON": lambda value: json.dumps(base64.encodebytes(value).decode()).encode(),
    "url-safe base64": lambda value: base64.urlsafe_b64encode(value).rstrip(b"="),
    "base64 in base64": lambda value: base64.b64encode(b"xy" + base64.b64encode(value)),
    "base64 amid letters": lambda value: b"abc" + base64.b64encode(value),
    "percent-encoded": lambda value: urllib.parse.quote_from_bytes(value).encode(),
    "escaped JSON": lambda value: json.dumps({"a": [{"b": value.decode("latin-1")}]}).encode(),
    "HTML": lambda value: b"<p>&#x%s;</p>" % b";&#x".join(b"%x" % byte for byte in value),
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zip": lambda value: zipped({"inner.txt": value}),
    "zip in base64": lambda value: base64.b64encode(zipped({"inner.txt": value})),
}


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive that compresses."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_search_finds_what_is_hidden(disguise: str) -> None:
    """A secret is found as it is and in every disguise that an artefact may give it; other bytes are not."""
    secrets = Secrets()
    secrets.add("the sample", SAMPLE if disguise not in ("escaped JSON", "HTML") else SAMPLE.decode("latin-1").encode())
    assert secrets.found_in(DISGUISES[disguise](SAMPLE)) == {"the sample"}
    assert secrets.found_in(DISGUISES[disguise](bytes(reversed(SAMPLE)))) == set()


@dataclass(kw_only=True)
class Remains:
    """What runs left in a folder, and the secrets of the exchanges that they were about."""

    folder: Path
    secrets: Secrets
    signatures: int = 0

    def learn(self, exchange: ExchangeProcess) -> None:
        """Remember every secret of an exchange."""
        self.secrets.add("the control token", exchange.control_token.encode())
        credentials = [key for account in exchange.accounts.values() for key in account.keys]
        for credential in (*credentials, exchange.revoked, exchange.stranger):
            self.secrets.add(f"the key id {credential.key_id[:8]}…", credential.key_id.encode())
            self.secrets.add_key("a private key", credential.private_pem)

    def signed(self, signature: bytes) -> bytes:
        """Remember a signature that was made."""
        self.signatures += 1
        self.secrets.add("a signature", signature)
        self.secrets.add("a signature", base64.b64encode(signature))
        return signature


@pytest.fixture(scope="module")
def remains(tmp_path_factory: pytest.TempPathFactory, keys: "KeyFiles", flawless: tuple[Judgement, ...]) -> Remains:
    """A run with violations against an exchange that shows the credentials it was sent, and all that comes of it."""
    left = Remains(folder=tmp_path_factory.mktemp("remains"), secrets=Secrets())
    start, raw = fixtures.embedded.embedded_target, Signer._raw

    @contextlib.contextmanager
    def watched(*given: Any, **named: Any) -> Iterator[Any]:
        with start(*given, **named) as (profile, exchange):
            left.learn(exchange)
            yield profile, exchange

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixtures.embedded, "embedded_target", watched)
        patch.setattr(Signer, "_raw", lambda signer, payload: left.signed(raw(signer, payload)))
        outcome = faulty_run(left.folder)
        refused_with_credentials(left.folder / "echo", outcome)
    write_text(left.folder / "page.html", render_page(left.folder))
    run = FinishedRun(directory=left.folder, judgements=flawless, info=replace(outcome.info, level="certify"))
    bundle = issue(
        run,
        claim(outcome.profile.capabilities(), ["Core"]),
        target_version="1",
        signer=load_signer(keys.private),
        issued=datetime(2026, 3, 1, tzinfo=UTC),
        valid_days=1,
    )
    (left.folder / "certificate.zip").write_bytes(bundle)
    return left


def faulty_run(folder: Path) -> RunOutcome:
    """A run of the command line's own engine that finds violations; what it prints is kept as an artefact too."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        outcome = perform(
            Options(
                level="smoke",
                only="CXL-01,SIG",
                out=folder,
                cancel_mode="immediate",
                faults=("cancel-has-no-effect", "echoes-the-credentials"),
            )
        )
    (folder / "terminal.txt").write_text(printed.getvalue(), encoding="utf-8")
    return outcome


def refused_with_credentials(folder: Path, outcome: RunOutcome) -> None:
    """The reports of a correctly signed request under a wrong key id, whose refusal shows the signature again."""
    settings = ExchangeSettings(faults=("echoes-the-credentials",))
    with fixtures.embedded.embedded_target(settings) as (profile, _exchange), Venue(profile) as venue:
        request = venue.prepare("primary", "cancel", order_id="01960000-0000-7000-8000-000000000000")
        key_header = profile.authentication.key_header
        headers = tuple((name, "unknown-key" if name == key_header else value) for name, value in request.headers)
        answer = venue.send(replace(request, headers=headers), hostile=True)
    assert answer.exchange is not None
    assert answer.exchange.leaked == ("signature",)
    step = Step(index=0, action={"do": "begin"}, at=0.0, exchanges=[answer.exchange])
    violation = Violation(
        requirements=("SIG-11",), kind="echo", step=0, what="a refusal", predicted="no secret", seen="one", because=()
    )
    result = PlanResult(plan=Plan(title="echo", actions=()), steps=[step])
    finding = Finding(violation=violation, result=result)
    record = RunRecord(findings={finding.key: finding})
    write_reports(folder, record, judgements(record, missing={}), outcome.info, 1)
    write_text(folder / "page.html", render_page(folder))


def artefacts(folder: Path) -> Iterable[Path]:
    """Every file below a folder."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_artefact_holds_a_secret(remains: Remains) -> None:
    """Key ids, private keys, control token and signatures stand in no file, in no archive and under no encoding."""
    found = {
        str(path.relative_to(remains.folder)): sorted(names)
        for path in artefacts(remains.folder)
        if (names := remains.secrets.found_in(path.read_bytes()))
    }
    assert found == {}


def test_the_search_covers_what_a_run_leaves(remains: Remains) -> None:
    """The artefacts hold evidence with exchanges, every report, the terminal's text and the bundle."""
    names = {path.relative_to(remains.folder).as_posix() for path in artefacts(remains.folder)}
    assert names >= {
        "verdicts.json", "coverage.json", "latency.json", "summary.md", "junit.xml", "terminal.txt", "certificate.zip",
        "page.html", "allure-results/environment.properties",
        "evidence/CXL-01-1.json", "echo/evidence/SIG-11-1.json",
    }  # fmt: skip
    for folder in ("allure-results/", "echo/allure-results/"):
        assert any(name.startswith(folder) and name.endswith(".svg") for name in names)
    assert "[signature, redacted]" in (remains.folder / "echo/evidence/SIG-11-1.json").read_text(encoding="utf-8")
    assert remains.signatures > 20


def test_a_planted_secret_would_be_found(remains: Remains, tmp_path: Path) -> None:
    """Put into a copy of an artefact, a secret of this very run is found."""
    window, name = next(iter(remains.secrets.names.items()))
    evidence = json.loads((remains.folder / "evidence/CXL-01-1.json").read_text(encoding="utf-8"))
    evidence["what"] += window.decode("latin-1") + " again"
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps(evidence), encoding="utf-8")
    assert name in remains.secrets.found_in(planted.read_bytes())
