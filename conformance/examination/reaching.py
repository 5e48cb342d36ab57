"""Can the target be reached, is its certificate good, does its clock agree, does it know the keys?"""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from conformance.examination.checks import Check, Examined, expect_class, failed, ok, said, skipped, warning
from conformance.requirements import Capability
from fixtures.profiles.profile import Profile
from fixtures.venue.answers import Answer, AnswerClass, Unknown
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
        yield _refused(examined, role, answer)
    if examined.usable:
        yield _without_proof(examined, "balances" if asks_funds else "list")


def _refused(examined: Examined, role: str, answer: Answer | Unknown) -> Check:
    name = examined.venue.account_keys[role].name
    if isinstance(answer, Answer) and answer.is_(AnswerClass.UNAUTHENTICATED):
        signs = examined.profile.authentication.signs
        hint = (
            "authentication.payload, body_form and the key's file"
            if signs
            else "the token and authentication.key_value"
        )
        return failed("keys", f"accounts.{name} is refused; look at {hint}. {said(answer)}")
    if isinstance(answer, Answer) and answer.status < 300:
        return failed("keys", f"accounts.{name}: expected answers.accepted, found {said(answer)}")
    return failed("keys", f"accounts.{name}: expected answers.accepted, found {said(answer)}")


def _clock(examined: Examined, answer: Answer, sent: float, received: float) -> Check:
    """The Date header (RFC 9110, 6.6.1: whole seconds) against the clock here."""
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


def _without_proof(examined: Examined, operation: str) -> Check:
    request = examined.venue.prepare("primary", operation, market=examined.market)
    header = examined.profile.authentication.signature_header or examined.profile.authentication.key_header
    value = request.header(header) or ""
    spoiled = value[:-8] + ("AAAAAAAA" if not value.endswith("AAAAAAAA") else "BBBBBBBB")
    altered = tuple((name, spoiled if name == header else given) for name, given in request.headers)
    answer = examined.venue.send(replace(request, headers=altered), hostile=True)
    kind = "a signature that is wrong" if examined.profile.authentication.signs else "a token that is wrong"
    return expect_class(examined, "keys", answer, AnswerClass.UNAUTHENTICATED, kind)
