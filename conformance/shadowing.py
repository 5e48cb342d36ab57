"""The generic names of our packages: our own are imported, or the user is told which file is in the way.

A folder with a ``fixtures/`` of its own must be a fine place to work in, so the working directory is taken off the
import path, here and for every process started from here. What another installed package shadows or overwrites cannot
be put right here: the message names the file.
"""

import base64
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

from conformance.exit_status import ExitStatus

DISTRIBUTION: Final = "cancel-conformance"
PACKAGES: Final = ("conformance", "strategies", "fixtures", "reports")
HOME: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command line; returns its exit status. Where a package of ours is shadowed, says so and returns 2."""
    leave_working_directory_out()
    complaint = shadowed()
    if complaint:
        sys.stderr.write(f"{complaint}\n")
        return ExitStatus.USAGE
    from conformance.cli import main as command_line

    return command_line()


def leave_working_directory_out() -> None:
    """Take the working directory off the import path, unless our packages stand in it; child processes inherit this."""
    here = Path.cwd().resolve()
    if here == HOME:
        return
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    os.environ["PYTHONSAFEPATH"] = "1"
    searched = os.environ.get("PYTHONPATH")
    if searched is not None:
        kept = [entry for entry in searched.split(os.pathsep) if Path(entry or ".").resolve() != here]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def shadowed() -> str | None:
    """Return a message for the user where Python would import another package for one of ours, else ``None``."""
    for name in PACKAGES:
        origin, expected = _origin(name), HOME / name / "__init__.py"
        if origin != expected:
            found = f"Python finds {origin}" if origin else "Python finds none"
            return (
                f"{DISTRIBUTION} cannot start: its package '{name}' is shadowed or missing.\n"
                f"For 'import {name}' {found}; expected {expected}.\n"
                f"{_REMEDY}\nOr take the folder that holds the other '{name}' off PYTHONPATH."
            )
    for name in _overwritten():
        return (
            f"{DISTRIBUTION} cannot start: {HOME / name} is not the file that {DISTRIBUTION} installed.\n"
            "Expected the package of this distribution; found a file that another distribution, or an edit, has put in "
            f"its place.\n{_REMEDY}"
        )
    return None


_REMEDY: Final = (
    f"What to do: install {DISTRIBUTION} in a virtual environment of its own "
    f"(python -m venv .venv && .venv/bin/pip install {DISTRIBUTION})."
)


def _origin(name: str) -> Path | None:
    """The file that ``import name`` runs; ``None`` for no such package, and for a folder without ``__init__.py``."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve() if spec is not None and spec.origin is not None else None


def _overwritten() -> list[str]:
    """The ``__init__.py`` files of ours whose contents are not those that the installer recorded."""
    try:
        installed = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return []  # run from a source tree: nothing was recorded
    starts = {f"{name}/__init__.py" for name in PACKAGES}
    wrong = []
    for file in installed.files or ():
        path = Path(str(file.locate())).resolve()
        if str(file) in starts and file.hash is not None and file.hash.mode == "sha256" and path.is_relative_to(HOME):
            contents = hashlib.sha256(path.read_bytes()).digest()
            if base64.urlsafe_b64encode(contents).rstrip(b"=").decode() != file.hash.value:
                wrong.append(str(file))
    return wrong
