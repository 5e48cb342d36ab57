"""What answers give away of a target's insides (SIG-11)."""

import re
from typing import Final
from urllib.parse import unquote

from fixtures.venue.answers import Exchange

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
