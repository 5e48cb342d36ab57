"""What answers give away: secrets and insides (SIG-11), and which orders there are, to anybody (SIG-10)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from conformance.plans import Forge
from conformance.runner.memory import whole_fingerprint
from fixtures.attacks.forge import ForgedRequest
from fixtures.attacks.vectors import Attack
from fixtures.venue.answers import Answer, Exchange, Unknown

if TYPE_CHECKING:
    from conformance.runner.context import RunningPlan

_CLUES: Final = (
    "Traceback", "Native Method", "Unknown Source", ".java:", ".kt:", ".cs:", ".js:", ".ts:", ".go:",
    ".rs:", ".rb:", ".php", ".py", ".cpp:", ".pem", ".key", "goroutine ", "panicked", "Stack trace",
    "stack backtrace", "-----BEGIN", "MII", "ssh-rsa", "select ", "SELECT ", "Select ", "insert ", "INSERT ",
    "update ", "UPDATE ", "delete ", "DELETE ", "SQL", "ORA-", "syntax error", "psycopg", "sqlalchemy",
    "hibernate", "PG::", "/srv/", "/home/", "/usr/", "/var/", "/etc/", "/opt/", "/app/", "/root/", "/proc/",
    "/mnt/", "\\/srv", "\\/home", "\\/usr", "\\/var", "\\/etc", "\\/opt", "\\/app", ":\\",
)  # fmt: skip
"""Texts of which each pattern below needs one: looking for them is quick, and few answers hold any."""

_PATTERNS: Final = tuple(
    (what, re.compile(pattern, re.MULTILINE))
    for what, pattern in (
        ("key material", r"-----BEGIN [A-Z0-9 ]*(?:KEY|CERTIFICATE)-----|\bssh-rsa AAAA|\bMI[IG][A-Za-z0-9+/]{60,}"),
        ("a stack trace", r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+"),
        ("a stack trace", r"(?:^|\")\s*at [\w.$<>]+\((?:[\w.$]+\.(?:java|kt):\d+|Native Method|Unknown Source)\)"),
        ("a stack trace", r"(?:^|\")\s*at .{1,200}? in .{1,200}?\.(?:cs|vb|fs):line \d+"),
        ("a stack trace", r"(?:^|\")\s*at .{0,200}?[(/ ][^\s()]+\.[cm]?[jt]s:\d+:\d+\)?"),
        ("a stack trace", r"goroutine \d+ \[[a-z ,\d]+\]:|^\s+\S+\.go:\d+ \+0x"),
        ("a stack trace", r"panicked at |^stack backtrace:|^\s+\d+: +0x[0-9a-f]{6,} - "),
        ("a stack trace", r"\b\S+\.rb:\d+:in [`']|Stack trace:\s+#0 |#\d+ \S+\.php\(\d+\)|\.php on line \d+"),
        ("a file path", r"(?<![\w.~/-])/(?:srv|home|usr|var|etc|opt|app|root|proc|mnt)/[\w.-]+(?:/[\w.-]+)*"),
        ("a file path", r"\b[A-Za-z]:\\{1,4}[\w .-]+\\{1,4}[\w .\\-]+"),
        ("a file path", r"\b[\w./-]+\.(?:py|java|go|rs|rb|php|cpp|cs):\d+\b|\b[\w-]+/[\w./-]+\.(?:pem|key)\b"),
        ("SQL", r"(?i)\bselect\b[^\"]{1,300}?\bfrom\b\s+[\w.\"`]+\s*(?:where\b|limit\b|order by\b|join\b|;|$)"),
        ("SQL", r"(?i)\binsert\s+into\s+[\w.\"`]+|\bupdate\s+[\w.\"`]+\s+set\s+\w+\s*="),
        ("SQL", r"(?i)\bdelete\s+from\s+[\w.\"`]+\s+where\b"),
        ("SQL", r"SQLSTATE\[?\w{5}|\bORA-\d{5}\b|syntax error at or near|You have an error in your SQL syntax"),
        ("SQL", r"\bpsycopg\d?\.\w+|\bsqlalchemy\.exc\.|\borg\.hibernate\.|\bSQLITE_[A-Z]+\b|\bPG::\w+Error"),
    )
)  # fmt: skip


def insides(exchange: Exchange) -> list[tuple[str, str]]:
    """What an answer shows of the target's insides, as (what it is, the text); what it only echoes is left out."""
    said = [exchange.response_body, *(value for _, value in exchange.response_headers)]
    found: list[tuple[str, str]] = []
    together = "\n".join(said)
    if not any(clue in together for clue in _CLUES):
        return found
    for text in said:
        if any(clue in text for clue in _CLUES):
            plain = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\/", "/").replace('\\"', '"')
            found += [(what, match[0]) for what, pattern in _PATTERNS for match in pattern.finditer(plain)]
    return [(what, text) for what, text in found if not _was_sent(text, exchange)] if found else found


def _was_sent(text: str, exchange: Exchange) -> bool:
    """Whether the request itself held the text: an answer that says what was asked gives nothing away."""
    sent = " ".join([exchange.path, exchange.request_body, *(value for _, value in exchange.request_headers)])
    return text in sent or text in unquote(sent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unauthenticated:
    """How one unauthenticated request about an order was answered, and how to ask the same again."""

    about: str
    fingerprint: str
    again: Callable[[], str | None]


def compare_unauthenticated(
    run: "RunningPlan", action: Forge, attack: Attack, forged: ForgedRequest, answer: Answer
) -> None:
    """SIG-10: who has no valid credentials gets the same answer for every order, whatever its state, and for none.

    An answer that varies by itself says nothing: both requests are sent again before any difference is one.
    """
    about, order_id = _target(run, action)

    def again() -> str | None:
        request, venue = forged.request, run.venue
        sent = (
            venue.send_raw(request.wire(venue.host), account=request.account, operation=request.operation)
            if forged.raw
            else venue.send(request, hostile=True)
        )
        run.took(sent, attack=attack, ids=("SIG-10",))
        return None if isinstance(sent, Unknown) else whole_fingerprint(sent, order_id)

    key = (action.operation, attack.name, action.account)
    mine = Unauthenticated(about=about, fingerprint=whole_fingerprint(answer, order_id), again=again)
    first = run.unauthenticated.setdefault(key, mine)
    if first is mine:
        return
    what = f"the answer to an unauthenticated {action.operation.replace('_', '-')} of {about} ({attack.note})"
    if first.fingerprint == mine.fingerprint:
        run.tracker.fits(what, f"the answer for {first.about}", "the same", ("SIG-10",))
    elif first.again() == first.fingerprint and mine.again() == mine.fingerprint:
        run.tracker.breaks(
            what,
            f"as for {first.about}: {first.fingerprint}",
            mine.fingerprint,
            ("SIG-10",),
            kind="an unauthenticated caller can tell orders apart",
        )
    else:
        run.result.notes["answers to unauthenticated requests vary by themselves"] += 1


def _target(run: "RunningPlan", action: Forge) -> tuple[str, str]:
    if action.order is None:
        return ("an unknown order" if action.order_id else "the account"), action.order_id or ""
    order = run.tracker.orders[action.order]
    status = order.last.status if order.last is not None else "unread"
    foreign = "" if order.terms.account == action.account else " of another account"
    return f"an order{foreign} ({status})", order.order_id
