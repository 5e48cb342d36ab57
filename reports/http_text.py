"""An HTTP exchange as people read it: request and answer with their times, and a command that sends it again."""

import re
import shlex
from typing import Final

from fixtures.venue.answers import Exchange

_REDACTED: Final = re.compile(r"\[(key id|signature|credential)[^\]]*redacted\]")
_VARIABLES: Final = {"key id": "$KEY_ID", "signature": "$SIGNATURE", "credential": "$CREDENTIAL"}


def exchange_text(exchange: Exchange) -> str:
    """The request, the answer and the curl command; secrets were replaced before the exchange was kept."""
    lines = [
        f"# {exchange.account or 'no account'}: {exchange.operation or exchange.method}",
        f"# sent {exchange.began * 1000:.1f} ms after the plan began, answered after {exchange.seconds * 1000:.1f} ms",
        "",
        f"{exchange.method} {exchange.path}",
        f"Host: {exchange.url_host}",
        *(f"{name}: {value}" for name, value in exchange.request_headers),
        *(["", exchange.request_body] if exchange.request_body else []),
        "",
    ]
    if exchange.status is None:
        lines.append("(no answer)")
    else:
        lines.append(f"HTTP {exchange.status}")
        lines += [f"{name}: {value}" for name, value in exchange.response_headers]
        lines += ["", exchange.response_body] if exchange.response_body else []
    if exchange.note:
        lines += ["", f"# {exchange.note}"]
    if exchange.leaked:
        lines += ["", f"# this answer gave away: {', '.join(exchange.leaked)}"]
    return "\n".join([*lines, "", curl(exchange)])


def curl(exchange: Exchange) -> str:
    """A command that sends the request again, once its variables hold a key id and a fresh signature."""
    words = ["curl", "-i", "-X", shlex.quote(exchange.method), "--path-as-is", shlex.quote(url(exchange))]
    for name, value in exchange.request_headers:
        if name.lower() in ("host", "content-length", "connection", "accept-encoding"):
            continue
        words += ["-H", _header(name, value)]
    if exchange.request_body:
        words += ["--data-binary", shlex.quote(exchange.request_body)]
    return " ".join(words)


def url(exchange: Exchange) -> str:
    """The address that the request went to; a host without a scheme is shown with http only where it is loopback."""
    host = exchange.url_host
    if "://" in host:
        return host.rstrip("/") + exchange.path
    plain = host.split(":")[0] in ("127.0.0.1", "localhost", "[")
    return f"{'http' if plain else 'https'}://{host}{exchange.path}"


def _header(name: str, value: str) -> str:
    """A header as one shell word; what was redacted becomes a variable, so its word is in double quotes."""
    if not _REDACTED.search(value):
        return shlex.quote(f"{name}: {value}")
    parts = _REDACTED.split(value)
    # split gives text, kind, text, kind, ...: the kinds are the odd ones
    shown = "".join(_VARIABLES[part] if position % 2 else _literal(part) for position, part in enumerate(parts))
    return f'"{_literal(name)}: {shown}"'


def _literal(text: str) -> str:
    """Text inside double quotes of a shell, taken as it is."""
    return re.sub(r'([\\"$`])', r"\\\1", text)
