"""What tells one request of a history from another, in a form that another run with other keys gives too."""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from fixtures.venue.redaction import spellings
from fixtures.venue.request import PreparedRequest
from fixtures.venue.transport import Received

LONGEST: Final = 240
TIME: Final = "<time>"
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{7,}")
_CHANGING: Final = (
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d(?::|%3A)\d\d(?::|%3A)\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", re.I), TIME),
    (re.compile(r"\b1[5-9]\d{8}(?:\d{3}|\d{6}|\.\d+)?\b"), TIME),
    (re.compile(r"[A-Za-z0-9+/_=%-]{80,}"), "<long>"),
    (re.compile(r"\b[0-9a-fA-F]{16,}\b"), "<hex>"),
)
_SHORTEST: Final = 8
_PIECE: Final = 24
_FOLDERS: Final = (str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix)
_MARK = re.compile(r"\{\{(\w+:[^{}:]*):(\d+):(\d+):(\d+)\}\}")


def words_of(body: bytes) -> frozenset[str]:
    """The words of an answer that may be ids."""
    return frozenset(_WORD.findall(body.decode("utf-8", "replace")))


def asked(way: str, request: PreparedRequest, known: frozenset[str]) -> str:
    """The request without what another run has otherwise: signatures, times, ids that are not among the ``known``."""
    text = f"{request.target} {request.body.decode('latin-1')}".rstrip()
    for pattern, mark in _CHANGING:
        text = pattern.sub(lambda found, mark=mark: found[0] if found[0] in known and mark != TIME else mark, text)  # type: ignore[misc]  # the default binds the loop's value
    if len(text) > LONGEST:
        text = f"{text[:80]}... [{hashlib.sha256(text.encode()).hexdigest()[:16]}]"
    return f"{way} {request.account} {request.operation} {request.method} {text}"


def secrets_of(request: PreparedRequest, secrets: Mapping[str, str]) -> dict[str, str]:
    """What must not be stored of an answer to this request, by name: what accounts and headers hold."""
    carried = {f"header:{name.lower()}": value for name, value in request.headers if len(value) >= _SHORTEST}
    return {**secrets, **{name: value for name, value in carried.items() if not name.endswith(_PLAIN)}}


_PLAIN: Final = (":accept", ":content-type", ":content-length", ":user-agent", ":connection")


def without_secrets(received: Received, secrets: Mapping[str, str]) -> Received:
    """The answer with marks for secrets, whole ones and pieces of them, and without paths of this machine."""
    return _altered(received, lambda text: _marked(_moved(text), secrets))


def with_secrets(received: Received, secrets: Mapping[str, str]) -> Received:
    """The answer with other secrets in the place of the marks."""

    def filled(found: re.Match[str]) -> str:
        value = spellings(secrets.get(found[1], ""))
        spelled = value[min(int(found[2]), len(value) - 1)]
        return spelled[int(found[3]) : int(found[4])]

    return _altered(received, lambda text: _MARK.sub(filled, text) if "{{" in text else text)


def _altered(received: Received, alter: Callable[[str], str]) -> Received:
    try:
        body = alter(received.body.decode()).encode()
    except UnicodeDecodeError:
        body = received.body
    return Received(
        status=received.status,
        headers=tuple((name, alter(value)) for name, value in received.headers),
        body=body,
        note=received.note,
        cut=received.cut,
    )


def _moved(text: str) -> str:
    # a folder that the suite itself does not take for a path of the inside: the verdict must stay what it was
    for number, folder in enumerate(_FOLDERS):
        text = text.replace(folder, f"/exchange-{number}")
    return text


def _marked(text: str, secrets: Mapping[str, str]) -> str:
    for name, value in secrets.items():
        for number, spelled in enumerate(spellings(value)):
            text = text.replace(spelled, f"{{{{{name}:{number}:0:{10**6}}}}}")
    for name, value in secrets.items():
        for number, spelled in enumerate(spellings(value)):
            text = _pieces_marked(text, name, number, spelled)
    return text


def _pieces_marked(text: str, name: str, number: int, value: str) -> str:
    start = 0
    while start + _PIECE <= len(value):
        if value[start : start + _PIECE] not in text:
            start += 1
            continue
        end = start + _PIECE
        while end < len(value) and value[start : end + 1] in text:
            end += 1
        text = text.replace(value[start:end], f"{{{{{name}:{number}:{start}:{end}}}}}")
        start = end
    return text
