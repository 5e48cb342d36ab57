"""The console script: finds our own `conformance`, or tells the user which file is in the way.

The build installs this file as ``cancel_conformance_start``, a name that nothing else uses, so that it runs even where
`conformance` is shadowed. It imports nothing of the project before it has looked; `conformance.shadowing` then looks
after the other packages.
"""

import importlib.util
import sys
from pathlib import Path


def main() -> int:
    """Run the command line; returns its exit status. Where `conformance` is not ours, says so and returns 2 (usage)."""
    here = Path.cwd()
    if not (here / "conformance" / "shadowing.py").is_file():
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    spec = importlib.util.find_spec("conformance")
    origin = Path(spec.origin) if spec is not None and spec.origin is not None else None
    if origin is None or not origin.with_name("shadowing.py").is_file():
        found = f"Python finds {origin}" if origin else "Python finds none"
        sys.stderr.write(
            "cancel-conformance cannot start: its package 'conformance' is shadowed or missing.\n"
            f"For 'import conformance' {found}; expected the one of cancel-conformance.\n"
            "What to do: install cancel-conformance in a virtual environment of its own, or take the folder that holds "
            "the other 'conformance' off PYTHONPATH.\n"
        )
        return 2
    from conformance.shadowing import main as checked

    return checked()
