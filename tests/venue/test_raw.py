"""Exact bytes through a socket: sent as they are, answered like any other request."""

import gzip
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.errors import UserError
from fixtures.venue import Answer, AnswerClass, Unknown

ORDER = "0190b6f0-0000-7000-8000-000000000001"


def test_bytes_are_sent_as_they_are(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """An odd method, doubled headers and a NUL reach the target unchanged, and the answer is classed."""
    server = serve(reply(401, {"error": 401, "message": "no"}))
    data = b"PoSt /a/../b HTTP/1.1\r\nHost: x\r\nX-API-Key: one\r\nX-API-Key: two\0\r\nContent-Length: 0\r\n\r\n"
    answer = venue_at(server.base_url).send_raw(data, account="counterparty")
    assert server.requests == [data]
    assert isinstance(answer, Answer)
    assert answer.classes == {AnswerClass.UNAUTHENTICATED}
    assert answer.code == "401"
    assert (answer.exchange.method, answer.exchange.path) == ("PoSt", "/a/../b")
    assert answer.exchange.account == "counterparty"


def test_an_answer_given_before_the_request_was_read_is_taken(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A target that answers 431 and closes while a large header is still being sent has answered."""
    listener = socket.create_server(("127.0.0.1", 0))

    def act() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply(431, {}))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    venue = venue_at(f"http://127.0.0.1:{listener.getsockname()[1]}")
    request = venue.prepare("primary", "cancel", order_id=ORDER).wire("x")
    answer = venue.send_raw(request.replace(b"Accept:", b"X-Long: " + b"a" * 3_000_000 + b"\r\nAccept:"))
    thread.join(5)
    listener.close()
    assert isinstance(answer, Answer)
    assert answer.status == 431


def test_troubles_of_the_connection_are_lost_answers(serve: Callable[..., Any], venue_at: Callable[..., Any]) -> None:
    """A refused connection was not sent; one that closes, or answers garbage, or never, was."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refused = venue_at(f"http://127.0.0.1:{port}").send_raw(b"GET / HTTP/1.1\r\n\r\n")
    assert isinstance(refused, Unknown)
    assert not refused.sent
    for behaviour, reason in (
        (lambda connection: None, "closed"),
        (lambda connection: connection.sendall(b"nonsense\r\n\r\n"), "not HTTP"),
        (lambda connection: time.sleep(1), "time-out"),
    ):
        lost = venue_at(serve(behaviour).base_url).send_raw(b"GET / HTTP/1.1\r\n\r\n")
        assert isinstance(lost, Unknown)
        assert lost.sent
        assert reason in lost.reason


def test_the_answer_to_head_has_no_body(serve: Callable[..., Any], venue_at: Callable[..., Any]) -> None:
    """HEAD's Content-Length announces a body that does not come, and that is not waited for."""
    server = serve(lambda connection: connection.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 500\r\n\r\n"))
    answer = venue_at(server.base_url).send_raw(b"HEAD / HTTP/1.1\r\n\r\n")
    assert isinstance(answer, Answer)
    assert answer.status == 405


@pytest.fixture
def certificate(tmp_path: Path, private_key: RSAPrivateKey, pem: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 signed by itself, and its key, as files."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scripted")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(private_key, SHA256())
    )
    files = tmp_path / "server.pem", tmp_path / "server-key.pem"
    files[0].write_bytes(built.public_bytes(Encoding.PEM))
    files[1].write_text(pem)
    return files


def test_tls_is_checked_on_both_ways(
    serve: Callable[..., Any],
    venue_at: Callable[..., Any],
    reply: Callable[..., bytes],
    certificate: tuple[Path, Path],
) -> None:
    """With the profile's CA file both ways of sending work; without it neither sends anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = serve(reply(404, {}), context=context)
    target = {"name": "tls", "base_url": server.base_url, "tls": {"ca_file": str(certificate[0])}}
    trusting = venue_at(server.base_url, target=target)
    request = trusting.prepare("primary", "cancel", order_id=ORDER)
    assert trusting.send(request).status == 404
    assert trusting.send_raw(request.wire("127.0.0.1")).status == 404
    wary = venue_at(server.base_url)
    for lost in (wary.send(request), wary.send_raw(request.wire("127.0.0.1"))):
        assert isinstance(lost, Unknown)
        assert not lost.sent
        assert "certificate" in lost.reason.lower()
    assert len(server.requests) == 2


def test_a_wrong_certificate_file_is_named(venue_at: Callable[..., Any], tmp_path: Path) -> None:
    """A CA file that is missing or is no certificate is the user's mistake: file and key are named."""
    (tmp_path / "no.pem").write_text("hello")
    for name in ("absent.pem", "no.pem"):
        target = {"name": "tls", "base_url": "https://127.0.0.1:9", "tls": {"ca_file": str(tmp_path / name)}}
        with pytest.raises(UserError, match=rf"target\.tls\.ca_file: cannot use .*{name}"):
            venue_at("https://127.0.0.1:9", target=target)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
def test_an_answer_may_come_in_a_content_coding(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes], coding: str
) -> None:
    """A request that says nothing of codings may be answered in any (RFC 9110, 12.5.3), which is read all the same."""
    codings: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}
    head, _, body = reply(401, {"error": 401, "message": "no"}).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    coded = codings[coding](body)
    head = b"\r\n".join([*lines, b"Content-Encoding: " + coding.encode(), b"Content-Length: %d" % len(coded)])
    answer = venue_at(serve(head + b"\r\n\r\n" + coded).base_url).send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.code, answer.exchange.note) == ("401", None)


def test_an_answer_in_another_coding_than_it_says_is_noted(
    serve: Callable[..., Any], venue_at: Callable[..., Any], reply: Callable[..., bytes]
) -> None:
    """A body that is not encoded as its Content-Encoding says is an unexpected answer, and the evidence says why."""
    server = serve(reply(401, {"error": 401}, "Content-Encoding: gzip"))
    answer = venue_at(server.base_url).send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.classes == {AnswerClass.UNEXPECTED}
    assert "Content-Encoding" in (answer.exchange.note or "")
