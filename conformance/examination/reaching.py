"""Can the target be reached, is its certificate good, does its clock agree, does it know the keys?"""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from conformance.examination.checks import Check, Examined, expect_class, failed, ok, said, skipped, warning
from conformance.examination.proving import cause_of_refusal, lacking_words
from conformance.requirements import Capability
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass, Unknown
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import tls_context

FEW_DAYS = 14.0


def reach(profile: Profile) -> Iterator[Check]:
    """Connect, and look at the certificate where there is one."""
    through = profile.target.proxy
    url = urlsplit(through or profile.target.base_url or "")
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    began = time.monotonic()
    try:
        connection = socket.create_connection((host, port), timeout=profile.target.timeouts.connect)
    except OSError as problem:
        yield failed(
            "reach", f"no connection to {host}:{port}: {problem}. Is target.base_url right, and does it listen?"
        )
        return
    with connection:
        took = (time.monotonic() - began) * 1000
        yield ok("reach", f"{host}:{port} took the connection in {took:.0f} ms" + (" (the proxy)" if through else ""))
        if through is not None or url.scheme != "https":
            return
        yield _certificate(profile, connection, host)


def _certificate(profile: Profile, connection: socket.socket, host: str) -> Check:
    try:
        with tls_context(profile).wrap_socket(connection, server_hostname=host) as secured:
            certificate = secured.getpeercert() or {}
            version = secured.version()
    except ssl.SSLCertVerificationError as problem:
        return failed(
            "tls",
            f"the certificate of {host} is not trusted: {problem.verify_message}. If the target has a certificate "
            f"authority of its own, name its file",
            "[target.tls]",
            'ca_file = "ca.pem"',
        )
    except (OSError, ssl.SSLError) as problem:
        return failed("tls", f"no TLS with {host}: {problem}")
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"])) if "notAfter" in certificate else None
    days = None if ends is None else (ends - time.time()) / 86_400
    if days is not None and days < FEW_DAYS:
        return warning("tls", f"{version}; the certificate ends in {days:.0f} days")
    return ok("tls", f"{version}" + ("" if days is None else f"; the certificate is good for {days:.0f} days"))


def keys(examined: Examined) -> Iterator[Check]:
    """One correct request of each account, then one whose key proves nothing."""
    venue = examined.venue
    asks_funds = Capability.BALANCES in venue.capabilities
    if not asks_funds and Capability.LIST not in venue.capabilities:
        yield skipped("keys", "the profile has neither balances nor list: the first order will show whether keys work")
        return
    for position, role in enumerate(venue.accounts):
        sent = time.time()
        answer = venue.balances(role).answer if asks_funds else venue.orders(role).answer
        received = time.time()
        examined.saw(f"{'balances' if asks_funds else 'list'} of {role}", answer)
        if isinstance(answer, Answer) and answer.is_(AnswerClass.ACCEPTED):
            yield ok("keys", f"{role} is known")
            if position == 0:
                yield _clock(examined, answer, sent, received)
            continue
        examined.usable = False
        yield _refused(examined, role, answer, sent, received)
    yield from _words(examined)
    if examined.usable:
        yield _without_proof(examined, "balances" if asks_funds else "list")


def _words(examined: Examined) -> Iterator[Check]:
    lacking = lacking_words(examined.profile)
    if lacking:
        yield failed(
            "words",
            f"what is signed holds {{word}}, and authentication.words has none for {', '.join(lacking)}",
            "[authentication.words]",
            *(f'{name} = "…"' for name in lacking),
        )


def _refused(examined: Examined, role: str, answer: Answer | Unknown, sent: float, received: float) -> Check:
    name = examined.venue.account_keys[role].name
    if isinstance(answer, Answer) and answer.is_(AnswerClass.UNAUTHENTICATED):
        signs = examined.profile.authentication.signs
        cause = cause_of_refusal(examined.venue, role, _skew(examined, answer, sent, received))
        if cause is not None:
            return failed("keys", f"accounts.{name} is refused: {cause.what}. {said(answer)}", *cause.lines)
        hint = (
            f"accounts.{name}.key_id and its {_kept_as(examined)} (are they of this venue, and of one key?), "
            "authentication.payload and body_form"
            if signs
            else "the token and authentication.key_value"
        )
        return failed("keys", f"accounts.{name} is refused; look at {hint}. {said(answer)}")
    if isinstance(answer, Answer) and answer.status < 300:
        return failed("keys", f"accounts.{name}: expected answers.accepted, found {said(answer)}")
    return failed("keys", f"accounts.{name}: expected answers.accepted, found {said(answer)}")


def _kept_as(examined: Examined) -> str:
    return "secret" if examined.profile.authentication.kind.key == "secret" else "private_key"


def _skew(examined: Examined, answer: Answer, sent: float, received: float) -> float | None:
    """How far the target's clock is ahead, in seconds: by its own operation, or by the Date header."""
    if examined.profile.operations.time is not None:
        asked = time.time()
        _, theirs = examined.venue.server_time()
        return None if theirs is None else theirs - (asked + time.time()) / 2
    text = next((value for name, value in answer.exchange.response_headers if name.lower() == "date"), "")
    try:
        return parsedate_to_datetime(text).timestamp() + 0.5 - (sent + received) / 2
    except (ValueError, TypeError):
        return None


def _clock(examined: Examined, answer: Answer, sent: float, received: float) -> Check:
    """The Date header (RFC 9110, 6.6.1: whole seconds) against the clock here."""
    if examined.profile.operations.time is not None:
        return _own_clock(examined)
    text = next((value for name, value in answer.exchange.response_headers if name.lower() == "date"), None)
    try:
        theirs = parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError):
        return skipped("clock", "the target's answers have no Date header")
    # Servers write the header anew once a second at the most, so it may be a second old besides.
    early, late = theirs - received, theirs + 2 - sent
    tolerance = examined.profile.timing.clock_tolerance
    if early <= tolerance and late >= -tolerance:
        return ok("clock", f"agrees within a second and the tolerance of {tolerance:g} s")
    off = early if early > 0 else late
    return failed(
        "clock",
        f"the target's clock is about {off:+.1f} s away, timing.clock_tolerance is {tolerance:g} s",
        "[timing]",
        f"clock_tolerance = {abs(off) + 1:.0f}.0",
    )


def _own_clock(examined: Examined) -> Check:
    """The target's own clock (operations.time) against the clock here."""
    asked = time.time()
    answer, theirs = examined.venue.server_time()
    if theirs is None:
        return failed("clock", f"operations.time: no time was found in its answer. {said(answer)}", "[operations.time]")
    off, tolerance = theirs - (asked + time.time()) / 2, examined.profile.timing.clock_tolerance
    if abs(off) <= tolerance:
        return ok("clock", f"the target's is {off:+.2f} s away, within the tolerance of {tolerance:g} s")
    line = f"clock_tolerance = {abs(off) + 1:.0f}.0"
    return failed("clock", f"the target's clock is {off:+.1f} s away, tolerance {tolerance:g} s", "[timing]", line)


def _without_proof(examined: Examined, operation: str) -> Check:
    request = examined.venue.prepare("primary", operation, market=examined.market)
    answer = examined.venue.send(_spoiled(examined, request), hostile=True)
    kind = "a signature that is wrong" if examined.profile.authentication.signs else "a token that is wrong"
    return expect_class(examined, "keys", answer, AnswerClass.UNAUTHENTICATED, kind)


def _spoiled(examined: Examined, request: PreparedRequest) -> PreparedRequest:
    """The request with the end of its signature altered, or of its token, wherever that stands."""
    authentication = examined.profile.authentication
    header = authentication.signature_header or authentication.key_header
    value = request.header(header) if header else None
    if value is None:  # it is the last of the parameters, in the query or in the body
        end = b'"}' if request.body.endswith(b'"}') else b""
        body = request.body[: len(request.body) - len(end)]
        if body:
            return replace(request, body=body[:-8] + _other(body[-8:].decode("latin-1")).encode() + end)
        return replace(request, target=request.target[:-8] + _other(request.target[-8:]))
    spoiled = value[:-8] + _other(value[-8:])
    return replace(request, headers=tuple((name, spoiled if name == header else one) for name, one in request.headers))


def _other(text: str) -> str:
    return "AAAAAAAA" if text != "AAAAAAAA" else "BBBBBBBB"
