"""One JSON text for one value, its SHA-256, and a reader that takes nothing ambiguous: what digests are made over."""

import hashlib
import json
from typing import Any


class AmbiguousJsonError(ValueError):
    """A JSON text that two readers may understand differently, or that is no JSON at all."""


def canonical(data: object) -> bytes:
    """The one JSON text of ``data``: sorted keys, no blanks, UTF-8. Raises ``ValueError`` for NaN and infinities."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def digest(data: object) -> str:
    """The SHA-256 of the canonical JSON of ``data``."""
    return sha256(canonical(data))


def strict_json(content: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises `AmbiguousJsonError` for doubled keys, NaN, other encodings."""
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as problem:
        raise AmbiguousJsonError("it is not UTF-8") from problem
    except RecursionError as problem:
        raise AmbiguousJsonError("it is nested too deeply") from problem
    except json.JSONDecodeError as problem:
        raise AmbiguousJsonError(f"it is not JSON: {problem}") from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise AmbiguousJsonError(f"the key {key!r} stands in it twice")
        found[key] = value
    return found


def _no_constant(word: str) -> float:
    raise AmbiguousJsonError(f"{word} is not JSON")
