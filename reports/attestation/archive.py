"""The bundle's file: a plain zip archive with one layout, so that the same contents are always the same bytes.

Files are stored, not compressed, in the order of their names, without dates of their own. A reader can therefore ask
that an archive is byte for byte what this module would write: there is no room between or around its files in which
anything could hide, and nothing to unpack that is larger than the archive.
"""

import stat
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

from conformance.errors import UserError
from reports.attestation.refusal import Refused

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of an archive beyond which it is not read."""
MOST_FILES: Final = 5_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = (stat.S_IFREG | 0o644) << 16


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of some files by name. Raises ``ValueError`` for a name that a bundle may not hold."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            flaw = flaw_of(name)
            if flaw is not None:
                raise ValueError(f"{name!r} is no name for a file of a bundle: it {flaw}")
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # whatever machine packs it: the same bytes
            entry.external_attr = _MODE
            archive.writestr(entry, files[name])
    return target.getvalue()


def unpack(path: Path) -> dict[str, bytes]:
    """The files of an archive by name.

    Raises ``UserError`` where it cannot be read or is no zip archive at all, and `Refused` for one that `pack` would
    not have written: doubled, absolute or climbing names, links, compression, encryption, anything between its files.
    """
    content = _content(path)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, RuntimeError, OSError) as problem:
        raise Refused(f"the archive is damaged: {problem}") from problem
    if pack(files) != content:
        raise Refused(
            "the archive is not laid out as this program writes it: it was packed again, or something was added "
            "before, between or after its files"
        )
    return files


def flaw_of(name: str) -> str | None:
    """Why a bundle may not hold a file of this name; ``None`` where it may."""
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in name:
        return "is absolute, or of another system"
    if ".." in parts:
        return "climbs out of its folder"
    if not all(parts) or "." in parts:
        return "is a folder, or has an empty part"
    if not name.isascii() or not name.isprintable():
        return "is not printable ASCII"
    return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as problem:
        raise UserError(
            f"{path}: cannot read the bundle: {problem.strerror or problem}. Correct the path."
        ) from problem
    if len(content) > LARGEST:
        raise Refused(f"the archive is larger than {LARGEST // 1024**2} MiB")
    if not zipfile.is_zipfile(BytesIO(content)):
        raise UserError(f"{path}: expected a bundle that 'cancel-conformance certify' wrote, found no zip archive.")
    return content


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES:
        raise Refused(f"the archive: expected at most {MOST_FILES} files, found {len(entries)}")
    seen: set[str] = set()
    for entry in entries:
        flaw = flaw_of(entry.orig_filename)
        if flaw is not None:
            raise Refused(f"the archive: the name {entry.orig_filename!r} {flaw}")
        if entry.filename.casefold() in seen:
            raise Refused(f"the archive: {entry.filename} is in it twice")
        seen.add(entry.filename.casefold())
        if entry.flag_bits & 1:
            raise Refused(f"the archive: {entry.filename} is encrypted")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise Refused(
                f"the archive: {entry.filename} is compressed ({entry.compress_size} bytes for {entry.file_size}); "
                "a bundle's files are stored as they are"
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise Refused(f"the archive: {entry.filename} is a link or a device, not a file")
