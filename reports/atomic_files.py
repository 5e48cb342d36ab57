"""Writing files that are always whole: a reader, or a run that is interrupted, sees the old file or the new one."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

from conformance.errors import UserError


def write_bytes(path: Path, contents: bytes) -> None:
    """Put ``contents`` at ``path`` in one move, with the folders above it.

    Raises :class:`~conformance.errors.UserError` that names the path where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _unwritable(path, error) from error
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
        scratch.chmod(0o644)  # the scratch file is private; a report is for whoever may read its folder
        scratch.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()


def write_text(path: Path, text: str) -> None:
    """As :func:`write_bytes`, for text in UTF-8."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, data: object) -> None:
    """As :func:`write_text`, for JSON data; what JSON has no form for (amounts, paths) is written as text."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n")


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"Cannot write {path}: {error.strerror or error}.\n"
        "Choose another folder for the report with --out, or make room."
    )
